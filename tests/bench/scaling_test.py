#!/usr/bin/python3
"""Bytes that ranks send, as counted by the program: constant in weak scaling, fewer with bands than in the order of the scan,
and what the model of docs/SCALING.md says. No time is asserted."""
import json, pathlib, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
try:
    import numpy as np
    import ptychoflow as pf
    import scaling_model as model, scaling_scans as scans
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

FRAME, STEP, POINTS, LINES = 32, 4, 6, 20  # lines of a rank: a frame is 8 high


def distribution(positions, ranks, sharing):
    """Of the run report."""
    with tempfile.TemporaryDirectory() as folder:
        file, report = f"{folder}/scan.cxi", pathlib.Path(folder) / "report.json"
        scans.write_cxi(file, positions, FRAME)
        pf.run(scans.PIPELINE.format(file=file, distribution=sharing, iterations=3, modes=1), folder, ranks=ranks,
               options=["--threads", "1", "--backend", "cpu", "--report", str(report)])
        return json.loads(report.read_text())["stages"]["ptycho_dm"]["distribution"]


class Bytes(unittest.TestCase):
    def agrees_with_the_model(self, counted, positions, ranks, sharing):
        case = model.Case.of(positions, FRAME)
        self.assertEqual(counted["bytes_to_neighbours_per_iteration"], list(model.bytes_to_neighbours(case, ranks, sharing)))
        for sums in counted["bytes_in_sums_per_iteration"]:
            self.assertAlmostEqual(sums / model.bytes_in_sums(case, ranks, sharing), 1, delta=0.05)  # some are of the run's end
        if sharing == "spatial":
            layout = model.lay_out(case, ranks)
            self.assertEqual(counted["views"], list(layout.views))
            self.assertEqual(counted["views_in_shared_rows"], list(layout.shared_views))

    def test_weak_scaling_keeps_the_bytes_of_a_rank_with_two_neighbours(self):
        inner = []
        for ranks in (3, 4):
            positions = scans.raster(LINES * ranks, POINTS, STEP)
            counted = distribution(positions, ranks, "spatial")
            self.agrees_with_the_model(counted, positions, ranks, "spatial")
            sent = counted["bytes_to_neighbours_per_iteration"]
            inner += sent[1:-1]
            for end in (sent[0], sent[-1]):  # has one neighbour
                self.assertAlmostEqual(end / sent[1], 0.5, delta=0.05)
        self.assertGreater(min(inner), 0)
        self.assertLess(max(inner) / min(inner), 1.05)

    def test_bands_send_less_than_the_order_of_a_spiral(self):
        positions = scans.spiral(240, STEP)
        for ranks in (2, 4):
            most = {}
            for sharing in ("spatial", "scan_order"):
                counted = distribution(positions, ranks, sharing)
                self.agrees_with_the_model(counted, positions, ranks, sharing)
                most[sharing] = max(np.add(counted["bytes_to_neighbours_per_iteration"], counted["bytes_in_sums_per_iteration"]))
            with self.subTest(ranks=ranks):
                self.assertLess(most["spatial"], 0.8 * most["scan_order"])


class Model(unittest.TestCase):
    def test_ranks_above_and_below_share_as_many_rows_as_a_frame_is_high(self):
        case = model.Case.of(scans.raster(64, POINTS, STEP), FRAME)
        for ranks, others in ((4, 1), (16, 2), (32, 4)):  # bands of 64, 16 and 8 rows: the frame has 32, the step 4
            layout = model.lay_out(case, ranks, whole=False)
            with self.subTest(ranks=ranks):
                self.assertEqual(layout.neighbours.max(), 2 * -(-(FRAME - STEP) // (64 * STEP // ranks)))
                self.assertEqual(layout.neighbours.max(), 2 * others)

    def test_thin_bands_make_every_rank_take_the_whole_object(self):
        case = model.Case.square(400, STEP, FRAME)
        self.assertFalse(model.lay_out(case, 4).whole)
        self.assertTrue(model.lay_out(case, 200).whole)

    def test_messages_hide_behind_views_in_rows_of_the_rank_alone(self):
        rates = model.Rates("", view_mode=1.0, view=0.0, window=0.0, pixel=0.0, fixed=0.0, shared_pixel=0.0)
        case = model.Case.of(scans.raster(3 * LINES, POINTS, STEP), FRAME)
        layout = model.lay_out(case, 3)
        inner = int((layout.views - layout.shared_views)[1])
        self.assertGreater(inner, 0)
        sent = layout.rows_sent[1] * case.width * model.COMPLEX
        # The link takes half, then twice the time of the views that are alone.
        for factor, shows in ((0.5, 0.0), (2.0, inner)):
            t = model.iteration(case, layout, rates, model.Link("", 0.0, sent / (factor * inner)))
            self.assertAlmostEqual(t.exchange, shows, delta=1e-9 * inner)

    def test_the_fit_finds_rates_that_are_not_negative(self):
        self.assertTrue(np.allclose(model.fit([[1, 2], [2, 1], [3, 3]], [5, 4, 9]), [1, 2]))
        self.assertTrue(np.allclose(model.fit([[1, 1], [1, 3]], [2, 1]), [1.2, 0]))  # else 2.5 and −0.5


if __name__ == "__main__":
    pf.main()
