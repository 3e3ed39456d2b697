# SPDX-License-Identifier: GPL-2.0
"""results.tap: what a run proved, as nested KTAP."""

import ktap
from judge import Failure, Host, Run
from results import never_ran, test_failed


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
    lines.append(f"# verdict: {run.sentence}")
    return "\n".join(lines) + "\n"
