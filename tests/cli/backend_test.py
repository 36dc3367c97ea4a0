#!/usr/bin/python3
"""Where no GPU can be seen: --backend cuda ends with exit code 4 and the reason, auto computes on the CPU and says so once."""
import pathlib, sys, tempfile, time, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

PIPELINE = """
name: backend
stages:
  - stage: simulate
    params: {scan: {frame_count: 9}, detector: {frame_size: 32}}
  - stage: ptycho_dm
    params: {iterations: 3, initial_probe: {gaussian: {fwhm_m: 1.0e-7}}PARAMETERS}
"""
GPU_CODE = next(pathlib.Path(pf.PROGRAM).resolve().parents[1].glob("lib*/libptychoflow-cuda.so"), None)


class WithoutAGpu(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def run_on(self, backend, parameters="", **how):
        return pf.run(PIPELINE.replace("PARAMETERS", parameters), self.folder.name, check=False, options=["--backend", backend],
                      environment={"CUDA_VISIBLE_DEVICES": ""}, **how)

    def test_cuda_ends_with_4_and_a_way_out(self):
        done = self.run_on("cuda")
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertIn("--backend cpu", done.stdout)

    def test_cuda_ends_all_ranks_within_seconds(self):
        start = time.monotonic()
        done = self.run_on("cuda", ranks=2)
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertIn("--backend cpu", done.stdout)
        self.assertLess(time.monotonic() - start, 30)

    def test_auto_computes_on_the_cpu_and_says_so_once(self):
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                done = self.run_on("auto", ranks=ranks)
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertEqual(done.stdout.count("computing on the CPU"), 1 if GPU_CODE else 0, done.stdout)

    def test_cpu_does_not_ask(self):
        done = self.run_on("cpu")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("GPU", done.stdout)

    def test_misspelt_choices_are_refused(self):
        for parameters, says in ((", reduction: ncll", "reduction"), (", device: -1", "device"), (", reproducable: true", "reproducible")):
            with self.subTest(parameters):
                done = self.run_on("cpu", parameters)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(says, done.stdout)


class Reproducible(unittest.TestCase):
    def test_two_runs_on_the_cpu_give_the_same_bits(self):
        save = "\n  - stage: save\n    params: {file: FILE, pictures: false}\n"
        with tempfile.TemporaryDirectory() as folder:
            results = []
            for name in ("a.h5", "b.h5"):
                file = str(pathlib.Path(folder) / name)
                pipeline = PIPELINE.replace("PARAMETERS", "").rstrip() + save.replace("FILE", file)
                pf.run(pipeline, folder, options=["--threads", "2", "--backend", "cpu"])
                results.append(pf.result(file))
            self.assertEqual(results[0][0].tobytes(), results[1][0].tobytes())
            self.assertEqual(results[0][1].tobytes(), results[1][1].tobytes())


if __name__ == "__main__":
    pf.main()
