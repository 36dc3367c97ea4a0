#!/usr/bin/python3
"""The Python package: arrays in, arrays out, as the program has them from files; errors, progress, threads and ranks.

    package_test.py PROGRAM FOLDER      FOLDER: what holds the package's `_core`"""
import gc, importlib.util, os, pathlib, signal, subprocess, sys, tempfile, threading, unittest

import h5py, numpy as np

PACKAGE = pathlib.Path(sys.argv[2]).parent
SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support/ptychoflow.py"
spec = importlib.util.spec_from_file_location("support", SUPPORT)  # it has the package's name
pf = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pf)
sys.path.insert(0, str(PACKAGE))
import ptychoflow

SETTINGS = {"iterations": 12, "probe_modes": 2}
PIPELINE = """
name: reconstruct
variables: {input: null, iterations: 12}
stages:
  - stage: load
    params: {file: "${input}"}
  - stage: ptycho_dm
    params: {iterations: "${iterations}", probe_modes: 2, initial_probe: {aperture: {diameter_m: 5.0e-7}}}
  - stage: save
    params: {file: result.h5, pictures: false, overwrite: true}
"""
APERTURE = {"aperture": {"diameter_m": 5e-7}}

ON_RANKS = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, ptychoflow
scan = dict(np.load(sys.argv[2]))
result = ptychoflow.reconstruct(scan.pop("frames"), scan.pop("positions_m"), **{k: v.tolist() for k, v in scan.items()},
                                iterations=12, probe_modes=2, initial_probe={"aperture": {"diameter_m": 5e-7}})
print(result)
if result.object is not None:
    np.savez(sys.argv[3], object=result.object, probe=result.probe)
"""


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = pathlib.Path(cls.folder.name)
        pf.run(pf.SMALL_SCAN, cls.at)
        with h5py.File(cls.at / "scan.cxi") as f:
            e = f["entry_1"]
            detector = e["instrument_1/detector_1"]
            cls.frames = detector["data"][()]
            cls.positions = e["sample_1/geometry_1/translation"][()][:, 1::-1]
            cls.scan = {"distance_m": detector["distance"][()], "detector_pixel_m": [detector["y_pixel_size"][()], detector["x_pixel_size"][()]],
                        "energy_ev": e["instrument_1/source_1/energy"][()] / 1.602176634e-19}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def reconstruct(self, frames=None, **more):
        return ptychoflow.reconstruct(self.frames if frames is None else frames, self.positions,
                                      **(self.scan | {"initial_probe": APERTURE, **SETTINGS, **more}))

    def test_gives_what_the_program_gives(self):
        report = self.run_file()
        self.assertEqual(report["stages"]["ptycho_dm"]["iterations"], 12)
        object_, probe, history = pf.result(self.at / "result.h5")
        found = self.reconstruct()
        self.assertEqual(found.object.shape, object_.shape)
        self.assertLess(pf.difference(found.object, object_), 1e-4)
        self.assertLess(pf.difference(found.probe, probe), 1e-4)
        np.testing.assert_allclose(found.history["fourier_error"], history["fourier_error"], rtol=1e-4)
        self.assertEqual(found.window_px.shape, (40, 2))
        self.assertAlmostEqual(found.occupancy.sum(), 1)
        probe, object_ = found
        self.assertIs(probe, found.probe)
        self.assertIs(object_, found.object)

    def run_file(self, **more):
        (self.at / "pipeline.yaml").write_text(PIPELINE.replace("result.h5", str(self.at / "result.h5")))
        return ptychoflow.run(self.at / "pipeline.yaml", input=self.at / "scan.cxi", quiet=True, **more)

    def test_takes_frames_as_they_lie(self):
        expected = self.reconstruct(threads=1)
        file = self.at / "frames.raw"
        self.frames.tofile(file)
        mapped = np.memmap(file, self.frames.dtype, "r", shape=self.frames.shape)  # a write would end the program
        np.testing.assert_array_equal(self.reconstruct(mapped, threads=1).object, expected.object)
        for kind in ("uint32", "int32", "float32", "float64"):
            with self.subTest(kind):
                self.assertLess(pf.difference(self.reconstruct(self.frames.astype(kind), threads=1).object, expected.object), 1e-6)
        backwards = np.asfortranarray(self.frames)
        np.testing.assert_array_equal(self.reconstruct(backwards, threads=1).object, expected.object)

    def test_masks_and_starts_from_a_probe(self):
        first = self.reconstruct()
        again = self.reconstruct(probe=first.probe, initial_probe="from_scan", mode_start="file", iterations=1)
        self.assertLess(again.r_factor, self.reconstruct(iterations=1).r_factor)
        spoilt = self.frames.copy()
        spoilt[:, 3:9, 30:34] = 60000
        mask = np.zeros(self.frames.shape[1:], bool)
        mask[3:9, 30:34] = True
        masked = self.reconstruct(self.frames, mask=mask)
        np.testing.assert_array_equal(self.reconstruct(spoilt, mask=mask).object, masked.object)
        self.assertGreater(pf.difference(self.reconstruct(spoilt).object, masked.object), 0.5)

    def test_results_outlive_the_run(self):
        found = self.reconstruct()
        kept = found.object.copy()
        view = found.object
        del found
        self.reconstruct(iterations=2)
        gc.collect()
        np.testing.assert_array_equal(view, kept)

    def test_reports_progress_and_ends_when_told(self):
        seen = []
        def progress(stage, done, total, text):
            seen.append((stage, done, total, text))
            return done < 5
        found = self.reconstruct(progress=progress)
        self.assertEqual([s[:3] for s in seen if s[0] == "ptycho_dm"], [("ptycho_dm", i, 12) for i in range(1, 6)])
        self.assertIn("R", seen[-1][3])
        self.assertEqual(len(found.history["seconds"]), 5)
        self.assertEqual(len(self.reconstruct().history["seconds"]), 12, "the wish to stop is forgotten")

    def test_raises_what_the_callback_raises(self):
        def fails(*_):
            raise KeyError("mine")
        with self.assertRaisesRegex(KeyError, "mine"):
            self.reconstruct(progress=fails)
        with self.assertRaises(KeyboardInterrupt):
            self.reconstruct(iterations=10000, progress=lambda *_: os.kill(os.getpid(), signal.SIGINT))

    def test_lets_other_threads_go_on(self):
        ticks, done = [0], threading.Event()
        def tick():
            while not done.wait(0.001):
                ticks[0] += 1
        thread = threading.Thread(target=tick)
        thread.start()
        at_first, before_last = [], []
        def progress(stage, n, total, text):
            (at_first if not at_first else before_last).append(ticks[0])
        try:
            self.reconstruct(iterations=100, progress=progress)
        finally:
            done.set()
            thread.join()
        self.assertGreater(before_last[-1] - at_first[0], 5)

    def test_refuses_what_is_wrong(self):
        cases = {
            "did you mean 'iterations'": dict(iteratons=3),
            "frames must be .frame..y..x.": dict(frames=self.frames[0]),
            "frames of complex64": dict(frames=self.frames.astype("c8")),
            "the mask's shape": dict(mask=np.zeros((3, 3))),
            "the probe's shape": dict(probe=np.ones((64, 63))),
            "either energy_ev or wavelength_m": dict(wavelength_m=1e-10),
            "distance_m is -1": dict(distance_m=-1),
            "backend 'gpu' is unknown": dict(backend="gpu"),
            "must be what YAML can say": dict(seed=object()),
        }
        for message, change in cases.items():
            with self.subTest(message), self.assertRaisesRegex(ptychoflow.UsageError, message):
                self.reconstruct(**change)
        with self.assertRaisesRegex(ptychoflow.UsageError, "positions_m must be"):
            ptychoflow.reconstruct(self.frames, self.positions[:5], **self.scan)
        lost = self.positions.copy()
        lost[7] = np.nan
        with self.assertRaisesRegex(ptychoflow.DataError, "frame 7"):
            ptychoflow.reconstruct(self.frames, lost, **self.scan)
        with self.assertRaisesRegex(ptychoflow.DataError, "no light|zero"):
            self.reconstruct(np.zeros_like(self.frames))
        with self.assertRaisesRegex(ptychoflow.UsageError, "there is no such file"):
            ptychoflow.run(self.at / "missing.yaml")
        with self.assertRaisesRegex(ptychoflow.UsageError, "pipeline.yaml: .*did you mean 'iterations'"):
            self.run_file(iteration=3)
        with self.assertRaisesRegex(ptychoflow.Error, "scan.txt"):
            (self.at / "scan.txt").write_text("no scan")
            ptychoflow.run(self.at / "pipeline.yaml", input=self.at / "scan.txt", quiet=True)

    def test_checks_a_pipeline(self):
        self.run_file()
        streams = ptychoflow.check(self.at / "pipeline.yaml", input=self.at / "scan.cxi")
        self.assertEqual([64, 64], streams[0]["tensors"]["frames"]["shape"][1:])
        self.assertIn("object", streams[1]["tensors"])

    def test_ranks_share_the_frames(self):
        np.savez(self.at / "scan.npz", frames=self.frames, positions_m=self.positions, **self.scan)
        script = self.at / "on_ranks.py"
        script.write_text(ON_RANKS)
        done = subprocess.run(["mpirun", "--oversubscribe", "-n", "2", sys.executable, script, PACKAGE, self.at / "scan.npz", self.at / "out.npz"],
                              env=os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"},
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("object on rank 0", done.stdout)
        together, alone = np.load(self.at / "out.npz"), self.reconstruct()
        self.assertLess(pf.difference(together["object"], alone.object), 1e-4)
        self.assertLess(pf.difference(together["probe"], alone.probe), 1e-4)


if __name__ == "__main__":
    pf.main()
