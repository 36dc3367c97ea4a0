#!/usr/bin/python3
"""A rank that dies, stops, hangs, loses its input or meets a full disk ends the run on all four, soon, with one message
that names it; nothing remains. `failure_test.py PROGRAM FAULT_LIBRARY`; see tests/support/fault.c."""
import concurrent.futures, json, os, pathlib, re, signal, socket, subprocess, sys, tempfile, time, unittest, uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

FAULTS = sys.argv[2] if len(sys.argv) > 2 else ""
RANKS = 4
PATIENCE_S = 3
ENDING_S = 4  # mpirun kills what is left after a second; the rest is for a busy machine
AT_A_TIME = 2  # most of a case is waiting

PIPELINE = """
name: failure
variables:
  iterations: 20
stages:
  - stage: load
    params: {{file: "{scan}"}}
  - stage: save_scan
    params: {{file: copy.cxi}}
  - stage: ptycho_dm
    params: {{iterations: "${{iterations}}", probe_modes: 2, initial_probe: {{from_data: {{defocus_m: 8.0e-5}}}},
             gather_object: {whole}, checkpoint: {{every: 5, file: run.ckpt}}}}
  - stage: save
    params: {{file: result.h5, pictures: false}}
"""

# Phase: where the fault is, which call of its kind, and the ranks that make it. Frames are read from about the 60th on.
PHASES = {
    "open": ("read", "scan.cxi", 20, range(RANKS)),
    "read": ("read", "scan.cxi", 64, range(RANKS)),
    "iterate": ("iterate", "", 25, range(RANKS)),
    "reduce": ("reduce", "", 25, range(RANKS)),
    "checkpoint": ("write", ".run.ckpt.0", 2, range(RANKS)),
    "write": ("write", ".copy.cxi.tmp-", 2, range(RANKS)),
    "result": ("write", ".result.h5.tmp-", 2, [0]),
    "rows": ("write", ".result.h5.tmp-", 2, [0]),  # while other ranks wait to send theirs
}
LOST = {"die": "died, last seen in", "stop": "has not been heard of for", "hang": "hangs in"}
REFUSED = {("read", "EIO"): (3, "Input/output error"), ("open", "EIO"): (3, "Input/output error"), ("write", "ENOSPC"): (4, "No space left on device"),
           ("checkpoint", "ENOSPC"): (4, "No space left on device"),
           ("result", "ENOSPC"): (4, "No space left on device"), ("rows", "ENOSPC"): (4, "No space left on device")}
CASES = [(phase, rank, what) for phase in PHASES if phase != "open" for rank in PHASES[phase][3] for what in LOST]
CASES += [(phase, rank, what) for phase, what in REFUSED for rank in PHASES[phase][3]]


def processes_of(mark):
    """Those whose environment has this mark."""
    found = []
    for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            pass  # gone, or not ours
    return found


class Outcome:
    """What came of one run with one fault."""

    def __init__(self, scan, case):
        phase, rank, what = case
        call, path, count, _ = PHASES[phase]
        with tempfile.TemporaryDirectory() as folder:
            note = pathlib.Path(folder, "note")
            pathlib.Path(folder, "pipeline.yaml").write_text(PIPELINE.format(scan=scan, whole=str(phase != "rows").lower()))
            mark = f"PTYCHOFLOW_TEST_MARK={uuid.uuid4()}"
            settings = [mark, f"LD_PRELOAD={FAULTS}", f"FAULT_RANK={rank}", f"FAULT_CALL={call}", f"FAULT_PATH={path}",
                        f"FAULT_COUNT={count}", f"FAULT_DO={what}", f"FAULT_NOTE={note}"]
            command = ["mpirun", "--oversubscribe", "-n", str(RANKS)]
            for setting in settings:
                command += ["-x", setting]
            command += [pf.PROGRAM, "run", "pipeline.yaml", "-q", "--threads", "1", "--backend", "cpu",
                        "--patience", str(PATIENCE_S), "--report", "report.json"]
            env = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
            self.timed_out = False
            with open(f"{folder}/output", "w+") as output:  # no pipe: an orphan would keep it open
                process = subprocess.Popen(command, env=env, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
                try:
                    ended = pf.wait_for(process, lambda: processes_of(mark))
                except subprocess.TimeoutExpired:
                    self.timed_out = True
                    process.kill()
                    process.wait()
                    ended = time.time()
                output.seek(0)
                self.output = output.read()
            self.exit_code = process.returncode
            self.seconds = ended - note.stat().st_mtime if note.exists() else None
            time.sleep(0.2)  # for the kernel to bury them
            self.left = processes_of(mark)
            for pid in self.left:
                os.kill(int(pid), 9)
            report = pathlib.Path(folder, "report.json")
            self.report = json.loads(report.read_text()) if report.exists() else {}
            self.temporary = [f.name for f in pathlib.Path(folder).iterdir() if ".tmp-" in f.name]


class Failure(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        pf.run(pf.SMALL_SCAN, cls.folder.name)
        scan = pathlib.Path(cls.folder.name, "scan.cxi")
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            cls.outcomes = dict(zip(CASES, pool.map(lambda case: Outcome(scan, case), CASES)))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def each(self, check):
        for case, outcome in self.outcomes.items():
            with self.subTest(phase=case[0], rank=case[1], fault=case[2]):
                check(*case, outcome)

    def test_fault_came_and_the_run_ended_soon(self):
        def check(phase, rank, what, outcome):
            self.assertIsNotNone(outcome.seconds, "the fault was never met\n" + outcome.output)
            self.assertFalse(outcome.timed_out, outcome.output)
            self.assertLess(outcome.seconds, PATIENCE_S + ENDING_S, outcome.output)

        self.each(check)

    def test_exit_code_tells(self):
        def check(phase, rank, what, outcome):
            if what in LOST:
                self.assertNotEqual(outcome.exit_code, 0, outcome.output)
            else:
                self.assertEqual(outcome.exit_code, REFUSED[phase, what][0], outcome.output)

        self.each(check)

    def test_one_message_names_rank_host_and_cause(self):
        def check(phase, rank, what, outcome):
            messages = re.findall(r"^\[error\].*", outcome.output, re.MULTILINE)
            self.assertEqual(len(messages), 1, outcome.output)
            cause = LOST[what] if what in LOST else REFUSED[phase, what][1]
            self.assertIn(f"rank {rank} on {socket.gethostname()}", messages[0])
            self.assertIn(cause, messages[0])

        self.each(check)

    def test_report_names_the_rank_too(self):
        def check(phase, rank, what, outcome):
            self.assertEqual(outcome.report.get("status"), "failed", outcome.output)
            self.assertEqual(outcome.report["error"]["rank"], rank)

        self.each(check)

    def test_no_process_remains(self):
        self.each(lambda phase, rank, what, outcome: self.assertEqual(outcome.left, [], outcome.output))

    def test_no_temporary_file_remains_but_of_one_killed(self):
        def check(phase, rank, what, outcome):
            # Rank 0 makes the files but for checkpoints, of which each rank makes its own.
            if what != "die" or (rank != 0 and phase != "checkpoint"):
                self.assertEqual(outcome.temporary, [], outcome.output)

        self.each(check)

    def test_a_run_that_is_suspended_as_a_whole_goes_on(self):
        with tempfile.TemporaryDirectory() as folder:
            mark = f"PTYCHOFLOW_TEST_MARK={uuid.uuid4()}"
            pathlib.Path(folder, "pipeline.yaml").write_text(PIPELINE.format(scan=f"{self.folder.name}/scan.cxi", whole="true"))
            command = ["mpirun", "--oversubscribe", "-n", str(RANKS), "-x", mark, pf.PROGRAM, "run", "pipeline.yaml",
                       "--threads", "1", "--patience", "1", "--set", "iterations=500"]
            env = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
            with open(f"{folder}/output", "w+") as output:
                process = subprocess.Popen(command, env=env, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
                while "views of" not in pathlib.Path(folder, "output").read_text() and process.poll() is None:
                    time.sleep(0.05)
                ranks = processes_of(mark)
                for pid in ranks:
                    os.kill(int(pid), signal.SIGSTOP)
                time.sleep(3)
                for pid in ranks:
                    os.kill(int(pid), signal.SIGCONT)
                code = process.wait(60)
                output.seek(0)
                self.assertEqual(code, 0, output.read())
            self.assertEqual(len(ranks), RANKS)


if __name__ == "__main__":
    pf.main()
