#!/usr/bin/python3
"""`ptychoflow watch`: scans that come into a folder, each processed once, whatever happens to them or to the watch."""
import fcntl, json, os, pathlib, random, shutil, signal, subprocess, sys, tempfile, time, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

SIMULATE = """
name: simulate
stages:
  - stage: simulate
    params: {name: s, scan: {frame_count: 20}, detector: {frame_size: 32}}
  - stage: save_scan
    params: {file: scan.cxi}
"""
PIPELINE = """
name: test
variables: {input: null, iterations: 5}
stages:
  - stage: load
    params: {file: "${input}"}
  - stage: ptycho_dm
    params: {iterations: "${iterations}", initial_probe: {from_data: {defocus_m: 9.0e-5}}}
  - stage: save
    params: {file: "{scan}.h5", pictures: false}
"""
TAKE = "echo {scan} >> taken"  # as the work that is done with a scan


class Watch(unittest.TestCase):
    def setUp(self):
        self.keep = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.keep.name)
        self.scans = self.folder / "scans"
        self.scans.mkdir()
        (self.folder / "p.yaml").write_text(PIPELINE)
        self.running = []

    def tearDown(self):
        for process in self.running:
            process.kill()
            process.wait()
            process.stdout.close()
        self.keep.cleanup()

    def command(self, *options):
        return [pf.PROGRAM, "watch", "p.yaml", "--folder", "scans", *options]

    def once(self, *options, code=0):
        done = subprocess.run(self.command("--once", "--settle", "0", *options), cwd=self.folder, text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, code, done.stdout)
        return done.stdout

    def start(self, *options):
        process = subprocess.Popen(self.command(*options), cwd=self.folder, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        self.running.append(process)
        return process

    def put(self, *names, text=b"a scan"):
        for name in names:
            (self.scans / name).write_bytes(text)

    def put_scans(self, *names):
        if not (self.folder / "scan.cxi").exists():
            pf.run(SIMULATE, self.folder)
        for name in names:
            shutil.copy(self.folder / "scan.cxi", self.scans / name)

    def taken(self):
        file = self.folder / "taken"
        return [pathlib.Path(line).name for line in file.read_text().split()] if file.exists() else []

    def wait_until(self, true, seconds=30):
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                self.fail(self.journal())
            time.sleep(0.02)

    def journal(self):
        file = self.folder / "p.watch/journal.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def states(self):
        said = subprocess.run(self.command("--status"), cwd=self.folder, text=True, stdout=subprocess.PIPE, check=True).stdout
        states = {}
        for line in said.splitlines():
            if line.endswith((".cxi", ".h5")):
                states[pathlib.Path(line.split()[3]).name] = tuple(line.split()[:2])
        return states, said

    def test_reconstructs_each_scan_once_in_the_order_of_numbers(self):
        self.put_scans("scan_10.cxi", "scan_9.cxi")
        self.put("other.txt", ".hidden.cxi")
        self.once()
        self.assertEqual([pathlib.Path(e["scan"]).name for e in self.journal() if e["event"] == "taken"],
                         ["scan_9.cxi", "scan_10.cxi"])
        times = {name: (self.folder / name).stat().st_mtime_ns for name in ("scan_9.h5", "scan_10.h5")}
        self.assertEqual(self.once(), "", "nothing is left to do")
        for name, then in times.items():
            self.assertEqual((self.folder / name).stat().st_mtime_ns, then)
        self.assertEqual(self.states()[0], {"scan_9.cxi": ("done", "1"), "scan_10.cxi": ("done", "1")})
        metrics = (self.folder / "p.watch/metrics.prom").read_text()
        self.assertIn('ptychoflow_watch_scans{state="done"} 2\n', metrics)
        rate = float(metrics.split("ptychoflow_watch_view_modes_per_second ")[-1])
        self.assertGreater(rate, 0)

    def test_a_bad_scan_is_given_up_and_taken_again_when_it_changes(self):
        self.put_scans("a.cxi", "b.cxi")
        (self.scans / "a.cxi").write_bytes((self.scans / "b.cxi").read_bytes()[:2000])
        self.assertIn("truncated", self.once(code=3))
        states, said = self.states()
        self.assertEqual(states, {"a.cxi": ("failed", "1"), "b.cxi": ("done", "1")})
        self.assertIn("truncated", said)
        self.once()
        self.assertEqual(len([e for e in self.journal() if e["event"] == "taken"]), 2, "bad data are not tried again")
        self.put_scans("a.cxi")
        self.once()
        self.assertEqual(self.states()[0]["a.cxi"], ("done", "1"))

    def test_what_changes_after_it_was_processed_is_said_and_left(self):
        self.put("a.cxi")
        self.once("--submit", TAKE)
        self.put("a.cxi", text=b"another")
        self.assertIn("has changed since", self.once("--submit", TAKE))
        self.assertEqual(self.taken(), ["a.cxi"])

    def test_other_failures_are_tried_again_with_growing_pauses_and_then_given_up(self):
        self.put("a.cxi")
        self.once("--submit", "echo {scan} >> taken; exit 7", "--retries", "2", "--backoff", "0.3", code=3)
        self.assertEqual(len(self.taken()), 3)
        events = self.journal()
        waits = [e["retry_at"] - t["at"] for e, t in zip([e for e in events if e["event"] == "will_retry"],
                                                        [e for e in events if e["event"] == "taken"])]
        self.assertGreaterEqual(waits[0], 0.3)
        self.assertGreaterEqual(waits[1], 0.6)
        self.assertEqual(self.states()[0], {"a.cxi": ("failed", "3")})
        self.once("--submit", TAKE)
        self.assertEqual(len(self.taken()), 3)
        self.once("--submit", TAKE, "--retry-failed")
        self.assertEqual(len(self.taken()), 4)

    def test_a_file_is_left_alone_while_it_is_written(self):
        process = self.start("--settle", "3", "--submit", TAKE)
        with open(self.scans / "slow.cxi", "wb") as growing, open(self.scans / "locked.cxi", "wb") as locked:
            fcntl.flock(locked, fcntl.LOCK_EX)  # as HDF5 does
            for _ in range(40):
                growing.write(b"a frame")
                growing.flush()
                time.sleep(0.1)
            self.assertEqual(self.taken(), [])
        self.wait_until(lambda: sorted(self.taken()) == ["locked.cxi", "slow.cxi"])
        process.terminate()
        self.assertEqual(process.wait(30), 0)

    def test_neither_a_renamed_file_nor_a_closed_one_need_settle(self):
        self.start("--settle", "1000", "--submit", TAKE)
        self.wait_until(lambda: (self.folder / "p.watch/metrics.prom").exists())
        (self.folder / "whole").write_bytes(b"a scan")
        os.rename(self.folder / "whole", self.scans / "renamed.cxi")
        self.wait_until(lambda: self.taken() == ["renamed.cxi"])
        self.put("closed.cxi")
        self.wait_until(lambda: self.taken() == ["renamed.cxi", "closed.cxi"])

    def test_flags_say_when_a_scan_is_complete(self):
        self.put("a.cxi", "b.cxi", "b.cxi.done")
        self.once("--flag", ".done", "--submit", TAKE)
        self.assertEqual(self.taken(), ["b.cxi"])

    def test_several_at_a_time(self):
        self.put("a.cxi", "b.cxi", "c.cxi")
        count = "echo x >> now; wc -l < now >> most; sleep 2; sed -i 1d now"
        self.once("--parallel", "2", "--submit", count)
        self.assertEqual(max(int(n) for n in (self.folder / "most").read_text().split()), 2)

    def test_runs_get_launcher_variables_and_threads(self):
        self.put_scans("a.cxi")
        self.once("--launcher", "env WATCHED=1", "--set", "iterations=3", "--threads", "2", "-v")
        report = json.loads((self.folder / "p.watch/reports/a.cxi.json").read_text())
        self.assertEqual((report["stages"]["ptycho_dm"]["iterations"], report["threads"]), (3, 2))

    def test_refuses_what_is_wrong_before_anything_is_taken(self):
        self.put_scans("a.cxi")
        for options, text in ((["--variable", "imput"], "imput"), (["--set", "input=x"], "put into input"), (["--set", "iteration=3"], "iteration"),
                              (["--submitt", "x"], "did you mean '--submit'")):
            self.assertIn(text, self.once(*options, code=2))
        (self.folder / "p.yaml").write_text(PIPELINE.replace("initial_probe", "inital_probe"))
        self.assertIn("inital_probe", self.once(code=2))
        self.assertFalse((self.folder / "a.h5").exists())
        shutil.rmtree(self.scans)
        (self.folder / "p.yaml").write_text(PIPELINE)
        self.assertIn("no such folder", self.once(code=2))

    def test_two_watches_do_not_share_a_state(self):
        self.start("--submit", TAKE)
        self.wait_until(lambda: (self.folder / "p.watch/metrics.prom").exists())
        self.assertIn("another watch", self.once(code=4))

    def test_a_journal_that_was_cut_goes_on_and_a_broken_one_is_named(self):
        self.put("a.cxi")
        self.once("--submit", TAKE)
        journal = self.folder / "p.watch/journal.jsonl"
        text = journal.read_text()
        journal.write_text(text + '{"event": "tak')
        self.put("b.cxi")
        self.once("--submit", TAKE)
        self.assertEqual(self.taken(), ["a.cxi", "b.cxi"])
        journal.write_text("nonsense\n" + text)
        self.assertIn("journal.jsonl:1", self.once(code=3))

    def test_a_stopped_watch_stops_its_runs_and_the_next_one_goes_on(self):
        self.put_scans("a.cxi")
        process = self.start("--settle", "0", "--set", "iterations=1000000")
        self.wait_until(lambda: any(e["event"] == "started" for e in self.journal()))
        time.sleep(0.5)
        process.terminate()
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.states()[0], {}, "as if it had not been taken")
        self.assertFalse((self.folder / "a.h5").exists(), "half a reconstruction is no result")
        self.once()
        self.assertEqual(self.states()[0], {"a.cxi": ("done", "1")})

    def test_ranks_end_with_their_watch(self):
        self.put_scans("a.cxi")
        os.environ |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

        def ranks():
            found = subprocess.run(["pgrep", "-f", f"^{pf.PROGRAM} run p.yaml --set input={self.scans}"], text=True,
                                   stdout=subprocess.PIPE)
            return len(found.stdout.split())
        for sent in (signal.SIGTERM, signal.SIGKILL):
            process = self.start("--settle", "0", "--launcher", "mpirun --oversubscribe -n 2", "--set", "iterations=1000000",
                                 "--threads", "1")
            self.wait_until(lambda: ranks() == 2)
            process.send_signal(sent)
            process.wait(60)
            self.wait_until(lambda: ranks() == 0)
            self.assertFalse((self.folder / "a.h5").exists())

    def test_a_run_that_does_not_end_when_asked_is_killed(self):
        self.put("a.cxi")
        stubborn = self.folder / "stubborn"
        stubborn.write_text("#!/bin/sh\ntrap '' TERM\necho $$ > pid\nwhile :; do sleep 1; done\n")
        stubborn.chmod(0o755)
        process = self.start("--settle", "0", "--launcher", str(stubborn))
        self.wait_until(lambda: (self.folder / "pid").exists() and (self.folder / "pid").read_text().endswith("\n"))
        process.terminate()
        self.assertEqual(process.wait(60), 0)
        with self.assertRaises(ProcessLookupError):
            os.kill(int((self.folder / "pid").read_text()), 0)
        self.assertEqual(self.states()[0], {}, "as if it had not been taken")

    def test_the_unit_for_systemd_is_in_order(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("there is no systemd-analyze")
        unit = self.folder / "ptychoflow-watch.service"
        text = (pf.SOURCE / "pipelines/systemd/ptychoflow-watch.service").read_text()
        unit.write_text(text.replace("/usr/local/bin/ptychoflow", pf.PROGRAM))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        words = next(line for line in text.splitlines() if line.startswith("ExecStart=")).split()[2:]
        (self.folder / "reconstruct.yaml").write_text((pf.SOURCE / "pipelines/reconstruct.yaml").read_text())
        words[words.index("--folder") + 1] = "scans"
        subprocess.run([pf.PROGRAM, "watch", *words, "--once"], cwd=self.folder, check=True)

    def test_a_submission_that_was_cut_is_not_repeated(self):
        self.put("a.cxi")
        process = self.start("--settle", "0", "--submit", "echo {scan} >> taken; sleep 60")
        self.wait_until(lambda: self.taken() == ["a.cxi"])
        process.kill()
        process.wait()
        self.assertIn("killed while it was being submitted", self.once("--submit", TAKE, code=3))
        self.assertEqual(self.taken(), ["a.cxi"])

    def test_every_scan_is_processed_once_though_the_watch_is_killed_at_random(self):
        names = [f"scan_{n}.cxi" for n in range(12)]
        self.put_scans(*names)
        random.seed(5)
        for n in range(12):  # long runs that are cut, and short ones that may just have ended
            process = self.start("--settle", "0", "--parallel", "2", "--threads", "1", "--backoff", "0", "--retries", "20",
                                 "--set", f"iterations={30000 if n % 2 else 1000}")
            time.sleep(random.uniform(0.02, 0.9))
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.assertTrue(any("the watch ended" in e.get("message", "") for e in self.journal()), "or nothing is tested")
        self.once("--backoff", "0", "--retries", "20", "--threads", "1")
        # save refuses to write a result again: a scan that was processed twice would be given up.
        self.assertEqual({name: state for name, (state, _) in self.states()[0].items()}, dict.fromkeys(names, "done"),
                         self.states()[1])
        self.assertEqual(len(list(self.folder.glob("scan_*.h5"))), len(names))


if __name__ == "__main__":
    pf.main()
