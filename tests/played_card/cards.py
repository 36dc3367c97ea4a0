"""Runs the program on cards that the processor plays (card.hpp). The folder of their libraries is argv[2] of the test."""
import os, pathlib, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

LIBRARIES = sys.argv[2] if len(sys.argv) > 2 else ""


def library_path():
    return f"{LIBRARIES}:{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(":")


def run(pipeline, folder, backend, *, ranks=1, check=True, options=(), **card):
    """`card`: PLAYED_CARD_… and the like."""
    return pf.run(pipeline, folder, ranks=ranks, check=check,
                  options=["--backend", backend, "--threads", "1", "--report", "report.json", *options],
                  environment={"LD_LIBRARY_PATH": library_path()} | {k: str(v) for k, v in card.items()})


class InAFolder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
