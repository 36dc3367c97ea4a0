#!/usr/bin/python3
"""The page that `save: {report: true}` writes: whole in itself, true to the result, and with advice where it is due."""
import base64, html.parser, pathlib, re, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

PIPELINE = """
name: report
stages:
  - stage: simulate
    params: {{scan: {{frame_count: 60}}, detector: {{frame_size: 64, photons: {photons}}}}}
  - stage: ptycho_dm
    params: {{iterations: {iterations}, probe_modes: 2, half_scans: true, initial_probe: {{from_data: {{defocus_m: {defocus}}}}}}}
  - stage: compare
  - stage: save
    params: {{file: result.h5, pictures: false, report: true, title: "{title}"}}
"""
VOID = {"meta", "img", "image", "path", "polyline", "br"}


class Page(html.parser.HTMLParser):
    """Checks that tags are closed in order, and collects texts and links."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.links, self.faults, self.points = [], [], [], [], []
        self.feed(text)
        self.faults += self.open

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("src", "href")]
        self.points += [value for name, value in attributes if name in ("points", "d")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append("/" + tag)

    def handle_data(self, data):
        self.texts.append(data.strip())


class Report(unittest.TestCase):
    def report(self, iterations=60, defocus=8e-5, photons=1e6, title="A <b>scan</b> & more"):
        with tempfile.TemporaryDirectory() as folder:
            pf.run(PIPELINE.format(iterations=iterations, defocus=defocus, photons=photons,
                                   title=title), folder)
            self.files = sorted(f.name for f in pathlib.Path(folder).iterdir())
            self.history = pf.result(pathlib.Path(folder) / "result.h5")[2]
            return (pathlib.Path(folder) / "result.html").read_text()

    def test_is_whole_in_itself_and_true(self):
        text = self.report()
        self.assertEqual(self.files, ["pipeline.yaml", "result.h5", "result.html"])
        self.assertNotIn("{{", text)
        page = Page(text)
        self.assertEqual(page.faults, [])
        self.assertEqual(len(page.links), 5)  # two of the object, probe, convergence, coverage
        for link in page.links:
            kind, data = link.split(",")
            self.assertEqual(kind, "data:image/png;base64")
            self.assertTrue(base64.b64decode(data, validate=True).startswith(b"\x89PNG\r\n"))
        self.assertNotRegex(re.sub(r"data:image/png[^\"]*", "", text), r"https?://")
        self.assertIn("A <b>scan</b> & more", page.texts)
        facts = dict(zip(page.texts, page.texts[1:]))
        self.assertEqual(facts["Views"], "60")
        self.assertEqual(facts["Iterations"], "60")
        self.assertEqual(facts["R-factor"], f"{self.history['fourier_error'][-1]:.4f}")
        self.assertIn("Resolution (half period)", facts)
        self.assertTrue(any('"probe_modes": 2' in t for t in page.texts))
        dots = next(p for p in page.points if p.count("M") > 10)
        self.assertEqual(dots.count("M"), 60)
        self.assertEqual(sum(p.count(",") > 10 for p in page.points), 2)  # correlation and threshold

    def test_advises_where_something_looks_wrong(self):
        def advice(**settings):
            found = re.search('(?s)<ul class="advice">(.*?)</ul>', self.report(**settings))
            return found.group(1) if found else ""

        self.assertNotIn("R is", advice())
        astray = advice(iterations=20, defocus=-1e-3)
        self.assertRegex(astray, r"last mode of the probe holds \d+ % of the light")
        self.assertRegex(astray, r"\d+ % of the probe.s light lies at the rim")
        self.assertRegex(advice(photons=1000), r"R is 0\.[2-9]\d: probe and object explain the frames badly, or")
        self.assertIn("R was still falling", advice(iterations=20, defocus=4e-4))


if __name__ == "__main__":
    pf.main()
