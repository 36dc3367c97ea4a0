#!/usr/bin/python3
"""Manual pages: one of the program and one of each stage, which man shows without a warning and which miss nothing."""
import json, os, pathlib, re, shutil, subprocess, sys, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ptychoflow as pf

PLAIN = os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": "120", "GROFF_NO_SGR": "1"}


def said(*arguments):
    return subprocess.run([pf.PROGRAM, *arguments], check=True, text=True, stdout=subprocess.PIPE).stdout


def stages():
    return [line.split()[0] for line in said("stages").splitlines()]


def page(stage=None):
    return said("stages", stage, "--man") if stage else said("man")


def shown(program, text):
    """What a program makes of a page: text without bold, and what it complains of."""
    done = subprocess.run(program, input=text, env=PLAIN, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return re.sub(".\b", "", done.stdout), done.stderr + (f"exit code {done.returncode}" if done.returncode else "")


def properties(schema):
    """Each parameter of a schema, at whatever depth: name and its own schema."""
    if isinstance(schema, list):
        for one in schema:
            yield from properties(one)
    elif isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for one in schema.values():
            yield from properties(one)


class Manual(unittest.TestCase):
    def test_shows_without_a_warning(self):
        for name in [None, *stages()]:
            text, complaints = shown(["groff", "-man", "-ww", "-Tutf8"], page(name))
            self.assertEqual(complaints, "", name)
            self.assertIn("NAME", text)
            self.assertNotRegex(text, r"\\|\[u[0-9A-F]", f"{name}: something of roff is left")
            man, complaints = shown(["man", "--warnings", "-l", "-"], page(name))
            self.assertEqual(complaints, "", name)
            self.assertRegex(man, r"(?m)^ +ptychoflow" + (f"-{name}" if name else "") + r" +- ")

    def test_has_every_parameter(self):
        for name in stages():
            text, _ = shown(["groff", "-man", "-Tutf8"], page(name))
            words = " ".join(text.split())
            found = list(properties(json.loads((pf.SOURCE / f"schemas/stages/{name}.json").read_text())))
            self.assertTrue(found, name)
            for parameter, schema in found:
                self.assertRegex(text, rf"(?m)^ +{parameter}( |$)", name)
                self.assertIn(" ".join(schema.get("description", "").split()), words, f"{name}: {parameter}")
                if "x-unit" in schema:
                    self.assertRegex(text, rf"(?m)^ +{parameter}\s[^\n]*(\n[^\n]+)?in\s+{re.escape(schema['x-unit'])}", name)

    def test_has_every_option(self):
        text, _ = shown(["groff", "-man", "-Tutf8"], page())
        commands = re.findall(r"(?m)^  (\w+)  ", said("--help"))
        self.assertIn("watch", commands)
        for command in commands:
            section = re.search(rf"(?ms)^   ptychoflow {command}\b.*?(?=^ {{0,3}}\w)", text)
            self.assertTrue(section, command)
            for option in re.findall(r"(?m)^  (?:-\w,)?(--[\w-]+)", said(command, "--help")):
                if option != "--help":
                    self.assertRegex(section[0], rf"(?m)^ +(-\w, )?{option}\b", command)
        for word in ("EXIT STATUS", "130", "PTYCHOFLOW_STAGE_PATH", "share/ptychoflow/pipelines"):
            self.assertIn(word, text)

    def test_lies_beside_the_program(self):
        manual = pathlib.Path(pf.PROGRAM).parents[1] / "share/man"
        self.assertEqual((manual / "man1/ptychoflow.1").read_text(), page())
        self.assertEqual(sorted(file.name for file in (manual / "man7").iterdir()),
                         sorted(f"ptychoflow-{name}.7" for name in stages()))
        for name in stages():
            self.assertEqual((manual / f"man7/ptychoflow-{name}.7").read_text(), page(name))


if __name__ == "__main__":
    if not shutil.which("groff") or not shutil.which("man"):
        print("skipped: man-db is missing, see ci/apt-packages.txt")
        sys.exit(pf.SKIPPED)
    pf.main()
