#!/usr/bin/python3
"""The scripts of pipelines/slurm do what they say: checked by the shell, by shellcheck and by sbatch where there are such, and
run on stand-ins for Slurm's programs."""
import os, pathlib, shutil, subprocess, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

SCRIPTS = pf.SOURCE / "pipelines" / "slurm"
ONE, MANY = SCRIPTS / "one_scan.sh", SCRIPTS / "many_scans.sh"
STAND_INS = pathlib.Path(__file__).with_name("stand_ins")

SCAN = """
name: scan
stages:
  - stage: simulate
    params: {{scan: {{frame_count: 36}}, detector: {{frame_size: 64}}}}
  - stage: save_scan
    params: {{file: "{file}"}}
"""
OPTIONS = ("--set", "iterations=3", "--set", "probe_modes=1")


def call(*command, env=None):
    return subprocess.run([str(word) for word in command], env=env, cwd=pf.SOURCE, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


class Checks(unittest.TestCase):
    def passes(self, *command):
        for script in (ONE, MANY):
            done = call(*command, script)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_shell(self):
        self.passes("bash", "-n")

    @unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck here")
    def test_shellcheck(self):
        self.passes("shellcheck")

    @unittest.skipUnless(shutil.which("sinfo") and call("sinfo").returncode == 0, "no Slurm cluster answers here")
    def test_sbatch(self):
        self.passes("sbatch", "--test-only")


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.env = os.environ | {"PATH": f"{STAND_INS}:{os.environ['PATH']}", "PTYCHOFLOW": pf.PROGRAM,
                                 "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

    def scan(self, name):
        file = self.folder / "scans of a day" / f"{name}.cxi"
        file.parent.mkdir(exist_ok=True)
        pf.run(SCAN.format(file=file), self.folder)
        return file

    def reconstructed(self, file, log):
        self.assertTrue(file.exists(), log)
        self.assertEqual(len(pf.result(file)[2]["fourier_error"]), 3)
        self.assertTrue(file.with_suffix(".json").exists())

    def test_one_scan(self):
        result, log = self.folder / "results" / "one.h5", self.folder / "job-%j.log"
        done = call("sbatch", "--ntasks=2", f"--output={log}", ONE, self.scan("one"), result, *OPTIONS, env=self.env)
        text = (self.folder / "job-4711.log").read_text()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("on 2 rank(s)", text.split("ptycho_dm:")[-1])
        self.assertIn("done: ", text)
        self.reconstructed(result, text)

    def test_a_failed_scan_fails_the_job(self):
        env = self.env | {"SLURM_NTASKS": "1"}
        done = call(ONE, self.folder / "none.cxi", self.folder / "none.h5", env=env)
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("failed with exit code 3", done.stdout)

    def test_many_scans_and_what_is_missing(self):
        scans = [self.scan(name) for name in ("a", "b", "c")]
        results = self.folder / "results"
        results.mkdir()
        (results / "b.h5").write_text("there already")
        done = call(MANY, results, *scans, "--", *OPTIONS, env=self.env)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("already there: ", done.stdout)
        for task, name in (1, "a"), (2, "c"):
            log = (results / f"scan-4711-{task}.log").read_text()
            self.assertIn(f"{name}.cxi on 4 rank(s)", log)
            self.reconstructed(results / f"{name}.h5", log)
        self.assertEqual((results / "b.h5").read_text(), "there already")
        again = call(MANY, results, *scans, env=self.env)
        self.assertEqual(again.returncode, 0)
        self.assertIn("nothing to do", again.stdout)

    def test_many_scans_refuses_before_it_submits(self):
        a = self.scan("a")
        twin = a.with_suffix(".h5")
        shutil.copy(a, twin)
        for scans, code, says in (([a, twin], 2, "would both become"), ([a.with_name("x.cxi")], 3, "cannot be read"), ([], 2, "usage")):
            with self.subTest(says):
                done = call(MANY, self.folder / "results", *scans, env=self.env)
                self.assertEqual(done.returncode, code, done.stdout)
                self.assertIn(says, done.stdout)
                self.assertEqual(list(self.folder.glob("results/*")), [])


if __name__ == "__main__":
    pf.main()
