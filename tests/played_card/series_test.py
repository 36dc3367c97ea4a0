#!/usr/bin/python3
"""Scans that follow each other on a card: the frames of the next are copied there while one is iterated on, where there is
room, and nothing else changes by it. `series_test.py PROGRAM FOLDER_OF_LIBRARIES`"""
import json, pathlib, shutil, tempfile

import cards
import h5py
import ptychoflow as pf

SIMULATE = """
name: simulate
stages:
  - stage: simulate
    params: {{name: s, seed: {number}, scan: {{frame_count: {frames}}}, detector: {{frame_size: 32}}}}
  - stage: save_scan
    params: {{file: scan_{number}.cxi}}
"""
SERIES = """
name: series
on_error: ON_ERROR
stages:
  - stage: load
    params: {files: "scan_*.cxi", block_frames: 8, LOAD}
  - stage: ptycho_dm
    params:
      iterations: 25
      probe_modes: 3
      precision: double
      initial_probe: {gaussian: {fwhm_m: 1.0e-7}}
      initial_object: random
      MORE
  - stage: save
    params: {file: "{scan}.h5", pictures: false}
"""
FRAMES = "entry_1/instrument_1/detector_1/data"
HAD = {1: 50, 2: 45, 3: 40}  # frames of each scan


class Series(cards.InAFolder):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.scans = pathlib.Path(temporary.name)
        for number, frames in HAD.items():
            pf.run(SIMULATE.format(number=number, frames=frames), cls.scans)

    def setUp(self):
        super().setUp()
        self.restore_scans()

    def restore_scans(self):
        for scan in self.scans.glob("*.cxi"):
            shutil.copy(scan, self.folder)

    def run_on(self, backend, more="", *, load="", on_error="stop", **how):
        for file in self.folder.glob("*.h5"):
            file.unlink()
        pipeline = SERIES.replace("MORE", more).replace("LOAD", load).replace("ON_ERROR", on_error)
        return cards.run(pipeline, self.folder, backend, **how)

    def results(self):
        return {int(f.stem[5:]): pf.result(f)[0] for f in sorted(self.folder.glob("*.h5"))}

    def figures(self):
        return json.loads((self.folder / "report.json").read_text())["stages"]["ptycho_dm"]["scans"]

    def came_early(self):
        return {int(name[5:]): f["frames_that_came_early"] for name, f in self.figures().items()}

    def expect_early(self, *numbers):
        """Of these scans frames came early: all, unless the machine has much else to do."""
        for number, frames in self.came_early().items():
            self.assertIn(frames, range(1, HAD[number] + 1) if number in numbers else (0,), number)

    def expect_results(self, expected):
        found = self.results()
        self.assertEqual(found.keys(), expected.keys())
        for number in expected:
            self.assertLess(pf.difference(found[number], expected[number]), 1e-9, number)

    def test_the_next_scan_comes_while_one_is_iterated_on(self):
        self.run_on("cpu")
        expected = self.results()
        self.expect_early()
        for order in ("late", "soon", 1):
            with self.subTest(order=order):
                self.run_on("cuda", PLAYED_CARD_ORDER=order)
                self.expect_results(expected)
                self.expect_early(2, 3)
        report = json.loads((self.folder / "report.json").read_text())["stages"]
        self.assertEqual(report["load"]["bytes_out"], report["ptycho_dm"]["bytes_in"])
        self.assertGreater(report["load"]["bytes_out"], sum(HAD.values()) * 32 * 32 * 2)

    def test_on_several_ranks_it_has_the_same_bits(self):
        more = "reproducible: true"
        self.run_on("cuda", more)
        expected = {number: o.tobytes() for number, o in self.results().items()}
        for ranks, cards_there in ((2, 1), (3, 3)):
            with self.subTest(ranks=ranks):
                self.run_on("cuda", more, ranks=ranks, PLAYED_CARDS=cards_there)
                self.assertTrue({number: o.tobytes() for number, o in self.results().items()} == expected, "other bits")
                self.assertGreater(self.came_early()[3], 0)

    def test_the_plan_is_what_is_taken(self):
        peak = self.folder / "peak"
        self.run_on("cuda", PLAYED_CARD_PEAK=peak)
        memory = self.figures()["scan_1"]["memory"]["device"]
        self.assertEqual(memory["next_magnitudes_bytes"], memory["magnitudes_bytes"])
        self.assertLess(abs(int(peak.read_text()) / memory["total_bytes"] - 1), 0.1, memory)

    def test_where_there_is_no_room_it_waits_for_its_turn(self):
        self.run_on("cuda")
        expected, planned = self.results(), self.figures()["scan_1"]["memory"]["device"]["total_bytes"]
        with self.subTest("on the card"):
            self.run_on("cuda", PLAYED_CARD_BYTES=int((planned - 100_000) / 0.98))
            self.expect_results(expected)
            self.assertEqual(self.came_early()[2], 0)
        with self.subTest("magnitudes come from the processor's memory"):
            self.run_on("cuda", PLAYED_CARD_BYTES=int((planned - 900_000) / 0.98))
            self.expect_results(expected)
            self.assertTrue(self.figures()["scan_1"]["memory"]["device"]["magnitudes_on_host"])
            self.expect_early(2, 3)

    def test_more_frames_than_there_is_room_for_wait_for_their_turn(self):
        (self.folder / "scan_3.cxi").unlink()
        pf.run(SIMULATE.format(number=3, frames=60), self.folder)
        self.run_on("cpu")
        expected = self.results()
        self.run_on("cuda")
        self.expect_results(expected)
        self.expect_early(2)

    def test_a_bad_scan_is_skipped_when_it_has_its_turn(self):
        def negative(f):
            f[FRAMES][40, 3, 5] = -7

        def dark(f):
            f[FRAMES][...] = 0

        def without_energy(f):
            del f["entry_1/instrument_1/source_1/energy"]

        for bad, change in ((2, negative), (2, dark), (3, without_energy)):
            with self.subTest(change=change.__name__):
                self.restore_scans()
                for number in HAD:
                    with h5py.File(self.folder / f"scan_{number}.cxi", "r+") as f:
                        counts = f[FRAMES][()].astype("i4")
                        del f[FRAMES]
                        f[FRAMES] = counts
                        if number == bad:
                            change(f)
                skipped = self.skipped_on("cpu")
                expected = self.results()
                self.assertEqual(list(expected), [number for number in HAD if number != bad])
                self.assertEqual(self.skipped_on("cuda"), skipped)
                self.expect_results(expected)
                self.skipped_on("cuda", ranks=2)
                self.expect_results(expected)
                stopped = self.run_on("cuda", check=False)
                self.assertEqual(stopped.returncode, 3, stopped.stdout)
                self.assertEqual(list(self.results()), list(range(1, bad)), "those before it have their results")

    def skipped_on(self, backend, **how):
        """What is said of the scan that is skipped."""
        done = self.run_on(backend, on_error="skip", check=False, **how)
        self.assertEqual(done.returncode, 3, done.stdout)
        says = [line for line in done.stdout.splitlines() if "is skipped: load: " in line]
        self.assertEqual(len(says), 1, done.stdout)
        return says[0]

    def test_a_card_that_is_lost_meanwhile_ends_the_run(self):
        for launch in (150, 200, 250):
            with self.subTest(launch=launch):
                lost = self.run_on("cuda", check=False, PLAYED_CARD_FAULT=f"launch:{launch}:cudaErrorECCUncorrectable")
                self.assertEqual(lost.returncode, 4, lost.stdout)
                self.assertIn("cudaErrorECCUncorrectable", lost.stdout)
                self.assertEqual(lost.stdout.count("[error]"), 1, lost.stdout)
                self.assertEqual(self.results(), {})

    def test_a_card_that_has_no_memory_after_all_gets_the_frames_in_their_turn(self):
        self.run_on("cpu")
        expected = self.results()
        self.run_on("cuda", PLAYED_CARD_FAULT="cudaMallocHost:3:cudaErrorMemoryAllocation")  # buffers of the second scan
        self.expect_results(expected)
        self.assertEqual(self.came_early()[2], 0)


if __name__ == "__main__":
    pf.main()
