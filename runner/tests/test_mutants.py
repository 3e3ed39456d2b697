# SPDX-License-Identifier: GPL-2.0
"""What a boot of a mutant proves, and what is kept of it."""

import argparse
import contextlib
import io
import json
import shutil
import tempfile
import unittest
from pathlib import Path

import replay
import mutants
import series

LIST = """# FIXTURE            VARIANT                   TEST
page                 default_vm                mapped
                     sw_protected_vm           gone
                                               again
--------------------------------------------------------------------------------
a_fixture_with_a_long_name                           alone
--------------------------------------------------------------------------------
other                one_variant               one
                                               two
"""

PATCH = "A bug.\n\n--- a/virt/kvm/kvm_main.c\n+++ b/virt/kvm/kvm_main.c\n"
NOT_OK = b"  # good_test.c:1:mapped:Wanted level 1\n  not ok 1 page.mapped\n"


def ktap(mutant: str, result: bytes, end: bool = True) -> bytes:
    """What a host with one test of one case writes."""
    text = (b"KTAP version 1\n# host probe: yes\n# host mutant: %s\n1..1\n"
            b"# selftests: kvm: good_test\n  TAP version 13\n  1..1\n"
            b"  #  RUN           page.mapped ...\n" % mutant.encode()) + result
    if not end:
        return text
    word = b"not ok" if b"not ok" in result else b"ok"
    exit_word = b" # exit=1" if b"not ok" in result else b""
    return text + word + b" 1 selftests: kvm: good_test" + exit_word + \
        b"\n# host taint: 0\n# host end: 1\n"


class Lists(unittest.TestCase):
    """The harness' list of cases."""

    def test_names(self) -> None:
        """Variants and cases are multiplied, fixture by fixture."""
        self.assertEqual(mutants.parse_list(LIST), [
            "page.default_vm.mapped", "page.default_vm.gone",
            "page.default_vm.again", "page.sw_protected_vm.mapped",
            "page.sw_protected_vm.gone", "page.sw_protected_vm.again",
            "a_fixture_with_a_long_name.alone",
            "other.one_variant.one", "other.one_variant.two"])

    def test_nothing(self) -> None:
        """A test that says nothing has no case."""
        self.assertEqual(mutants.parse_list(""), [])


KNOWN = "| `walk.level` | `good_test page.*.gone` | 7.3* | What. | Why. |\n"


class Cases(unittest.TestCase):
    """Which cases are to notice a mutant."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.top = Path(self.folder.name)
        (self.top / "good_test").write_text(
            f"#!/bin/sh\ncat >&2 <<'LIST'\n{LIST}LIST\n", encoding="ascii")
        (self.top / "good_test").chmod(0o755)
        (self.top / "known.md").write_text(KNOWN, encoding="ascii")
        self.options = argparse.Namespace(
            installed=self.top, known=self.top / "known.md",
            version="7.3.4", into=self.top / "cases")

    def tearDown(self) -> None:
        self.folder.cleanup()

    def written(self) -> list[str]:
        """The list for the test."""
        text = (self.top / "cases" / "good_test").read_text(encoding="ascii")
        return text.split()

    def mutant(self, cases: str) -> series.Mutant:
        """A mutant that these cases are to notice."""
        return series.Mutant("bug", [], "svm", "any", "good_test", cases)

    def test_named(self) -> None:
        """Those of the pattern, but none that fails without the mutant."""
        mutants.command_cases([self.mutant("page.default_vm.*")],
                              self.options)
        self.assertEqual(self.written(), ["page.default_vm.mapped",
                                          "page.default_vm.again"])

    def test_rest(self) -> None:
        """All but those."""
        mutants.command_rest([], self.options)
        self.assertEqual(len(self.written()), 7)
        self.assertNotIn("page.default_vm.gone", self.written())

    def test_other_kernel(self) -> None:
        """What another kernel fails has to notice a mutant of this one."""
        self.options.version = "7.4.0"
        mutants.command_cases([self.mutant("page.*.gone")], self.options)
        self.assertEqual(self.written(), ["page.default_vm.gone",
                                          "page.sw_protected_vm.gone"])
        shutil.rmtree(self.options.into)
        mutants.command_rest([], self.options)
        self.assertFalse(any(self.options.into.iterdir()))

    def test_none(self) -> None:
        """A pattern of nothing is an error, not a pass."""
        with self.assertRaises(ValueError):
            mutants.command_cases([self.mutant("page.*.gone")], self.options)


class Boots(unittest.TestCase):
    """Each test is one boot of the same mutant."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.top = Path(self.folder.name)
        (self.top / "bug.patch").write_text(PATCH, encoding="ascii")
        (self.top / "good_test").write_bytes(b"\x7fELF")
        self.mutant = series.Mutant("bug", ["walk.level"], "svm", "any",
                                    "good_test", "page.*",
                                    patch=self.top / "bug.patch")
        self.mark = mutants.watermark(self.mutant)

    def tearDown(self) -> None:
        self.folder.cleanup()

    def options(self, **more: object) -> argparse.Namespace:
        """The command line."""
        values = {"out": self.top / "out", "kernel": "k", "build_ms": 1,
                  "installed": self.top, "state": self.top / "state",
                  "into": self.top / "mutants.json", "more": False,
                  "variant": "", "others": []}
        return argparse.Namespace(**{**values, **more})

    def boot(self, text: bytes, serial: bytes = b"",
             reason: str = "exit") -> dict[str, object]:
        """Lay out a boot and judge it."""
        folder = self.top / "out" / "svm"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ktap.log").write_bytes(text)
        (folder / "timed.log").write_bytes(replay.stamp(text))
        (folder / "serial.log").write_bytes(
            b"run-tests: begin good_test\n" + serial)
        (folder / "host.json").write_text("{}", encoding="ascii")
        (folder / "watch.json").write_text(
            json.dumps({"reason": reason, "elapsed_ms": 7}), encoding="ascii")
        return mutants.judge_mutant(self.mutant, self.options())

    def test_noticed(self) -> None:
        """A named case fails."""
        result = self.boot(ktap(self.mark, NOT_OK))
        self.assertEqual(result["outcome"], mutants.NOTICED)
        self.assertIn("Wanted level 1", mutants.text_result(result))

    def test_ended_at_the_failure(self) -> None:
        """The machine need not come to its end."""
        result = self.boot(ktap(self.mark, NOT_OK, False), reason="failure")
        self.assertEqual(result["outcome"], mutants.NOTICED)

    def test_survived(self) -> None:
        """Every case passes."""
        result = self.boot(ktap(self.mark, b"  ok 1 page.mapped\n"))
        self.assertEqual(result["outcome"], mutants.SURVIVED)

    def test_not_the_mutant(self) -> None:
        """A failure on another kernel proves nothing."""
        for said in ("none", self.mark + "0", "", f"{self.mark} other"):
            result = self.boot(ktap(said, NOT_OK))
            self.assertEqual(result["outcome"], mutants.BROKEN, said)

    def test_elsewhere(self) -> None:
        """A case that the series does not name fails."""
        self.mutant.cases = "other.*"
        result = self.boot(ktap(self.mark, NOT_OK))
        self.assertEqual(result["outcome"], mutants.ELSEWHERE)

    def test_splat(self) -> None:
        """The kernel complains while a named case runs."""
        result = self.boot(ktap(self.mark, b"", False),
                           b"WARNING: CPU: 0 PID: 9 at mmu.c:7 map+0x1/0x2\n",
                           "failure")
        self.assertEqual(result["outcome"], mutants.NOTICED)
        self.assertIn("WARNING", result["notice"]["how"])

    def test_hang(self) -> None:
        """The machine hangs while a named case runs."""
        result = self.boot(ktap(self.mark, b"", False), reason="silence")
        self.assertEqual(result["outcome"], mutants.NOTICED)

    def test_cut_for_no_reason(self) -> None:
        """Output that ends without a reason proves nothing."""
        result = self.boot(ktap(self.mark, b"", False))
        self.assertEqual(result["outcome"], mutants.BROKEN)

    def test_all_skipped(self) -> None:
        """Cases that are skipped notice nothing, and prove nothing."""
        result = self.boot(ktap(self.mark,
                                b"  ok 1 page.mapped # SKIP no 1G page\n"))
        self.assertEqual(result["outcome"], mutants.BROKEN)

    def report(self) -> tuple[int, dict[str, object]]:
        """The summary's exit status, and what it wrote."""
        with contextlib.redirect_stdout(io.StringIO()):
            status = mutants.command_report([self.mutant], self.options())
        text = (self.top / "mutants.json").read_text(encoding="utf-8")
        return status, json.loads(text)

    def judge(self, text: bytes) -> int:
        """Judge and store a boot."""
        self.boot(text)
        with contextlib.redirect_stdout(io.StringIO()):
            return mutants.command_judge([self.mutant], self.options())

    def due(self, **more: object) -> bool:
        """Whether the mutant is still to be run."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            mutants.command_plan([self.mutant], self.options(**more))
        return "bug svm good_test" in said.getvalue()

    def test_resumes(self) -> None:
        """What is proven is not run again, until something changes."""
        self.assertTrue(self.due())
        self.assertEqual(self.judge(ktap(self.mark, NOT_OK)), 0)
        self.assertFalse(self.due())
        self.assertTrue(self.due(kernel="other"))
        (self.top / "good_test").write_bytes(b"\x7fELF2")
        self.assertTrue(self.due())
        (self.top / "good_test").write_bytes(b"\x7fELF")
        self.assertFalse(self.due())
        (self.top / "bug.patch").write_text(PATCH + "x", encoding="ascii")
        self.assertTrue(self.due())

    def test_survivor_fails_the_run(self) -> None:
        """And is run again."""
        self.assertEqual(self.judge(ktap(self.mark, b"  ok 1 page.mapped\n")),
                         1)
        self.assertTrue(self.due())
        status, written = self.report()
        self.assertEqual(status, 1)
        self.assertEqual(written["totals"][mutants.SURVIVED], 1)

    def test_noticed_passes_the_run(self) -> None:
        """One of one."""
        self.judge(ktap(self.mark, NOT_OK))
        status, written = self.report()
        self.assertEqual((status, written["verdict"]), (0, "pass"))

    def test_stale_result_fails_the_run(self) -> None:
        """A result of another kernel is none."""
        self.judge(ktap(self.mark, NOT_OK))
        (self.top / "bug.patch").write_text(PATCH + "x", encoding="ascii")
        self.assertEqual(self.report()[0], 1)

    def test_not_run_fails_the_run(self) -> None:
        """So does none at all."""
        self.assertEqual(self.report()[0], 1)


class Selection(unittest.TestCase):
    """Which mutants a run has."""

    def test_shards(self) -> None:
        """Every mutant is in one shard."""
        every = [series.Mutant(f"m{i}", [], "tdx" if i % 3 else "svm", "any",
                               "t", "c") for i in range(20)]
        parts = [mutants.share(every, f"{i}/3") for i in (1, 2, 3)]
        names = [mutant.name for part in parts for mutant in part]
        self.assertEqual(sorted(names), sorted(m.name for m in every))
        self.assertEqual({mutant.host for mutant in
                          mutants.select(every, "*", ["svm"], "")}, {"svm"})
        self.assertEqual([mutant.name for mutant in
                          mutants.select(every, "m1", ["tdx"], "")], ["m1"])

    def test_variants(self) -> None:
        """A kernel runs its own mutants, and says how many are another's."""
        every = [series.Mutant(name, [], "svm", "any", "t", "c", variant)
                 for name, variant in (("one", ""), ("two", "debug"),
                                       ("three", "debug"))]
        options = argparse.Namespace(select="*", hosts="svm tdx", variant="")
        for variant, own, said in (
                ("", ["one"], ["2 more need a kernel with VARIANT=debug"]),
                ("debug", ["two", "three"],
                 ["1 more need a kernel without VARIANT="])):
            options.variant = variant
            chosen = mutants.select(every, "*", ["svm"], variant)
            self.assertEqual([mutant.name for mutant in chosen], own)
            self.assertEqual(mutants.others(every, options), said)
        options.select, options.variant = "one", ""
        self.assertEqual(mutants.others(every, options), [])
