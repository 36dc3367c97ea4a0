#!/usr/bin/python3
"""Phase unwrapping beside scikit-image's unwrap_phase, on the same wrapped phases; run by hand.

    tests/bench/phase_bench.py [BENCH_PHASE]     default: build/tests/bench_phase

Prints a table of RMS errors against the truth (over the pixels with weight, after the multiple of 2π that suits best) and
seconds (best of five; one thread each). Exit code 1 if quality_guided is worse or slower than scikit-image anywhere.
"""
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.restoration import unwrap_phase

SIDE = 512
REPEATS = 5
TURN = 2 * np.pi
Y, X = np.mgrid[0:SIDE, 0:SIDE].astype(float)


def hills(seed, height_rad=25.0):
    """Broad negative hills, as a specimen's phase, with some grain."""
    random = np.random.default_rng(seed)
    phase = np.zeros((SIDE, SIDE))
    for _ in range(12):
        y, x = random.uniform(0.15, 0.85, 2) * SIDE
        width = random.uniform(0.04, 0.15) * SIDE
        phase -= random.uniform(0.3, 1) * height_rad * np.exp(-((Y - y) ** 2 + (X - x) ** 2) / (2 * width**2))
    grain = ndimage.gaussian_filter(random.standard_normal((SIDE, SIDE)), 4)
    return phase + 0.5 * grain / grain.std()


def wrapped_with_noise(truth, amplitude, noise, seed):
    """The phase of a wave of this amplitude with complex noise of this standard deviation."""
    random = np.random.default_rng(seed)
    error = random.standard_normal((2, SIDE, SIDE)) * noise / np.sqrt(2)
    return np.angle(amplitude * np.exp(1j * truth) + error[0] + 1j * error[1])


def vortices(pairs, seed):
    """Pairs of vortices a few pixels apart: what a wave with zeros has, and no phase unwraps without a cut."""
    random = np.random.default_rng(seed)
    phase = np.zeros((SIDE, SIDE))
    for _ in range(pairs):
        y, x = random.uniform(20, SIDE - 20, 2)
        dy, dx = random.uniform(-4, 4, 2)
        phase += np.arctan2(Y - y, X - x) - np.arctan2(Y - y - dy, X - x - dx)
    return phase


def cases():
    """name, wrapped, truth, weight"""
    ones = np.ones((SIDE, SIDE))
    smooth = hills(1)
    yield "hills", wrapped_with_noise(smooth, ones, 0.02, 2), smooth, ones
    for noise in (0.3, 0.5):
        yield f"hills, noise {noise}", wrapped_with_noise(smooth, ones, noise, 3), smooth, ones
    amplitude = np.exp(hills(1) / 25)
    yield ("hills that absorb, noise 0.2", wrapped_with_noise(smooth, amplitude, 0.2, 4), smooth,
           np.clip(amplitude**2, 0, 1))
    # The truth has no vortices: what they add is small but for a few pixels around each pair.
    pairs = np.angle(np.exp(1j * (smooth + vortices(60, 5))))
    yield "60 pairs of vortices", pairs, smooth, ones
    noisy = np.angle(np.exp(1j * (wrapped_with_noise(smooth, ones, 0.3, 6) + vortices(60, 5))))
    yield "60 pairs of vortices, noise 0.3", noisy, smooth, ones
    gaps = ndimage.gaussian_filter(np.random.default_rng(7).standard_normal((SIDE, SIDE)), 8)
    trusted = (gaps < 0.8 * gaps.std()).astype(float)
    broken = np.where(trusted > 0, wrapped_with_noise(smooth, ones, 0.3, 8),
                      np.random.default_rng(9).uniform(-np.pi, np.pi, (SIDE, SIDE)))
    yield "gaps of noise, noise 0.3", broken, smooth, trusted
    disc = (np.hypot(Y - SIDE / 2, X - SIDE / 2) < 0.48 * SIDE).astype(float)
    outside = np.random.default_rng(11).uniform(-np.pi, np.pi, (SIDE, SIDE))
    yield "disc, noise 0.3", np.where(disc > 0, wrapped_with_noise(smooth, ones, 0.3, 10), outside), smooth, disc


def best_seconds(action):
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = action()
        times.append(time.perf_counter() - start)
    return result, min(times)


def by_skimage(wrapped, weight):
    masked = bool((weight == 0).any())
    image = np.ma.array(wrapped, mask=weight == 0) if masked else wrapped
    result, seconds = best_seconds(lambda: unwrap_phase(image, seed=0))
    return np.ma.getdata(result), seconds


def by_us(program, method, wrapped, weight, folder):
    files = [str(Path(folder, name)) for name in ("phase", "weight", "result")]
    wrapped.astype(np.float32).tofile(files[0])
    weight.astype(np.float32).tofile(files[1])
    run = subprocess.run([program, method, str(SIDE), str(SIDE), *files, str(REPEATS)], check=True, capture_output=True,
                         text=True)
    return np.fromfile(files[2], np.float32).reshape(SIDE, SIDE).astype(float), float(run.stdout)


def rms_error(result, truth, weight):
    error = (result - truth)[weight > 0]
    error -= TURN * np.round(np.median(error) / TURN)
    return np.sqrt(np.mean(error**2))


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/tests/bench_phase"
    print(f"RMS error in rad and milliseconds of {SIDE}×{SIDE}\n")
    print("| phase | scikit-image | quality_guided | least_squares |\n| --- | --- | --- | --- |")
    fair = True
    with tempfile.TemporaryDirectory() as folder:
        for name, wrapped, truth, weight in cases():
            wrapped = wrapped.astype(np.float32)
            theirs, their_seconds = by_skimage(wrapped.astype(float), weight)
            cells = [(rms_error(theirs, truth, weight), their_seconds)]
            for method in ("quality_guided", "least_squares"):
                ours, seconds = by_us(program, method, wrapped, weight, folder)
                cells.append((rms_error(ours, truth, weight), seconds))
            # Single precision of ours is worth a millionth of the phase.
            fair &= cells[1][0] <= cells[0][0] + 1e-5 and cells[1][1] < cells[0][1]
            print(f"| {name} | " + " | ".join(f"{error:.4f}, {1e3 * seconds:.0f} ms" for error, seconds in cells) + " |")
    return 0 if fair else 1


if __name__ == "__main__":
    raise SystemExit(main())
