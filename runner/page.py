#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.html: a run to look at, in one file that needs nothing else.

Usage: page.py RESULTS.JSON >REPORT.HTML

Made of results.json alone, so that it can be made again of any.
"""

import json
import re
import sys
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any, Iterable

import certificate
import mapping
import picture
import report

Results = dict[str, Any]

# How many failing cases are open when the page is, and how much of a log.
OPEN_CASES = 3
MAX_LOG = 100
SLOWEST = 10

BAD = {"fail", "xpass", "crash", "timeout", "missing"}
VM_TYPES = ("default", "sw_protected", "td", "other")
VM_NAMES = {"default": "default", "sw_protected": "sw-prot.", "td": "TD",
            "other": "other"}
FACTS = (("kernel", "Kernel"), ("build", "Build"), ("cpu", "CPU"),
         ("microcode", "Microcode"), ("bios", "BIOS"),
         ("tdx-module", "TDX module"), ("tdx-build", "TDX module's build"),
         ("cpus", "CPUs"),
         ("memory-kb", "Memory, kB"), ("cmdline", "Command line"),
         ("taint", "Taint"))


def prose(text: str) -> str:
    """Text of the contract: what stands in backquotes is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def anchor(*words: str) -> str:
    """An id that a link can name."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", "--".join(words))


def case_anchor(case: dict[str, Any]) -> str:
    """The id of a case that failed."""
    return anchor("case", case["host"], case["test"], case["case"])


def plural(number: int, word: str) -> str:
    """A number and its noun."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def section(name: str, title: str, body: str, note: str = "") -> str:
    """A part of the page; one without content is left out."""
    if not body:
        return ""
    said = f'<p class="note">{note}</p>' if note else ""
    return (f'<section id="{name}"><h2>{escape(title)}</h2>{said}{body}'
            "</section>")


class Page:
    """What several parts of the page need to know of a run."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.hosts = [host["host"] for host in results["hosts"]]
        self.text = {rule["rule"]: rule["text"] for rule in results["rules"]}
        self.cases = {(case["host"], case["test"], case["case"]): case
                      for case in results["cases"]}
        self.tests = {(host["host"], test["test"]): test
                      for host in results["hosts"] for test in host["tests"]}
        self.failing = [failure for failure in results["failures"]
                        if failure["case"]]
        self.whole = [failure for failure in results["failures"]
                      if not failure["case"]]
        self.known = [case for case in results["cases"]
                      if case["result"] == "xfail"]

        self.shown = {case_anchor(case) for case in self.failing + self.known}
        self.columns = self.used_columns()
        # The first one of each host.
        self.edges = {column for at, column in enumerate(self.columns)
                      if not at or self.columns[at - 1][0] != column[0]}

    def used_columns(self) -> list[tuple[str, str]]:
        """Host and VM type of each column that has anything in it."""
        used = {(host, vm_type) for rule in self.results["rules"]
                for host, types in rule["results"].items()
                for vm_type in types}
        return [(host, vm_type) for host in self.hosts
                for vm_type in VM_TYPES if (host, vm_type) in used]


# The head: verdict, and what was judged.

def bar(totals: dict[str, int]) -> str:
    """Cases as parts of a line."""
    parts = (("pass", totals["passed"]), ("fail", totals["failed_cases"]),
             ("known", totals["expected_failures"]),
             ("skip", totals["skipped"]))
    spans = "".join(f'<span class="{name}" style="flex-grow:{number}"></span>'
                    for name, number in parts if number)
    return f'<div class="bar" aria-hidden="true">{spans}</div>'


def numbers(totals: dict[str, int]) -> str:
    """Cases in words."""
    parts = [f"<b>{totals['passed']}</b> passed",
             f"<b>{totals['failed_cases']}</b> failed"]
    if totals["expected_failures"]:
        parts.append(f"<b>{totals['expected_failures']}</b> failed as known")
    parts.append(f"<b>{totals['skipped']}</b> skipped")
    return (f"Of {plural(totals['cases'], 'case')} "
            f"{', '.join(parts)}; the tests took "
            f"{report.seconds(totals['milliseconds'])}.")


def judged(results: Results) -> list[tuple[str, str]]:
    """What was judged, by what: names and values, as HTML."""
    kernel = results["kernel"] or {}
    suite = (results["suite"] or {}).get("commit", "unknown")
    origin = kernel.get("commit") or kernel.get("package") or "unknown"
    patches = kernel.get("patches") or []
    items = [("Kernel", f"Linux {escape(kernel.get('version', 'unknown'))}"),
             ("Origin", f"<code>{escape(origin)}</code>"),
             ("Tree", f"<code>{escape(kernel.get('tree', 'unknown'))}</code>"),
             ("Configuration",
              f"<code>{escape(kernel.get('config_sha256', 'unknown'))}"
              "</code>"),
             ("Patches", "<br>".join(f"<code>{escape(name)}</code>"
                                     for name in patches) or "none")]
    if kernel.get("difference"):
        items.append(("Difference", escape(kernel["difference"])))
    if results.get("date"):
        items.insert(0, ("Date", escape(results["date"])))
    items.append(("Suite", f"<code>{escape(suite)}</code>"))
    items += [("Note", escape(note)) for note in
              results["notes"] + results.get("stale", [])]
    return items


def definitions(items: Iterable[tuple[str, str]], css: str) -> str:
    """A list of names and values."""
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>"
                   for name, value in items)
    return f'<dl class="{css}">{rows}</dl>'


def rules_line(results: Results) -> str:
    """How many rules held."""
    said = Counter(rule["result"] for rule in results["rules"])
    parts = [f"<b>{said['pass']}</b> held"]
    for name, words in (("fail", "did not"), ("missing", "not seen"),
                        ("known", "failed as known"),
                        ("skip", "skipped"), (None, "not judged")):
        if said[name]:
            parts.append(f"<b>{said[name]}</b> {words}")
    return f"Of {plural(len(results['rules']), 'rule')} {', '.join(parts)}."


def beside(page: Page) -> list[str]:
    """What must not be overlooked beside the verdict."""
    rules = page.results["rules"]
    judged = sum(rule["result"] is not None for rule in rules)
    said = []
    if page.results["failures"]:
        said.append(plural(len(page.results["failures"]), "reason"))
    if page.known:
        said.append(f"with {plural(len(page.known), 'known failure')}")
    if judged < len(rules):
        said.append(f"{judged} of {plural(len(rules), 'rule')} judged")
    return said


def masthead(page: Page) -> str:
    """The verdict on top."""
    results = page.results
    word = results["verdict"]
    css = {"pass": "ok", "fail": "bad"}.get(word, "unsure")
    why = "".join(f'<span class="why">{text}</span>' for text in beside(page))
    return (f'<header><p class="eyebrow">TDP and TDX conformance of KVM</p>'
            f'<h1 class="{css}">{escape(word.capitalize())}{why}</h1>'
            f"{bar(results['totals'])}"
            f'<p class="lede">{rules_line(results)} '
            f"{numbers(results['totals'])}</p>"
            f"{definitions(judged(results), 'judged')}</header>")


# Rule by rule.

def cell_target(page: Page, rule: str, host: str, vm_type: str) -> str:
    """Where a cell leads: the first failing case, else the rule's cases."""
    for failure in page.failing:
        case = page.cases.get((failure["host"], failure["test"],
                               failure["case"]))
        if case and failure["host"] == host and rule in case["rules"] and \
                vm_type in (case["vm_types"] or ["other"]):
            return anchor("case", host, failure["test"], failure["case"])
    for case in page.known:
        if case["host"] == host and rule in case["rules"] and \
                vm_type in (case["vm_types"] or ["other"]):
            return case_anchor(case)
    return anchor("rule", rule)


def cell_text(cell: dict[str, Any]) -> str:
    """What stands in a cell."""
    counts = cell["cases"]
    ran = sum(counts.get(name, 0) for name in ("pass", "fail", "known"))
    texts = {"fail": f"{counts.get('fail', 0)}/{ran}", "missing": "lost",
             "known": f"{counts.get('known', 0)} known", "skip": "skip",
             "pass": str(counts.get("pass", 0))}
    return texts.get(cell["result"], "")


def cell_title(rule: str, host: str, vm_type: str,
               cell: dict[str, Any]) -> str:
    """The same in words."""
    names = {"pass": "passed", "fail": "failed", "skip": "skipped",
             "missing": "never seen", "known": "failed as known"}
    said = ", ".join(f"{number} {names[name]}"
                     for name, number in cell["cases"].items())
    return escape(f"{rule} on {host}, {VM_NAMES[vm_type]}: {said}")


def matrix_cell(page: Page, rule: dict[str, Any], host: str,
                vm_type: str) -> str:
    """One cell of the matrix."""
    edge = ' class="edge"' if (host, vm_type) in page.edges else ""
    cell = rule["results"].get(host, {}).get(vm_type)
    if not cell:
        return f"<td{edge}></td>"
    target = cell_target(page, rule["rule"], host, vm_type)
    return (f'<td{edge}><a class="cell {cell["result"]}" href="#{target}" '
            f'title="{cell_title(rule["rule"], host, vm_type, cell)}">'
            f"{cell_text(cell)}</a></td>")


def matrix_row(page: Page, rule: dict[str, Any]) -> str:
    """One rule."""
    css = {"pass": "held", None: "none"}.get(rule["result"], "odd")
    cells = "".join(matrix_cell(page, rule, *column) for column in page.columns)
    return (f'<tr class="{css}"><th scope="row"><a href="#'
            f'{anchor("rule", rule["rule"])}"><code>{escape(rule["rule"])}'
            f'</code></a><span>{prose(rule["text"])}</span></th>{cells}</tr>')


def matrix_head(page: Page) -> str:
    """Hosts, and below them VM types."""
    width = Counter(host for host, _ in page.columns)
    hosts = "".join(f'<th scope="colgroup" class="edge" colspan="{width[host]}">'
                    f"{escape(host)}</th>" for host in page.hosts if width[host])
    types = "".join(f'<th scope="col"'
                    f'{" class=edge" if column in page.edges else ""}>'
                    f"{VM_NAMES[column[1]]}</th>" for column in page.columns)
    cols = "".join('<col class="first">' if column in page.edges else "<col>"
                   for column in page.columns)
    return (f'<colgroup><col class="rules">{cols}</colgroup>'
            f'<thead><tr><th rowspan="2" scope="col"></th>{hosts}</tr>'
            f"<tr>{types}</tr></thead>")


def grouped(rules: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Rules by section of the contract."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for rule in rules:
        groups.setdefault(rule["section"], []).append(rule)
    return groups


TOGGLE = ('<label class="toggle"><input type="checkbox" id="{name}"> '
          "{text}</label>")


def matrix_part(page: Page) -> str:
    """The matrix of rules, hosts and VM types."""
    if not page.columns:
        return ""
    body = "".join(
        f'<tbody><tr class="group"><th colspan="{1 + len(page.columns)}" '
        f'scope="rowgroup">{escape(name)}</th></tr>' +
        "".join(matrix_row(page, rule) for rule in rules) +
        "</tbody>" for name, rules in grouped(page.results["rules"]).items())
    toggle = TOGGLE.format(name="only", text="only what did not pass")
    if any(rule["result"] is None for rule in page.results["rules"]):
        toggle += TOGGLE.format(name="all", text="also what was not judged")
    return section("rules", "Rules",
                   f'{toggle}<div class="scroll"><table class="matrix">'
                   f"{matrix_head(page)}{body}</table></div>",
                   "A cell counts the cases that passed, or those that failed "
                   "of those that ran; it leads to them. A case that is about "
                   "two VM types counts for both.")


# What failed.

def log_lines(lines: list[str]) -> str:
    """Lines of the kernel's log."""
    if not lines:
        return ""
    more = len(lines) - MAX_LOG
    text = "\n".join(lines[:MAX_LOG])
    rest = f"\n({more} more lines)" if more > 0 else ""
    return f'<pre class="log">{escape(text + rest)}</pre>'


def next_maps(maps: list[mapping.Map], message: str) -> list[mapping.Map]:
    """Take the maps of a message off: each view once, as it was told."""
    views: list[mapping.Map] = []
    while maps and maps[0].message == message and \
            maps[0].where not in [view.where for view in views]:
        views.append(maps.pop(0))
    return views


def messages_part(case: dict[str, Any]) -> str:
    """What the case said, each message with its picture."""
    said = [message for message in case["messages"]
            if not report.NOISE.match(message)]
    maps = [mapping.from_json(found) for found in case["maps"]]
    parts = []
    for message in said[:report.MAX_MESSAGES]:
        text = escape(message.removeprefix("# "))
        parts.append(f'<pre class="say">{text}</pre>'
                     f"{picture.draw_views(next_maps(maps, message))}")
    if len(said) > report.MAX_MESSAGES:
        parts.append(f'<p class="rest">{len(said) - report.MAX_MESSAGES} '
                     "more messages</p>")
    return "".join(parts)


def summary_line(case: dict[str, Any], failure: dict[str, Any]) -> str:
    """A failure in a line: what was wanted and came, or why it failed."""
    for message in case["messages"]:
        match = re.match(r"# \S+?:\d+:\w+:(.*)", message)
        if match and not report.NOISE.match(message):
            return match[1]
    return failure["reason"]


def rule_lines(page: Page, names: list[str]) -> str:
    """The rules that a case shows."""
    return "".join(f'<p class="law"><a href="#{anchor("rule", name)}"><code>'
                   f"{escape(name)}</code></a> "
                   f"{prose(page.text.get(name, 'no such rule'))}</p>"
                   for name in names)


def case_body(page: Page, case: dict[str, Any], failure: dict[str, Any],
              reason: str) -> str:
    """All that is known of a case that failed."""
    why = f'<p class="why">{escape(reason)}</p>' if reason else ""
    advice = f'<p class="advice">{escape(failure["advice"])}</p>' \
        if failure["advice"] else ""
    return (f'<div class="body">{rule_lines(page, case["rules"])}{why}'
            f"{messages_part(case)}{log_lines(failure['log'])}{advice}</div>")


def failing_case(page: Page, failure: dict[str, Any], is_open: bool) -> str:
    """A case that failed, in a line and in full."""
    key = (failure["host"], failure["test"], failure["case"])
    case = page.cases.get(key, {"messages": [], "maps": [], "rules": []})
    reason = "" if failure["reason"] == "fail" else failure["reason"]
    return (f'<details class="case" id="{anchor("case", *key)}"'
            f'{" open" if is_open else ""}><summary><code>'
            f'{escape(failure["case"])}</code> <span>'
            f"{escape(summary_line(case, failure))}</span></summary>"
            f"{case_body(page, case, failure, reason)}</details>")


def whole_failure(failure: dict[str, Any], times: int,
                  seen: set[tuple[str, ...]]) -> str:
    """A failure that is about no single case, however often it is there."""
    key = tuple(failure["log"])
    often = f" ({times} times)" if times > 1 else ""
    log = '<p class="rest">Kernel log: as above.</p>' if key and key in seen \
        else log_lines(failure["log"])
    seen.add(key)
    return (f'<div class="whole"><p class="why">{escape(failure["reason"])}{often}</p>'
            f'{log}<p class="advice">{escape(failure["advice"])}</p></div>')


def failure_group(page: Page, failures: list[dict[str, Any]], opened: int,
                  seen: set[tuple[str, ...]]) -> str:
    """The failures of a test on a host; so many cases are open already."""
    parts = []
    often = Counter(failure["reason"] for failure in failures
                    if not failure["case"])
    for failure in failures:
        if failure["case"]:
            parts.append(failing_case(page, failure, opened < OPEN_CASES))
            opened += 1
        elif often[failure["reason"]]:
            parts.append(whole_failure(failure, often.pop(failure["reason"]),
                                       seen))
    return "".join(parts)


def kernel_said(page: Page, host: str, test: str) -> str:
    """The kernel's log while a test ran that failed."""
    lines = page.tests.get((host, test), {"log": []})["log"]
    return (f'<details class="kernel"><summary>Kernel log while it ran, '
            f"{plural(len(lines), 'line')}</summary>{log_lines(lines)}"
            "</details>") if lines else ""


LEGEND = ('<p class="legend"><i class="private"></i>private '
          '<i class="shared"></i>shared <i class="both"></i>alike in both '
          '<i class="void"></i>not mapped <i class="diff"></i>differs '
          "&ensp;A square is a page, a block is a leaf.</p>")


def failures_part(page: Page) -> str:
    """Every reason to fail: by host and test, causes first."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for failure in page.results["failures"]:
        groups.setdefault((failure["host"], failure["test"]),
                          []).append(failure)
    parts, opened = [], 0
    seen: set[tuple[str, ...]] = set()
    for (host, test), failures in groups.items():
        name = f"<code>{escape(test)}</code>" if test else ""
        parts.append(f"<h3>{escape(host)} {name}</h3>" if host or test
                     else "<h3>The run</h3>")
        parts.append(failure_group(page, failures, opened, seen))
        parts.append(kernel_said(page, host, test))
        opened += sum(bool(failure["case"]) for failure in failures)
    drawn = any(case["maps"] for case in page.results["cases"])
    return section("failures", "What failed", "".join(
        ([LEGEND] if drawn else []) + parts) if parts else "")


def known_case(page: Page, case: dict[str, Any]) -> str:
    """A case that failed as it is known to."""
    return (f'<details class="case known" id="{case_anchor(case)}"><summary>'
            f"<code>{escape(case['case'])}</code> <span>{escape(case['host'])}, "
            f"{escape(case['test'])}: {escape(case['reason'])}</span></summary>"
            + case_body(page, case, {"advice": "", "log": []}, case["reason"])
            + "</details>")


def known_part(page: Page) -> str:
    """Failures that the suite knows of, and says so."""
    return section("known", "Known failures", "".join(
        known_case(page, case) for case in page.known),
        "What this kernel is known to get wrong: the rule stands, the verdict "
        "passes over it, and says so.")


# Skipped, timings, hosts, cases.

def skipped_part(page: Page) -> str:
    """Why what was skipped."""
    reasons: dict[str, list[tuple[str, str]]] = {}
    for case in page.results["cases"]:
        if case["result"] == "skip":
            reasons.setdefault(case["reason"], []).append(
                (case["test"], case["host"]))
    for host in page.results["hosts"]:
        for test in host["tests"]:
            if test["result"] == "skip" and not test["cases"]:
                reasons.setdefault(test["reason"], []).append(
                    (test["test"], host["host"]))
    body = "".join(
        f"<tr><td>{escape(reason)}</td><td><code>"
        f"{escape(' '.join(dict.fromkeys(test for test, _ in where)))}</code>"
        f"</td><td>{escape(', '.join(dict.fromkeys(host for _, host in where)))}"
        f'</td><td class="n">{len(where)}</td></tr>'
        for reason, where in reasons.items())
    return section("skipped", "Skipped", (
        '<table class="plain"><thead><tr><th>Reason</th><th>Tests</th>'
        '<th>Hosts</th><th class="n">Times</th></tr></thead>'
        f"<tbody>{body}</tbody></table>") if body else "")


def timing_row(name: str, ms: int | None, longest: int, css: str = "") -> str:
    """A bar."""
    share = 100 * (ms or 0) / max(longest, 1)
    return (f'<li class="{css}"><code>{escape(name)}</code><span class="track">'
            f'<i style="width:{share:.1f}%"></i></span>'
            f"<span>{report.seconds(ms)}</span></li>")


def timings_host(host: dict[str, Any], longest: int) -> str:
    """The tests of a host, the slowest first."""
    tests = sorted(host["tests"], key=lambda test: -(test["milliseconds"] or 0))
    rows = "".join(timing_row(test["test"], test["milliseconds"], longest,
                              "bad" if test["result"] in BAD else "")
                   for test in tests)
    spent = sum(test["milliseconds"] or 0 for test in tests)
    return (f'<div><h3>{escape(host["host"])}</h3><p class="note">up after '
            f"{report.seconds(host['boot_ms'])}, tests "
            f"{report.seconds(spent)}, in all "
            f"{report.seconds(host['elapsed_ms'])}</p>"
            f'<ol class="bars">{rows}</ol></div>')


def timings_part(page: Page) -> str:
    """Where the time went."""
    hosts = [host for host in page.results["hosts"] if host["tests"]]
    longest = max((test["milliseconds"] or 0 for host in hosts
                   for test in host["tests"]), default=0)
    slow = sorted(page.results["cases"],
                  key=lambda case: -(case["milliseconds"] or 0))[:SLOWEST]
    top = max((case["milliseconds"] or 0 for case in slow), default=0)
    cases = "".join(timing_row(f"{case['host']} {case['case']}",
                               case["milliseconds"], top) for case in slow)
    return section("timings", "Timings", (
        f'<div class="columns">{"".join(timings_host(host, longest) for host in hosts)}'
        f'</div><h3>Slowest cases</h3><ol class="bars wide">{cases}</ol>')
        if hosts else "")


def host_part(host: dict[str, Any]) -> str:
    """The facts of one host."""
    machine = " ".join(str(host[name]) for name in ("emulator", "version")
                       if host.get(name))
    items = [("Machine", escape(machine or "unknown"))]
    items += [(title, escape(host["facts"][name]))
              for name, title in FACTS if host["facts"].get(name)]
    if certificate.is_software(host["facts"]):
        items.append(("Caution", "its TDX module is software for tests; it "
                      "protects and attests nothing"))
    items.append(("Ended", escape(str(host["ended"]))))
    if host["never_ran"]:
        items.append(("Never ran", escape(", ".join(host["never_ran"]))))
    return (f'<div><h3>{escape(host["host"])}</h3>'
            f'{definitions(items, "facts")}</div>')


def hosts_part(page: Page) -> str:
    """Every host."""
    body = "".join(host_part(host) for host in page.results["hosts"])
    return section("hosts", "Hosts", f'<div class="columns">{body}</div>'
                   if body else "")


def case_line(page: Page, case: dict[str, Any]) -> str:
    """One case of one host."""
    name = f"<code>{escape(case['case'])}</code>"
    if case_anchor(case) in page.shown:
        name = f'<a href="#{case_anchor(case)}">{name}</a>'
    types = ", ".join(VM_NAMES[vm_type] for vm_type in case["vm_types"])
    word = "fail" if case["result"] in BAD else \
        {"xfail": "known"}.get(case["result"], case["result"])
    return (f'<tr><td><span class="cell {word}">{escape(case["result"])}</span>'
            f"</td><td>{name}</td><td>{escape(case['test'])}</td>"
            f"<td>{escape(case['host'])}</td><td>{types}</td>"
            f'<td class="n">{report.seconds(case["milliseconds"])}</td></tr>')


def rule_detail(page: Page, rule: dict[str, Any],
                cases: list[dict[str, Any]]) -> str:
    """A rule in full: text, source, and every case that ran."""
    rows = "".join(case_line(page, case) for case in cases)
    names = ", ".join(f"{case['test']}: {case['case']}"
                      for case in rule["cases"])
    table = f'<table class="plain cases"><tbody>{rows}</tbody></table>' \
        if rows else f'<p class="rest">None of its cases ran: {escape(names)}</p>'
    return (f'<details class="rule" id="{anchor("rule", rule["rule"])}">'
            f"<summary><code>{escape(rule['rule'])}</code> "
            f"<span>{prose(rule['text'])}</span></summary>"
            f'<p class="source">Source: {prose(rule["source"])}</p>'
            f"{table}</details>")


def cases_part(page: Page) -> str:
    """Rule by rule, every case."""
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for case in page.results["cases"]:
        for rule in case["rules"]:
            by_rule.setdefault(rule, []).append(case)
    body = "".join(
        f"<h3>{escape(name)}</h3>" + "".join(
            rule_detail(page, rule, by_rule.get(rule["rule"], []))
            for rule in rules)
        for name, rules in grouped(page.results["rules"]).items())
    return section("cases", "Cases, rule by rule", body)


def navigation(parts: list[str]) -> str:
    """Links to the parts that are there."""
    links = re.findall(r'<section id="([^"]+)"><h2>([^<]+)', "".join(parts))
    return "<nav>" + "".join(f'<a href="#{name}">{title}</a>'
                             for name, title in links) + "</nav>"


def render(results: Results) -> str:
    """The whole page."""
    page = Page(results)
    parts = [matrix_part(page), failures_part(page), known_part(page),
             skipped_part(page), timings_part(page), hosts_part(page),
             cases_part(page)]
    here = Path(__file__).resolve()
    style = here.with_suffix(".css").read_text(encoding="utf-8")
    script = here.with_suffix(".js").read_text(encoding="utf-8")
    kernel = (results["kernel"] or {}).get("version", "unknown kernel")
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            '<meta name="color-scheme" content="light dark">'
            f"<title>{escape(results['verdict'])}: Linux {escape(kernel)}, "
            f"TDP and TDX conformance</title><style>{style}</style></head>"
            f"<body>{GRIDS}{masthead(page)}{navigation(parts)}<main>"
            f"{''.join(parts)}</main><footer>schema_version "
            f"{results['schema_version']} of results.json; the rules are in "
            f"docs/contract.md.</footer><script>{script}</script>"
            "</body></html>\n")


# Lines between squares, one pattern for each size.
GRIDS = ('<svg width="0" height="0" class="defs" aria-hidden="true"><defs>' +
         "".join(f'<pattern id="g{size}" width="{size}" height="{size}" '
                 'patternUnits="userSpaceOnUse"><path class="line" '
                 f'd="M{size} 0L0 0L0 {size}"/></pattern>'
                 for size in (10, 20, 40)) +
         '<pattern id="hatch" width="5" height="5" '
         'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
         '<path class="hatch" d="M0 0L0 5"/></pattern></defs></svg>')


def main() -> int:
    """Render a results.json."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(render(json.load(file)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
