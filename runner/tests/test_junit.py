# SPDX-License-Identifier: GPL-2.0
"""results.junit.xml against its schema, by xmllint."""

import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

import replay
import junit
import results
import schema

XSD = schema.SCHEMAS / "junit.xsd"

SUITE = ('<testsuites {n}><testsuite {n}>{cases}</testsuite></testsuites>'
         .replace("{n}", 'name="x" tests="1" failures="0" errors="0" '
                         'skipped="0" time="0.1"'))
CASE = '<testcase name="a" classname="b" time="0.100"{rest}'


def xmllint(path: Path) -> subprocess.CompletedProcess[str]:
    """Validate a file."""
    return subprocess.run(["xmllint", "--noout", "--schema", str(XSD),
                           str(path)], capture_output=True, text=True,
                          check=False, timeout=60)


class JUnit(unittest.TestCase):
    """What CI servers are told."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.out = Path(self.folder.name) / "out"
        self.file = Path(self.folder.name) / "junit.xml"

    def tearDown(self) -> None:
        self.folder.cleanup()

    def test_every_log(self) -> None:
        """It is valid, and fails if and only if the verdict does."""
        for path in sorted(replay.LOGS.iterdir()):
            with self.subTest(log=path.name):
                shutil.rmtree(self.out, ignore_errors=True)
                replay.lay_out(path.name, self.out)
                found = results.json_run(replay.replay(self.out))
                self.file.write_text(junit.render(found), "utf-8")
                done = xmllint(self.file)
                self.assertEqual(done.returncode, 0, done.stderr)
                root = xml.parse(self.file).getroot()
                bad = int(root.get("failures")) + int(root.get("errors"))
                self.assertEqual(bad == 0, found["verdict"] == "pass")
                self.assertEqual(bad, len(root.findall(".//failure")) +
                                 len(root.findall(".//error")))
                self.assertEqual(int(root.get("tests")),
                                 len(root.findall(".//testcase")))

    def test_mixed(self) -> None:
        """Each kind of result is what it is."""
        replay.lay_out("mixed", self.out)
        found = results.json_run(replay.replay(self.out))
        root = xml.fromstring(junit.render(found))
        kinds = {case.get("name"): [(child.tag, child.get("type"))
                                    for child in case]
                 for case in root.findall(".//testcase")
                 if case.get("classname") == "svm.bad_test"}
        self.assertEqual(kinds["page.sw_protected.mapped"], [])
        self.assertEqual(kinds["page.sw_protected.level"],
                         [("failure", "fail")])
        self.assertEqual(kinds["page.sw_protected.dies"], [("error", "crash")])
        self.assertEqual(kinds["page.sw_protected.sleeps"],
                         [("error", "timeout")])
        self.assertEqual(kinds["page.sw_protected.huge"], [("skipped", None)])
        self.assertIn("Wanted level 2 (2M), got 1 (4K)",
                      root.find(".//failure").get("message"))

    def test_odd_text(self) -> None:
        """What XML cannot hold is left out, what it uses is escaped."""
        self.assertEqual(junit.clean("a\x00\ud800\uffff\tb"), "a???\tb")
        made = junit.element("e", {"a": '<"&\x01'}, junit.text(["<b>&", "\x02"]))
        self.assertEqual(xml.fromstring(made).attrib, {"a": '<"&?'})
        self.assertEqual(xml.fromstring(made).text, "<b>&\n?")

    def test_schema_bites(self) -> None:
        """The schema refuses what the dialect has no place for."""
        good = SUITE.format(cases=CASE.format(rest="/>"))
        self.file.write_text(good, "ascii")
        self.assertEqual(xmllint(self.file).returncode, 0)
        for bad in (CASE.format(rest=' result="x"/>'),
                    CASE.format(rest="><failure/></testcase>"),
                    CASE.format(rest="><oops/></testcase>"),
                    CASE.format(rest='><skipped message=""/>'
                                     '<skipped message=""/></testcase>'),
                    '<testcase name="a" classname="b" time="1 s"/>',
                    '<testcase name="" classname="b" time="1"/>',
                    '<testcase classname="b" time="1"/>', "text", "<case/>"):
            with self.subTest(case=bad):
                self.file.write_text(SUITE.format(cases=bad), "ascii")
                self.assertEqual(xmllint(self.file).returncode, 3)
