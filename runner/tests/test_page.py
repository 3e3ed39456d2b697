# SPDX-License-Identifier: GPL-2.0
"""report.html: whole, self-contained, and telling what results.json holds."""

import copy
import json
import re
import shutil
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import replay
import page
import results

VOID = {"meta", "input", "br", "col"}


class Reader(HTMLParser):
    """Reads a page and complains of what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")


class Page(unittest.TestCase):
    """The page of every saved log, and of what none of them has."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.out = Path(self.folder.name) / "out"

    def tearDown(self) -> None:
        self.folder.cleanup()

    def results(self, name: str) -> dict[str, Any]:
        """results.json of a saved log."""
        shutil.rmtree(self.out, ignore_errors=True)
        replay.lay_out(name, self.out)
        return results.json_run(replay.replay(self.out))

    def read(self, found: dict[str, Any]) -> tuple[str, Reader]:
        """The page, which must be whole and need nothing else."""
        text = page.render(found)
        reader = Reader(text)
        self.assertEqual((reader.wrong, reader.open), ([], []))
        self.assertEqual(len(reader.ids), len(set(reader.ids)))
        for link in reader.links:
            self.assertTrue(link.startswith("#"), link)
            self.assertIn(link[1:], reader.ids)
        for tag, values in reader.tags:
            self.assertNotIn(tag, ("link", "img", "iframe", "object", "base"))
            self.assertFalse({"src", "srcset", "action", "data"} & set(values))
        style = text[text.index("<style>"):text.index("</style>")]
        self.assertNotIn("@import", style)
        self.assertNotRegex(style, r"url\((?!#)")
        self.assertNotRegex(text, r"https?://")
        return text, reader

    def test_every_log(self) -> None:
        """Whatever came in, the verdict is on top and each reason is there."""
        for path in sorted(replay.LOGS.iterdir()):
            with self.subTest(log=path.name):
                found = self.results(path.name)
                text, _ = self.read(found)
                css = {"pass": "ok", "fail": "bad",
                       "could not judge": "unsure"}[found["verdict"]]
                self.assertIn(f'<h1 class="{css}">'
                              f"{found['verdict'].capitalize()}", text)
                for failure in found["failures"]:
                    self.assertIn(page.escape(failure["advice"]), text)

    def test_failing_case(self) -> None:
        """Its rule, its messages without the harness's own, its pictures."""
        found = self.results("mapped")
        text, reader = self.read(found)
        failing = [case for case in found["cases"] if case["maps"]]
        self.assertNotEqual(failing, [])
        for case in failing:
            name = page.anchor("case", case["host"], case["test"],
                               case["case"])
            self.assertIn(name, reader.ids)
            for line in case["messages"]:
                if "Wanted" in line:
                    self.assertIn(page.escape(line.removeprefix("# ")), text)
        self.assertIn("<figure", text)
        self.assertNotIn("Test failed</pre>", text)
        self.assertNotIn("tdp-map", text)

    def test_same_message_twice(self) -> None:
        """Each time a message is there it has the maps that came with it."""
        found = self.results("mapped")
        case = next(case for case in found["cases"] if case["maps"])
        before = page.messages_part(case)
        self.assertEqual(before.count("<figure"), 1)
        later = [{**one, "gpa": one["gpa"] + 4096} for one in case["maps"]]
        case["maps"] += later
        case["messages"] += [case["maps"][0]["message"]]
        after = page.messages_part(case)
        self.assertEqual(after.count("<figure"), 2)
        self.assertEqual(after.count("private and shared alike"), 2)

    def test_matrix(self) -> None:
        """A failing cell is marked, and leads to the case that failed."""
        found = self.results("mapped")
        text, _ = self.read(found)
        bad = [rule for rule in found["rules"] if rule["result"] == "fail"]
        self.assertNotEqual(bad, [])
        for rule in bad:
            row = text[text.index(f'href="#{page.anchor("rule", rule["rule"])}'
                                  '"><code>'):]
            row = row[:row.index("</tr>")]
            self.assertRegex(row, r'class="cell fail" href="#case--svm--')

    def test_escapes(self) -> None:
        """What a log holds is text, never a part of the page."""
        nasty = '<script>alert(1)</script>"\'&amp;</pre>'
        found = copy.deepcopy(self.results("mapped"))
        for case in found["cases"]:
            case["messages"] += [nasty]
            case["reason"] = nasty
        for failure in found["failures"]:
            failure["log"] = [nasty]
            failure["reason"] = nasty
        for rule in found["rules"]:
            rule["text"] = rule["source"] = rule["section"] = nasty
        for host in found["hosts"]:
            host["facts"] = {name: nasty for name in host["facts"]}
            host["ended"] = nasty
        found["notes"] = [nasty]
        found["kernel"] = {name: nasty for name in found["kernel"]}
        text, _ = self.read(found)
        self.assertEqual(text.count("<script>"), 1)
        self.assertIn(page.escape(nasty), text)

    def test_no_pass_looks_failed(self) -> None:
        """A good run has no red in it."""
        text, _ = self.read(self.results("good"))
        body = text[text.index("<header>"):]
        self.assertIsNone(re.search(r'class="[^"]*\b(fail|missing|bad)\b',
                                    body))

    def test_known_failures(self) -> None:
        """They are told with all that they said, and are no plain pass."""
        found = self.results("mapped")
        for case in found["cases"]:
            if case["result"] == "fail":
                case["result"] = "xfail"
                case["reason"] = "known failure: seen since 7.2"
        found["failures"] = []
        found["verdict"] = "pass"
        text, _ = self.read(found)
        self.assertIn("with 1 known failure", text)
        self.assertIn("seen since 7.2", text)
        self.assertIn("<figure", text)

    def test_command(self) -> None:
        """It can be made again of a results.json."""
        replay.lay_out("good", self.out)
        replay.command(self.out)
        made = (self.out / "report.html").read_text("utf-8")
        again = page.render(json.loads(
            (self.out / "results.json").read_text("utf-8")))
        self.assertEqual(made, again)
