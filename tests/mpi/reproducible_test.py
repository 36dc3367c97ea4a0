#!/usr/bin/python3
"""reproducible: true gives the same bits for any number of ranks and threads, any sharing of views, in and out of memory."""
import json, pathlib, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h5py
import ptychoflow as pf

PIPELINE = """
name: reproducible
stages:
  - stage: simulate
    params:
      distribution: {distribution}
      probe: {{mode_powers: [0.8, 0.2]}}
      scan: {{frame_count: {frames}, pattern: fermat}}
      detector: {{frame_size: {size}, photons: 1.0e+6, noise: {noise}}}
  - stage: ptycho_dm
    params:
      iterations: 12
      probe_modes: 2
      reproducible: true
      initial_probe: {{from_data: {{defocus_m: 8.0e-5}}}}
      {more}
  - stage: save
    params: {{file: "{file}", pictures: {pictures}}}
"""


def contents(file):
    """Bytes of every dataset but those that say how, when and how fast."""
    found = {}

    def take(name, item):
        how = name.startswith("process_1/") and "/history/" not in name
        if isinstance(item, h5py.Dataset) and not how and not name.endswith(("_time", "/seconds")):
            found[name] = item[()].tobytes() if item.shape else item[()]

    with h5py.File(file) as f:
        f["entry_1"].visititems(take)
    return found


class SameBits(unittest.TestCase):
    def run_one(self, ranks, threads, *, more="", distribution="auto", frames=61, size=48, noise="poisson",
                pictures="false"):
        """The result's contents, with its pictures, and what the report says of the reconstruction."""
        with tempfile.TemporaryDirectory() as folder:
            file, report = f"{folder}/result.h5", f"{folder}/report.json"
            text = PIPELINE.format(file=file, more=more, distribution=distribution, frames=frames, size=size, noise=noise,
                                   pictures=pictures)
            pf.run(text, folder, ranks=ranks, options=["--threads", str(threads), "--backend", "cpu", "--report", report])
            figures = json.loads(pathlib.Path(report).read_text())["stages"]["ptycho_dm"]
            self.assertEqual([p.name for p in pathlib.Path(folder).iterdir() if "scratch" in p.name], [])
            drawn = {p.name: p.read_bytes() for p in pathlib.Path(folder).glob("*_object_*.png")}
            self.assertEqual(len(drawn), 2 if pictures == "true" else 0)
            return contents(file) | drawn, figures

    def expect_same(self, found, expected):
        self.assertEqual(set(found), set(expected))
        self.assertGreater(len(expected), 10)
        different = [name for name in expected if found[name] != expected[name]]
        self.assertEqual(different, [])

    def test_ranks_threads_and_sharing(self):
        expected, _ = self.run_one(1, 1)
        shared_rows = 0
        for ranks, threads, distribution in [(1, 2, "auto"), (1, 3, "auto"), (2, 1, "spatial"), (3, 1, "spatial"),
                                             (4, 1, "spatial"), (7, 1, "spatial"), (2, 2, "scan_order"),
                                             (4, 1, "scan_order")]:
            with self.subTest(ranks=ranks, threads=threads, distribution=distribution):
                found, figures = self.run_one(ranks, threads, distribution=distribution)
                self.expect_same(found, expected)
                shared_rows += figures["distribution"]["bytes_to_neighbours_per_iteration"][0] > 0
        self.assertGreater(shared_rows, 0, "no run exchanged rows with neighbours")

    def test_an_object_that_is_brought_together(self):
        expected, _ = self.run_one(1, 1, frames=300, size=32, pictures="true")
        for more in ("", "gather_object: true"):
            with self.subTest(more=more):  # by save, since pictures ask for it; by ptycho_dm
                found, _ = self.run_one(3, 1, distribution="spatial", frames=300, size=32, more=more, pictures="true")
                self.expect_same(found, expected)

    def test_an_object_that_stays_in_rows(self):
        for scan in (dict(), dict(frames=300, size=32)):  # all ranks hold all rows; each holds some
            expected, _ = self.run_one(1, 1, **scan)
            for ranks, more in ((1, ""), (3, ""), (3, "object_modes: 2")):
                if more:
                    expected, _ = self.run_one(1, 1, more=more, **scan)
                with self.subTest(ranks=ranks, more=more, **scan):
                    found, _ = self.run_one(ranks, 1, distribution="spatial", more=f"gather_object: false\n      {more}", **scan)
                    self.expect_same(found, expected)

    def test_views_that_touch_no_shared_row(self):
        scan = dict(frames=500, size=32)
        expected, _ = self.run_one(1, 1, **scan)
        for ranks in (2, 3):
            found, figures = self.run_one(ranks, 1, distribution="spatial", **scan)
            self.expect_same(found, expected)
            alone = figures["distribution"]["views"][0] - figures["distribution"]["views_in_shared_rows"][0]
            if ranks == 2:
                self.assertGreater(alone, 0)

    def test_everything_at_once(self):
        more = ("object_modes: 2\n      precision: double\n      update_order: probe_first\n      orthogonalise_every: 5\n"
                "      average_from: 0.5\n      half_scans: true\n      initial_object: random\n"
                "      object_amplitude: [0.1, 1.2]")
        expected, _ = self.run_one(1, 1, more=more, noise="none")
        for ranks, threads in [(3, 1), (7, 1), (1, 2)]:
            found, _ = self.run_one(ranks, threads, more=more, noise="none", distribution="spatial")
            self.expect_same(found, expected)

    def test_out_of_memory(self):
        expected, figures = self.run_one(1, 1)
        self.assertEqual(figures["memory"]["scratch_bytes"], 0)
        for ranks, budget in [(1, "35MiB"), (2, "33.5MiB"), (3, "34500kB")]:
            with self.subTest(ranks=ranks):
                found, figures = self.run_one(ranks, 1, more=f"memory: {{host: {budget}, scratch: .}}")
                self.assertGreater(figures["memory"]["scratch_bytes"], 0, figures["memory"])
                self.expect_same(found, expected)

    def test_it_makes_a_difference(self):
        """Without it, the last bits depend on the ranks: or this test would prove nothing."""
        with tempfile.TemporaryDirectory() as folder:
            results = []
            for ranks in (1, 3):
                file = f"{folder}/{ranks}.h5"
                text = PIPELINE.format(file=file, more="", distribution="auto", frames=61, size=48, noise="poisson", pictures="false")
                pf.run(text.replace("reproducible: true", "reproducible: false"), folder, ranks=ranks,
                       options=["--threads", "1", "--backend", "cpu"])
                results.append(contents(file)["object/data"])
            self.assertNotEqual(results[0], results[1])


if __name__ == "__main__":
    pf.main()
