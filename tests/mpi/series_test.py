#!/usr/bin/python3
"""Several scans in one run, on one rank and on two: a bad one is skipped or ends the run, as the pipeline says."""
import json, pathlib, shutil, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h5py, numpy as np
import ptychoflow as pf

SIMULATE = """
name: simulate
stages:
  - stage: simulate
    params: {{name: s, seed: {seed}, scan: {{frame_count: {frames}}}, detector: {{frame_size: 64}}}}
  - stage: save_scan
    params: {{file: scan_{number}.cxi}}
"""
SERIES = """
name: series
{on_error}
stages:
  - stage: load
    params: {{files: scan_*.cxi, distribution: scan_order}}
  - stage: ptycho_dm
    params: {{iterations: 10, initial_probe: {{from_data: {{defocus_m: 9.0e-5}}}}}}
  - stage: compare
    params: {{max_r_factor: 0.1}}
  - stage: save
    params: {{file: "{{scan}}.h5", pictures: false}}
"""
TOMOGRAM = """
name: tomogram
on_error: skip
stages:
  - stage: simulate
    params:
      name: t
      specimen: {{kind: pillar}}
      probe: {{kind: gaussian, fwhm_m: 3.0e-7}}
      scan: {{frame_count: 49, step_m: 1.0e-7}}
      detector: {{frame_size: 32, distance_m: 0.5}}
      tomogram: {{angles: 3, shift_m: 2.0e-8}}
  - stage: ptycho_dm
    params: {{iterations: 10}}
  - stage: compare
    params: {{max_object_nrmse: {limit}}}
  - stage: save
    params: {{file: "{{scan}}.h5", pictures: false}}
"""
FRAMES = "entry_1/instrument_1/detector_1/data"


class Series(unittest.TestCase):
    def setUp(self):
        self.keep = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.keep.name)
        for number, frames in ((1, 40), (2, 45), (7, 50)):
            pf.run(SIMULATE.format(seed=number, number=number, frames=frames), self.folder)

    def tearDown(self):
        self.keep.cleanup()

    def spoil(self, number, change):
        """A copy of scan 2 with `change` made to its open file."""
        file = self.folder / f"scan_{number}.cxi"
        shutil.copy(self.folder / "scan_2.cxi", file)
        with h5py.File(file, "r+") as f:
            change(f)

    def run_series(self, ranks, on_error=""):
        done = pf.run(SERIES.format(on_error=on_error), self.folder, ranks=ranks, check=False,
                      options=["--threads", "1", "--report", "report.json"])
        results = sorted(p.name for p in self.folder.glob("*.h5"))
        for name in results:
            (self.folder / name).unlink()
        return done, results, json.loads((self.folder / "report.json").read_text())

    def test_every_scan_has_its_result(self):
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                done, results, report = self.run_series(ranks)
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertEqual(results, ["scan_1.h5", "scan_2.h5", "scan_7.h5"])
                self.assertEqual(sorted(report["stages"]["ptycho_dm"]["scans"]), ["scan_1", "scan_2", "scan_7"])
                self.assertEqual(report["skipped_scans"], [])

    def spoil_some(self):
        def dark(f):  # all that the second of two ranks reads, in scan order
            f[FRAMES][22:] = 0
        self.spoil(3, dark)
        self.spoil(4, lambda f: f.__delitem__("entry_1/sample_1/geometry_1/translation"))
        (self.folder / "scan_5.cxi").write_bytes((self.folder / "scan_2.cxi").read_bytes()[:3000])

        def shuffle(f):  # found out by the stage after the reconstruction
            f[FRAMES][...] = np.random.default_rng(1).permutation(f[FRAMES][...])
        self.spoil(6, shuffle)

    def test_bad_scans_are_skipped_and_named(self):
        self.spoil_some()
        # The first one, too, from which the stages downstream would learn what is coming.
        (self.folder / "scan_0.cxi").write_bytes((self.folder / "scan_2.cxi").read_bytes()[:3000])
        bad = [0, 3, 4, 5, 6]
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                done, results, report = self.run_series(ranks, "on_error: skip")
                self.assertEqual(done.returncode, 3, done.stdout)
                self.assertEqual([s["scan"] for s in report["skipped_scans"]], [f"scan_{n}" for n in bad], done.stdout)
                self.assertEqual(report["status"], "incomplete")
                self.assertIsNone(report["error"])
                for name in ("scan_1.h5", "scan_2.h5", "scan_7.h5"):
                    self.assertIn(name, results)
                self.assertNotIn("scan_4.h5", results)
                self.assertIn("skipped, for their data are bad: " + ", ".join(f"scan_{n}" for n in bad), done.stdout)
                skipped = {s["scan"]: s for s in report["skipped_scans"]}
                self.assertIn("geometry_1/translation", skipped["scan_4"]["message"])
                for name in ("scan_0", "scan_5"):
                    self.assertIn("truncated", skipped[name]["message"])
                self.assertEqual(skipped["scan_6"]["stage"], "compare")
                self.assertIn("max_r_factor", skipped["scan_6"]["message"])
                # One rank alone sees light in scan 3, though it makes no sense of it.
                where = (0, "compare") if ranks == 1 else (1, "load")
                self.assertEqual((skipped["scan_3"]["rank"], skipped["scan_3"]["stage"]), where)

    def test_without_it_the_first_bad_scan_ends_the_run(self):
        self.spoil_some()
        done, results, report = self.run_series(2)
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertEqual(results, ["scan_1.h5", "scan_2.h5"])
        self.assertIn("scan_3.cxi", report["error"]["message"])

    def test_what_is_no_fault_of_the_data_ends_the_run(self):
        (self.folder / "scan_2.h5").mkdir()
        done = pf.run(SERIES.format(on_error="on_error: skip"), self.folder, check=False)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertFalse((self.folder / "scan_7.h5").exists())


class Tomogram(unittest.TestCase):
    def test_every_angle_is_simulated_and_a_bad_one_is_skipped(self):
        for ranks in (1, 2):
            for limit, skipped in ((10, []), ("1.0e-9", ["t_1", "t_2", "t_3"])):
                with self.subTest(ranks=ranks, limit=limit), tempfile.TemporaryDirectory() as name:
                    done = pf.run(TOMOGRAM.format(limit=limit), name, ranks=ranks, check=False,
                                  options=["--threads", "1", "--report", "report.json"])
                    report = json.loads((pathlib.Path(name) / "report.json").read_text())
                    self.assertEqual(done.returncode, 3 if skipped else 0, done.stdout)
                    self.assertEqual([s["scan"] for s in report["skipped_scans"]], skipped, done.stdout)
                    results = sorted(p.name for p in pathlib.Path(name).glob("t_*.h5"))
                    self.assertEqual(results, ["t_1.h5", "t_2.h5", "t_3.h5"], "they pass before they are judged")


if __name__ == "__main__":
    pf.main()
