#!/usr/bin/python3
"""What a run takes of memory is what was planned before any data was read: within a tenth."""
import json, pathlib, re, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

SCAN = """
name: scan
stages:
  - stage: simulate
    params: {scan: {frame_count: 600}, detector: {photons: 1.0e+6, noise: poisson}}
  - stage: save_scan
    params: {file: scan.cxi}
"""
PIPELINE = """
name: memory
stages:
  - stage: load
    params: {file: scan.cxi}
  - stage: ptycho_dm
    params: {iterations: 4, probe_modes: 2, initial_probe: {from_data: {defocus_m: 8.0e-5}} MORE}
"""


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = pathlib.Path(cls.temporary.name)
        pf.run(SCAN, cls.folder)

    def run_one(self, *, ranks=1, threads=1, more="", check=True):
        report = self.folder / "report.json"
        done = pf.run(PIPELINE.replace("MORE", more), self.folder, ranks=ranks, check=check,
                      options=["--threads", str(threads), "--backend", "cpu", "--report", str(report)])
        return done, json.loads(report.read_text())

    def test_in_memory(self):
        for ranks, threads, more in [(1, 1, ""), (1, 2, ", reproducible: true"), (2, 1, "")]:
            with self.subTest(ranks=ranks, threads=threads, more=more):
                _, report = self.run_one(ranks=ranks, threads=threads, more=more)
                planned = report["stages"]["ptycho_dm"]["memory"]["planned_bytes"]
                for peak in report["memory_peak_bytes"]:
                    self.assertLess(abs(peak / planned - 1), 0.1, f"{peak} and {planned}")

    def test_a_quarter_of_it_is_enough_with_scratch(self):
        _, whole = self.run_one()
        _, report = self.run_one(more=", memory: {host: 70MiB, scratch: .}")
        dm = report["stages"]["ptycho_dm"]
        self.assertGreater(dm["memory"]["scratch_bytes"], 0)
        self.assertLess(report["memory_peak_bytes"][0], 1.1 * 70 * 2**20)
        self.assertLess(3 * report["memory_peak_bytes"][0], whole["memory_peak_bytes"][0] + 70 * 2**20)
        self.assertAlmostEqual(dm["r_factor"], whole["stages"]["ptycho_dm"]["r_factor"], places=6)

    def test_without_scratch_it_is_refused_before_any_data_is_read(self):
        done, report = self.run_one(more=", memory: {host: 70MiB}", check=False)
        self.assertEqual(done.returncode, 4)
        for words in ("the memory of a rank is too small", "exit waves", "magnitudes", "70.0 MiB", "scratch: DIR"):
            self.assertIn(words, done.stdout)
        self.assertEqual(report["stages"].get("load", {}).get("packets_out", 0), 0)

    def test_a_unit_that_is_not_known_is_refused_with_its_line(self):
        done, _ = self.run_one(more=", memory: {host: 8G}", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stdout, r"pipeline.yaml:\d+:\d+")
        self.assertIn("host", done.stdout)

    def test_a_folder_that_takes_no_files_is_refused(self):
        for folder in ("/proc", "/no/such/folder"):
            done, _ = self.run_one(more=f", memory: {{host: 70MiB, scratch: {folder}}}", check=False)
            self.assertEqual(done.returncode, 4, done.stdout)
            self.assertIn(folder, done.stdout)

    def test_check_prints_the_plan(self):
        import os, subprocess
        file = self.folder / "check.yaml"
        file.write_text(PIPELINE.replace("MORE", ""))
        said = subprocess.run([pf.PROGRAM, "check", str(file), "--backend", "cpu"], cwd=self.folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ).stdout
        self.assertRegex(said, r"exit waves +150.0 MiB +memory")
        self.assertIn("may be used", said)


if __name__ == "__main__":
    pf.main()
