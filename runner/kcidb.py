#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""results.json as a report for KernelCI's database, KCIDB.

Writes JSON of schema 5.3, for kcidb-submit: one test of it for every case, for
every test that has none, and for every host that was lost.  The build that it
names was, or will be, submitted by whoever built the kernel.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import judge
import ktap

SUITE = "kvm-tdp"
STATUS = {ktap.PASS: "PASS", ktap.FAIL: "FAIL", ktap.CRASH: "FAIL",
          ktap.TIMEOUT: "FAIL", ktap.XPASS: "FAIL", ktap.SKIP: "SKIP",
          ktap.XFAIL: "PASS", ktap.MISSING: "MISS"}
# What KCIDB takes of a log.
MAX_EXCERPT = 16384


def path_of(*parts: str) -> str:
    """A path in KCIDB's tree of tests: letters, digits and -_ between dots."""
    return ".".join(re.sub(r"[^A-Za-z0-9_.-]", "_", part)
                    for part in (SUITE, *parts) if part)


def entry(options: argparse.Namespace, host: dict[str, Any], status: str,
          parts: tuple[str, ...], lines: list[str]) -> dict[str, Any]:
    """One test of the report."""
    path = path_of(host["host"], *parts)
    machine = " ".join(str(host[name]) for name in ("emulator", "version",
                                                    "cpu") if host.get(name))
    test = {"id": f"{options.build}:{path}", "build_id": options.build,
            "origin": options.origin, "path": path, "status": status,
            "environment": {"comment": machine or "unknown"}}
    if lines:
        test["log_excerpt"] = "\n".join(lines)[:MAX_EXCERPT]
    return test


def of_case(options: argparse.Namespace, host: dict[str, Any],
            case: dict[str, Any]) -> dict[str, Any]:
    """A case."""
    reason = [case["reason"]] if case["reason"] else []
    test = entry(options, host, STATUS[case["result"]],
                 (case["test"], case["case"]), reason + case["messages"])
    if case["milliseconds"] is not None:
        test["duration"] = case["milliseconds"] / 1000
    return test


def of_host(options: argparse.Namespace, read: dict[str, Any],
            host: dict[str, Any]) -> list[dict[str, Any]]:
    """Whatever of a host is no case."""
    cases = {case["test"] for case in read["cases"]
             if case["host"] == host["host"]}
    entries = [entry(options, host, STATUS[test["result"]], (test["test"],),
                     [test["reason"]] if test["reason"] else [])
               for test in host["tests"] if test["test"] not in cases]
    entries += [entry(options, host, "MISS", (name,), ["never ran"])
                for name in host["never_ran"]]
    failures = [failure for failure in read["failures"]
                if failure["host"] == host["host"] and not failure["case"]]
    lost = judge.unseen([judge.Failure(failure["kind"], failure["reason"])
                         for failure in failures])
    status = "MISS" if lost else "FAIL" if failures else "PASS"
    return entries + [entry(options, host, status, (),
                            [failure["reason"] for failure in failures])]


def report(options: argparse.Namespace,
           read: dict[str, Any]) -> dict[str, Any]:
    """The whole report."""
    hosts = {host["host"]: host for host in read["hosts"]}
    tests = [of_case(options, hosts[case["host"]], case)
             for case in read["cases"]]
    for host in read["hosts"]:
        tests += of_host(options, read, host)
    return {"version": {"major": 5, "minor": 3}, "tests": tests}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--origin", required=True,
                        help="the submitter's name: [a-z0-9_]")
    parser.add_argument("--build", required=True,
                        help="the build's id, which begins with its origin "
                        "and a colon")
    return parser.parse_args()


def main() -> int:
    """Convert one file."""
    options = arguments()
    read, wrong = judge.read_json(options.results)
    if not re.fullmatch(r"[a-z0-9_]+", options.origin):
        wrong = f"--origin={options.origin} is no name of an origin"
    if not re.fullmatch(r"[a-z0-9_]+:.+", options.build):
        wrong = f"--build={options.build} is no id of a build"
    if wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    json.dump(report(options, read), sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
