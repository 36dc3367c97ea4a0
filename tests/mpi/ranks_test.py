#!/usr/bin/python3
"""One scan on 1 to 4 ranks and 1 or 2 threads gives one answer, but for the order in which numbers are added up."""
import pathlib, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

PIPELINE = """
name: ranks
stages:
  - stage: simulate
    params:
      probe: {{mode_powers: [0.8, 0.2]}}
      scan: {{frame_count: 41}}
      detector: {{frame_size: 64, photons: 1.0e+6}}
  - stage: ptycho_dm
    params: {{iterations: 20, probe_modes: 2, precision: {precision}, initial_probe: {{from_data: {{defocus_m: 8.0e-5}}}}}}
  - stage: save
    params: {{file: "{file}", pictures: false}}
"""

# Twenty iterations deep, rounding differences stay below these.
TOLERANCE = {"single": 1e-4, "double": 1e-10}


class Ranks(unittest.TestCase):
    def agree(self, precision):
        with tempfile.TemporaryDirectory() as folder:
            results = {}
            for ranks, threads in [(1, 1), (1, 2), (2, 1), (3, 1), (4, 1), (2, 2)]:
                file = f"{folder}/{precision}_{ranks}_{threads}.h5"
                pf.run(PIPELINE.format(precision=precision, file=file), folder, ranks=ranks,
                       options=["--threads", str(threads)])
                results[ranks, threads] = pf.result(file)
            expected = results.pop((1, 1))
            for how, (obj, probe, history) in results.items():
                with self.subTest(ranks_and_threads=how):
                    self.assertLess(pf.difference(obj, expected[0]), TOLERANCE[precision])
                    self.assertLess(pf.difference(probe, expected[1]), TOLERANCE[precision])
                    for name in ("object_change", "probe_change", "exit_wave_change", "fourier_error"):
                        self.assertLess(pf.difference(history[name], expected[2][name]), TOLERANCE[precision], name)

    def test_single(self):
        self.agree("single")

    def test_double(self):
        self.agree("double")


if __name__ == "__main__":
    pf.main()
