# SPDX-License-Identifier: GPL-2.0
"""What the parser makes of single lines and of short outputs."""

import unittest

import replay  # noqa: F401  pylint: disable=unused-import
import ktap


def parse(*inner: str, end: str = "ok 1 selftests: kvm: a_test",
          rest: bytes = b"") -> ktap.HostLog:
    """Output of one test between the host's own lines."""
    lines = ["KTAP version 1", "# host probe: yes", "1..1",
             "# selftests: kvm: a_test", *(f"  {line}" for line in inner),
             end, "# host taint: 0", "# host end: 1"]
    return ktap.parse([(line.encode(), 10 * at)
                       for at, line in enumerate(lines) if line], rest)


def case(name: str, *inner: str, result: str = "ok 1") -> list[str]:
    """Output of one case."""
    return [f"#  RUN           {name} ...", *inner,
            f"#            OK  {name}", f"{result} {name}"]


class Results(unittest.TestCase):
    """Result lines, alone and in company."""

    def result(self, *inner: str, line: str = "ok 1 f.c") -> ktap.Case:
        """The case that a result line ends."""
        log = parse("1..1", "#  RUN           f.c ...", *inner, line)
        self.assertEqual(len(log.tests[0].cases), 1)
        return log.tests[0].cases[0]

    def test_pages(self) -> None:
        """Leaves at the end of a case: of all its VMs, or of none."""
        found = self.result("# tdp-pages: 3 0 1", "# tdp-pages: 4 2 0")
        self.assertEqual((found.pages, found.messages), ([7, 2, 1], []))
        for line in ("# tdp-pages: 3 0", "# tdp-pages: -1 0 0", "tdp-pages"):
            self.assertIsNone(self.result(line).pages)

    def test_words(self) -> None:
        """Each directive, and mixtures that are no pass."""
        for line, result in (
                ("ok 1 f.c", ktap.PASS),
                ("ok 1 f.c # SKIP no huge pages", ktap.SKIP),
                ("ok 1 f.c # XFAIL known", ktap.XFAIL),
                ("ok 1 f.c # XPASS unknown", ktap.XPASS),
                ("not ok 1 f.c", ktap.FAIL),
                ("not ok 1 f.c # XPASS", ktap.XPASS),
                ("not ok 1 f.c # SKIP no", ktap.FAIL),
                ("not ok 1 f.c # XFAIL known", ktap.FAIL),
                ("not ok 1 f.c # TIMEOUT", ktap.TIMEOUT),
                ("ok 1 f.c # TIMEOUT", ktap.TIMEOUT),
                ("ok 1 f.c # TODO", ktap.FAIL),
                ("ok 1 f.c # error: odd", ktap.FAIL),
                ("ok 1 f.c # SKIP", ktap.FAIL),
                ("ok 1 f.c # SKIP unknown", ktap.FAIL),
                ("ok 1 f.c # SKIP - ", ktap.FAIL)):
            with self.subTest(line=line):
                self.assertEqual(self.result(line=line).result, result)

    def test_no_result(self) -> None:
        """A case without a result line has crashed."""
        log = parse("1..1", "#  RUN           f.c ...")
        self.assertEqual([item.result for item in log.tests[0].cases],
                         [ktap.CRASH])

    def test_why_failed(self) -> None:
        """What the harness says about a child that died or was too slow."""
        died = self.result("# c: Test terminated unexpectedly by signal 11",
                           line="not ok 1 f.c")
        self.assertEqual((died.result, died.reason),
                         (ktap.CRASH, "killed by signal 11"))
        slow = self.result("# c: Test terminated by timeout",
                           line="not ok 1 f.c")
        self.assertEqual(slow.result, ktap.TIMEOUT)

    def test_reason_from_child(self) -> None:
        """TEST_REQUIRE() in a case leaves its reason in a stray plan."""
        item = self.result("1..0 # SKIP - Requirement not met: x",
                           line="ok 1 f.c # SKIP unknown")
        self.assertEqual((item.result, item.reason),
                         (ktap.SKIP, "Requirement not met: x"))

    def test_failed_assertion_is_no_skip(self) -> None:
        """Whatever reason is given for it."""
        item = self.result("==== Test Assertion Failure ====",
                           "1..0 # SKIP - Access denied - Exiting",
                           line="ok 1 f.c # SKIP good reason")
        self.assertEqual(item.result, ktap.FAIL)

    def test_time(self) -> None:
        """A case takes from its RUN line to its result line."""
        self.assertEqual(self.result("message").milliseconds, 20)

    def test_messages(self) -> None:
        """Everything between is kept, the harness's echo is not."""
        log = parse("1..1", *case("f.c", "# file.c:1:c:Wanted level 2",
                                  "==== Test Assertion Failure ====",
                                  "  file.c:1: x", "TAP version 13"))
        self.assertEqual(log.tests[0].cases[0].messages,
                         ["# file.c:1:c:Wanted level 2",
                          "==== Test Assertion Failure ====",
                          "  file.c:1: x"])

    def test_without_run_lines(self) -> None:
        """A test that uses kselftest.h alone."""
        log = parse("1..2", "# about one", "ok 1 - first thing",
                    "not ok 2 second thing # because")
        one, two = log.tests[0].cases
        self.assertEqual((one.name, one.result, one.messages),
                         ("first thing", ktap.PASS, ["# about one"]))
        self.assertEqual((two.name, two.result), ("second thing", ktap.FAIL))


class Order(unittest.TestCase):
    """Numbers, plans and totals."""

    def problems(self, *inner: str) -> list[str]:
        """What is wrong with a test's output."""
        return parse(*inner).tests[0].problems

    def test_first_plan(self) -> None:
        """A later plan is a message of the case in which it came."""
        log = parse("1..1", *case("f.c", "1..0 # SKIP child", "1..7"))
        self.assertEqual(log.tests[0].plan, 1)
        self.assertEqual(log.tests[0].cases[0].messages,
                         ["1..0 # SKIP child", "1..7"])

    def test_numbers(self) -> None:
        """Only the number that is due is right."""
        for number in (0, 2, 3, 11):
            with self.subTest(number=number):
                self.assertTrue(self.problems(
                    "1..1", *case("f.c", result=f"ok {number}")))
        self.assertEqual(self.problems("1..1", *case("f.c")), [])

    def test_foreign_result(self) -> None:
        """A result for another case than the one that runs."""
        log = parse("1..1", *case("f.c", "ok 1 f.other"))
        self.assertEqual(len(log.tests[0].problems), 1)
        self.assertEqual([item.name for item in log.tests[0].cases], ["f.c"])

    def test_totals(self) -> None:
        """The test's own count must be what arrived."""
        told = "# Totals: pass:{} fail:0 xfail:0 xpass:0 skip:0 error:0"
        self.assertTrue(self.problems("1..1", *case("f.c"), told.format(2)))
        self.assertFalse(self.problems("1..1", *case("f.c"), told.format(1)))
        self.assertFalse(self.problems("1..1", *case("f.c", told.format(7))))

    def test_bail_out(self) -> None:
        """Giving up is a problem, unless a case does it for itself."""
        self.assertTrue(self.problems("1..1", "Bail out! no /dev/kvm"))
        self.assertFalse(self.problems("1..1", *case("f.c", "Bail out! x")))

    def test_forged_host_lines(self) -> None:
        """A test cannot speak for the host, as its lines are indented."""
        log = parse("1..1", *case("f.c", "# host taint: 512",
                                  "ok 1 selftests: kvm: b_test",
                                  "# selftests: kvm: b_test"))
        self.assertEqual(log.facts["taint"], "0")
        self.assertEqual([test.name for test in log.tests], ["a_test"])


class Ends(unittest.TestCase):
    """How run-tests reports the end of a test."""

    def test_words(self) -> None:
        """Each form of the line."""
        for rest, result in (("", ktap.FAIL), (" # exit=1", ktap.FAIL),
                             (" # exit=254", ktap.FAIL),
                             (" # exit=139", ktap.CRASH),
                             (" # TIMEOUT 120 seconds", ktap.TIMEOUT)):
            with self.subTest(rest=rest):
                log = parse("1..0", end="not ok 1 selftests: kvm: a_test" +
                            rest)
                self.assertEqual(log.tests[0].result, result)

    def test_not_there(self) -> None:
        """A binary that is missing is told from one that fails."""
        log = parse("# /x/a_test is not there or cannot be executed",
                    end="not ok 1 selftests: kvm: a_test # exit=127")
        self.assertEqual(log.tests[0].result, ktap.MISSING)

    def test_lost(self) -> None:
        """Without the line the test has crashed."""
        self.assertEqual(parse("1..1", *case("f.c"), end="").tests[0].result,
                         ktap.CRASH)

    def test_unfinished_line(self) -> None:
        """What follows the last newline proves nothing."""
        log = parse("1..1", "#  RUN           f.c ...", end="",
                    rest=b"  ok 1 f.c")
        self.assertEqual(log.tests[0].cases[0].result, ktap.CRASH)
        self.assertEqual(log.cut, "ok 1 f.c")

    def test_merged(self) -> None:
        """The test's last words may not have ended their line."""
        for word, result in (("ok", ktap.PASS), ("not ok", ktap.FAIL)):
            log = parse("1..1", *case("f.c"),
                        end=f"  last words{word} 1 selftests: kvm: a_test")
            self.assertEqual(log.tests[0].result, result)


class Garbage(unittest.TestCase):
    """Nothing that a serial line delivers may end in a traceback."""

    def test_clean(self) -> None:
        """Control characters go, indent and text stay."""
        self.assertEqual(ktap.clean(b"\x00\x00  ok 1 a\r"), "  ok 1 a")
        self.assertEqual(ktap.clean(b"\xff\xfeKTAP version 1\r\r"),
                         "KTAP version 1")
        self.assertEqual(ktap.clean(b"\x1b[2J\x1b[01;31mtext\x1b[0m"), "text")

    def test_any_cut(self) -> None:
        """A good output, cut anywhere, never has a case too many."""
        data = (replay.LOGS / "default" / "ktap.log").read_bytes()
        whole = sum(len(test.cases) for test in
                    self.read(data).tests)
        for at in range(0, len(data), 5):
            log = self.read(data[:at])
            passed = [item for test in log.tests for item in test.cases
                      if item.result == ktap.PASS]
            self.assertNotIn("end", log.facts)
            self.assertLessEqual(len(passed), whole)
            self.assertLessEqual(len(passed), data[:at].count(b"ok "))

    def test_any_byte_lost(self) -> None:
        """A good output with any line lost is noticed or harmless."""
        lines = (replay.LOGS / "default" / "ktap.log").read_bytes()
        lines = lines.split(b"\n")[:-1]
        for at, lost in enumerate(lines):
            log = self.read(b"\n".join(lines[:at] + lines[at + 1:]) + b"\n")
            if lost.strip().startswith((b"ok", b"not ok")):
                bad = [item for test in log.tests for item in test.cases
                       if item.result in ktap.BAD]
                problems = [text for test in log.tests
                            for text in test.problems]
                tests = [test for test in log.tests
                         if test.result in ktap.BAD]
                self.assertTrue(bad or problems or tests, lost)

    def read(self, data: bytes) -> ktap.HostLog:
        """Parse bytes as they would lie in ktap.log."""
        lines, rest = ktap.split_lines(data)
        return ktap.parse([(line, None) for line in lines], rest)


if __name__ == "__main__":
    unittest.main()
