#!/usr/bin/python3
"""`ranks_per_scan`: groups of ranks take different scans, and what comes out is the same as from all together."""
import json, pathlib, sys, tempfile, time, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h5py, numpy as np
import ptychoflow as pf

STAGES = pathlib.Path(pf.PROGRAM).resolve().parents[1] / "tests" / "stages"
SIMULATE = """
name: simulate
stages:
  - stage: simulate
    params: {{name: s, seed: {number}, scan: {{frame_count: {frames}}}, detector: {{frame_size: 64}}}}
  - stage: save_scan
    params: {{file: scan_{number}.cxi}}
"""
SERIES = """
name: series
variables: {each: , iterations: 10}
ranks_per_scan: "${each}"
stages:
  - stage: load
    params: {files: scan_*.cxi}
  - stage: ptycho_dm
    params: {iterations: "${iterations}", reproducible: true, initial_probe: {from_data: {defocus_m: 9.0e-5}}}
  - stage: save
    params: {file: "{scan}.h5", pictures: false}
"""
TOMOGRAM = """
name: tomogram
variables: {each: }
ranks_per_scan: "${each}"
stages:
  - stage: simulate
    params:
      name: t
      specimen: {kind: pillar, crystals: 4}
      probe: {kind: gaussian, fwhm_m: 3.0e-7}
      scan: {frame_count: 100, step_m: 1.2e-7}
      detector: {frame_size: 32, distance_m: 0.5}
      tomogram: {angles: 5, shift_m: 2.0e-8}
  - stage: ptycho_dm
    params: {iterations: 20, initial_probe: {from_data: {defocus_m: 0}}, reproducible: true}
  - stage: phase_unwrap
  - stage: align
    params: {method: profile}
  - stage: tomo
  - stage: compare_volume
  - stage: save_volume
    params: {file: volume.h5, pictures: false}
"""


class Groups(unittest.TestCase):
    def setUp(self):
        self.keep = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.keep.name)

    def tearDown(self):
        self.keep.cleanup()

    def simulate(self):
        for number, frames in ((1, 40), (2, 45), (3, 50)):
            pf.run(SIMULATE.format(number=number, frames=frames), self.folder)

    def run_series(self, ranks, each, pipeline=SERIES, iterations=10):
        done = pf.run(pipeline, self.folder, ranks=ranks, check=False, environment={"PTYCHOFLOW_STAGE_PATH": str(STAGES)},
                      options=["--threads", "1", "--report", "report.json", "--set", f"each={each}",
                               "--set", f"iterations={iterations}"])
        results = {}
        for file in sorted(self.folder.glob("scan_*.h5")):
            results[file.stem] = pf.result(file)
            file.unlink()
        self.assertEqual([p.name for p in self.folder.glob(".*")], [], "something half done was left behind")
        return done, results, json.loads((self.folder / "report.json").read_text())

    def test_results_and_report_are_those_of_all_ranks_together(self):
        self.simulate()
        done, expected, _ = self.run_series(1, 1)
        self.assertEqual(list(expected), ["scan_1", "scan_2", "scan_3"], done.stdout)
        # The last has a group without a scan.
        for ranks, each in ((2, 1), (4, 2), (2, 8), (4, 1)):
            with self.subTest(ranks=ranks, each=each):
                done, results, report = self.run_series(ranks, each)
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertEqual(list(results), list(expected))
                for scan, (object_, probe, history) in results.items():
                    np.testing.assert_array_equal(object_, expected[scan][0])
                    np.testing.assert_array_equal(probe, expected[scan][1])
                    np.testing.assert_array_equal(history["object_change"], expected[scan][2]["object_change"])
                self.assertEqual(sorted(report["stages"]["ptycho_dm"]["scans"]), list(expected))
                self.assertEqual(sorted(f["result"] for f in report["stages"]["save"]["files"]),
                                 [f"{scan}.h5" for scan in expected])

    def test_bad_scans_of_any_group_are_skipped_and_named(self):
        self.simulate()
        good = (self.folder / "scan_3.cxi").read_bytes()
        for number in (4, 5, 6):
            (self.folder / f"scan_{number}.cxi").write_bytes(good if number == 6 else good[:3000])
        done, results, report = self.run_series(2, 1, SERIES + "on_error: skip\n")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertEqual(list(results), ["scan_1", "scan_2", "scan_3", "scan_6"])
        self.assertEqual(sorted(s["scan"] for s in report["skipped_scans"]), ["scan_4", "scan_5"], done.stdout)
        self.assertEqual(report["status"], "incomplete")
        for number in (4, 5):
            self.assertIn(f"scan 'scan_{number}' is skipped", done.stdout)

    def test_a_bad_scan_of_one_group_ends_the_others(self):
        self.simulate()
        (self.folder / "scan_2.cxi").write_bytes((self.folder / "scan_2.cxi").read_bytes()[:3000])
        start = time.monotonic()
        done, results, report = self.run_series(4, 2, iterations=100000)  # of which the other group has minutes to go
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertLess(time.monotonic() - start, 30, "the other group was not told")
        self.assertEqual(done.stdout.count("scan_2.cxi"), 1, done.stdout)
        self.assertEqual(results, {})
        self.assertIn("scan_2.cxi", report["error"]["message"])

    def test_a_tomogram_has_the_same_volume(self):
        volumes = []
        for ranks, each in ((1, 1), (3, 1), (4, 2)):
            done = pf.run(TOMOGRAM, self.folder, ranks=ranks, options=["--threads", "1", "--set", f"each={each}"])
            with h5py.File(self.folder / "volume.h5") as h5:
                volumes.append(h5["exchange/data"][:])
            (self.folder / "volume.h5").unlink()
        self.assertGreater(np.abs(volumes[0]).max(), 0, done.stdout)
        for volume in volumes[1:]:
            np.testing.assert_array_equal(volume, volumes[0])

    def test_what_cannot_be_shared_out_is_refused(self):
        self.simulate()
        done, _, _ = self.run_series(3, 2)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("ranks_per_scan: 2 does not divide the 3 ranks", done.stdout)
        done, _, _ = self.run_series(1, "two")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertRegex(done.stdout, r"pipeline.yaml:4:\d+: /ranks_per_scan: .*\(from '\$\{each\}'\)")
        outside = 'name: outside\nvariables: {each: , iterations: }\nranks_per_scan: "${each}"\nstages: [{stage: act_source}]\n'
        done, _, _ = self.run_series(2, 1, outside)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("act_source: ranks_per_scan: this source does not share its scans out", done.stdout)
        done, _, _ = self.run_series(2, 2, outside)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    pf.main()
