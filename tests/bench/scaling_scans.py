"""Scans for measuring how ranks scale: positions in object pixels, and CXI files with frames that belong to them."""
import h5py, numpy as np

WAVELENGTH_M, DISTANCE_M, DETECTOR_PIXEL_M = 1e-10, 1.0, 55e-6
PLANCK_C = 1.98644586e-25  # J·m
TEXTURE_PX = 512  # the object is a texture that repeats, so that a scan may be of any size


def raster(lines, points, step_px):
    """y, x of lines along x, one below the other: weak scaling adds lines, and the object's width stays."""
    y, x = np.divmod(np.arange(lines * points), points)
    return np.stack([y, x], 1) * step_px


def spiral(views, step_px):
    """Fermat's spiral, one view in each step² pixels. In scan order any part of it but the first goes all around."""
    j = np.arange(views)
    radius, angle = step_px * np.sqrt((j + 0.5) / np.pi), j * np.pi * (3 - np.sqrt(5))
    at = np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1)
    return np.rint(at - at.min(0)).astype(int)


def smooth_noise(rng, size, feature_px):
    q = np.fft.fftfreq(size)
    keep = np.exp(-((feature_px * q[:, None]) ** 2 + (feature_px * q) ** 2) * 2)
    noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal((size, size))) * keep).real
    return (noise - noise.min()) / np.ptp(noise)


def write_cxi(file, positions_px, frame):
    """Noise-free frames of a repeating texture in a round, curved beam, and that beam to start from."""
    rng = np.random.default_rng(1)
    texture = np.exp(-1j * smooth_noise(rng, TEXTURE_PX, 6)) * (1 - 0.2 * smooth_noise(rng, TEXTURE_PX, 6))
    r2 = np.add.outer(*[(np.arange(frame) - frame // 2) ** 2.0] * 2) / frame**2
    probe = np.exp((-12 + 40j) * r2)
    probe *= np.sqrt(1e6 / (np.abs(probe) ** 2).sum())
    pixel_m = WAVELENGTH_M * DISTANCE_M / (frame * DETECTOR_PIXEL_M)
    along = np.arange(frame)
    with h5py.File(file, "w") as f:
        d = f.create_group("entry_1/instrument_1/detector_1")
        data = d.create_dataset("data", (len(positions_px), frame, frame), "uint16")
        for first in range(0, len(positions_px), 64):
            at = positions_px[first:first + 64, :, None] + along
            waves = probe * texture[at[:, 0, :, None] % TEXTURE_PX, at[:, 1, None, :] % TEXTURE_PX]
            far = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(waves, (1, 2))), (1, 2)) / frame
            data[first:first + 64] = np.minimum(np.abs(far) ** 2, 65535)
        d["distance"], d["x_pixel_size"], d["y_pixel_size"] = DISTANCE_M, DETECTOR_PIXEL_M, DETECTOR_PIXEL_M
        f["entry_1/instrument_1/source_1/energy"] = PLANCK_C / WAVELENGTH_M
        f["entry_1/instrument_1/initial_probe"] = probe.astype("complex64")[None]
        yx = positions_px * pixel_m
        f["entry_1/sample_1/geometry_1/translation"] = np.stack([yx[:, 1], yx[:, 0], 0 * yx[:, 0]], 1)


PIPELINE = """
name: scaling
stages:
  - stage: load
    params: {{file: "{file}", distribution: {distribution}}}
  - stage: ptycho_dm
    params: {{iterations: {iterations}, probe_modes: {modes}, probe_start: 1, modulus_relaxation: "off"}}
"""
