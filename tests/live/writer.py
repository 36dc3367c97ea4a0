#!/usr/bin/python3
"""Plays an acquisition: writes a scan again, frame by frame, as a detector's writer does.

    writer.py SCAN.cxi LIVE.cxi FRAMES_A_SECOND [--frames N] [--die]      in HDF5's SWMR mode; --die: without closing the file
    writer.py SCAN.cxi LIVE.nxs FRAMES_A_SECOND --nexus                   the same as NeXus has it, x and y apart and known before
    writer.py SCAN.cxi MASTER.h5 FRAMES_A_SECOND --eiger                  a master, and data files of 20 frames that come one by one"""
import argparse, os, time

import h5py, numpy as np

p = argparse.ArgumentParser()
p.add_argument("scan"), p.add_argument("live"), p.add_argument("rate", type=float)
p.add_argument("--frames", type=int), p.add_argument("--die", action="store_true"), p.add_argument("--eiger", action="store_true")
p.add_argument("--nexus", action="store_true")
a = p.parse_args()

DETECTOR = "entry_1/instrument_1/detector_1"
with h5py.File(a.scan) as f:
    frames = f[f"{DETECTOR}/data"][()]
    positions = f["entry_1/sample_1/geometry_1/translation"][()]
    numbers = {name: f[name][()] for name in (f"{DETECTOR}/distance", f"{DETECTOR}/x_pixel_size", f"{DETECTOR}/y_pixel_size",
                                              "entry_1/instrument_1/source_1/energy")}
count = a.frames or len(frames)

if a.eiger:
    files = range(0, count, 20)
    with h5py.File(a.live, "w") as f:
        for n in range(len(files)):
            f[f"entry/data/data_{n + 1:06}"] = h5py.ExternalLink(f"{os.path.basename(a.live)}_data_{n + 1:06}.h5", "/entry/data/data")
        f["entry/instrument/detector/detector_distance"] = numbers[f"{DETECTOR}/distance"]
        f["entry/instrument/detector/x_pixel_size"] = f["entry/instrument/detector/y_pixel_size"] = numbers[f"{DETECTOR}/x_pixel_size"]
        f["entry/instrument/beam/incident_wavelength"] = 12.398419843320026e3 / (numbers["entry_1/instrument_1/source_1/energy"] / 1.602176634e-19)
    np.savetxt(a.live + ".txt", positions[:, :2], fmt="%.17g")
    for n, first in enumerate(files):
        time.sleep(20 / a.rate)
        whole = f"{a.live}_data_{n + 1:06}.h5"
        with h5py.File(whole + ".part", "w") as f:
            f["entry/data/data"] = frames[first:min(first + 20, count)]
        os.rename(whole + ".part", whole)
    raise SystemExit

with h5py.File(a.live, "w", libver="latest") as f:
    for name, value in numbers.items():
        f[name] = value
    data = f.create_dataset(f"{DETECTOR}/data", (0, *frames.shape[1:]), frames.dtype, maxshape=(None, *frames.shape[1:]),
                            chunks=(1, *frames.shape[1:]), compression="gzip")
    if a.nexus:
        f["entry_1/definition"] = "NXcxi_ptycho"
        f["entry_1/instrument_1/beam_1/incident_beam_energy"] = numbers["entry_1/instrument_1/source_1/energy"]
        f["entry_1/data/x"], f["entry_1/data/y"] = positions[:, 0], positions[:, 1]
    else:
        places = f.create_dataset("entry_1/sample_1/geometry_1/translation", (0, 3), "f8", maxshape=(None, 3), chunks=(16, 3))
    f.swmr_mode = True
    for j in range(count):
        data.resize(j + 1, 0)
        data[j] = frames[j]
        data.flush()
        if not a.nexus:
            places.resize(j + 1, 0)
            places[j] = positions[j]
            places.flush()
        time.sleep(1 / a.rate)
    if a.die:
        os.kill(os.getpid(), 9)
