# SPDX-License-Identifier: GPL-2.0
"""Known failures of kernels: what a case shows to be wrong, and is to stay so.

docs/known-failures.md has a row for each: a rule, the cases that show it, the
versions of the kernel that break it.  A case that fails as a row says counts
as failed as expected, on those kernels and no others.  Nothing but a failed
assertion is waived: a crash, a time-out, a splat is never expected.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import judge
import ktap

ROW = re.compile(r"\|\s*`([^`]+)`\s*\|\s*`(\S+) ([^`\s]+)`\s*\|"
                 r"\s*([^|]+?)\s*\|\s*([^|]+?)\s*\|\s*([^|]+?)\s*\|$")


@dataclass
class Known:
    """A row: a rule that some kernels break, and the cases that show it."""
    rule: str
    test: str
    cases: str
    versions: list[str]
    what: str
    why: str

    def covers(self, version: str) -> bool:
        """Whether this version of the kernel has the failure."""
        return any(fnmatchcase(version, pattern)
                   for pattern in self.versions)

    def names(self, test: str, case: str) -> bool:
        """Whether this case shows it."""
        return test == self.test and fnmatchcase(case, self.cases)


def read(path: Path) -> list[Known]:
    """The rows of a file; none if there is no such file."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := ROW.match(line):
            versions = match[4].replace(",", " ").split()
            rows.append(Known(match[1], match[2], match[3], versions,
                              match[5], match[6]))
    return rows


def of_kernel(path: Path, version: str) -> list[Known]:
    """The rows that are about this version of the kernel."""
    return [row for row in read(path) if row.covers(version)]


def find_case(host: "judge.Host", failure: "judge.Failure",
              ) -> tuple[ktap.Test, ktap.Case] | None:
    """The case of a failure that is about nothing but a case."""
    for test in host.log.tests:
        for case in test.cases:
            if (test.name, case.name) == (failure.test, failure.case):
                return test, case
    return None


def waive(host: "judge.Host", rows: list[Known]) -> int:
    """Take known failures for expected ones; returns how many there are."""
    left, count = [], 0
    for failure in host.failures:
        found = find_case(host, failure) if failure.kind == "case" else None
        row = next((row for row in rows if found and
                    found[1].result == ktap.FAIL and
                    row.names(failure.test, failure.case) and
                    row.rule in found[1].rules), None)
        if not found or not row:
            left.append(failure)
            continue
        test, case = found
        case.result, case.reason = ktap.XFAIL, f"known failure: {row.what}"
        count += 1
        if test.result == ktap.FAIL and not any(
                other.result in ktap.BAD for other in test.cases):
            test.result, test.reason = ktap.PASS, ""
    host.failures = left
    return count


def stale(hosts: list["judge.Host"], rows: list[Known]) -> list[str]:
    """What is said to fail and passes, wherever it ran."""
    said = []
    for row in rows:
        results = {case.result for host in hosts for test in host.log.tests
                   for case in test.cases if row.names(test.name, case.name)}
        if ktap.PASS in results and not results & (ktap.BAD | {ktap.XFAIL}):
            said.append(f"{row.test} {row.cases} passes, and is a known "
                        f"failure of this kernel ({row.rule})")
    return said


def apply(run: "judge.Run", path: Path) -> None:
    """Waive what is known of the kernel that was judged."""
    kernel = run.meta.get("kernel")
    version = str(kernel.get("version")) if isinstance(kernel, dict) else ""
    rows = of_kernel(path, version)
    run.known = sum(waive(host, rows) for host in run.hosts)
    run.stale = stale(run.hosts, rows)
