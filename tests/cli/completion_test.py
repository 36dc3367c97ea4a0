#!/usr/bin/python3
"""What bash offers, with the script of `ptychoflow completion`, for words that are begun."""
import pathlib, subprocess, sys, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

ASK = """
source <("$1" completion)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_ptychoflow
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Completion(unittest.TestCase):
    def offered(self, *words):
        done = subprocess.run(["bash", "-euc", ASK, "bash", pf.PROGRAM, *words], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.split()

    def test_commands(self):
        self.assertEqual(self.offered("in"), ["inspect", "init"])
        everything = self.offered("")
        for command in ("run", "check", "stages", "watch", "completion", "--version"):
            self.assertIn(command, everything)

    def test_options_of_the_command(self):
        self.assertEqual(self.offered("run", "pipeline.yaml", "--re"), ["--report"])
        self.assertIn("--retries", self.offered("watch", "--re"))
        self.assertEqual(self.offered("run", "--back"), ["--backend"])

    def test_values(self):
        self.assertEqual(self.offered("run", "--backend", "c"), ["cpu", "cuda"])
        self.assertEqual(self.offered("inspect", "--format", "e"), ["eiger"])
        self.assertEqual(self.offered("stages", "ptycho"), ["ptycho_dm"])

    def test_files_are_left_to_bash(self):
        self.assertEqual(self.offered("run", "pipe"), [])


if __name__ == "__main__":
    pf.main()
