# SPDX-License-Identifier: GPL-2.0
"""Write down what a run proved: KTAP, JSON, and a summary for people."""

import os
import re
from pathlib import Path
from typing import Any

import ktap
from judge import Failure, Host, Run

# How much of a failure's messages and of a log the summary shows.
MAX_MESSAGES = 20
MAX_LOG = 31

# What the harness says about every failed case, and the result line before.
NOISE = re.compile(r"# \w+: Test (?:failed|terminated by assertion)$")


def one_line(text: str) -> str:
    """Text that cannot be taken for another line or a directive."""
    return " ".join(text.replace("#", "no.").split())


def host_failures(host: Host, test: str = "") -> list[Failure]:
    """Failures of a host that are about one test, or about none."""
    return [failure for failure in host.failures
            if failure.test == test and not failure.case]


def tap_case(case: ktap.Case, number: int) -> list[str]:
    """KTAP of one case: its messages, then its result."""
    lines = [f"# {message}" for message in case.messages] \
        if case.result != ktap.PASS else []
    word = "not ok" if case.result in ktap.BAD else "ok"
    line = f"{word} {number} {case.name}"
    if case.result in (ktap.SKIP, ktap.XFAIL, ktap.TIMEOUT, ktap.XPASS):
        line += f" # {case.result.upper()} {one_line(case.reason)}".rstrip()
    elif case.reason:
        line += f" # {one_line(case.reason)}"
    return lines + [line]


def indent(lines: list[str]) -> list[str]:
    """One level of KTAP further in."""
    return [f"  {line}" for line in lines]


def tap_plan(count: int, reason: str = "") -> str:
    """A plan; one without a case says why."""
    return f"1..{count}" if count else f"1..0 # SKIP {one_line(reason)}"


def tap_test(host: Host, test: ktap.Test, number: int) -> list[str]:
    """KTAP of one test: its cases, then its result."""
    inner = ["KTAP version 1", f"# Subtest: {test.name}",
             tap_plan(len(test.cases), test.plan_skip or "no case")]
    for at, case in enumerate(test.cases, 1):
        inner += tap_case(case, at)
    failures = host_failures(host, test.name)
    inner += [f"# {one_line(failure.reason)}" for failure in failures]
    word = "not ok" if test_failed(host, test) else "ok"
    line = f"{word} {number} {test.name}"
    if word == "ok" and test.result == ktap.SKIP:
        line += f" # SKIP {one_line(test.plan_skip or '')}"
    return indent(inner) + [line]


def test_failed(host: Host, test: ktap.Test) -> bool:
    """Whether any failure is about this test."""
    return any(failure.test == test.name for failure in host.failures)


def never_ran(host: Host) -> list[str]:
    """Tests that were asked for and never began."""
    begun = {test.name for test in host.log.tests}
    return [name for name in host.requested or [] if name not in begun]


def tap_host(run: Run, host: Host, number: int) -> list[str]:
    """KTAP of one host: its tests, then its result."""
    tests = host.log.tests
    missing = never_ran(host)
    inner = ["KTAP version 1", f"# Subtest: {host.name}"]
    inner += [f"# host {name}: {value}"
              for name, value in host.log.facts.items()]
    inner.append(tap_plan(len(tests) + len(missing), "no test"))
    for at, test in enumerate(tests, 1):
        inner += tap_test(host, test, at)
    for at, name in enumerate(missing, len(tests) + 1):
        inner.append(f"not ok {at} {name} # never ran")
    named = {test.name for test in tests}
    inner += [f"# {one_line(failure.reason)}" for failure in host.failures
              if failure.test not in named and not failure.case]
    bad = host.failures or any(failure.host == host.name
                               for failure in run.failures)
    return indent(inner) + [f"{'not ok' if bad else 'ok'} {number} "
                            f"{host.name}"]


def tap(run: Run) -> str:
    """All results as nested KTAP: hosts, tests, cases."""
    lines = ["KTAP version 1", tap_plan(len(run.hosts), "no host")]
    for number, host in enumerate(run.hosts, 1):
        lines += tap_host(run, host, number)
    lines += [f"# {one_line(failure.reason)}" for failure in run.failures]
    lines.append(f"# verdict: {run.verdict}")
    return "\n".join(lines) + "\n"


def count(cases: list[ktap.Case], *results: str) -> int:
    """How many cases ended so."""
    return sum(case.result in results for case in cases)


def all_cases(run: Run) -> list[ktap.Case]:
    """Every case of every host."""
    return [case for host in run.hosts for test in host.log.tests
            for case in test.cases]


def milliseconds(run: Run) -> int:
    """How long the tests took, as far as it is known."""
    return sum(test.milliseconds or 0 for host in run.hosts
               for test in host.log.tests)


def totals(run: Run) -> dict[str, int]:
    """The numbers of a run.

    "failed" counts reasons to fail, so that it is never 0 when the verdict
    is "fail": a host that was lost has no failed case to count.
    """
    cases = all_cases(run)
    whole = sum(test.result == ktap.SKIP and not test.cases
                for host in run.hosts for test in host.log.tests)
    return {
        "cases": len(cases),
        "passed": count(cases, ktap.PASS),
        "failed_cases": count(cases, *ktap.BAD),
        "failed": len(run.all_failures()) or int(run.verdict == "fail"),
        "skipped": count(cases, ktap.SKIP),
        "skipped_tests": whole,
        "expected_failures": count(cases, ktap.XFAIL),
        "milliseconds": milliseconds(run),
    }


def json_case(host: Host, test: ktap.Test,
              case: ktap.Case) -> dict[str, Any]:
    """One case."""
    return {"host": host.name, "test": test.name, "case": case.name,
            "result": case.result, "reason": case.reason,
            "milliseconds": case.milliseconds, "rules": case.rules,
            "messages": case.messages if case.result != ktap.PASS else []}


def json_test(host: Host, test: ktap.Test) -> dict[str, Any]:
    """One test, without its cases."""
    return {"test": test.name,
            "result": ktap.FAIL if test.result in (ktap.PASS, ktap.SKIP) and
            test_failed(host, test) else test.result,
            "reason": test.reason or test.plan_skip or "",
            "plan": test.plan, "cases": len(test.cases),
            "milliseconds": test.milliseconds}


def json_host(host: Host) -> dict[str, Any]:
    """One host: the machine, its facts, its tests."""
    # What the machine itself says is what ran, whatever was asked for.
    cpu = host.log.facts.get("cpu") or host.about.get("cpu")
    return {**host.about, "host": host.name,
            "emulator": host.about.get("emulator"),
            "version": host.about.get("version"),
            "cpu": cpu, "cpu_asked_for": host.about.get("cpu"),
            "facts": host.log.facts,
            "boot_ms": host.watch.get("boot_ms"),
            "elapsed_ms": host.watch.get("elapsed_ms"),
            "ended": host.watch.get("reason"),
            "tests": [json_test(host, test) for test in host.log.tests],
            "never_ran": never_ran(host)}


def json_failure(failure: Failure) -> dict[str, Any]:
    """One reason to fail."""
    return {"host": failure.host, "test": failure.test,
            "case": failure.case, "kind": failure.kind,
            "reason": failure.reason, "advice": failure.advice,
            "log": failure.log}


def notes(run: Run) -> list[str]:
    """What the preparation of the kernel had to leave out or change."""
    said = run.meta.get("notes")
    return [str(note) for note in said] if isinstance(said, list) else []


def json_run(run: Run) -> dict[str, Any]:
    """The whole run."""
    cases = [json_case(host, test, case) for host in run.hosts
             for test in host.log.tests for case in test.cases]
    return {"verdict": run.verdict, "totals": totals(run),
            "failures": [json_failure(failure)
                         for failure in run.all_failures()],
            "kernel": run.meta.get("kernel"), "suite": run.meta.get("suite"),
            "notes": notes(run),
            "hosts": [json_host(host) for host in run.hosts],
            "cases": cases}


def replace(path: Path, text: str) -> None:
    """Write a file so that it is whole or not there."""
    temporary = path.with_name(path.name + ".new")
    try:
        with open(temporary, "w", encoding="utf-8",
                  errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def seconds(ms: Any) -> str:
    """A duration as people read it."""
    return f"{ms / 1000:.1f} s" if isinstance(ms, int) else "? s"


def tally(test: ktap.Test) -> str:
    """The numbers of one test."""
    if test.result == ktap.SKIP and not test.cases:
        return f"skipped: {test.plan_skip or 'no reason'}"
    numbers = [(count(test.cases, ktap.PASS), "passed"),
               (count(test.cases, *ktap.BAD), "failed"),
               (count(test.cases, ktap.SKIP), "skipped"),
               (count(test.cases, ktap.XFAIL), "failed as expected")]
    text = ", ".join(f"{number} {word}" for number, word in numbers if number)
    return text or "no case"


def text_host(host: Host) -> list[str]:
    """What ran on a host, one line for each test."""
    about = " ".join(str(host.about[name])
                     for name in ("emulator", "version")
                     if host.about.get(name))
    cpu = host.log.facts.get("cpu") or host.about.get("cpu") or "unknown CPU"
    lines = [f"Host {host.name}: {about or 'unknown machine'}, {cpu}, up "
             f"after {seconds(host.watch.get('boot_ms'))}"]
    width = max((len(test.name) for test in host.log.tests), default=0)
    for test in host.log.tests:
        mark = "FAIL" if test_failed(host, test) else "    "
        lines.append(f"  {mark} {test.name:{width}}  "
                     f"{seconds(test.milliseconds):>7}  {tally(test)}")
    lines += [f"  FAIL {name:{width}}        -  never ran"
              for name in never_ran(host)]
    return lines


def text_skips(host: Host) -> list[str]:
    """Why cases were skipped, each reason of a test once."""
    lines = []
    for test in host.log.tests:
        reasons: dict[str, int] = {}
        for case in test.cases:
            if case.result == ktap.SKIP:
                reasons[case.reason] = reasons.get(case.reason, 0) + 1
        lines += [f"  {test.name}: {number} skipped: {reason}"
                  for reason, number in reasons.items()]
    return lines


def find_case(run: Run, failure: Failure) -> ktap.Case | None:
    """The case that a failure is about."""
    for host in run.hosts:
        for test in host.log.tests:
            for case in test.cases:
                if (host.name, test.name, case.name) == \
                        (failure.host, failure.test, failure.case) and \
                        case.result in ktap.BAD:
                    return case
    return None


def text_case(run: Run, case: ktap.Case) -> list[str]:
    """The rules that a failed case breaks, and its messages."""
    lines = []
    for rule in case.rules:
        lines.append(f"{rule}: {run.contract.get(rule, 'no such rule')}")
    said = [message for message in case.messages if not NOISE.match(message)]
    lines += said[:MAX_MESSAGES]
    if len(said) > MAX_MESSAGES:
        lines.append(f"({len(said) - MAX_MESSAGES} more messages)")
    return lines


def text_failure(run: Run, failure: Failure,
                 shown: set[tuple[str, ...]]) -> list[str]:
    """One failure: where, why, what was said, what to do."""
    where = " ".join(filter(None, (failure.host, failure.test,
                                   failure.case)))
    case = find_case(run, failure) if failure.case else None
    spent = f" ({seconds(case.milliseconds)})" \
        if case and case.milliseconds is not None else ""
    lines = [f"  {where or 'run'}{spent}: {failure.reason}"]
    lines += [f"      {line}" for line in (text_case(run, case)
                                           if case else [])]
    key = tuple(failure.log)
    if key and key in shown:
        lines.append("      (kernel log: as above)")
    elif key:
        lines += [f"    | {line}" for line in failure.log[:MAX_LOG]]
        shown.add(key)
    lines.append(f"    -> {failure.advice}")
    return lines


def text_kernel(run: Run) -> str:
    """Which kernel was judged."""
    kernel = run.meta.get("kernel")
    if not isinstance(kernel, dict):
        return "Kernel: unknown"
    origin = kernel.get("commit") or kernel.get("package") or \
        kernel.get("source") or "origin unknown"
    patches = kernel.get("patches")
    number = len(patches) if isinstance(patches, list) else 0
    config = str(kernel.get("config_sha256") or "unknown")[:12]
    difference = kernel.get("difference")
    return (f"Kernel {kernel.get('version', 'unknown')} ({origin}), config "
            f"{config}, {number} patch{'' if number == 1 else 'es'} applied" +
            (f":\n  {difference}" if difference else ""))


def text(run: Run) -> str:
    """The summary for people."""
    lines = [text_kernel(run)]
    lines += [f"  Note: {note}" for note in notes(run)]
    for host in run.hosts:
        lines += text_host(host)
    skips = [line for host in run.hosts for line in text_skips(host)]
    lines += ["", "Skipped"] + skips if skips else []
    failures = run.all_failures()
    shown: set[tuple[str, ...]] = set()
    if failures:
        lines += ["", "Failed"]
    for failure in failures:
        lines += text_failure(run, failure, shown)
    number = totals(run)
    expected = f", {number['expected_failures']} failed as expected" \
        if number["expected_failures"] else ""
    lines += ["", f"Cases: {number['passed']} passed, "
              f"{number['failed_cases']} failed, {number['skipped']} "
              f"skipped{expected}; the tests took "
              f"{seconds(number['milliseconds'])}"]
    why = f": {len(failures)} reason{'' if len(failures) == 1 else 's'}" \
        if failures else ""
    lines.append(f"Verdict: {run.verdict}{why}")
    return "\n".join(lines) + "\n"
