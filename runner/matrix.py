# SPDX-License-Identifier: GPL-2.0
"""Rule by rule: its cases, and what came of them on each host and VM type.

A cell is as bad as the worst that it holds, and a case that should have run
and did not is no pass.
"""

from collections import Counter
from typing import Any

import ktap
import rules
from judge import Host, Run

OTHER = "other"

# How bad a result is; what comes first is what a cell says.
FAIL, MISSING, KNOWN, PASS, SKIP = "fail", "missing", "known", "pass", "skip"
WORST = (FAIL, MISSING, KNOWN, PASS, SKIP)

Cells = dict[str, dict[str, Counter[str]]]


def named_vm_types(test: str, words: list[str]) -> list[str]:
    """The VM types that a case's name tells of."""
    if test.startswith("tdx_"):
        return ["td"]
    return sorted({vm_type for vm_type in ("default", "sw_protected")
                   for word in words if word.startswith(vm_type)})


def vm_types(test: str, case: ktap.Case) -> list[str]:
    """The VM types of a case: those that it created, or else its name's."""
    return case.vm_types or named_vm_types(test, case.name.split("."))


def outcome(case: ktap.Case) -> str:
    """A result as a cell counts it."""
    if case.result in ktap.BAD:
        return FAIL
    return {ktap.SKIP: SKIP, ktap.XFAIL: KNOWN}.get(case.result, PASS)


def whole(test: ktap.Test) -> bool:
    """Whether a test reported all the cases that it planned."""
    return test.reason != ktap.NO_RESULT and test.plan == len(test.cases) \
        and all(case.reason != ktap.NO_RESULT for case in test.cases)


def add(cells: Cells, host: str, types: list[str], result: str) -> None:
    """Count one result; a case of two VM types counts for both."""
    for vm_type in types or [OTHER]:
        cells.setdefault(host, {}).setdefault(vm_type, Counter())[result] += 1


def unseen_result(test: ktap.Test | None, case: rules.SourceCase) -> str:
    """What is to be said of a case beside what was seen of it, or nothing.

    The harness runs fixture by fixture, and of each variant by variant: where a
    test ended early, no case of the last fixture was seen in every variant.
    """
    if test and test.result == ktap.SKIP:
        return SKIP
    if test and whole(test):
        return ""
    names = [name.name.split(".") for name in test.cases] if test else []
    ended_in = names[-1][0] if names else ""
    seen = any((name[0], name[-1]) == (case.fixture, case.name)
               for name in names)
    return "" if seen and case.fixture != ended_in else MISSING


def add_absent(table: dict[str, Cells], host: Host, run: Run) -> None:
    """Count the cases of which a host that was to run them says nothing."""
    tests = {test.name: test for test in host.log.tests}
    for case in run.source_cases:
        if case.test not in (host.requested or []):
            continue
        result = unseen_result(tests.get(case.test), case)
        types = named_vm_types(case.test, [case.fixture])
        for rule in case.rules if result else []:
            add(table.setdefault(rule, {}), host.name, types, result)


def count_cells(run: Run) -> dict[str, Cells]:
    """Rule, host, VM type: how many cases ended how."""
    table: dict[str, Cells] = {}
    for host in run.hosts:
        for test in host.log.tests:
            for case in test.cases:
                for rule in case.rules:
                    add(table.setdefault(rule, {}), host.name,
                        vm_types(test.name, case), outcome(case))
        add_absent(table, host, run)
    return table


def worst(results: list[str]) -> str | None:
    """What is to be said of several results, None of none."""
    return next((result for result in WORST if result in results), None)


def json_rule(rule: rules.Rule, cases: list[rules.SourceCase],
              cells: Cells) -> dict[str, Any]:
    """One rule."""
    results = {host: {vm_type: {"result": worst(list(counts)),
                                "cases": dict(counts)}
                      for vm_type, counts in types.items()}
               for host, types in cells.items()}
    said = [cell["result"] for types in results.values()
            for cell in types.values()]
    return {"rule": rule.name, "section": rule.section, "text": rule.text,
            "source": rule.source, "result": worst(said),
            "cases": [{"test": case.test,
                       "case": f"{case.fixture}.{case.name}"}
                      for case in cases if rule.name in case.rules],
            "results": results}


def json_rules(run: Run) -> list[dict[str, Any]]:
    """Every rule of the contract, in its order, judged or not."""
    table = count_cells(run)
    return [json_rule(rule, run.source_cases, table.get(rule.name, {}))
            for rule in run.rules]
