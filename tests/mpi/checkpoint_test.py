#!/usr/bin/python3
"""A run that is killed goes on from its newest whole checkpoint, on as many ranks or on others, and ends with the bits of
one that was not."""
import json, os, pathlib, random, signal, subprocess, sys, tempfile, time, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

SCAN = """
name: scan
stages:
  - stage: simulate
    params: {scan: {frame_count: 60, pattern: fermat}, detector: {frame_size: 32, photons: 1.0e+6}, seed: SEED}
  - stage: save_scan
    params: {file: SCAN}
"""

PIPELINE = """
name: checkpoint
stages:
  - stage: load
    params: {file: SCAN}
  - stage: ptycho_dm
    params:
      iterations: ITERATIONS
      probe_modes: 2
      average_from: AVERAGE
      reproducible: true
      initial_probe: {from_data: {defocus_m: 8.0e-5}}
      MORE
  - stage: save
    params: {file: OUT, pictures: false, overwrite: true}
"""
CHECKPOINT = "checkpoint: {every: 5, file: run.ckpt EXTRA}"


class Folder(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        self.make_scan("scan.cxi", 1)

    def make_scan(self, name, seed):
        pf.run(SCAN.replace("SCAN", name).replace("SEED", str(seed)), self.folder)

    def text(self, out, *, more=CHECKPOINT, iterations=120, scan="scan.cxi", extra="", average=1):
        return (PIPELINE.replace("OUT", out).replace("MORE", more.replace("EXTRA", extra)).replace("SCAN", scan)
                .replace("ITERATIONS", str(iterations)).replace("AVERAGE", str(average)))

    def run_here(self, out, *, ranks=1, check=True, options=(), **text):
        return pf.run(self.text(out, **text), self.folder, ranks=ranks, check=check,
                      options=["--threads", "1", "--backend", "cpu", *options])

    def files(self, pattern="run.ckpt*"):
        return sorted(p.name for p in self.folder.glob(pattern))

    def expect_same(self, found, expected):
        one, other = pf.result(self.folder / found), pf.result(self.folder / expected)
        self.assertEqual(one[0].tobytes(), other[0].tobytes(), "object")
        self.assertEqual(one[1].tobytes(), other[1].tobytes(), "probe")
        for name, values in other[2].items():
            if name != "seconds":
                self.assertEqual(one[2][name].tobytes(), values.tobytes(), name)

    def start(self, out, ranks, **text):
        """The same in the background."""
        file = self.folder / "pipeline.yaml"
        file.write_text(self.text(out, **text))
        launcher = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
        env = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return subprocess.Popen([*launcher, pf.PROGRAM, "run", str(file), "-q", "--threads", "1", "--backend", "cpu"],
                                env=env, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True)

    def processes(self, of):
        """Ranks of a job: processes of this program in its folder."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cwd").resolve() == self.folder.resolve() and \
                        (entry / "exe").resolve() == pathlib.Path(pf.PROGRAM).resolve():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def lists(self):
        return self.files("run.ckpt.??????")

    def stop_half_way(self, *, ranks=1, signal_=signal.SIGKILL, extra=""):
        """Ends a run that would go on for ever, once it has written two checkpoints or more. Returns the newest's iteration."""
        job = self.start("stopped.h5", ranks, iterations=1000000, extra=extra)
        deadline = time.monotonic() + 60
        while len(self.lists()) < 2 and time.monotonic() < deadline and job.poll() is None:
            time.sleep(0.005)
        for pid in self.processes(job):
            try:
                os.kill(pid, signal_)
            except ProcessLookupError:  # mpirun was faster
                pass
        pf.wait_for(job, lambda: self.processes(job))
        self.assertTrue(self.lists(), "no checkpoint was written")
        return int(self.lists()[-1].split(".")[-1])

    def resumed_after(self, **how):
        report = self.folder / "report.json"
        done = self.run_here("restarted.h5", options=["--report", str(report)], **how)
        return json.loads(report.read_text())["stages"]["ptycho_dm"]["resumed_after_iteration"], done


class Checkpoints(Folder):
    def test_killed_at_random_moments(self):
        self.run_here("undisturbed.h5", more="", average=0.5)
        start = time.monotonic()
        self.run_here("unkilled.h5", average=0.5)
        length = time.monotonic() - start
        self.expect_same("unkilled.h5", "undisturbed.h5")
        self.assertEqual(self.files(), [], "checkpoints of a run that has ended")
        rng = random.Random(8)
        killed = 0
        for moment in range(50):
            ranks = rng.choice([1, 1, 2, 3])
            job = self.start("killed.h5", ranks, average=0.5)
            time.sleep(rng.uniform(0, length + 0.3 * (ranks - 1)))
            # Not while mpirun is starting them: one that dies between the forks of two ranks can leave mpirun waiting.
            while len(victims := self.processes(job)) not in (0, ranks):
                time.sleep(0.002)
            if victims:
                killed += 1
            for pid in victims if rng.random() < 0.5 else victims[:1]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            pf.wait_for(job, lambda: self.processes(job))
            if (self.folder / "killed.h5").exists():  # whole, whenever the kill came
                self.expect_same("killed.h5", "undisturbed.h5")
                (self.folder / "killed.h5").unlink()
        self.assertGreater(killed, 10, "most runs had ended before they were to be killed")
        self.run_here("restarted.h5", ranks=2, average=0.5)
        self.expect_same("restarted.h5", "undisturbed.h5")
        self.assertEqual(self.files(".run.ckpt*"), [], "half-written files")
        self.assertEqual(self.files(), [])

    def test_other_numbers_of_ranks_go_on(self):
        for before, after in [(1, 3), (3, 2), (4, 1)]:
            with self.subTest(before=before, after=after):
                newest = self.stop_half_way(ranks=before)
                self.run_here("undisturbed.h5", more="", iterations=newest + 20)
                self.assertEqual(self.resumed_after(ranks=after, iterations=newest + 20)[0], newest)
                self.expect_same("restarted.h5", "undisturbed.h5")
                self.assertEqual(self.files(), [])

    def test_a_run_that_was_asked_to_stop_goes_on_where_it_stopped(self):
        newest = self.stop_half_way(signal_=signal.SIGUSR1)
        history = pf.result(self.folder / "stopped.h5")[2]
        self.assertEqual(history["iteration"][-1], newest, "the checkpoint is of the moment of the stop")
        self.run_here("undisturbed.h5", more="", iterations=newest + 7)
        self.assertEqual(self.resumed_after(iterations=newest + 7)[0], newest)
        self.expect_same("restarted.h5", "undisturbed.h5")

    def test_without_exit_waves_files_are_small_and_the_run_goes_on(self):
        sizes = {}
        for extra in ("", ", exit_waves: false"):
            newest = self.stop_half_way(extra=extra)
            sizes[extra] = (self.folder / self.files("run.ckpt.*of1")[-1]).stat().st_size
            if not extra:
                for name in self.files():
                    (self.folder / name).unlink()
        self.assertLess(sizes[", exit_waves: false"], sizes[""] / 3)
        self.assertEqual(self.resumed_after(iterations=newest + 20, extra=", exit_waves: false")[0], newest)
        history = pf.result(self.folder / "restarted.h5")[2]
        self.assertEqual(history["iteration"][-1], newest + 20)
        self.assertLess(history["fourier_error"][-1], 2 * history["fourier_error"][newest - 1])


class Refusals(Folder):
    def setUp(self):
        super().setUp()
        self.stop_half_way()

    def refused(self, *words, code, **how):
        done = self.run_here("refused.h5", check=False, **how)
        self.assertEqual(done.returncode, code, done.stdout)
        for word in words:
            self.assertIn(word, done.stdout)
        self.assertFalse((self.folder / "refused.h5").exists())

    def test_another_scan(self):
        self.make_scan("other.cxi", 2)
        self.refused("is of another reconstruction", "scan: scan there, other now", "mean frame", code=2, scan="other.cxi")

    def test_other_parameters(self):
        self.refused("is of another reconstruction", "beta: not said there, 0.7 now", code=2,
                     more=CHECKPOINT + "\n      beta: 0.7")

    def test_another_version(self):
        import h5py
        listing = self.folder / self.lists()[-1]
        newest = self.folder / f"{listing.name}.0of1"
        with h5py.File(newest, "a") as f:
            del f["identity/program version"]
            f["identity/program version"] = "0.0.1"
        self.write_list(listing, newest)
        self.refused("program version: 0.0.1 there", code=2)

    def write_list(self, listing, part):
        import zlib
        data = part.read_bytes()
        listing.write_text(f"ptychoflow checkpoint\n1\n{part.name} {len(data)} {zlib.crc32(data)}\n")

    def test_a_damaged_one_is_passed_over(self):
        lists = self.lists()
        self.assertGreater(len(lists), 1)
        part = self.folder / f"{lists[-1]}.0of1"
        data = bytearray(part.read_bytes())
        data[len(data) // 2] ^= 1
        part.write_bytes(data)
        older = int(lists[-2].split(".")[-1])
        resumed, done = self.resumed_after(iterations=older + 10)
        self.assertIn("is damaged", done.stdout)
        self.assertEqual(resumed, older)

    def test_none_whole_is_refused(self):
        for name in self.files("run.ckpt.*of1"):
            part = self.folder / name
            part.write_bytes(part.read_bytes()[:-100])
        self.refused("is cut short", "no generation of", "remove its files", code=3)

    def test_a_folder_that_is_not_there(self):
        self.refused("no folder", code=2, more=CHECKPOINT.replace("run.ckpt", "nowhere/run.ckpt"))


if __name__ == "__main__":
    pf.main()
