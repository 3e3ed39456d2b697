# SPDX-License-Identifier: GPL-2.0
"""Read the KTAP that guest/run-tests writes on a host.

Two levels matter: the host's own lines start in the first column, those of
the test that runs are indented by two spaces.  What a test prints is not to
be trusted: it may be cut, mixed with stray output of a forked child, or fill
the line on which a result should start.  So nothing passes by default: a
case without a result line has crashed, and every result line must carry the
number that is due and the name of the case that runs.
"""

import re
from dataclasses import dataclass, field
from typing import Iterable

import mapping

PASS = "pass"
FAIL = "fail"
SKIP = "skip"
XFAIL = "xfail"
XPASS = "xpass"
CRASH = "crash"
TIMEOUT = "timeout"
MISSING = "missing"

NO_RESULT = "no result line"

BAD = frozenset({FAIL, XPASS, CRASH, TIMEOUT, MISSING})
RAN = frozenset({PASS, FAIL, XFAIL, XPASS, CRASH, TIMEOUT})

# A case that prints in a loop must not fill the report.
MAX_MESSAGES = 200
MAX_MAPS = 16


@dataclass
class Case:
    """One behaviour; crashed until its result line was read."""
    name: str
    result: str = CRASH
    reason: str = ""
    begin_ms: int | None = None
    milliseconds: int | None = None
    messages: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    vm_types: list[str] = field(default_factory=list)
    maps: list[mapping.Map] = field(default_factory=list)
    pages: list[int] | None = None


@dataclass
class Test:
    """One binary; crashed until run-tests reported its end."""
    name: str
    result: str = CRASH
    reason: str = ""
    plan: int | None = None
    plan_skip: str | None = None
    begin_ms: int | None = None
    milliseconds: int | None = None
    cases: list[Case] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    running: Case | None = None
    announces: bool = False
    number: int = 0


@dataclass
class HostLog:
    """All that one host wrote on its second serial port."""
    header: bool = False
    facts: dict[str, str] = field(default_factory=dict)
    plan: int | None = None
    tests: list[Test] = field(default_factory=list)
    running: Test | None = None
    problems: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    results: int = 0
    cut: str = ""


ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>c78])")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

HEADER = re.compile(r"K?TAP version \d+$")
PLAN = re.compile(r"1\.\.(\d+)(?:\s+#\s*(?i:SKIP)\b\s*(.*))?$")
FACT = re.compile(r"# host ([\w-]+): ?(.*)$")
BEGIN = re.compile(r"# selftests: kvm: (\S+)$")
END = re.compile(r"(not ok|ok) (\d+) selftests: kvm: (\S+)(?:\s+#\s*(.*))?$")
RUN = re.compile(r"#\s+RUN\s+(\S+) \.\.\.$")
# As above, behind what someone printed without ending the line.
MERGED_RUN = re.compile(r"#  RUN {11}(\S+) \.\.\.$")
ECHO = re.compile(r"#\s+(?:OK|FAIL)\s+(\S+)$")
RESULT = re.compile(r"(not ok|ok) (\d+)(?:\s+(.*))?$")
TOTALS = re.compile(r"# Totals: pass:(\d+) fail:(\d+) xfail:(\d+) "
                    r"xpass:(\d+) skip:(\d+) error:(\d+)$")
DIRECTIVE = re.compile(r"(SKIP|XFAIL|XPASS|TIMEOUT|TODO|ERROR)\b:?\s*(.*)$",
                       re.IGNORECASE)
# What the library of the tests says to programs, not to people.
VM_TYPE = re.compile(r"# tdp-vm: (\w+)$")
PAGES = re.compile(r"# tdp-pages: (\d{1,18}) (\d{1,18}) (\d{1,18})$")
MAP = re.compile(r"# tdp-map: (.*)$")
MODULE = re.compile(r" *# tdp-module: (\S+) build (\d+ \d+)$")
ASSERTION = "==== Test Assertion Failure ===="
NOT_THERE = "is not there or cannot be executed"


def clean(raw: bytes) -> str:
    """Make text of a line that may hold anything, and keep its indent."""
    text = raw.decode("utf-8", errors="replace")
    text = CONTROL.sub("", ESCAPE.sub("", text))
    return text.lstrip("\ufffd").rstrip()


def split_lines(data: bytes) -> tuple[list[bytes], bytes]:
    """The complete lines, and what follows the last newline."""
    *lines, rest = data.split(b"\n")
    return lines, rest


def split_directive(text: str) -> tuple[str, str, str]:
    """Name, directive and reason of what follows a result's number."""
    name, sep, rest = text.partition("#")
    name = name.strip().removeprefix("- ").strip()
    if not sep:
        return name, "", ""
    match = DIRECTIVE.match(rest.strip())
    if not match:
        return name, "", rest.strip()
    return name, match[1].upper(), match[2].strip()


def case_result(word: str, directive: str) -> str:
    """Judge one result line; an unknown mixture is no pass."""
    if directive == "XPASS":
        return XPASS
    if directive == "TIMEOUT":
        return TIMEOUT
    if word == "not ok":
        return FAIL
    return {"": PASS, "SKIP": SKIP, "XFAIL": XFAIL}.get(directive, FAIL)


def refine_failure(case: Case) -> None:
    """Tell a crash and a timeout from an assertion that did not hold."""
    if case.result != FAIL:
        return
    for message in case.messages:
        if message.endswith("Test terminated by timeout"):
            case.result, case.reason = TIMEOUT, "terminated by timeout"
        match = re.search(r"Test terminated unexpectedly by signal (\d+)$",
                          message)
        if match:
            case.result, case.reason = CRASH, f"killed by signal {match[1]}"


def child_skip(case: Case) -> str:
    """The reason that a skipping child printed as a plan of its own.

    The library's TEST_REQUIRE() skips so; the harness then knows that the
    case was skipped, but not why, and says "unknown".
    """
    for message in reversed(case.messages):
        match = PLAN.match(message)
        if match and match[2]:
            return match[2].removeprefix("- ").strip()
    return ""


def no_reason(reason: str) -> bool:
    """Whether a reason to skip says nothing."""
    return reason.strip(" -.:").lower() in ("", "unknown", "none")


def refine_skip(case: Case) -> None:
    """Accept a skip only with a reason, and never one that hides a failure.

    The library turns a failed assertion into a skip when errno happens to be
    EACCES.
    """
    if case.result != SKIP:
        return
    if any(ASSERTION in message for message in case.messages):
        case.result = FAIL
        case.reason = "an assertion failed, and was reported as a skip"
        return
    if no_reason(case.reason):
        case.reason = child_skip(case)
    if no_reason(case.reason):
        case.result, case.reason = FAIL, "skipped without a reason"


def since(begin: int | None, end: int | None) -> int | None:
    """Milliseconds from begin to end, if both are known."""
    return None if begin is None or end is None else end - begin


def say(messages: list[str], text: str) -> None:
    """Keep a message, unless there are far too many."""
    if text.strip() and len(messages) < MAX_MESSAGES:
        messages.append(text)


def abandon_case(test: Test) -> None:
    """Close a case whose result never came."""
    case = test.running
    if case is None:
        return
    case.reason = case.reason or NO_RESULT
    test.cases.append(case)
    test.number += 1
    test.running = None


def begin_case(test: Test, name: str, ms: int | None) -> None:
    """Start a case at its RUN line."""
    abandon_case(test)
    test.announces = True
    test.running = Case(name, begin_ms=ms)


def end_case(test: Test, word: str, text: str, ms: int | None) -> None:
    """Finish the running case, or one of a test that announces none."""
    name, directive, reason = split_directive(text)
    case = test.running or Case(name or f"case {len(test.cases) + 1}")
    case.result, case.reason = case_result(word, directive), reason
    case.milliseconds = since(case.begin_ms, ms)
    if not test.running:
        case.messages, test.messages = test.messages, []
    refine_failure(case)
    refine_skip(case)
    test.cases.append(case)
    test.running = None


def stray_result(test: Test, name: str) -> str:
    """Why a result line belongs to no case, or nothing."""
    if test.running and name != test.running.name:
        return f"a result came while {test.running.name} ran"
    if test.announces and not test.running:
        return "a result came while no case ran"
    return ""


def read_result(test: Test, match: re.Match[str], ms: int | None) -> None:
    """Take a result line that is due, report one that is not.

    A wrong number is a failure of the test, but the name tells that the
    result is the running case's, and the next number is expected after it.
    """
    number, text = int(match[2]), match[3] or ""
    stray = stray_result(test, split_directive(text)[0])
    if not stray and number != test.number + 1:
        test.problems.append(f"result number {test.number + 1} was due, "
                             f"this came: {match[0]}")
        if not test.running and number <= test.number:
            return
    if stray:
        test.problems.append(f"{stray}, this came: {match[0]}")
        return
    test.number = number
    end_case(test, match[1], text, ms)


def read_plan(test: Test, match: re.Match[str]) -> bool:
    """Take the first plan; what a forked child plans is a message."""
    if test.plan is not None or test.running or test.cases:
        return False
    test.plan = int(match[1])
    if test.plan == 0:
        test.plan_skip = (match[2] or "").removeprefix("- ").strip()
    return True


def read_totals(test: Test, match: re.Match[str]) -> bool:
    """Compare the test's own count with what arrived here."""
    if test.running:
        return False
    told = sum(int(match[i]) for i in range(1, 7))
    if told != len(test.cases):
        test.problems.append(f"the test counts {told} results, "
                             f"{len(test.cases)} arrived")
    return True


def merged_result(test: Test, text: str) -> re.Match[str] | None:
    """Find the running case's result behind output without a newline."""
    if not test.running:
        return None
    name = re.escape(test.running.name)
    pattern = rf"(not ok|ok) ({test.number + 1}) ({name}(?: .*)?)$"
    return re.search(pattern, text)


def feed_test(test: Test, text: str, ms: int | None) -> None:
    """Take one line that the test wrote, indent removed."""
    if HEADER.match(text):
        return
    if match := RUN.match(text):
        begin_case(test, match[1], ms)
        return
    if match := RESULT.match(text):
        read_result(test, match, ms)
        return
    if (match := PLAN.match(text)) and read_plan(test, match):
        return
    if (match := TOTALS.match(text)) and read_totals(test, match):
        return
    if match := merged_result(test, text):
        say(test.running.messages, text[:match.start()])
        read_result(test, match, ms)
        return
    if not test.running and (match := MERGED_RUN.search(text)):
        say(test.messages, text[:match.start()])
        begin_case(test, match[1], ms)
        return
    feed_message(test, text)


def feed_diagnostic(case: Case, text: str) -> bool:
    """Take what the library tells programs of the case that runs."""
    if match := VM_TYPE.match(text):
        if match[1] not in case.vm_types:
            case.vm_types.append(match[1])
        return True
    if match := PAGES.match(text):
        # A case may free several VMs.
        case.pages = [was + int(more) for was, more in
                      zip(case.pages or (0, 0, 0), match.groups())]
        return True
    match = MAP.match(text)
    found = mapping.parse(match[1]) if match else None
    if found is None:
        return False
    found.message = case.messages[-1] if case.messages else ""
    if len(case.maps) < MAX_MAPS:
        case.maps.append(found)
    return True


def feed_message(test: Test, text: str) -> None:
    """Keep what is no KTAP as a message of the running case or the test."""
    echo = ECHO.match(text)
    if echo and test.running and echo[1] == test.running.name:
        return
    if test.running and feed_diagnostic(test.running, text):
        return
    if test.running:
        say(test.running.messages, text)
        return
    if text.startswith("Bail out!"):
        test.problems.append(text)
    say(test.messages, text)


def abandon_test(log: HostLog) -> None:
    """Close a test whose result never came."""
    if log.running is None:
        return
    abandon_case(log.running)
    log.running.reason = log.running.reason or NO_RESULT
    log.running = None


def begin_test(log: HostLog, name: str, ms: int | None) -> None:
    """Start a test where run-tests names it."""
    abandon_test(log)
    log.running = Test(name, begin_ms=ms)
    log.tests.append(log.running)


def test_result(test: Test, word: str, rest: str) -> tuple[str, str]:
    """Judge the line that run-tests writes after a test."""
    directive = split_directive("#" + rest)[1]
    if directive == "TIMEOUT":
        return TIMEOUT, rest
    match = re.match(r"exit=(\d+)$", rest)
    status = int(match[1]) if match else 0
    if word == "ok":
        return (SKIP if directive == "SKIP" else PASS), ""
    if any(NOT_THERE in message for message in test.messages):
        return MISSING, "the binary is not there or cannot be executed"
    if 128 < status <= 128 + 64:
        return CRASH, f"killed by signal {status - 128}"
    return FAIL, rest


def end_test(log: HostLog, match: re.Match[str], ms: int | None) -> None:
    """Finish the running test; any other result line is a problem."""
    word, number, name, rest = match[1], int(match[2]), match[3], match[4]
    due = log.results + 1
    test = log.running
    if test is None or test.name != name or number != due:
        log.problems.append(f"result number {due} of the test that runs was "
                            f"due, this came: {match[0]}")
        return
    abandoned = test.running
    abandon_case(test)
    test.result, test.reason = test_result(test, word, rest or "")
    if abandoned and test.result == TIMEOUT:
        abandoned.result, abandoned.reason = TIMEOUT, "the test ran too long"
    elif abandoned and test.result == CRASH:
        abandoned.reason = test.reason
    test.milliseconds = since(test.begin_ms, ms)
    log.results = number
    log.running = None


def merged_end(log: HostLog, text: str) -> re.Match[str] | None:
    """Find the running test's result behind output without a newline."""
    if not log.running:
        return None
    pattern = (rf"(not ok|ok) ({log.results + 1}) selftests: kvm: "
               rf"({re.escape(log.running.name)})(?:\s+#\s*(.*))?$")
    return re.search(pattern, text)


def feed_host(log: HostLog, text: str, ms: int | None) -> None:
    """Take one line that run-tests itself wrote."""
    if HEADER.match(text):
        log.header = True
    elif match := FACT.match(text):
        log.facts.setdefault(match[1], match[2].strip())
    elif match := BEGIN.match(text):
        begin_test(log, match[1], ms)
    elif (match := PLAN.match(text)) and log.plan is None:
        log.plan = int(match[1])
    elif match := END.match(text):
        end_test(log, match, ms)
    elif log.running and merged_result(log.running, text):
        feed_test(log.running, text, ms)
    else:
        say(log.running.messages if log.running else log.messages, text)


def feed(log: HostLog, raw: bytes, ms: int | None = None) -> None:
    """Take one complete line, as it came, and when it came."""
    text = clean(raw)
    if match := MODULE.match(text):
        log.facts["tdx-module"] = log.facts.get("tdx-module") or match[1]
        log.facts.setdefault("tdx-build", match[2])
    elif match := merged_end(log, text):
        if match.start() > 0:
            feed_message(log.running, text[:match.start()].strip())
        end_test(log, match, ms)
    elif log.running and text.startswith("  "):
        feed_test(log.running, text[2:], ms)
    elif text:
        feed_host(log, text, ms)


def finish(log: HostLog, rest: bytes = b"") -> HostLog:
    """End of output: an unfinished line proves nothing but a cut."""
    log.cut = clean(rest).strip()
    if log.running and log.cut:
        feed_message(log.running, log.cut)
    abandon_test(log)
    return log


def parse(lines: Iterable[tuple[bytes, int | None]],
          rest: bytes = b"") -> HostLog:
    """Read a whole log: its lines with their milliseconds, and its rest."""
    log = HostLog()
    for raw, ms in lines:
        feed(log, raw, ms)
    return finish(log, rest)
