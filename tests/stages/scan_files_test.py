"""load and save_scan in the real program, alone and under mpirun; h5py is the witness."""
import pathlib, subprocess, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
try:
    import h5py, numpy as np
    import ptychoflow
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


def write_scan(file, frames=10):
    """A small scan with all that a CXI file may hold."""
    rng = np.random.default_rng(3)
    turn = 2 * np.pi * np.arange(frames) / frames
    with h5py.File(file, "w") as f:
        d = f.create_group("entry_1/instrument_1/detector_1")
        d["data"] = rng.poisson(50, (frames, 16, 20)).astype("uint16")
        d["distance"], d["x_pixel_size"], d["y_pixel_size"] = 2.0, 1e-5, 1e-5
        d["mask"] = (rng.random((16, 20)) < 0.1).astype("uint32")
        f["entry_1/instrument_1/source_1/energy"] = 2e-15
        f["entry_1/instrument_1/initial_probe"] = rng.random((2, 16, 20)).astype("complex64")
        f["entry_1/sample_1/geometry_1/translation"] = np.stack([4e-6 * np.cos(turn), 4e-6 * np.sin(turn), 0 * turn], 1)
        f["truth/object"] = rng.random((1, 60, 60)).astype("complex64")
        f["truth/probe"] = rng.random((2, 16, 20)).astype("complex64")
        f["truth/frame_offset_px"] = rng.integers(0, 40, (frames, 2))


def pipeline(source, target, more=""):
    return f"""
name: copy
stages:
  - {{stage: load, params: {{file: "{source}", block_frames: 2}}}}
  - {{stage: save_scan, params: {{file: "{target}"{more}}}}}
"""


class InAFolder(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        self.source, self.target = self.folder / "in.cxi", self.folder / "out.cxi"
        write_scan(self.source)

    def names(self):
        return sorted(p.name for p in self.folder.iterdir())


class Copies(InAFolder):
    def test_any_number_of_ranks_writes_the_same_scan(self):
        for ranks in (1, 3, 4):
            with self.subTest(ranks=ranks):
                ptychoflow.run(pipeline(self.source, self.target, ", overwrite: true"), self.folder, ranks=ranks)
                self.assertEqual(self.names(), ["in.cxi", "out.cxi", "pipeline.yaml"])
                with h5py.File(self.source) as a, h5py.File(self.target) as b:
                    for path in ("entry_1/instrument_1/detector_1/data", "entry_1/instrument_1/detector_1/mask",
                                 "entry_1/sample_1/geometry_1/translation", "entry_1/instrument_1/initial_probe",
                                 "truth/object", "truth/probe", "truth/frame_offset_px"):
                        np.testing.assert_array_equal(a[path][()], b[path][()], err_msg=path)
                    np.testing.assert_array_equal(b["entry_1/data_1/data"][()], b["entry_1/instrument_1/detector_1/data"][()])
                    self.assertAlmostEqual(b["entry_1/instrument_1/source_1/energy"][()] / 2e-15, 1, places=12)

    def test_a_fault_on_one_rank_ends_all_and_leaves_nothing(self):
        with h5py.File(self.source, "a") as f:
            frames = f["entry_1/instrument_1/detector_1/data"][()].astype("float32")
            frames[9, 3, 4] = np.nan  # the last rank's
            mask = f["entry_1/instrument_1/detector_1/mask"]
            mask[3, 4] = 0
            del f["entry_1/instrument_1/detector_1/data"]
            f["entry_1/instrument_1/detector_1/data"] = frames
        for ranks in (1, 3):
            with self.subTest(ranks=ranks):
                done = ptychoflow.run(pipeline(self.source, self.target), self.folder, ranks=ranks, check=False)
                self.assertEqual(done.returncode, 3, done.stdout)
                self.assertIn("frame 9 has a count that is NaN at pixel y 3, x 4", done.stdout)
                self.assertEqual(self.names(), ["in.cxi", "pipeline.yaml"])

    def test_more_ranks_than_frames(self):
        write_scan(self.source, frames=3)
        done = ptychoflow.run(pipeline(self.source, self.target), self.folder, ranks=4, check=False)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("4 ranks are more than the 3 frames", done.stdout)
        self.assertEqual(self.names(), ["in.cxi", "pipeline.yaml"])


class Faults(InAFolder):
    """What a user sees, with the exit code: the messages themselves are tested in load_test.cpp."""

    def refused(self, code, *parts):
        for command in ("check", "run"):
            file = self.folder / "pipeline.yaml"
            file.write_text(pipeline(self.source, self.target))
            before = self.names()
            done = subprocess.run([ptychoflow.PROGRAM, command, str(file)], text=True, cwd=self.folder,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(done.returncode, code, done.stdout)
            for part in parts:
                self.assertIn(part, done.stdout)
            self.assertEqual(self.names(), before)

    def test_missing_file(self):
        self.source.unlink()
        self.refused(3, "in.cxi", "no such file")

    def test_not_hdf5(self):
        self.source.write_text("frames")
        self.refused(3, "in.cxi", "not an HDF5 file")

    def test_target_already_there(self):
        self.target.write_text("old")
        self.refused(2, "out.cxi", "already there", "overwrite: true")
        self.assertEqual(self.target.read_text(), "old")

    def test_target_folder_missing(self):
        self.target = self.folder / "none" / "out.cxi"
        self.refused(2, "no folder", "none")


if __name__ == "__main__":
    ptychoflow.main()
