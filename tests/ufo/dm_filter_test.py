#!/usr/bin/python3
"""The filter ptychoflow-dm in UFO's own launcher, among UFO's own filters.

    dm_filter_test.py PROGRAM FOLDER      FOLDER: what holds the filter"""
import json, os, pathlib, subprocess, sys, tempfile, unittest

import h5py, numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

UFO = os.environ | {"UFO_PLUGIN_PATH": sys.argv[2], "UFO_DEVICE_TYPE": "cpu"}
GEOMETRY = {"positions": "positions.txt", "distance_m": 0.5, "detector_pixel_m": 5.5e-5, "energy_ev": 12000}  # of SMALL_SCAN
SETTINGS = {"iterations": 12, "probe-modes": 2, "initial-probe": "'{aperture: {diameter_m: 5.0e-7}}'", "quiet": "true"}
PIPELINE = """
name: reconstruct
stages:
  - stage: load
    params: {file: scan.cxi}
  - stage: ptycho_dm
    params: {iterations: 12, probe_modes: 2, initial_probe: {aperture: {diameter_m: 5.0e-7}}}
  - stage: save
    params: {file: result.h5, pictures: false}
"""
LEFT_OUT = {"carry_probe", "checkpoint", "half_scans"}


class Filter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.keep.name)
        pf.run(pf.SMALL_SCAN, cls.folder)
        pf.run(PIPELINE, cls.folder)
        with h5py.File(cls.folder / "scan.cxi") as f:
            cls.frames = f["entry_1/instrument_1/detector_1/data"][()]
            positions = f["entry_1/sample_1/geometry_1/translation"][()]
        np.savetxt(cls.folder / "positions.txt", positions[:, :2], fmt="%.17g")
        with h5py.File(cls.folder / "scans.h5", "w") as f:
            f["one"], f["two"], f["positions"] = cls.frames, np.concatenate([cls.frames, cls.frames + 1]), positions
            f["two_and_a_half"] = np.concatenate([cls.frames, cls.frames, cls.frames[:20]])
            f["dark"] = np.zeros_like(cls.frames)
        cls.object, cls.probe, _ = pf.result(cls.folder / "result.h5")

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    def launch(self, after, frames="one", **properties):
        words = [f"{name}={value}" for name, value in (GEOMETRY | SETTINGS | properties).items() if value is not None]
        return subprocess.run(["ufo-launch", "read", f"path=scans.h5:/{frames}", "!", "ptychoflow-dm", *words, *after], env=UFO,
                              cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)

    def output(self, *filters, **more):
        """What comes out, as UFO's `write` writes it: float32, a scan after the other."""
        (self.folder / "out.h5").unlink(missing_ok=True)
        done = self.launch(["!", *filters, "write", "filename=out.h5:/data"], **more)
        self.assertEqual(done.returncode, 0, done.stdout)
        with h5py.File(self.folder / "out.h5") as f:
            return f["data"][()]

    def complex_output(self, **more):
        pairs = self.output(**more)
        return pairs[..., 0::2] + 1j * pairs[..., 1::2]

    def test_gives_what_the_program_gives(self):
        self.assertLess(pf.difference(self.complex_output(output="object"), self.object), 1e-4)
        probe = self.complex_output(output="probe")
        self.assertEqual(probe.shape, (2, 64, 64))
        self.assertLess(pf.difference(probe, self.probe), 1e-4)
        amplitude = self.output(output="object-amplitude")
        np.testing.assert_allclose(amplitude, np.abs(self.object), atol=1e-3 * np.abs(self.object).max())
        rotor = np.abs(np.exp(1j * self.output(output="object-phase")) * amplitude - self.object)
        self.assertLess(rotor.max(), 1e-3 * np.abs(self.object).max())

    def test_unwraps(self):
        phase = self.output(output="phase")[0]
        with h5py.File(self.folder / "result.h5") as f:
            lit = f["entry_1/object/coverage"][()] > 0.2
        rotor = self.object[0] * np.exp(-1j * phase) * lit  # a ramp and an offset are taken away, nothing else
        for axis in (0, 1):
            steps = np.delete(rotor, 0, axis) * np.delete(rotor, -1, axis).conj()
            slope = np.angle(steps.sum())
            rotor *= np.exp(-1j * slope * np.arange(phase.shape[axis])).reshape((-1, 1) if axis == 0 else (1, -1))
        rotor *= np.exp(-1j * np.angle(rotor.sum()))
        self.assertLess(np.abs(np.angle(rotor[lit])).max(), 0.02)

    def test_one_scan_after_the_other(self):
        both = self.output(frames="two")
        self.assertEqual(both.shape, (2, *self.object.shape[1:]))
        np.testing.assert_array_equal(both[0], self.output()[0])
        self.assertGreater(np.abs(both[1] - both[0]).max(), 1e-3)

    def test_feeds_other_filters(self):
        plain = self.output()
        np.testing.assert_array_equal(self.output("flip", "direction=horizontal", "!"), plain[:, :, ::-1])
        slices = self.output("transpose-projections", "number=2", "!", "backproject", "mode=nearest", "axis-pos=50", "!", frames="two")
        self.assertEqual(slices.shape, (plain.shape[1], plain.shape[2], plain.shape[2]))
        self.assertTrue(np.isfinite(slices).all() and np.abs(slices).max() > 0)

    def test_positions_may_be_a_dataset(self):
        np.testing.assert_array_equal(self.output(positions="scans.h5:/positions"), self.output())

    def test_properties_are_the_parameters_of_the_stage(self):
        listed = subprocess.run(["ufo-query", "-p", "ptychoflow-dm"], env=UFO, text=True, stdout=subprocess.PIPE, check=True)
        schema = json.loads((pf.SOURCE / "schemas/stages/ptycho_dm.json").read_text())
        found = {name.replace("-", "_") for name in listed.stdout.split()}
        self.assertEqual(set(schema["properties"]) - LEFT_OUT - found, set())
        self.assertEqual(found & LEFT_OUT, set())

    def test_refuses_what_is_wrong(self):
        cases = {
            "iterations: 0 is too small": {"iterations": 0},
            "there is no property 'iteratons'; did you mean 'iterations'?": {"iteratons": 3},
            "there is no property 'probe_mode'; did you mean 'probe-modes'?": {"probe_mode": 3},
            "initial_probe/aperture/diameter: unknown parameter; did you mean 'diameter_m'":
                {"initial-probe": "'{aperture: {diameter: 1}}'"},
            "initial_probe: '{aperture: ': not valid YAML": {"initial-probe": "'{aperture: '"},
            "output is 'objekt'": {"output": "objekt"},
            "energy_ev is missing": {"energy_ev": None},
            "positions is missing": {"positions": None},
            "nothing.txt: cannot be read": {"positions": "nothing.txt"},
        }
        for message, change in cases.items():
            with self.subTest(message):
                done = self.launch(["!", "null"], **change)
                self.assertIn(message, done.stdout)
                self.assertNotEqual(done.returncode, 0)

    def test_ends_the_program_when_a_reconstruction_fails(self):
        for message, frames in (("scan 2 has 20 frames, but positions.txt has 40 positions", "two_and_a_half"), ("scan 0: ", "dark")):
            with self.subTest(message):
                done = self.launch(["!", "null"], frames=frames)
                self.assertIn("ptychoflow-dm: " + message, done.stdout)
                self.assertEqual(done.returncode, 3)

    def test_says_which_stages_are_missing(self):
        alone = self.folder / "alone"
        alone.mkdir()
        (alone / "libufofilterptychoflow-dm.so").write_bytes(next(pathlib.Path(sys.argv[2]).glob("*.so")).read_bytes())
        core = pathlib.Path(sys.argv[2]).parents[1]
        done = subprocess.run(["ufo-launch", "dummy-data", "!", "ptychoflow-dm", "!", "null"], cwd=self.folder, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=UFO | {"UFO_PLUGIN_PATH": str(alone), "LD_LIBRARY_PATH": str(core)})
        self.assertIn("there is no stage 'ptycho_dm'", done.stdout)
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    pf.main()
