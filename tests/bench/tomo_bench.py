#!/usr/bin/python3
"""Tomography on one core, from one sinogram of the Shepp-Logan phantom: filtered back projection beside scikit-image's iradon
in one run, and ten iterations of SIRT and CGLS.

    tests/bench/tomo_bench.py [BUILD]      BUILD: the build folder, default build/

Errors are root mean squares against the phantom within the circle, in its units (0 ... 1).
Where UFO (Debian: libufo-bin, ufo-filters, pocl-opencl-icd) is installed, its backproject with mode=nearest is a second
witness: its error after the scale and the whole-pixel shift that suit it best.
Prints Markdown tables."""
import json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
from skimage.data import shepp_logan_phantom
from skimage.transform import iradon, radon, resize

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = (pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build") / "tests" / "bench_tomo"
FILTERS = {"ramp": "ramp", "shepp_logan": "shepp-logan", "hann": "hann"}


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def ours(folder, sinogram, filter_name, slices):
    raw, out = folder / "sinogram.raw", folder / "slice.raw"
    np.ascontiguousarray(sinogram.T, np.float32).tofile(raw)
    width, angles = sinogram.shape
    text = subprocess.run([PROGRAM, raw, str(angles), str(width), filter_name, str(slices), out], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    return np.fromfile(out, np.float32).reshape(width, width), json.loads(text)["cpu_s_per_slice"]


def theirs(sinogram, degrees, filter_name):
    start = time.process_time()
    found = iradon(sinogram, theta=degrees, filter_name=filter_name, interpolation="linear", circle=True)
    return found, time.process_time() - start


def ufo(folder, sinogram):
    import tifffile
    width, angles = sinogram.shape
    tifffile.imwrite(folder / "sinogram.tif", np.ascontiguousarray(sinogram.T, np.float32))
    stages = ["read path=sinogram.tif", "fft dimensions=1", "filter filter=ramp", "ifft dimensions=1",
              f"backproject axis-pos={width / 2 + 0.5} angle-step={np.pi / angles:.9f} mode=nearest", "write filename=slice.tif"]
    subprocess.run(["ufo-launch", *" ! ".join(stages).split()], cwd=folder, check=True, capture_output=True,
                   env=os.environ | {"UFO_DEVICE_TYPE": "cpu"})
    return tifffile.imread(folder / "slice.tif")[::-1]  # its y goes the other way


def best_error(found, phantom, inside):
    def error(moved):
        scale = np.sum(moved[inside] * phantom[inside]) / np.sum(moved[inside] ** 2)
        return np.sqrt(np.mean((scale * moved - phantom)[inside] ** 2))
    return min(error(np.roll(found, (y, x), (0, 1))) for y in (-1, 0, 1) for x in (-1, 0, 1))


def iterative(folder, width, angles, sinogram):
    row("pixels", "angles", "ten iterations of", "ms a slice, 1 slice", "ms a slice, 16 slices")
    row(*["---"] * 5)
    for how in ("sirt", "cgls"):
        rounds = [[ours(folder, sinogram, how, slices)[1] for slices in (1, 16)] for _ in range(3)]
        row(width, angles, how, *(f"{1e3 * statistics.median(c):.1f}" for c in zip(*rounds)))


def main():
    row("pixels", "angles", "filter", "ms a slice, 1 slice", "ms a slice, 16 slices", "iradon, ms", "times faster, 1 slice",
        "16 slices", "our error", "iradon's error", "UFO's error")
    row(*["---"] * 11)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for width, angles in ((256, 180), (512, 360)):
            phantom = resize(shepp_logan_phantom(), (width, width), anti_aliasing=True)
            degrees = np.linspace(0, 180, angles, endpoint=False)
            sinogram = radon(phantom, theta=degrees, circle=True)
            y, x = np.mgrid[:width, :width] - width // 2
            inside = x * x + y * y < (width // 2 - 2) ** 2
            error = lambda found: np.sqrt(np.mean((found - phantom)[inside] ** 2))
            has_ufo = shutil.which("ufo-launch")
            witness = f"{best_error(ufo(folder, sinogram), phantom, inside):.5f}" if has_ufo else ""
            for ours_named, theirs_named in FILTERS.items():
                rounds = []
                for _ in range(3):  # in turns, so that noise meets all
                    alone, t1 = ours(folder, sinogram, ours_named, 1)
                    _, t16 = ours(folder, sinogram, ours_named, 16)
                    peer, t = theirs(sinogram, degrees, theirs_named)
                    rounds.append((t1, t16, t))
                t1, t16, t = (statistics.median(c) for c in zip(*rounds))
                row(width, angles, ours_named, f"{1e3 * t1:.2f}", f"{1e3 * t16:.2f}", f"{1e3 * t:.0f}", f"{t / t1:.0f}",
                    f"{t / t16:.0f}", f"{error(alone):.5f}", f"{error(peer):.5f}",
                    witness if ours_named == "ramp" else "")
        print()
        iterative(folder, width, angles, sinogram)


if __name__ == "__main__":
    main()
