#!/usr/bin/python3
"""The pipelines of a tomogram, from frames to a volume: on one rank and on two, and with a scan that is bad."""
import json, pathlib, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h5py, numpy as np
import ptychoflow as pf

PIPELINES = pathlib.Path(__file__).resolve().parents[2] / "pipelines"
ANGLES = 20
SCANS = f"""
name: scans
stages:
  - stage: simulate
    params:
      name: t
      specimen: {{kind: pillar, phase_min_rad: -4, crystals: 8}}
      probe: {{kind: gaussian, fwhm_m: 3.0e-7}}
      scan: {{frame_count: 144, step_m: 1.2e-7}}
      detector: {{frame_size: 48, distance_m: 0.5, photons: 1.0e+6}}
      tomogram: {{angles: {ANGLES}, shift_m: 4.0e-8}}
  - stage: save_scan
    params: {{file: "{{scan}}.cxi"}}
"""


def volume(file):
    with h5py.File(file) as h5:
        return h5["exchange/data"][:]


class Tomogram(unittest.TestCase):
    def setUp(self):
        self.keep = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.keep.name)

    def tearDown(self):
        self.keep.cleanup()

    def run_file(self, pipeline, output, *, ranks=1, check=True, **variables):
        sets = [arg for name, value in variables.items() for arg in ("--set", f"{name}={value}")]
        done = pf.run((PIPELINES / pipeline).read_text(), self.folder, ranks=ranks, check=check,
                      options=["--set", f"output={output}", *sets, "--report", f"{output}.json"])
        return done, json.loads((self.folder / f"{output}.json").read_text())

    def test_a_simulated_one_is_like_its_truth_and_the_same_on_two_ranks(self):
        volumes = {}
        for ranks in (1, 2):
            output = f"r{ranks}"
            _, report = self.run_file("quickstart_tomogram.yaml", output, ranks=ranks, angles=ANGLES)
            quality = report["stages"]["compare_volume"]["quality"]
            self.assertLess(quality["truth_nrmse"], 0.2, quality)
            self.assertGreater(quality["truth_scale"], 0.85)
            self.assertLess(quality["truth_fsc_resolution_m"], 8e-8)
            volumes[ranks] = volume(self.folder / f"{output}_volume.h5")
            with h5py.File(self.folder / f"{output}_projections.h5") as h5:
                self.assertEqual(len(h5["exchange/theta"]), ANGLES)
                self.assertEqual(h5["exchange/data"].shape[0], ANGLES)
            for picture in ("volume_slices", "projections_montage", "projections_sinogram"):
                self.assertTrue((self.folder / f"{output}_{picture}.png").exists(), picture)
        self.assertEqual(volumes[1].shape, volumes[2].shape)
        np.testing.assert_array_equal(volumes[1], volumes[2])

    def test_files_become_a_volume_without_the_bad_one(self):
        pf.run(SCANS, self.folder)
        scans = sorted(self.folder.glob("t_*.cxi"))
        self.assertEqual(len(scans), ANGLES)
        scans[6].write_bytes(scans[6].read_bytes()[:3000])
        lines = [f"{scan.name} {180 * i / ANGLES}\n" for i, scan in enumerate(scans)]
        (self.folder / "angles.txt").write_text("".join(lines))
        done, report = self.run_file("nanotomography.yaml", "v", check=False, angles="angles.txt", iterations=40,
                                     probe_modes=1)
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertEqual([s["scan"] for s in report["skipped_scans"]], ["t_07"])
        self.assertEqual(len(list(self.folder.glob("v_t_*.h5"))), ANGLES - 1)
        with h5py.File(self.folder / "v_projections.h5") as h5:
            np.testing.assert_allclose(h5["exchange/theta"][:], [180 * i / ANGLES for i in range(ANGLES) if i != 6])
        delta = volume(self.folder / "v_volume.h5")
        middle = delta[len(delta) // 2]
        y, x = np.indices(middle.shape)
        matter = middle > 0.5 * np.percentile(middle, 90)
        # A disc about the middle, and air around it.
        self.assertLess(abs(np.hypot(y - y[matter].mean(), x - x[matter].mean())[matter].max()
                            / np.sqrt(matter.sum() / np.pi) - 1), 0.2)
        fsc = report["stages"]["compare_volume"]["quality"]["fsc_resolution_m"]
        self.assertLess(fsc, 1e-7)

        # From the results alone, on two ranks, the same volume again: they know their angles.
        done, _ = self.run_file("tomography.yaml", "again", ranks=2, results="v_t_*.h5")
        np.testing.assert_array_equal(volume(self.folder / "again_volume.h5"), delta)

    def test_a_series_goes_on_where_it_stopped(self):
        pf.run(SCANS.replace(f"angles: {ANGLES}", "angles: 4"), self.folder)
        run = lambda check=True: self.run_file("series.yaml", "{scan}.h5", check=check, scans="t_*.cxi", iterations=5,
                                               probe_modes=1)
        run()
        first = (self.folder / "t_1.h5").stat().st_mtime_ns
        for file in self.folder.glob("t_[23]*.[hp]*"):  # and its pictures
            file.unlink()
        done, report = run()
        self.assertEqual(list(report["stages"]["ptycho_dm"]["scans"]), ["t_2", "t_3"], done.stdout)
        self.assertEqual((self.folder / "t_1.h5").stat().st_mtime_ns, first)
        done, _ = run(check=False)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("nothing is left to do", done.stdout)


if __name__ == "__main__":
    pf.main()
