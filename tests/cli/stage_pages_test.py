#!/usr/bin/python3
"""docs/stages is what `ptychoflow stages NAME --markdown` says of each stage; ci/stage-pages writes it."""
import pathlib, subprocess, sys, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf


def said(*arguments):
    return subprocess.run([pf.PROGRAM, "stages", *arguments], check=True, text=True, stdout=subprocess.PIPE).stdout


class StagePages(unittest.TestCase):
    def test_are_what_the_program_says(self):
        names = [line.split()[0] for line in said().splitlines()]
        pages = {page.stem: page.read_text() for page in (pf.SOURCE / "docs/stages").glob("*.md")}
        self.assertEqual(sorted(pages), sorted(names))
        for name in names:
            self.assertEqual(pages[name], said(name, "--markdown"), f"run ci/stage-pages: {name} has changed")

    def test_name_every_parameter(self):
        page = said("ptycho_dm", "--markdown")
        self.assertIn("- **iterations**: a whole number from 1 to 1000000; default 100.<br>How many iterations", page)
        self.assertRegex(page, r"(?m)^  - \*\*from_data\*\*")
        self.assertRegex(page, r"(?m)^    - \*\*defocus_m\*\*: .*in m; default 0")


if __name__ == "__main__":
    pf.main()
