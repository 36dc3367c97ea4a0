#!/usr/bin/python3
"""`ptychoflow inspect`: what it says of a sound scan, and of scans with one thing wrong each."""
import pathlib, re, subprocess, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h5py, numpy as np
import ptychoflow as pf

DETECTOR = "entry_1/instrument_1/detector_1/"
TRANSLATION = "entry_1/sample_1/geometry_1/translation"
PROBE = "entry_1/instrument_1/initial_probe"


def write(file, change=lambda f: None):
    """A raster of 5 × 8 views, 0.5 µm apart; object pixels of 25 nm; a probe like a disc of 1 µm."""
    ny, nx = 64, 80
    y, x = np.mgrid[:ny, :nx]
    frames = np.random.default_rng(2).poisson(40 * np.exp(-((y - ny // 2) ** 2 + (x - nx // 2) ** 2) / 200), (40, ny, nx))
    row, column = np.divmod(np.arange(40), 8)
    with h5py.File(file, "w") as f:
        f[DETECTOR + "data"] = frames.astype("u2")
        f[DETECTOR + "distance"] = 1.6
        f[DETECTOR + "y_pixel_size"], f[DETECTOR + "x_pixel_size"] = 1e-4, 8e-5
        f["entry_1/instrument_1/source_1/energy"] = 6.62607015e-34 * 299792458 / 1e-10
        f[TRANSLATION] = np.stack([5e-7 * column, 5e-7 * row, 0 * row], 1)
        mask = np.zeros((ny, nx), "u4")
        mask[:, 0] = 1
        f[DETECTOR + "mask"] = mask
        f[PROBE] = (np.hypot(y - ny // 2, x - nx // 2) < 20.2).astype("c8")
        change(f)


class Inspect(unittest.TestCase):
    def inspect(self, change=lambda f: None, options=(), code=0):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "scan.cxi"
            write(file, change)
            done = subprocess.run([pf.PROGRAM, "inspect", file, *options], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            self.assertEqual(done.returncode, code, done.stdout)
            return done.stdout

    def doubts(self, change):
        return [line for line in self.inspect(change).splitlines() if line.startswith("! ")]

    def test_says_what_a_sound_scan_holds_and_doubts_nothing(self):
        said = self.inspect()
        for name, value in (("format", "cxi"), ("frames", f"40 of 64 × 80 pixels (y, x), uint16, /{DETECTOR}data"),
                            ("energy", "12.398 keV (wavelength 0.1 nm)"), ("distance", "1.6 m"),
                            ("detector pixel", "100 µm (y), 80 µm (x)"), ("object pixel", "25 nm (y), 25 nm (x)"),
                            ("positions", f"40 over 2 µm (y), 3.5 µm (x), /{TRANSLATION}"), ("step", "500 nm"),
                            ("overlap", "50 % of neighbours"), ("masked", "1.2 % of the pixels"),
                            ("centre of light", "pixel [32.0, 40.0] (y, x)"), ("truth", "not in the file")):
            self.assertRegex(said, rf"(?m)^{name} +{re.escape(value)}$")
        self.assertRegex(said, r"1 modes, 1\.0\d* µm wide")
        self.assertNotIn("!", said)

    def test_names_what_looks_wrong(self):
        def scaled(factor):
            def change(f):
                f[TRANSLATION][...] *= factor
            return change

        def shifted(f):
            f[DETECTOR + "data"][...] = np.roll(f[DETECTOR + "data"][...], 20, axis=2)

        def dark(f):
            f[DETECTOR + "data"][7:9] = 0

        def dead(f):
            f[DETECTOR + "data"][:, 30, :] = 0

        def saturated(f):
            f[DETECTOR + "data"][3, 32, 40] = 65535

        def without(path):
            def change(f):
                del f[path]
            return change

        def masked(f):
            f[DETECTOR + "mask"][:30] = 1
        for change, text in ((scaled(1e6), "look like µm"), (scaled(1e-3), "is the unit of the positions right?"),
                             (scaled(1.6), "overlap by 21 %"), (shifted, "centre is pixel [32, 58"), (dark, "2 of 40 frames are dark"),
                             (dead, "rows 30 see nothing"), (saturated, "1 of 40 frames have counts of 65535"),
                             (without(DETECTOR + "distance"), "set distance_m"),
                             (without("entry_1/instrument_1/source_1/energy"), "set energy_keV"),
                             (masked, "48 % of the pixels are masked")):
            with self.subTest(text=text):
                doubts = self.doubts(change)
                self.assertLessEqual(len(doubts), 2 if "unit" in text or "µm" in text else 1, doubts)
                self.assertIn(text, "\n".join(doubts))

    def test_other_formats_and_none(self):
        def add_eiger(f):
            f["entry/data/data_000001"] = f[DETECTOR + "data"][...]
        said = self.inspect(add_eiger)
        self.assertRegex(said, r"format +eiger")
        self.assertIn("! a file of this format has no positions", said)
        self.assertRegex(self.inspect(add_eiger, ["--format", "cxi"]), r"format +cxi")
        self.assertIn("eiger", self.inspect(options=["--format", "tiff"], code=2))
        with tempfile.NamedTemporaryFile(suffix=".cxi") as file:
            file.write(b"no HDF5")
            file.flush()
            done = subprocess.run([pf.PROGRAM, "inspect", file.name], text=True, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 3)
            self.assertIn(file.name, done.stderr)


if __name__ == "__main__":
    pf.main()
