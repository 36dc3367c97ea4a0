"""Runs the program for tests, and reads what it wrote. The program is argv[1] of the test."""
import os, pathlib, subprocess, sys, tempfile, time, unittest

import h5py, numpy as np

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "ptychoflow"
SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("PTYCHOFLOW_DATA", SOURCE.parent / "shared" / "data"))


# scan.cxi, of 40 frames of 64².
SMALL_SCAN = """
name: scan
stages:
  - stage: simulate
    params: {scan: {frame_count: 40}, detector: {frame_size: 64, photons: 1.0e+6}}
  - stage: save_scan
    params: {file: scan.cxi}
"""


def run(pipeline, folder, *, ranks=1, options=(), check=True, environment={}):
    """Runs a pipeline given as text in `folder`, on `ranks` ranks; `environment`: on top of this process's."""
    file = pathlib.Path(folder) / "pipeline.yaml"
    file.write_text(pipeline)
    launcher = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
    env = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} | environment
    if ranks > 1:
        env["ASAN_OPTIONS"] = "detect_leaks=0"  # MPI's own
    done = subprocess.run([*launcher, PROGRAM, "run", str(file), "-q", *options], env=env, cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check and done.returncode != 0:
        raise AssertionError(f"ptychoflow ended with {done.returncode}:\n{done.stdout}")
    return done


def wait_for(job, ranks_alive, limit_s=60, alone_s=10):
    """Waits until a job has ended and returns the time when it had. PMIx 4 sometimes leaves mpirun waiting for a lock of its
    own at its very end (pmix_rte_finalize) when ranks were killed: an mpirun that has had no rank for so long is ended
    here, and its job counts as ended with the last rank.
    @throws subprocess.TimeoutExpired if ranks are still there at the limit"""
    start = alive = time.time()
    while job.poll() is None:
        now = time.time()
        if ranks_alive():
            alive = now
        if now - start > limit_s and now - alive < alone_s:
            raise subprocess.TimeoutExpired(job.args, limit_s)
        if now - alive > alone_s:
            job.kill()
            job.wait()
            return alive
        time.sleep(0.05)
    return time.time()


def result(file):
    """Object, probe and history of a result file."""
    with h5py.File(file) as f:
        e = f["entry_1"]
        history = {k: v[()] for k, v in e["process_1/history"].items()}
        return e["object/data"][()], e["probe/data"][()], history


def difference(a, b):
    """‖a − b‖/‖b‖"""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def main():
    unittest.main(argv=sys.argv[:1], verbosity=2)
