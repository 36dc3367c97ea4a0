#!/usr/bin/python3
"""A scan that is still running, on a card that the processor plays: some of what tests/live asks of the CPU.
`running_test.py PROGRAM FOLDER_OF_LIBRARIES`"""
import os, pathlib, sys, unittest

import cards

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "live"))
import live_test

live_test.ITERATIONS = 60
os.environ |= {"LD_LIBRARY_PATH": cards.library_path(), "PLAYED_CARD_ORDER": "late"}


class OnACard(live_test.Live):
    def end(self, job, code=0):
        said = super().end(job, code)
        self.assertIn("card that the processor plays", self.report(self.folder)["gpu"])
        return said


if __name__ == "__main__":
    tests = unittest.TestSuite(map(OnACard, ("test_is_as_good_as_offline_and_lets_people_see", "test_ranks_take_frames_in_turn")))
    sys.exit(not unittest.TextTestRunner(verbosity=2).run(tests).wasSuccessful())
