#!/usr/bin/python3
"""Scans that are reconstructed while they are still running: `follow` of load, `live` of ptycho_dm."""
import json, os, pathlib, signal, subprocess, sys, tempfile, time, unittest

import h5py, numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

FRAMES = 160
ITERATIONS = 300  # of the whole scan
SCAN = f"""
name: scan
stages:
  - stage: simulate
    params: {{scan: {{frame_count: {FRAMES}}}, detector: {{frame_size: 64, photons: 1.0e+6}}}}
  - stage: save_scan
    params: {{file: scan.cxi}}
"""
PIPELINE = """
name: live
stages:
  - stage: load
    params: {file: %(file)s%(load)s}
  - stage: ptycho_dm
    params: {iterations: %(iterations)d, initial_probe: {from_data: {defocus_m: 9.0e-5}}%(dm)s}
  - stage: phase_unwrap
  - stage: save
    params: {file: result.h5}
"""
FOLLOW = ", follow: {timeout_s: 30}"
LIVE = ", live: {start_after: 20, every: 2}"


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.scans = pathlib.Path(cls.keep.name)
        pf.run(SCAN, cls.scans)
        cls.offline = cls.scans / "offline"
        cls.offline.mkdir()
        pf.run(cls.pipeline(cls.scans / "scan.cxi", "", ""), cls.offline,
               options=["--report", "r.json", "--threads", "1"])
        cls.offline_r = cls.report(cls.offline)["r_factor"]

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.scans))
        self.jobs = []

    def tearDown(self):
        for job in self.jobs:
            job.kill()
            job.wait()
            job.stdout.close()

    @staticmethod
    def pipeline(file, load, dm):
        return PIPELINE % {"iterations": ITERATIONS, "file": file, "load": load, "dm": dm}

    @staticmethod
    def report(folder):
        return json.loads((folder / "r.json").read_text())["stages"]["ptycho_dm"]

    def start(self, *words):
        job = subprocess.Popen(words, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env=os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"})
        self.jobs.append(job)
        return job

    def write(self, *options, file="live.cxi", rate=50):
        self.start(sys.executable, pathlib.Path(__file__).with_name("writer.py"), self.scans / "scan.cxi", self.folder / file, str(rate),
                   *options)
        end = time.monotonic() + 60
        while not (self.folder / file).exists():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def reconstruct(self, load=FOLLOW, dm=LIVE, file="live.cxi", launcher=()):
        (self.folder / "pipeline.yaml").write_text(self.pipeline(file, load, dm))
        return self.start(*launcher, pf.PROGRAM, "run", "pipeline.yaml", "--report", "r.json", "--threads", "1")

    def end(self, job, code=0):
        said, _ = job.communicate(timeout=120)
        self.assertEqual(job.returncode, code, said)
        return said

    def views(self):
        with h5py.File(self.folder / "result.h5") as f:
            return len(f["entry_1/views/offset_px"])

    def test_is_as_good_as_offline_and_lets_people_see(self):
        job = self.reconstruct()  # first: it waits for the file
        time.sleep(0.5)
        self.write()
        preview = self.folder / "result_preview_object_phase.png"
        end = time.monotonic() + 60
        while not preview.exists() and time.monotonic() < end:
            time.sleep(0.02)
        self.assertTrue(preview.exists())
        self.assertFalse((self.folder / "result.h5").exists())
        self.end(job)
        self.assertFalse(preview.exists(), "the result has come")
        figures = self.report(self.folder)
        self.assertGreater(figures["live"]["iterations"], 10)
        self.assertEqual(len(pf.result(self.folder / "result.h5")[2]["fourier_error"]), figures["live"]["iterations"] + ITERATIONS)
        self.assertEqual(self.views(), FRAMES)
        self.assertLess(figures["r_factor"], 1.02 * self.offline_r)

    def test_ranks_take_frames_in_turn(self):
        job = self.reconstruct(launcher=("mpirun", "--oversubscribe", "-n", "2"))
        self.write()
        self.end(job)
        figures = self.report(self.folder)
        self.assertGreater(figures["live"]["iterations"], 10)
        self.assertEqual(self.views(), FRAMES)
        self.assertLess(figures["r_factor"], 1.02 * self.offline_r)

    def test_without_live_the_whole_scan_is_waited_for(self):
        self.write(rate=1000)
        self.end(self.reconstruct(dm=""))
        expected, found = (pf.result(folder / "result.h5") for folder in (self.offline, self.folder))
        self.assertLess(pf.difference(found[0], expected[0]), 1e-6)
        self.assertLess(pf.difference(found[1], expected[1]), 1e-6)

    def test_a_finished_file_may_be_followed_too(self):
        self.end(self.reconstruct(file=self.scans / "scan.cxi", dm=LIVE))
        self.assertLess(self.report(self.folder)["r_factor"], 1.02 * self.offline_r)

    def test_ends_with_what_there_is_when_the_writer_dies(self):
        for dm in (LIVE, ""):
            with self.subTest(dm):
                (self.folder / "result.h5").unlink(missing_ok=True)
                for picture in self.folder.glob("*.png"):
                    picture.unlink()
                (self.folder / "live.cxi").unlink(missing_ok=True)
                self.write("--frames", "90", "--die", rate=400)
                said = self.end(self.reconstruct(load=", follow: {timeout_s: 3}", dm=dm))
                self.assertIn("no frame has come for 3 s: the scan is taken to have ended, with 90 frames", said)
                self.assertEqual(self.views(), 90)
        said = self.end(self.reconstruct(load="", dm=""), code=3)
        self.assertIn("or died before it closed it", said)

    def test_is_complete_when_as_many_have_come_as_were_to(self):
        self.write("--die")
        said = self.end(self.reconstruct(load=", follow: {frames: 100, timeout_s: 60}"))
        self.assertNotIn("no frame has come", said)
        self.assertEqual(self.views(), 100)

    def test_says_when_fewer_came(self):
        self.write("--frames", "60", rate=400)
        self.assertIn("closed with 60 frames, and 160 were to come",
                      self.end(self.reconstruct(load=", follow: {frames: 160, timeout_s: 60}")))

    def test_an_end_that_the_user_wishes_keeps_what_there_is(self):
        self.write(rate=20)
        job = self.reconstruct(load=", follow: {timeout_s: 60}")
        while "starting" not in job.stdout.readline():
            self.assertIsNone(job.poll())
        time.sleep(0.5)
        job.send_signal(signal.SIGINT)
        self.end(job, code=130)
        self.assertLess(self.views(), FRAMES)
        self.assertGreaterEqual(self.views(), 20)

    def test_data_files_of_an_eiger_that_come_one_by_one(self):
        self.write("--eiger", file="master.h5")
        self.end(self.reconstruct(load=", positions: {file: master.h5.txt}, follow: {frames: 160, timeout_s: 20}", file="master.h5"))
        figures = self.report(self.folder)
        self.assertGreater(figures["live"]["iterations"], 2)
        self.assertEqual(self.views(), FRAMES)
        self.assertLess(figures["r_factor"], 1.02 * self.offline_r)

    def test_nexus_with_positions_that_are_known_before(self):
        self.write("--nexus", file="live.nxs")
        self.end(self.reconstruct(file="live.nxs"))
        figures = self.report(self.folder)
        self.assertGreater(figures["live"]["iterations"], 2)
        self.assertEqual(self.views(), FRAMES)
        self.assertLess(figures["r_factor"], 1.02 * self.offline_r)

    def test_refuses_what_is_wrong(self):
        cases = [(", follow: {timeout_s: 0.5}", LIVE, 3, "live.cxi: there is no such file"),
                 (FOLLOW + ", frames: {last: 7}", "", 2, "leave frames out"),
                 (FOLLOW + ", positions: auto", "", 2, "positions: auto needs the whole scan"),
                 (", follow: {time_out_s: 3}", "", 2, "did you mean 'timeout_s'")]
        for load, dm, code, message in cases:
            with self.subTest(message):
                self.assertIn(message, self.end(self.reconstruct(load, dm), code))
        for dm, message in ((", reproducible: true", "live: reproducible"), (", checkpoint: {file: c}", "checkpoint is for scans that are complete"),
                            (", probe_modes: auto", "give a number of modes")):
            with self.subTest(message):
                (self.folder / "pipeline.yaml").write_text(self.pipeline(self.scans / "scan.cxi", FOLLOW, LIVE + dm))
                self.assertIn(message, self.end(self.start(pf.PROGRAM, "run", "pipeline.yaml"), 2))
        with h5py.File(self.folder / "live.cxi", "w", libver="latest") as f:
            f.create_dataset("entry_1/instrument_1/detector_1/data", (0, 64, 64), "u2", maxshape=(None, 64, 64), chunks=(1, 64, 64))
            f.create_dataset("entry_1/sample_1/geometry_1/translation", (0, 3), "f8", maxshape=(None, 3), chunks=(16, 3))
        self.assertIn("holds no frames", self.end(self.reconstruct(", follow: {timeout_s: 0.5}"), 3))


if __name__ == "__main__":
    pf.main()
