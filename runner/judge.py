# SPDX-License-Identifier: GPL-2.0
"""Decide what a run proves.

A host has failed until everything that a pass needs was seen.  Causes come
before their consequences, and what only follows from a failure that is
already there is left out: a host that panicked also lost its plan, but one
sentence says more than five.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import klog
import ktap
import rules as contract_rules

# More than any run has written; a flood must not fill the memory.
MAX_BYTES = 64 << 20

# A kernel that complains without end is reported as such.
MAX_SPLATS = 10

# How Bochs says that it gives up, and how it says that the guest switched the
# machine off.  It ends with a status of failure both ways.
EMULATOR_PANIC = re.compile(r">>PANIC<< *(.*)")
POWER_OFF = "ACPI control: soft power off"
# How a kernel that panicked ends a machine with reboot=t.
TRIPLE_FAULT = re.compile(r"exception\(\): 3rd ")

ADVICE = {
    "case": "Read the messages: they say what was wanted and what came; "
            "the test's option -r and the name of the case run it alone.",
    "crash": "The test itself died: look for its last message, and run the "
             "case alone with the option -r.",
    "timeout": "Run the case alone with the option -r; if it is only slow, "
               "raise the time limit of the collection's settings.",
    "xpass": "What was expected to fail works now: remove the expectation.",
    "reason": "Give the skip a reason, or make the case fail.",
    "missing": "Build and install the tests again, and look for the name in "
               "the collection's Makefile.",
    "plan": "See that the test uses the kselftest harness and gets as far as "
            "its main().",
    "results": "Look for the case that ended the whole test, and run it "
               "alone with the option -r.",
    "test": "Run the test alone on this host and look at its exit status.",
    "none-ran": "A run in which nothing ran proves nothing: see why all was "
                "skipped, and choose a host that offers it.",
    "splat": "Read the splat in the kernel's log: the kernel under test found "
             "the fault itself.",
    "wanted": "Run the case alone with the option -r: the kernel under test no "
              "longer complains where it must, or the test did not get there.",
    "panic": "Read the kernel's last words; scripts/decode_stacktrace.sh "
             "with the vmlinux of this run gives lines of source.",
    "module": "See that the modules belong to this kernel and its config.",
    "taint": "Search the kernel's log for what tainted it; a log without it "
             "was cut, or the console level hides it.",
    "lockdep": "Search the kernel's log for what lockdep said first: it "
               "stops at its first report, and at the end of its tables.",
    "boot": "Look at the last lines of the kernel's log, and see that the "
            "emulator starts, with console=ttyS0 and both serial ports.",
    "start": "See why the emulator does not start: the sentence is its own.",
    "absent": "Choose a machine that has what is missing, or an emulated "
              "host.",
    "emulator": "Look at what the emulator said, and run its command by "
                "hand.",
    "silence": "The last test named in the log hangs: run it alone, and if "
               "it is only slow allow more silence.",
    "limit": "See in the list which test is slow, or allow more time.",
    "interrupted": "Run it again and let it finish.",
    "watch": "The watcher did not finish: run again, and see that the disk "
             "is not full.",
    "cut": "The machine ended before its tests did: look at the last lines "
           "of the kernel's log.",
    "probe": "See why the probe was not loaded: it must be built for exactly "
             "this kernel.",
    "input": "Run again from the start, and see that the disk is not full.",
    "log": "Without the kernel's log no warning can be seen: check "
           "console=, the console level and the first serial port.",
    "garbled": "Something else wrote into the tests' output: see that the "
               "second serial port carries nothing but run-tests.",
}


# What explains that the output ends too early.
LOST = {"panic", "silence", "limit", "interrupted", "emulator"}

# What says nothing about the kernel under test, and what only follows from that.
UNSEEN = {"start", "interrupted", "absent"}
FOLLOWS = {"boot", "cut"}

PASS, FAIL, UNKNOWN = "pass", "fail", "could not judge"
STATUS = {PASS: 0, FAIL: 1, UNKNOWN: 2}


@dataclass
class Failure:
    """One reason why the verdict is "fail"."""
    kind: str
    reason: str
    host: str = ""
    test: str = ""
    case: str = ""
    log: list[str] = field(default_factory=list)

    @property
    def advice(self) -> str:
        """One sentence on what to do."""
        return ADVICE[self.kind]


@dataclass
class Host:
    """Everything that is known of one host's run."""
    name: str
    requested: list[str] | None
    about: dict[str, Any] = field(default_factory=dict)
    watch: dict[str, Any] = field(default_factory=dict)
    log: ktap.HostLog = field(default_factory=ktap.HostLog)
    kernel: klog.KernelLog = field(default_factory=klog.KernelLog)
    emulator_said: list[str] = field(default_factory=list)
    emulator_panics: list[str] = field(default_factory=list)
    emulator_status: str = ""
    failures: list[Failure] = field(default_factory=list)


@dataclass
class Run:
    """A whole run: what was judged, where, and what came of it."""
    meta: dict[str, Any] = field(default_factory=dict)
    hosts: list[Host] = field(default_factory=list)
    contract: dict[str, str] = field(default_factory=dict)
    rules: list[contract_rules.Rule] = field(default_factory=list)
    source_cases: list[contract_rules.SourceCase] = \
        field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    known: int = 0
    stale: list[str] = field(default_factory=list)

    def all_failures(self) -> list[Failure]:
        """Failures of the run, then of each host."""
        return self.failures + [failure for host in self.hosts
                                for failure in host.failures]

    @property
    def sentence(self) -> str:
        """The verdict, and what it passes over."""
        if self.verdict != PASS or not self.known:
            return self.verdict
        return (f"{PASS} with {self.known} known "
                f"failure{'' if self.known == 1 else 's'}")

    @property
    def verdict(self) -> str:
        """The one word.

        A run in which something failed that is not the kernel's, and nothing
        that is, could not judge.
        """
        if not self.all_failures():
            return PASS if self.hosts else FAIL
        groups = [self.failures] + [host.failures for host in self.hosts]
        return UNKNOWN if all(unseen(group) for group in groups if group) \
            else FAIL


def unseen(failures: list[Failure]) -> bool:
    """Whether these failures say nothing about the kernel under test."""
    kinds = {failure.kind for failure in failures}
    return bool(kinds & UNSEEN) and kinds <= UNSEEN | FOLLOWS


def fail(host: Host, kind: str, reason: str, test: str = "",
         case: str = "", log: list[str] | None = None) -> None:
    """File a failure of a host."""
    host.failures.append(
        Failure(kind, reason, host.name, test, case, log or []))


def last_words(host: Host) -> list[str]:
    """What the machine said last: kernel, or else emulator."""
    return (klog.tail(host.kernel) or host.emulator_said or
            ["(the kernel's log is empty)"])


def read_bytes(path: Path) -> tuple[bytes, str]:
    """The content of a file, and a sentence if it cannot be used."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return b"", f"{path.name} cannot be read: {error.strerror}"
    if len(data) > MAX_BYTES:
        return data[:MAX_BYTES], f"{path.name} is larger than any real log"
    return data, ""


def read_json(path: Path) -> tuple[dict[str, Any], str]:
    """The object in a file, and a sentence if there is none."""
    data, wrong = read_bytes(path)
    if wrong:
        return {}, wrong
    if not data.strip():
        return {}, f"{path.name} is empty"
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        return {}, f"{path.name} is no JSON: {error}"
    if not isinstance(value, dict):
        return {}, f"{path.name} holds no JSON object"
    return value, ""


def stamps(lines: list[bytes], timed: bytes) -> tuple[list[int | None], str]:
    """When each line of KTAP arrived, and a sentence if that is unknown."""
    times: list[int | None] = [None] * len(lines)
    stamped = ktap.split_lines(timed)[0]
    for at, line in enumerate(lines):
        ms, tab, text = stamped[at].partition(b"\t") \
            if at < len(stamped) else (b"", b"", b"")
        if not tab or not ms.isdigit() or len(ms) > 12 or text != line:
            return times, (f"timed.log differs from ktap.log in line "
                           f"{at + 1}: the watcher did not see all output")
        times[at] = int(ms)
    return times, ""


def read_ktap(host: Host, folder: Path) -> None:
    """Read what the tests wrote, with the times."""
    data, wrong = read_bytes(folder / "ktap.log")
    timed, timed_wrong = read_bytes(folder / "timed.log")
    if wrong:
        fail(host, "input", wrong, log=last_words(host))
    lines, rest = ktap.split_lines(data)
    times, differs = stamps(lines, timed)
    host.log = ktap.parse(zip(lines, times), rest)
    if host.log.header and (timed_wrong or differs):
        fail(host, "watch", timed_wrong or differs)


def emulator_panics(said: bytes) -> list[str]:
    """What the emulator panicked over, each once."""
    texts = [match[1].strip() for line in said.split(b"\n")
             if (match := EMULATOR_PANIC.search(ktap.clean(line)))]
    return list(dict.fromkeys(texts))


def read_host(name: str, folder: Path, requested: list[str] | None) -> Host:
    """Read all files of a host; what is missing becomes a failure."""
    host = Host(name, requested)
    if not folder.is_dir():
        fail(host, "boot", f"host {name} left nothing behind: {folder} is "
                           "not there")
        return host
    serial, wrong = read_bytes(folder / "serial.log")
    host.kernel = klog.parse(serial)
    said = read_bytes(folder / "emulator.log")[0]
    host.emulator_said = klog.tail(klog.KernelLog(klog.lines_of(said)))
    host.emulator_panics = emulator_panics(said)
    # Only there if the emulator failed.
    status = read_bytes(folder / "emulator.status")[0]
    host.emulator_status = status.decode(errors="replace").strip()
    if wrong:
        fail(host, "log", wrong, log=last_words(host))
    for attribute, file in (("watch", "watch.json"), ("about", "host.json")):
        value, wrong = read_json(folder / file)
        setattr(host, attribute, value)
        if wrong:
            fail(host, "watch" if attribute == "watch" else "input", wrong)
    read_ktap(host, folder)
    return host


def running_test(host: Host) -> str:
    """The test that was never finished, if the host was lost in one."""
    for test in host.log.tests:
        if test.reason == ktap.NO_RESULT:
            return test.name
    return ""


def progress(host: Host) -> str:
    """How far the host got."""
    log = host.log
    if not log.header:
        return "before the tests began"
    plan = "?" if log.plan is None else log.plan
    done = f"after {log.results} of {plan} tests"
    test = running_test(host)
    return f"while {test} ran, {done}" if test else done


def said_of(host: Host, kind: str) -> bool:
    """Whether a failure of this kind was filed already."""
    return any(failure.kind == kind for failure in host.failures)


def judge_status(host: Host) -> None:
    """The emulator failed; without a word of the kernel it did not start."""
    if host.log.header or any(line.strip() for line in host.kernel.lines):
        fail(host, "emulator", "the emulator failed with exit status "
             f"{host.emulator_status[:20]} {progress(host)}",
             running_test(host),
             log=host.emulator_said or last_words(host))
        return
    said = host.emulator_said[-1] if host.emulator_said else "it said nothing"
    fail(host, "start", "the emulator did not start (exit status "
         f"{host.emulator_status[:20]}): {said[:200]}",
         log=host.emulator_said)


def judge_watch(host: Host) -> None:
    """The machine must have ended by itself."""
    reason = str(host.watch.get("reason"))
    silence = host.watch.get("silence_s", "?")
    limit = host.watch.get("limit_s", "?")
    sentences = {
        "silence": f"no output for {silence} s, so the machine was ended",
        "limit": f"not finished within {limit} s, so the machine was ended",
        "interrupted": "the run was interrupted",
    }
    if reason in sentences:
        fail(host, reason, f"{sentences[reason]} {progress(host)}",
             running_test(host), log=last_words(host))
    elif reason != "exit" and not said_of(host, "watch"):
        fail(host, "watch", f"watch.json gives no known reason: {reason[:40]}")
    elif host.emulator_status not in ("", "0") and \
            not (host.emulator_panics and host.emulator_status == "1"):
        judge_status(host)
    if trouble := host.watch.get("trouble"):
        fail(host, "watch", str(trouble))


def judge_emulator(host: Host) -> None:
    """The emulator must not have given up, but for a power-off."""
    for text in host.emulator_panics:
        if text == POWER_OFF:
            continue
        # The kernel's panic is there already.
        if TRIPLE_FAULT.match(text) and said_of(host, "panic"):
            continue
        fail(host, "emulator", f"the emulator itself panicked: {text[:120]} "
             f"({progress(host)})", running_test(host),
             log=host.emulator_said)


def judge_kernel_log(host: Host) -> None:
    """The kernel must not have complained."""
    kinds = {"panic": "panic", "module not loaded": "module"}
    splats = klog.unwanted(host.kernel)
    for splat in splats[:MAX_SPLATS]:
        kind = "" if splat.title.startswith(splat.kind) else f"{splat.kind}: "
        fail(host, kinds.get(splat.kind, "splat"),
             f"kernel log: {kind}{splat.title}", splat.test,
             log=splat.lines)
    if len(splats) > MAX_SPLATS:
        fail(host, "splat", f"kernel log: {len(splats) - MAX_SPLATS} more "
                            "complaints")
    judge_wanted_splats(host)


def judge_wanted_splats(host: Host) -> None:
    """What a test makes the kernel complain of by design must have come."""
    for wanted in host.kernel.wanted:
        if wanted.came:
            continue
        why = "did not come" if wanted.ended else "was never ended"
        fail(host, "wanted", f"kernel log: a complaint of {wanted.text!r} was "
             f"wanted and {why}", wanted.test)


def judge_marks(host: Host) -> None:
    """The kernel's log must show that it was visible all the time."""
    for test in host.log.tests:
        if test.name not in host.kernel.begun:
            fail(host, "log", f"serial.log does not show the begin of "
                              f"{test.name}, so it was not all seen",
                 test.name, log=last_words(host))
            return
    done = [test.name for test in host.log.tests if
            test.reason != ktap.NO_RESULT]
    for name in done:
        if name not in host.kernel.ended:
            fail(host, "log", f"serial.log does not show the end of {name}, "
                              "so it was cut", name, log=last_words(host))
            return


def taint_before(host: Host) -> int:
    """The taint of a machine that had a life before the run."""
    before = host.log.facts.get("taint-before", "")
    native = host.about.get("native") is True
    return int(before) if native and before.isascii() and \
        before.isdigit() else 0


def judge_absent(host: Host) -> bool:
    """A machine itself may lack what the tests are about: all are skipped.

    An emulated host is made to have it; there the kernel is to blame.
    """
    reasons = [test.plan_skip for test in host.log.tests
               if test.result == ktap.SKIP and not test.cases]
    if host.about.get("native") is not True or not reasons or \
            len(reasons) != len(host.log.tests) or not all(reasons):
        return False
    fail(host, "absent", "every test was skipped on this machine: " +
         "; ".join(sorted({str(reason) for reason in reasons})))
    return True


def judge_lockdep(host: Host) -> None:
    """Lockdep, where there is one, must have looked at all that ran."""
    facts = host.log.facts
    if facts.get("lockdep") == "off" and not (
            host.about.get("native") is True and
            facts.get("lockdep-before") == "off"):
        fail(host, "lockdep", "lockdep turned itself off before the end: what "
             "came after that was not checked",
             log=None if host.kernel.splats else last_words(host))


def judge_facts(host: Host) -> None:
    """The probe must be there, and the kernel untainted."""
    facts = host.log.facts
    if facts.get("probe") != "yes":
        fail(host, "probe", "the probe was not seen on this host "
             f"(# host probe: {facts.get('probe', 'missing')})",
             log=last_words(host))
    if not finished(host):
        return
    judge_lockdep(host)
    taint = facts.get("taint", "missing")
    if not (taint.isascii() and taint.isdigit()):
        fail(host, "taint", f"the kernel's taint is not known ({taint})")
        return
    by_design = any(splat.wanted for splat in host.kernel.splats)
    found = int(taint) & ~taint_before(host)
    for text in klog.bad_taint(found, by_design):
        fail(host, "taint", f"the kernel is tainted, {text}",
             log=None if host.kernel.splats else last_words(host))


def finished(host: Host) -> bool:
    """Whether run-tests reached its end."""
    return "end" in host.log.facts


def judge_cut(host: Host) -> None:
    """The output ends too early: say where, unless it is clear why."""
    if any(failure.kind in LOST for failure in host.failures):
        return
    cut = f", in the middle of a line ({host.log.cut[:60]!r})" \
        if host.log.cut else ""
    fail(host, "cut", f"the output ends {progress(host)}{cut}",
         running_test(host), log=last_words(host))


def judge_end(host: Host) -> None:
    """The output must be whole."""
    log = host.log
    if not finished(host):
        judge_cut(host)
        return
    if log.plan is not None and log.facts["end"] != str(log.plan):
        fail(host, "cut", f"the host planned {log.plan} tests and counts "
                          f"{log.facts['end']} at its end",
             log=last_words(host))
    for problem in log.problems:
        fail(host, "garbled", problem, log=last_words(host))


def judge_plan(host: Host) -> None:
    """The host must have run what was asked for."""
    log = host.log
    names = [test.name for test in log.tests]
    if log.plan is None:
        fail(host, "plan", "the host printed no plan", log=last_words(host))
    elif log.plan == 0:
        fail(host, "none-ran", "the host planned no test")
    if not finished(host):
        return
    if log.plan is not None and len(names) != log.plan:
        fail(host, "cut", f"{len(names)} tests began where {log.plan} were "
                          "planned", log=last_words(host))
    for name in host.requested or []:
        if name not in names:
            fail(host, "missing", f"{name} was asked for and never began",
                 name, log=last_words(host))
    for name in names:
        if host.requested is not None and name not in host.requested:
            fail(host, "input", f"{name} ran and was not asked for: is the "
                                "log of this run?", name)


CASE_KINDS = {ktap.CRASH: "crash", ktap.TIMEOUT: "timeout",
              ktap.XPASS: "xpass"}


def judge_cases(host: Host, test: ktap.Test) -> None:
    """Every case must have passed, or been skipped with a reason."""
    for case in test.cases:
        if case.result not in ktap.BAD:
            continue
        kind = CASE_KINDS.get(case.result, "case")
        if case.reason == "skipped without a reason":
            kind = "reason"
        reason = case.result + (f": {case.reason}" if case.reason else "")
        lost = case.reason == ktap.NO_RESULT
        if lost and not finished(host):
            kind = "cut"
        fail(host, kind, reason, test.name, case.name,
             last_words(host) if lost or kind == "timeout" else None)


def judge_skipped_test(host: Host, test: ktap.Test) -> None:
    """A test that is skipped as a whole needs a reason and no cases."""
    if test.plan or test.cases:
        fail(host, "results", "skipped as a whole, but it planned "
             f"{test.plan} cases and reported {len(test.cases)}", test.name)
    elif any(ktap.ASSERTION in message for message in test.messages):
        fail(host, "test", "an assertion failed, and was reported as a skip",
             test.name)
    elif ktap.no_reason(test.plan_skip or ""):
        fail(host, "reason", "skipped without a reason", test.name)


def judge_results(host: Host, test: ktap.Test) -> None:
    """There must be as many results as planned, and one of them real."""
    done = sum(case.reason != ktap.NO_RESULT for case in test.cases)
    if test.plan is None:
        fail(host, "plan", "the test printed no plan", test.name,
             log=last_words(host))
    elif len(test.cases) != test.plan:
        fail(host, "results", f"{done} of {test.plan} planned cases have a "
                              "result", test.name, log=last_words(host))
    elif not any(case.result in ktap.RAN for case in test.cases):
        fail(host, "none-ran", "no case of the test ran", test.name)


def judge_test(host: Host, test: ktap.Test) -> None:
    """Judge one test by its own line, its plan and its cases."""
    if test.result == ktap.MISSING:
        fail(host, "missing", test.reason, test.name, log=last_words(host))
        return
    judge_cases(host, test)
    if test.result == ktap.SKIP:
        judge_skipped_test(host, test)
        return
    for problem in test.problems:
        fail(host, "results", problem, test.name)
    explained = any(case.result in ktap.BAD for case in test.cases)
    if test.result == ktap.TIMEOUT and not any(
            case.result == ktap.TIMEOUT for case in test.cases):
        fail(host, "timeout", f"the test ran too long ({test.reason})",
             test.name, log=last_words(host))
    elif test.result in {ktap.FAIL, ktap.CRASH} and \
            (finished(host) or test.reason != ktap.NO_RESULT) and \
            not (explained and test.reason == "exit=1"):
        fail(host, "crash" if test.result == ktap.CRASH else "test",
             f"the test failed as a whole: {test.reason}", test.name,
             log=last_words(host))
    # A host that was lost says so once.
    if test.reason != ktap.NO_RESULT or finished(host):
        judge_results(host, test)


def judge_any_ran(host: Host) -> None:
    """A run in which no case ran proves nothing."""
    ran = any(case.result in ktap.RAN for test in host.log.tests
              for case in test.cases)
    if not ran and not host.failures:
        reasons = {test.plan_skip for test in host.log.tests
                   if test.plan_skip}
        why = f": {'; '.join(sorted(reasons))}" if reasons else ""
        fail(host, "none-ran", f"no case ran on this host{why}")


def judge_host(host: Host) -> None:
    """Judge everything about a host, causes first."""
    judge_kernel_log(host)
    judge_emulator(host)
    judge_watch(host)
    if not host.log.header and said_of(host, "start"):
        return
    if not host.log.header:
        fail(host, "boot", "the host never got as far as the tests",
             log=last_words(host))
        return
    judge_end(host)
    judge_plan(host)
    if not host.failures and judge_absent(host):
        return
    judge_facts(host)
    judge_marks(host)
    for test in host.log.tests:
        judge_test(host, test)
    judge_any_ran(host)


def requested_tests(run: Run, name: str) -> list[str] | None:
    """Which tests the host was asked to run."""
    tests = run.meta.get("tests")
    names = tests.get(name) if isinstance(tests, dict) else None
    if isinstance(names, list) and names and \
            all(isinstance(item, str) for item in names):
        return names
    if not run.failures:
        run.failures.append(Failure(
            "input", f"meta.json does not say which tests {name} was asked "
                     "to run", name))
    return None


def name_rules(run: Run, contract: Path, tests: Path) -> None:
    """Tell each case which rules it shows."""
    try:
        run.rules = contract_rules.read_rules(contract)
        run.source_cases = contract_rules.read_tests(tests)[0]
    except (OSError, ValueError) as error:
        run.failures.append(Failure("input", f"no rules: {error}"))
        return
    run.contract = {rule.name: rule.text for rule in run.rules}
    table = contract_rules.rules_of(run.source_cases)
    for host in run.hosts:
        for test in host.log.tests:
            for case in test.cases:
                case.rules = contract_rules.lookup(table, test.name,
                                                   case.name)


def judge_run(out: Path, meta: Path, hosts: list[str], contract: Path,
              tests: Path) -> Run:
    """Read and judge all that a run left behind."""
    run = Run()
    run.meta, wrong = read_json(meta)
    if wrong:
        run.failures.append(Failure("input", wrong))
    if not hosts:
        run.failures.append(Failure("none-ran", "no host was asked for"))
    for name in hosts:
        host = read_host(name, out / name, requested_tests(run, name))
        if (out / name).is_dir():
            judge_host(host)
        run.hosts.append(host)
    name_rules(run, contract, tests)
    return run
