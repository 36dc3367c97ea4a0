#!/usr/bin/python3
"""`ptychoflow init`: the pipeline that it writes for a scan runs, or says what it still needs."""
import pathlib, shutil, subprocess, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h5py, numpy as np
import ptychoflow as pf

INSTRUMENT = "entry_1/instrument_1/"
DETECTOR = INSTRUMENT + "detector_1/"


class Init(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        pf.run(pf.SMALL_SCAN, cls.kept.name)

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def setUp(self):
        self.own = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.own.name)

    def tearDown(self):
        self.own.cleanup()

    def scan(self, change=lambda f: None, name="scan.cxi"):
        shutil.copy(pathlib.Path(self.kept.name) / "scan.cxi", self.folder / name)
        with h5py.File(self.folder / name, "r+") as f:
            change(f)
        return name

    def program(self, *arguments, code=0):
        done = subprocess.run([pf.PROGRAM, *arguments], cwd=self.folder, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, code, done.stdout)
        return done.stdout

    def init(self, scan, *options):
        self.program("init", scan, "-o", "p.yaml", *options)
        return (self.folder / "p.yaml").read_text()

    def test_a_sound_scan_is_reconstructed_at_once(self):
        self.assertIn("ptychoflow run scan.yaml", self.program("init", self.scan()))
        text = (self.folder / "scan.yaml").read_text()
        self.assertNotIn("null", text)
        self.assertNotIn("looks wrong", text)
        self.assertIn("40 frames of 64 × 64 pixels", text)
        self.program("run", "scan.yaml", "-q", "--set", "iterations=30")
        _, probe, history = pf.result(self.folder / "scan_result.h5")
        self.assertEqual(probe.shape, (2, 64, 64))
        self.assertLess(history["fourier_error"][-1], 0.5 * history["fourier_error"][0])

    def test_leaves_a_pipeline_that_is_there(self):
        scan = self.scan()
        (self.folder / "p.yaml").write_text("mine")
        said = self.program("init", scan, "-o", "p.yaml", code=2)
        self.assertIn("p.yaml", said)
        self.assertEqual((self.folder / "p.yaml").read_text(), "mine")
        self.assertIn("nowhere", self.program("init", scan, "-o", "nowhere/p.yaml", code=2))

    def test_what_the_file_does_not_say_must_be_given(self):
        def change(f):
            energy = f[INSTRUMENT + "source_1/energy"][()]
            change.keV = float(energy) / 1.602176634e-16
            del f[INSTRUMENT + "source_1/energy"]
            f[INSTRUMENT].pop("beam_1", None)

        self.init(self.scan(change))
        self.assertIn("energy_keV", self.program("check", "p.yaml", code=2))
        self.program("check", "p.yaml", "--set", f"energy_keV={change.keV}")

    def test_takes_the_files_probe_where_it_fits(self):
        def with_probe(f):
            y, x = np.mgrid[-32:32, -32:32]
            f[INSTRUMENT + "initial_probe"] = (np.hypot(y, x) < 12).astype("c8")

        def off_centre(f):
            with_probe(f)
            f[DETECTOR + "data"][...] = np.roll(f[DETECTOR + "data"][...], 12, axis=2)

        for change, reason in ((None, "the file has none"), (with_probe, None), (off_centre, "does not fit")):
            with self.subTest(reason=reason):
                text = self.init(self.scan(change or (lambda f: None)))
                self.assertEqual("defocus_m: auto" in text, reason is not None)
                self.assertIn(reason or "", text)
                self.program("check", "p.yaml")
                (self.folder / "p.yaml").unlink()

    def test_cuts_frames_around_light_that_is_off_centre(self):
        def change(f):
            f[DETECTOR + "data"][...] = np.roll(f[DETECTOR + "data"][...], 12, axis=2)

        text = self.init(self.scan(change))
        self.assertRegex(text, r"(?m)^      frame_size: (38|40|42)\b")
        self.assertIn("# What looks wrong with the scan:\n#   the light's centre is pixel", text)
        self.program("check", "p.yaml")

    def test_asks_for_positions_where_there_are_none(self):
        def change(f):
            f["entry/data/data_000001"] = f[DETECTOR + "data"][...]

        self.assertIn("axes: auto", self.init(self.scan(change), "--format", "eiger"))
        said = self.program("check", "p.yaml", code=2)
        self.assertRegex(said, "energy_keV|distance_m|detector_pixel_um|positions")

    def test_takes_any_name(self):
        self.init(self.scan(name="it's \"a\" scan: #1.cxi"))
        self.program("check", "p.yaml")

    def test_refuses_what_is_no_scan(self):
        (self.folder / "no.cxi").write_text("no scan")
        self.assertIn("no.cxi", self.program("init", "no.cxi", code=3))
        self.assertEqual([f.name for f in self.folder.iterdir()], ["no.cxi"])
        self.assertIn("eiger", self.program("init", "no.cxi", "--format", "tiff", code=2))


if __name__ == "__main__":
    pf.main()
