# SPDX-License-Identifier: GPL-2.0
"""Certificates: who gets one, what is in it, and that a change is noticed."""

import copy
import json
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator

import replay
import certificate
import results
import schema

NOW = datetime(2026, 11, 27, 2, 10, tzinfo=timezone.utc)
FACTS = {"hypervisor": "no", "bios": "A BIOS 1.2 01/02/2026", "taint": "4096",
         "tdx-module": "1.5.16", "tdx-build": "744",
         "config-sha256": "ab" * 32}


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Every place in a value."""
    members = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield path + (name,)
        yield from places(member, path + (name,))


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-1] if value else "x"
    if isinstance(value, list):
        return value + ["x"]
    return {**value, "x": "x"}


class Certificates(unittest.TestCase):
    """Of a saved log that is told to come from a real host."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.out = Path(self.folder.name) / "out"
        self.file = Path(self.folder.name) / "certificate.json"

    def tearDown(self) -> None:
        self.folder.cleanup()

    def lay_out(self, name: str = "good", about: dict | None = None,
                **facts: str) -> None:
        """A run on a real host, but for what is said to be otherwise."""
        replay.lay_out(name, self.out, "native")
        path = self.out / "native" / "host.json"
        told = {"native": True, "emulator": None, "version": None, "cpu": "",
                "cmdline": ""}
        path.write_text(json.dumps({**told, **(about or {})}), "ascii")
        for file in ("ktap.log", "timed.log"):
            path = self.out / "native" / file
            text = path.read_text("utf-8")
            for fact, value in {**FACTS, **facts}.items():
                fact_line = f"# host {fact}: {value}\n"
                lines = [line for line in text.splitlines(True)
                         if f"# host {fact}:" not in line]
                at = next(i for i, line in enumerate(lines)
                          if "# host kernel" in line)
                if fact == "taint":
                    at = len(lines) - 1
                time = "1700\t" if file == "timed.log" else ""
                text = "".join(lines[:at] + [time + fact_line] + lines[at:])
            path.write_text(text, "utf-8")

    def results(self) -> dict[str, Any]:
        """results.json of the run."""
        return results.json_run(replay.replay(self.out, ["native"]))

    def certificate(self, *args: Any, **facts: str) -> dict[str, Any] | None:
        """The run's certificate."""
        self.lay_out(*args, **facts)
        return certificate.of_run(self.results(), NOW)

    def verify(self, text: str) -> subprocess.CompletedProcess[str]:
        """make verify-certificate, as make calls it."""
        self.file.write_text(text, "utf-8")
        return subprocess.run(
            [sys.executable, str(replay.RUNNER / "certificate.py"),
             str(self.file)], capture_output=True, text=True, check=False,
            timeout=60)

    def test_contents(self) -> None:
        """What was judged, on what, by what, and every rule's result."""
        made = self.certificate()
        self.assertEqual(made["verdict"], "pass")
        self.assertEqual(made["issued"], "2026-11-27T02:10:00Z")
        self.assertEqual(made["host"]["tdx_module"],
                         {"version": "1.5.16", "build": "744"})
        self.assertEqual(made["host"]["bios"], FACTS["bios"])
        self.assertEqual(made["host"]["microcode"], "0x1000065")
        self.assertEqual(made["kernel"]["config_sha256"], "ab" * 32)
        self.assertEqual(made["suite"], "d22e242")
        self.assertEqual(made["rules"], {"walk.level": {
            "default": "pass", "sw_protected": "pass"}})
        form = schema.load("certificate.schema.json")
        self.assertEqual(schema.check(form, form, made), [])
        done = self.verify(json.dumps(made, indent=3))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("pass: 1 of 1 rules", done.stdout)

    def test_tampering(self) -> None:
        """Whatever is changed, added or taken away is noticed."""
        self.lay_out("xfail")
        (self.out / "tests" / "xfail_test.c").write_text(
            "/* Rules: walk.level */\nTEST_F(page, known)\n", "ascii")
        made = certificate.of_run(self.results(), NOW)
        self.assertEqual([waiver["rules"] for waiver in made["waivers"]],
                         [["walk.level"]])
        self.assertEqual(made["rules"]["walk.level"]["sw_protected"],
                         "known")
        self.assertEqual(certificate.wrong(made), "")
        seen = 0
        for path in places(made):
            for how in ("change", "remove", "add"):
                with self.subTest(path=path, how=how):
                    broken = copy.deepcopy(made)
                    at = broken
                    for name in path[:-1]:
                        at = at[name]
                    if how == "change":
                        at[path[-1]] = other(at[path[-1]])
                    elif how == "remove":
                        del at[path[-1]]
                    elif isinstance(at, dict):
                        at[f"{path[-1]}2"] = "x"
                    else:
                        at.append("x")
                    self.assertNotEqual(certificate.wrong(broken), "")
                    seen += 1
        self.assertGreater(seen, 60)

    def test_verify_command(self) -> None:
        """A file that was changed fails, and so does what is none."""
        text = json.dumps(self.certificate())
        self.assertEqual(self.verify(text).returncode, 0)
        done = self.verify(text.replace('"1.5.16"', '"1.5.17"'))
        self.assertEqual(done.returncode, 1)
        self.assertIn("it was changed", done.stderr)
        # Of a name that is there twice readers take one or the other.
        twice = text.replace('{"certificate_version"', '{"verdict": "pass", '
                             '"certificate_version"')
        for bad in (twice, text + "x", "", "[]", "null", "{}", "[" * 99999,
                    text.replace('"default": "pass"', '"default": NaN')):
            with self.subTest(text=bad[:40]):
                done = self.verify(bad)
                self.assertEqual(done.returncode, 1)
                self.assertNotIn("Traceback", done.stderr)

    def test_sealed_again(self) -> None:
        """A digest that fits does not make sense of what makes none."""
        made = self.certificate()
        for rules in ({"walk.level": {"default": "fail"}},
                      {"walk.level": {"default": "splendid"}}):
            broken = {**made, "rules": rules}
            broken["sha256"] = certificate.digest(broken)
            self.assertNotEqual(certificate.wrong(broken), "")

    def test_emulated(self) -> None:
        """No host that is not real gets one, whatever else it says."""
        for about, facts in (({"native": False}, {}), ({"native": 1}, {}),
                             ({"native": None}, {}), ({"native": "true"}, {}),
                             ({"emulator": "Bochs"}, {}),
                             ({}, {"hypervisor": "yes"}),
                             ({}, {"hypervisor": ""}),
                             ({}, {"mutant": "walk-level-off-by-one"}),
                             ({}, {"taint": str(1 << 18 | 4096)})):
            with self.subTest(about=about, facts=facts):
                self.folder.cleanup()
                self.setUp()
                self.assertIsNone(self.certificate("good", about, **facts))

    def test_host_script(self) -> None:
        """What starts emulated hosts never says that they are native."""
        text = (replay.RUNNER / "host.sh").read_text("utf-8")
        self.assertIn('"emulator": %s', text)
        self.assertNotIn("native", text)

    def test_fails(self) -> None:
        """A host that failed gets a certificate that says so."""
        made = self.certificate("not-ok")
        self.assertEqual(made["verdict"], "fail")
        self.assertEqual(certificate.wrong(made), "")

    def test_lost(self) -> None:
        """One that was lost, or judged nothing, gets none."""
        self.assertIsNone(self.certificate("cut-between-tests"))
        self.folder.cleanup()
        self.setUp()
        self.assertIsNone(self.certificate("all-skipped"))

    def test_written(self) -> None:
        """The verdict writes it, and takes an old one away."""
        self.lay_out()
        old = self.out / "certificate.json"
        old.write_text("{}", "ascii")
        replay.command(self.out, "--hosts", "native")
        self.assertEqual(certificate.wrong(certificate.read(old)), "")
        self.folder.cleanup()
        self.setUp()
        replay.lay_out("good", self.out)
        old = self.out / "certificate.json"
        old.write_text("{}", "ascii")
        replay.command(self.out)
        self.assertFalse(old.exists())
