# SPDX-License-Identifier: GPL-2.0
"""results.json: what a run proved, for programs.

The other outputs of a run but KTAP and the summary are made of this object
alone, so that they can be made again of a results.json.
"""

import os
from pathlib import Path
from typing import Any

import klog
import ktap
import mapping
import matrix
from judge import Failure, Host, Run


# Raised when what a reader relies on changes its place or its meaning;
# docs/schema/results.schema.json describes it.
SCHEMA_VERSION = 1

# Sizes of leaves, in the order in which a test prints their numbers.
SIZES = ("4K", "2M", "1G")


def test_failed(host: Host, test: ktap.Test) -> bool:
    """Whether any failure is about this test."""
    return any(failure.test == test.name for failure in host.failures)


def never_ran(host: Host) -> list[str]:
    """Tests that were asked for and never began."""
    begun = {test.name for test in host.log.tests}
    return [name for name in host.requested or [] if name not in begun]


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
        "known_failures": run.known,
        "milliseconds": milliseconds(run),
    }


def json_case(host: Host, test: ktap.Test,
              case: ktap.Case) -> dict[str, Any]:
    """One case."""
    return {"host": host.name, "test": test.name, "case": case.name,
            "result": case.result, "reason": case.reason,
            "milliseconds": case.milliseconds, "rules": case.rules,
            "vm_types": matrix.vm_types(test.name, case),
            "pages": dict(zip(SIZES, case.pages)) if case.pages else None,
            "messages": case.messages if case.result != ktap.PASS else [],
            "maps": [mapping.to_json(found) for found in case.maps]
            if case.result in ktap.BAD | {ktap.XFAIL} else []}


def json_test(host: Host, test: ktap.Test) -> dict[str, Any]:
    """One test, without its cases."""
    return {"test": test.name,
            "result": ktap.FAIL if test.result in (ktap.PASS, ktap.SKIP) and
            test_failed(host, test) else test.result,
            "reason": test.reason or test.plan_skip or "",
            "plan": test.plan, "cases": len(test.cases),
            "milliseconds": test.milliseconds,
            "log": klog.during(host.kernel, test.name)
            if test_failed(host, test) else []}


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
    return {"schema_version": SCHEMA_VERSION,
            "date": run.meta.get("date"),
            "verdict": run.verdict, "totals": totals(run),
            "failures": [json_failure(failure)
                         for failure in run.all_failures()],
            "kernel": run.meta.get("kernel"), "suite": run.meta.get("suite"),
            "notes": notes(run), "stale": run.stale,
            "hosts": [json_host(host) for host in run.hosts],
            "rules": matrix.json_rules(run), "cases": cases}


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
