#!/usr/bin/python3
"""A small scan whose answer is on file: what changes it must be meant. `golden_test.py PROGRAM --write` renews it.

Only what changes the result names the file: one for all hardware, ranks and threads."""
import json, pathlib, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

FILE = pathlib.Path(__file__).with_name("small_scan.json")
PIPELINE = """
name: golden
stages:
  - stage: simulate
    params:
      seed: 7
      scan: {{frame_count: 30, pattern: fermat}}
      detector: {{frame_size: 64, photons: 1.0e+6}}
  - stage: ptycho_dm
    params:
      iterations: 20
      probe_modes: 2
      precision: {precision}
      update_order: probe_first
      object_amplitude: [0, 1.2]
      initial_probe: {{from_data: {{defocus_m: 8.0e-5}}}}
  - stage: save
    params: {{file: "{file}", pictures: false}}
"""
TOLERANCE = {"single": 1e-4, "double": 1e-8}  # double: 20 iterations of another compiler's rounding


def figures(precision):
    """A few numbers that nothing wrong would leave as they are."""
    with tempfile.TemporaryDirectory() as folder:
        pf.run(PIPELINE.format(precision=precision, file=f"{folder}/r.h5"), folder)
        obj, probe, history = pf.result(f"{folder}/r.h5")
    middle = [n // 2 for n in obj.shape[1:]]
    patch = obj[0, middle[0] : middle[0] + 3, middle[1] : middle[1] + 3]
    return {
        "object_shape": list(obj.shape),
        "object_norm": float(pf.np.linalg.norm(obj)),
        "object_patch_phase": pf.np.angle(patch * patch[0, 0].conj()).ravel().tolist(),
        "object_patch_abs": abs(patch).ravel().tolist(),
        "probe_abs_rows": abs(probe).sum(axis=2)[:, 24:40:4].ravel().tolist(),
        "object_change": history["object_change"].ravel()[-3:].tolist(),
        "probe_change": history["probe_change"].ravel()[-4:].tolist(),
        "fourier_error": history["fourier_error"][-3:].tolist(),
    }


class Golden(unittest.TestCase):
    def compare(self, precision):
        expected = json.loads(FILE.read_text())
        now = figures(precision)
        self.assertEqual(now.keys(), expected.keys())
        for name in expected:
            with self.subTest(figure=name):
                pf.np.testing.assert_allclose(now[name], expected[name], rtol=TOLERANCE[precision], atol=TOLERANCE[precision])

    def test_double(self):
        self.compare("double")

    def test_single(self):
        self.compare("single")


if __name__ == "__main__":
    if "--write" in sys.argv:
        FILE.write_text(json.dumps(figures("double"), indent=1) + "\n")
    else:
        pf.main()
