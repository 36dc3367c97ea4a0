#!/usr/bin/python3
"""Measured and simulated scans with the marks that a result must reach, judged by the scans' own score program."""
import json, pathlib, subprocess, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

SCORE = pf.DATA.parent / "tools" / "score.py"
PIPELINE = """
name: marks
stages:
  - stage: load
    params: {{file: "{scan}"}}
  - stage: ptycho_dm
    params: {params}
  - stage: save
    params: {{file: "{file}", pictures: false}}
"""


class Marks(unittest.TestCase):
    def score(self, scan, **params):
        """Reconstructs a scan and returns what score.py says of it, and the report."""
        with tempfile.TemporaryDirectory() as folder:
            file, report = f"{folder}/result.h5", f"{folder}/report.json"
            pf.run(PIPELINE.format(scan=pf.DATA / scan, params=json.dumps(params), file=file), folder,
                   options=["--report", report])
            text = subprocess.run([sys.executable, str(SCORE), file, str(pf.DATA / scan)], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout
            return json.loads(text), json.loads(pathlib.Path(report).read_text())

    def test_small_1mode(self):
        score, _ = self.score("peer/small_1mode.cxi", iterations=100)
        self.assertLessEqual(score["object_nrmse"], 0.030)

    def test_small_3mode(self):
        score, _ = self.score("peer/small_3mode.cxi", iterations=150, probe_modes=3)
        self.assertLessEqual(score["object_nrmse"], 0.028)
        for found, true in zip(score["mode_powers"], score["true_powers"], strict=True):
            self.assertLessEqual(abs(found - true), 0.04)

    def test_siemens_star_2_modes_and_its_memory(self):
        score, report = self.score("real/siemens_star_aps_velociprobe.cxi", iterations=100, probe_modes=2)
        self.assertLessEqual(score["r_factor"], 0.103)
        memory = report["stages"]["ptycho_dm"]["memory"]
        needed = sum(memory[f"{what}_bytes"] for what in ("exit_waves", "magnitudes", "frames_in_flight"))
        self.assertLess(report["memory_peak_bytes"][0], 1.3 * needed)

    def test_siemens_star_3_modes(self):
        score, _ = self.score("real/siemens_star_aps_velociprobe.cxi", iterations=100, probe_modes=3)
        self.assertLessEqual(score["r_factor"], 0.101)

    def test_siemens_star_from_scratch(self):
        score, _ = self.score("real/siemens_star_aps_velociprobe.cxi", iterations=100, probe_modes=2,
                              initial_probe={"from_data": {"defocus_m": 0.8e-3}})
        self.assertLessEqual(score["r_factor"], 0.108)

    def test_etched_pattern(self):
        score, _ = self.score("real/etched_pattern_aps_20frames.cxi", iterations=200, probe_modes=2)
        self.assertLessEqual(score["r_factor"], 0.11)


if __name__ == "__main__":
    if not (pf.DATA / "README.md").exists() or not SCORE.exists():
        print(f"skipped: no scans in {pf.DATA}; set PTYCHOFLOW_DATA to where they are")
        sys.exit(pf.SKIPPED)
    pf.main()
