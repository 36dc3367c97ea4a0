"""ptychoflow from Python: run pipelines, or reconstruct numpy arrays.

    import ptychoflow
    report = ptychoflow.run("pipelines/reconstruct.yaml", input="scan.cxi", output="result.h5")
    result = ptychoflow.reconstruct(frames, positions_m, energy_ev=8800, distance_m=2.0, detector_pixel_m=75e-6,
                                    iterations=200, probe_modes=3)

Under mpirun every rank makes the same calls; ranks share the frames between them. Calls release the GIL; one runs at a time.
"""
from __future__ import annotations

import dataclasses
import json
import os
import pathlib

import numpy as np

from . import _core

__all__ = ["DataError", "Error", "Reconstruction", "ResourceError", "UsageError", "check", "reconstruct", "run"]

PLANCK_TIMES_LIGHT_EV_M = 1.2398419843320026e-06
FRAME_TYPES = ("uint8", "uint16", "uint32", "int32", "float32", "float64")


class Error(RuntimeError):
    """A run that failed. `code` is the program's exit code."""

    code = 1


class UsageError(Error, ValueError):
    """Parameters, arguments or the pipeline file are wrong; nothing was run."""

    code = 2


class DataError(Error):
    """The scan's data are bad."""

    code = 3


class ResourceError(Error):
    """Memory, disk, a GPU or a library is missing."""

    code = 4


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """What `reconstruct` found. Arrays are row-major, y before x. `probe, object_ = reconstruct(…)` takes these two alone."""

    probe: np.ndarray  #: [mode][y][x], complex, √count; orthogonal modes by falling occupancy
    object: np.ndarray | None  #: [mode][y][x], complex; None on ranks other than 0
    coverage: np.ndarray | None  #: [y][x], light that each pixel of the object got, relative to its maximum; likewise
    occupancy: np.ndarray  #: [mode], share of the total intensity
    window_px: np.ndarray  #: [frame][y, x], first pixel of each frame's window in `object`
    pixel_size_m: tuple[float, float]  #: y, x of a pixel of the object
    r_factor: float  #: √(Σ(√model − √I)² / ΣI) of all frames
    history: dict[str, np.ndarray]  #: per iteration: iteration, object_change, probe_change, exit_wave_change, fourier_error, seconds
    metadata: dict  #: what else the stage says of its run

    def __iter__(self):
        return iter((self.probe, self.object))

    def __repr__(self):
        size = "on rank 0" if self.object is None else " × ".join(map(str, self.object.shape))
        return f"<ptychoflow.Reconstruction: object {size}, {len(self.probe)} probe modes, R {self.r_factor:.4f}>"


def run(pipeline, *, threads=0, backend="auto", quiet=False, progress=None, **variables):
    """Runs a pipeline file as `ptychoflow run` does; `variables` are what `--set` gives there.

    threads: that this process may keep busy; 0: all its cores. backend: "auto", "cpu" or "cuda". quiet: only warnings
    and errors on stderr. progress(stage, done, total, text) is called as stages go on; False from it ends the run early,
    and what has been reached is passed on, an exception ends it and is raised here.

    Returns a dict: `stages`, figures by stage; `skipped_scans`. Raises UsageError, DataError, ResourceError or Error.
    """
    report, _, _ = _core.run(text=None, name=os.fspath(pipeline), variables=_as_set(variables), check_only=False,
                             progress=progress, **_common(threads, backend, quiet))
    report = _checked(report)
    return {key: report[key] for key in ("stages", "skipped_scans")}


def check(pipeline, **variables):
    """Checks a pipeline file as `ptychoflow check` does, without moving data. Returns each stage's output: a list of
    dicts of `tensors` and `metadata`. Raises as `run` does."""
    report, _, _ = _core.run(text=None, name=os.fspath(pipeline), variables=_as_set(variables), check_only=True,
                             progress=None, **_common(0, "auto", True))
    return _checked(report)["streams"]


def reconstruct(frames, positions_m, *, distance_m, detector_pixel_m, energy_ev=None, wavelength_m=None, mask=None,
                probe=None, negative_is_masked=True, threads=0, backend="auto", quiet=True, progress=None, **parameters):
    """Reconstructs probe and object from frames in memory.

    frames: [frame][y][x], counts, zero frequency at pixel n/2; row-major arrays of uint8/16/32, int32 or float32/64 (a
    numpy.memmap, too) are taken as they lie, without a copy. positions_m: [frame][y, x]; frame j sees the object from
    position/pixel size on, towards larger y and x. detector_pixel_m: one number, or y and x. mask: [y][x], 0 where
    measured. probe: [mode][y][x] or [y][x], complex, to start from. Negative counts are pixels that were not measured in
    that frame, unless `negative_is_masked` is False. `parameters` are those of stage ptycho_dm (`ptychoflow stages
    ptycho_dm` lists them). For the others, and what is raised, see `run`.
    """
    frames, positions_m, mask, probe = _arrays(frames, positions_m, mask, probe)
    pixel = np.broadcast_to(np.asarray(detector_pixel_m, float), 2).tolist()
    if (energy_ev is None) == (wavelength_m is None):
        raise UsageError("reconstruct: give either energy_ev or wavelength_m")
    if wavelength_m is None:
        wavelength_m = PLANCK_TIMES_LIGHT_EV_M / energy_ev
    for name, value in {"wavelength_m": wavelength_m, "distance_m": distance_m, "detector_pixel_m": min(pixel)}.items():
        if not 0 < value < np.inf:
            raise UsageError(f"reconstruct: {name} is {value}; it must be greater than 0")
    metadata = {"scan": "arrays", "source": "arrays", "wavelength_m": float(wavelength_m), "distance_m": float(distance_m),
                "detector_pixel_m": pixel, "negative_is_masked": bool(negative_is_masked)}
    stages = [{"stage": "arrays"}, {"stage": "ptycho_dm", "params": parameters}, {"stage": "result"}]
    report, tensors, said = _core.run_on_arrays(
        text=json.dumps({"name": "reconstruct", "stages": stages}, default=_plain), name="reconstruct", frames=frames,
        positions_m=positions_m, mask=mask, probe=probe, metadata=json.dumps(metadata), progress=progress,
        **_common(threads, backend, quiet))
    _checked(report)
    said = json.loads(said)
    history = {name.removeprefix("history_"): values for name, values in tensors.items() if name.startswith("history_")}
    return Reconstruction(probe=tensors["probe"], object=tensors.get("object"), coverage=tensors.get("object_coverage"),
                          occupancy=tensors["probe_occupancy"], window_px=tensors["view_offset_px"],
                          pixel_size_m=tuple(said["pixel_size_m"]), r_factor=said["r_factor"], history=history,
                          metadata=said)


def _arrays(frames, positions_m, mask, probe):
    """As the stages want them: row-major, of the right types and shapes."""
    frames = np.ascontiguousarray(frames)
    if frames.ndim != 3 or frames.size == 0:
        raise UsageError(f"reconstruct: frames must be [frame][y][x]; these have the shape {frames.shape}")
    if frames.dtype.name not in FRAME_TYPES:
        raise UsageError(f"reconstruct: frames of {frames.dtype.name}; they may be {', '.join(FRAME_TYPES)}")
    positions_m = np.ascontiguousarray(positions_m, dtype=np.float64)
    if positions_m.shape != (len(frames), 2):
        raise UsageError(f"reconstruct: positions_m must be [frame][y, x], here {(len(frames), 2)}; its shape is {positions_m.shape}")
    if not np.isfinite(positions_m).all():
        raise DataError(f"reconstruct: positions_m of frame {np.argwhere(~np.isfinite(positions_m))[0][0]} is not a number")
    if mask is not None:
        mask = np.ascontiguousarray(np.asarray(mask) != 0, dtype=np.uint8)
        if mask.shape != frames.shape[1:]:
            raise UsageError(f"reconstruct: the mask's shape is {mask.shape}, a frame's {frames.shape[1:]}")
    if probe is not None:
        probe = np.asarray(probe)
        probe = np.ascontiguousarray(probe, dtype=np.complex128 if probe.dtype == np.complex128 else np.complex64)
        probe = probe[np.newaxis] if probe.ndim == 2 else probe
        if probe.ndim != 3 or len(probe) == 0 or probe.shape[1:] != frames.shape[1:]:
            raise UsageError(f"reconstruct: the probe's shape is {probe.shape}; it must be [mode][y][x] of frames of {frames.shape[1:]}")
    return frames, positions_m, mask, probe


def _common(threads, backend, quiet):
    if backend not in ("auto", "cpu", "cuda"):
        raise UsageError(f"backend '{backend}' is unknown: auto, cpu or cuda")
    package = pathlib.Path(_core.__file__).resolve().parent
    folders = [f for f in os.environ.get("PTYCHOFLOW_STAGE_PATH", "").split(":") if f]
    folders += [str(package / "stages"), str(package.parent.parent / "ptychoflow" / "stages")]  # installed; build tree
    return {"stage_folders": folders, "threads": threads, "backend": backend, "quiet": quiet}


def _as_set(variables):
    return {name: value if isinstance(value, str) else os.fspath(value) if isinstance(value, os.PathLike)
            else json.dumps(value, default=_plain) for name, value in variables.items()}


def _plain(value):
    """numpy's numbers and arrays, and paths, as JSON has them."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise UsageError(f"a parameter is a {type(value).__name__}: {value!r}; it must be what YAML can say")


def _checked(report):
    report = json.loads(report)
    if report["error"]:
        kinds = {kind.code: kind for kind in (UsageError, DataError, ResourceError)}
        raise kinds.get(report["error"]["code"], Error)(report["error"]["message"])
    return report
