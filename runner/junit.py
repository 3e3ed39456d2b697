# SPDX-License-Identifier: GPL-2.0
"""results.junit.xml: a run in the words that CI servers have for tests.

A test of a host is a testsuite, a case a testcase.  What failed and is no case,
a lost host or a splat in the kernel's log, is a testcase of its own: a server
that counts failures must not count none when the verdict is "fail".
"""

import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import ktap

# What XML has no way to say.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Bytes of a message that a server shows, and of the text below it.
MAX_MESSAGE = 400
MAX_TEXT = 16384

ERRORS = {ktap.CRASH, ktap.TIMEOUT, ktap.MISSING}


def clean(text: str) -> str:
    """Text that an XML file may hold."""
    return NOT_XML.sub("?", text)


def attribute(name: str, value: Any) -> str:
    """A space and an attribute."""
    return f" {name}={quoteattr(clean(str(value)))}"


def element(name: str, attributes: dict[str, Any], body: str = "") -> str:
    """An element; its body is XML already."""
    said = "".join(attribute(key, value) for key, value in attributes.items())
    return f"<{name}{said}>{body}</{name}>\n" if body else f"<{name}{said}/>\n"


def text(lines: list[str]) -> str:
    """Lines as text."""
    return escape(clean("\n".join(lines))[:MAX_TEXT])


def seconds(milliseconds: int | None) -> str:
    """A duration as the dialect writes it."""
    return f"{(milliseconds or 0) / 1000:.3f}"


def outcome(case: dict[str, Any]) -> str:
    """What a testcase says of a case that did not pass."""
    if case["result"] == ktap.SKIP:
        return element("skipped", {"message": case["reason"]})
    if case["result"] not in ktap.BAD:
        return ""
    said = [line for line in case["messages"] if ":Wanted" in line] or \
        case["messages"]
    message = case["reason"] or (said[0] if said else case["result"])
    name = "error" if case["result"] in ERRORS else "failure"
    return element(name, {"message": message[:MAX_MESSAGE],
                          "type": case["result"]}, text(case["messages"]))


def testcase(case: dict[str, Any]) -> str:
    """A case."""
    return element("testcase", {
        "name": case["case"], "classname": f"{case['host']}.{case['test']}",
        "time": seconds(case["milliseconds"])}, outcome(case))


def other_failure(failure: dict[str, Any]) -> str:
    """A failure that no case stands for."""
    body = element("error", {"message": failure["reason"][:MAX_MESSAGE],
                             "type": failure["kind"]}, text(failure["log"]))
    return element("testcase", {
        "name": failure["kind"], "time": seconds(None),
        "classname": ".".join(filter(None, (failure["host"],
                                            failure["test"]))) or "run"}, body)


def suite(name: str, cases: list[str], milliseconds: int | None) -> str:
    """A testsuite with the numbers of its testcases."""
    body = "".join(cases)
    return element("testsuite", {
        "name": name, "tests": len(cases),
        "failures": body.count("<failure "), "errors": body.count("<error "),
        "skipped": body.count("<skipped "), "time": seconds(milliseconds)},
        body)


def suites(results: dict[str, Any]) -> list[str]:
    """A testsuite for each test of each host, and for what belongs to none."""
    groups: dict[tuple[str, str], list[str]] = {}
    spent = {(host["host"], test["test"]): test["milliseconds"]
             for host in results["hosts"] for test in host["tests"]}
    for host in results["hosts"]:
        for test in host["tests"]:
            groups[host["host"], test["test"]] = [element(
                "testcase", {"name": test["test"], "time": seconds(None),
                             "classname": f"{host['host']}.{test['test']}"},
                element("skipped", {"message": test["reason"]}))] \
                if test["result"] == ktap.SKIP and not test["cases"] else []
    for case in results["cases"]:
        groups[case["host"], case["test"]].append(testcase(case))
    for failure in results["failures"]:
        if not failure["case"]:
            groups.setdefault((failure["host"], failure["test"]), []).append(
                other_failure(failure))
    return [suite(".".join(filter(None, key)) or "run", cases, spent.get(key))
            for key, cases in groups.items()]


def render(results: dict[str, Any]) -> str:
    """The whole file."""
    found = suites(results)
    body = "".join(found)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + element("testsuites", {
        "name": "TDP and TDX conformance", "tests": body.count("<testcase "),
        "failures": body.count("<failure "), "errors": body.count("<error "),
        "skipped": body.count("<skipped "),
        "time": seconds(results["totals"]["milliseconds"])}, body)
