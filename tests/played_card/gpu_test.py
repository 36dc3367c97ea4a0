#!/usr/bin/python3
"""The program on cards that the processor plays (card.hpp): what drives a GPU is the real code. In whatever order work is
done, on any number of cards and ranks, and with less memory than the scan needs, it finds what the CPU finds; and it ends
as it should when a card fails. `gpu_test.py PROGRAM FOLDER_OF_LIBRARIES`"""
import json, pathlib, tempfile, time

import cards
import h5py
import ptychoflow as pf

# The random object lights the whole detector: two kinds of transform go the same way.
PIPELINE = """
name: gpu
stages:
  - stage: simulate
    params: {distribution: spatial, scan: {frame_count: FRAMES}, detector: {frame_size: 32}}
  - stage: ptycho_dm
    params:
      iterations: 12
      probe_modes: 3
      precision: double
      orthogonalise_every: 5
      initial_probe: {gaussian: {fwhm_m: 1.0e-7}}
      initial_object: random
      MORE
  - stage: save
    params: {file: result.h5, pictures: false}
"""
EXIT_WAVES = 60 * 3 * 32 * 32 * 16


class OnPlayedCards(cards.InAFolder):
    def run_on(self, backend, more="", *, frames=60, **how):
        """Runs the pipeline; `how`: see cards.run."""
        for file in self.folder.iterdir():
            file.unlink()
        return cards.run(PIPELINE.replace("MORE", more).replace("FRAMES", str(frames)), self.folder, backend, **how)

    def object_of(self, backend, more="", **card):
        self.run_on(backend, more, **card)
        return pf.result(self.folder / "result.h5")[0]

    def device_memory(self):
        return json.loads((self.folder / "report.json").read_text())["stages"]["ptycho_dm"]["memory"]["device"]

    def bytes_of_result(self):
        with h5py.File(self.folder / "result.h5") as f:
            e = f["entry_1"]
            return [e["object/data"][()].tobytes(), e["probe/data"][()].tobytes(),
                    *(v[()].tobytes() for k, v in e["process_1/history"].items() if k != "seconds")]


class Results(OnPlayedCards):
    def test_in_any_order_of_work_as_the_cpu(self):
        expected = self.object_of("cpu")
        for order in ("late", "soon", 1, 2, 3):
            with self.subTest(order=order):
                self.assertLess(pf.difference(self.object_of("cuda", PLAYED_CARD_ORDER=order), expected), 1e-9)

    def test_with_less_memory_than_the_scan_needs(self):
        expected = self.object_of("cuda")
        planned = self.device_memory()
        self.assertFalse(planned["exit_waves_on_host"] or planned["magnitudes_on_host"])
        kinds = set()
        for room in (0.9, 0.7, 0.5):
            for order in ("late", "soon", 4):
                with self.subTest(room=room, order=order):
                    available = int(planned["total_bytes"] * room / 0.98)
                    found = self.object_of("cuda", PLAYED_CARD_ORDER=order, PLAYED_CARD_BYTES=available)
                    self.assertLess(pf.difference(found, expected), 1e-9)
                    memory = self.device_memory()
                    self.assertGreater(memory["traffic_bytes_per_iteration"], 0)
                    self.assertLessEqual(memory["total_bytes"], available)
                    kinds.add((memory["magnitudes_on_host"], memory["exit_waves_on_host"], memory["resident_views"] > 0))
        self.assertIn((True, False, False), kinds, "only magnitudes come")
        self.assertIn((True, True, True), kinds, "some exit waves stay")

    def test_the_plan_is_what_is_taken(self):
        for more in ("", "reproducible: true", "object_modes: 2", "precision: single"):
            for room in (1, 0.7):
                with self.subTest(more=more, room=room):
                    more_of_it = more if "precision" not in more else ""
                    self.run_on("cuda", more_of_it)
                    available = int(self.device_memory()["total_bytes"] * room / 0.98) if room < 1 else 1 << 32
                    self.run_on("cuda", more_of_it, PLAYED_CARD_BYTES=available, PLAYED_CARD_PEAK=self.folder / "peak")
                    peak, planned = int((self.folder / "peak").read_text()), self.device_memory()["total_bytes"]
                    self.assertLess(abs(peak / planned - 1), 0.1, (peak, planned))

    def test_reproducible_has_the_same_bits(self):
        more = "reproducible: true"
        self.run_on("cuda", more)
        expected = self.bytes_of_result()
        room = int(self.device_memory()["total_bytes"] * 0.6)
        for how in (dict(PLAYED_CARD_ORDER=5), dict(ranks=2), dict(ranks=3, PLAYED_CARDS=3), dict(PLAYED_CARD_BYTES=room),
                    dict(more=f"{more}\n      batch_views: 7"), dict(ranks=2, more=f"{more}\n      reduction: host", PLAYED_CARDS=2)):
            with self.subTest(**how):
                self.run_on("cuda", **{"more": more} | how)
                self.assertTrue(self.bytes_of_result() == expected, "other bits")

    def test_a_checkpoint_is_gone_on_from(self):
        for room in (1, 0.6):
            with self.subTest(room=room):
                more = "reproducible: true"
                self.run_on("cuda", more)
                expected = self.bytes_of_result()
                bytes_there = int(self.device_memory()["total_bytes"] * room / 0.98) if room < 1 else 1 << 32
                with tempfile.TemporaryDirectory() as kept:
                    more += f"\n      checkpoint: {{every: 4, file: {kept}/run.ckpt}}"
                    lost = self.run_on("cuda", more, check=False, PLAYED_CARD_BYTES=bytes_there,
                                       PLAYED_CARD_FAULT="cudaStreamSynchronize:70:cudaErrorECCUncorrectable")
                    self.assertEqual(lost.returncode, 4, lost.stdout)
                    self.assertTrue(any(pathlib.Path(kept).iterdir()), "no checkpoint was written before the card was lost")
                    again = self.run_on("cuda", more, PLAYED_CARD_BYTES=bytes_there)
                    self.assertTrue(self.bytes_of_result() == expected, again.stdout)

    def test_sweeps_of_ranks_that_share_rows_are_replayed(self):
        for launches, code in ((99, 4), (100, 0)):  # 12 iterations of 9 sweeps, the first of which are not replayed
            with self.subTest(launches=launches):
                done = self.run_on("cuda", ranks=2, check=False, frames=900,
                                   PLAYED_CARD_FAULT=f"cudaGraphLaunch:{launches}:cudaErrorLaunchFailure")
                self.assertEqual(done.returncode, code, done.stdout)

    def test_ranks_take_cards_in_turn_and_share_them(self):
        for cards, says in ((2, "sums over ranks by nccl"), (1, "for each of 2 ranks that share it), sums over ranks by host")):
            with self.subTest(cards=cards):
                expected = self.object_of("cpu")
                self.run_on("cuda", ranks=2, PLAYED_CARDS=cards)
                self.assertIn(says, json.loads((self.folder / "report.json").read_text())["stages"]["ptycho_dm"]["gpu"])
                self.assertLess(pf.difference(pf.result(self.folder / "result.h5")[0], expected), 1e-9)


class Faults(OnPlayedCards):
    def test_a_failing_call_is_named(self):
        lost, memory = "cudaErrorECCUncorrectable", "cudaErrorMemoryAllocation"
        for fault, says in ((f"cudaMalloc:9:{memory}", ("cudaMalloc at core/device/cuda/memory.cpp", memory, "more ranks")),
                            (f"cudaMallocHost:1:{memory}", ("cudaMallocHost at core/device/cuda/upload.cpp", memory)),
                            (f"cudaMemcpyAsync:9:{lost}", ("cudaMemcpyAsync at core/device/cuda/", lost, "nvidia-smi")),
                            ("launch:99:cudaErrorIllegalAddress", ("views 0 to 59", "cudaErrorIllegalAddress")),
                            ("cufftExec:5:cudaErrorLaunchFailure", ("views 4 to ", "cuFFT could not run a transform")),
                            ("cudaGraphLaunch:2:cudaErrorLaunchFailure", ("views 0 to 59", "cudaGraphLaunch at core/device/cuda/queue.cu")),
                            ("cudaGetDeviceCount:1:cudaErrorInsufficientDriver", ("update the driver", "--backend cpu"))):
            with self.subTest(fault):
                done = self.run_on("cuda", check=False, PLAYED_CARD_FAULT=fault)
                self.assertEqual(done.returncode, 4, done.stdout)
                for part in ("GPU", *says):
                    self.assertIn(part, done.stdout)
                self.assertEqual([f.name for f in self.folder.iterdir() if "result" in f.name], [])

    def test_auto_goes_on_without_a_card_that_does_not_start(self):
        done = self.run_on("auto", PLAYED_CARD_FAULT="cudaMemGetInfo:1:cudaErrorDevicesUnavailable")
        self.assertEqual(done.stdout.count("computing on the CPU"), 1, done.stdout)

    def test_a_capture_that_the_driver_refuses_is_done_without(self):
        expected = self.object_of("cpu")
        found = self.object_of("cuda", PLAYED_CARD_FAULT="cudaGraphInstantiate:1:cudaErrorMemoryAllocation")
        self.assertLess(pf.difference(found, expected), 1e-9)

    def test_one_rank_that_loses_its_card_ends_all(self):
        for rank in range(4):
            with self.subTest(rank=rank):
                start = time.monotonic()
                done = self.run_on("cuda", ranks=4, check=False, PLAYED_CARD_FAULT="launch:300:cudaErrorECCUncorrectable",
                                   PLAYED_CARD_FAULT_RANK=rank)
                self.assertLess(time.monotonic() - start, 10)
                self.assertEqual(done.returncode, 4, done.stdout)
                self.assertIn(f"rank {rank} on ", done.stdout)
                self.assertIn("cudaErrorECCUncorrectable", done.stdout)
                self.assertEqual(done.stdout.count("[error]"), 1, done.stdout)
                self.assertEqual([f.name for f in self.folder.iterdir() if "result" in f.name], [])

    def test_what_fits_nowhere_is_refused_with_figures(self):
        done = self.run_on("cuda", "memory: {host: 1MiB}", check=False, PLAYED_CARD_BYTES=EXIT_WAVES)
        self.assertEqual(done.returncode, 4, done.stdout)
        for part in ("exit waves", "free on the device", "more ranks", "memory: {host"):
            self.assertIn(part, done.stdout)


if __name__ == "__main__":
    pf.main()
