# SPDX-License-Identifier: GPL-2.0
"""The summary of a run, for people."""

import re
from typing import Any

import ktap
from judge import Failure, Host, Run
from results import count, never_ran, notes, test_failed, totals

# How much of a failure's messages and of a log the summary shows.
MAX_MESSAGES = 20
MAX_LOG = 31

# What the harness says about every failed case, and the result line before.
NOISE = re.compile(r"# \w+: Test (?:failed|terminated by assertion)$")


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
    if host.about.get("native") is True:
        lines = [f"Host {host.name}: the machine itself, {cpu}"]
    else:
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


def text(run: Run, page: str = "") -> str:
    """The summary for people, and where the page to look at is."""
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
    lines += [f"Stale: {text}" for text in run.stale]
    lines += [f"Report: {page}"] if page else []
    lines.append(f"Verdict: {run.sentence}{why}")
    return "\n".join(lines) + "\n"
