# SPDX-License-Identifier: GPL-2.0
"""Judge the kernel's log of a host.

Every complaint of the kernel is one row of COMPLAINTS.  The patterns are
anchored at the start of a message, as words like "bug" and "warning" are in
many a harmless one; what a row is meant to find, and what it must not, is in
tests/test_klog.py.
"""

import re
from dataclasses import dataclass, field

from ktap import clean

# What a splat may hold before it counts as the next one.
SPLAT_LINES = 120
# How much of a splat a report shows.
EXCERPT_LINES = 30

MARK = re.compile(r"run-tests: (begin|end) (\S+)")
# A test says so before it makes the kernel complain by design, and after it.
WANTED = re.compile(r"run-tests: splat (?:wanted (.+)|(end)$)")
TRACE_END = re.compile(r"---\[ end trace [0-9a-f]+ \]---")
PREFIX = re.compile(r"(?:<\d+>)?(?:\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?)?")

# A row: what a report calls it, whether it says little on its own (another
# row of the same splat then names it), and how the kernel begins the message.
COMPLAINTS = [
    ("panic", False, r"Kernel panic - not syncing"),
    ("panic", False, r"(?:traps: )?PANIC: (?:double fault|early exception)"),
    ("soft lockup", False, r"(?:watchdog: )?BUG: soft lockup - CPU#\d+"),
    ("hard lockup", False,
     r"(?:NMI )?(?:watchdog: )?(?:CPU\d+: )?"
     r"Watchdog detected hard LOCKUP on cpu \d+"),
    ("hung task", False,
     r"INFO: task .+ blocked.* for more than \d+ seconds"),
    ("RCU stall", False,
     r"(?:rcu: )?INFO: \S+ (?:self-)?detected (?:expedited )?stalls?\b"),
    ("RCU stall", False, r"(?:rcu: )?\S+ kthread starved for \d+ jiffies"),
    ("RCU stall", False,
     r"(?:rcu: )?\S+ kthread timer wakeup didn't happen for \d+ jiffies"),
    ("lockdep", False,
     r"(?:WARNING: |INFO: |\[ (?:INFO|BUG|WARNING): )?possible (?:circular|"
     r"recursive) locking (?:dependency )?detected"),
    ("lockdep", False,
     r"(?:WARNING: |\[ BUG: )?possible irq lock inversion dependency"),
    ("lockdep", False, r"WARNING: .+-safe -> .+-unsafe lock order detected"),
    ("lockdep", False, r"(?:WARNING: )?inconsistent lock state$"),
    ("lockdep", False,
     r"(?:WARNING: |\[ BUG: )?bad (?:unlock balance|contention) detected"),
    ("lockdep", False,
     r"WARNING: (?:Nested lock was not taken|chain_key collision|held lock "
     r"freed!|lock held when returning to user space!|.+ still has locks "
     r"held!)"),
    ("lockdep", False, r"INFO: trying to register non-static key\."),
    ("lockdep", False, r"\[ BUG: Invalid wait context \]"),
    ("RCU usage", False,
     r"(?:WARNING: |\[ INFO: )?suspicious RCU usage\.?(?: \])?$"),
    ("sleep in atomic context", False,
     r"BUG: sleeping function called from invalid context at "),
    ("schedule in atomic context", False,
     r"(?:bad: |BUG: )scheduling (?:while atomic|in a non-blocking section)"),
    ("KASAN", False, r"(?:kasan: )?BUG: KASAN: "),
    ("KCSAN", False, r"(?:kcsan: )?BUG: KCSAN: "),
    ("KFENCE", False, r"BUG: K(?:FENCE|MSAN): "),
    ("UBSAN", False, r"UBSAN: \S"),
    ("kmemleak", False, r"kmemleak: \d+ new suspected memory leaks"),
    ("refcount", False, r"refcount_t: "),
    ("list corruption", False, r"(?:slab )?list_(?:add|del)\w* corruption"),
    ("bad memory access", False,
     r"(?:BUG: )?unable to handle (?:kernel |page )"),
    ("bad memory access", False, r"BUG: kernel NULL pointer dereference"),
    ("general protection fault", False,
     r"(?:Oops: )?general protection fault(?:, |: )"),
    ("Oops", False, r"(?:Oops: )?\S.*: [0-9a-f]{4} \[#\d+\]"),
    ("Oops", False, r"Oops: "),
    ("BUG", False, r"kernel BUG at \S+:\d+!"),
    ("BUG", False, r"(?:[\w/-]+: |\[ )?BUG: "),
    ("WARNING", False,
     r"WARNING: (?:CPU: \d+ PID: \d+ at |\S+:\d+ at |at )"),
    ("out of memory", False, r"Out of memory: Killed process \d+"),
    ("module not loaded", False, r"init: insmod \S+ failed"),
    ("splat", True, r"-{8,}\[ cut here \]-{8,}"),
    ("splat", True, r"---\[ end trace [0-9a-f]+ \]---"),
    ("splat", True, r"Call Trace:$"),
    ("lockdep", True, r"INFO: lockdep is turned off\."),
]

# Which complaint may be a further line of the splat that another one began.
SAME_SPLAT = {
    "panic": {"panic"},
    "Oops": {"Oops", "BUG", "bad memory access", "list corruption", "KASAN",
             "UBSAN", "general protection fault"},
    "general protection fault": {"KASAN", "Oops"},
    "bad memory access": {"KASAN"},
    "BUG": {"list corruption"},
    "WARNING": {"refcount", "list corruption"},
    "RCU stall": {"RCU stall"},
}

# Says too little to count while the machine boots (x86's mitigations begin
# advice so), and too much to be passed over while a test runs.
WHILE_TESTING = ("WARNING", False, r"(?:\w[\w-]*: )?WARNING: ")

# Unmistakable wherever they stand, should something have written into the
# line before them.
ANYWHERE = re.compile(r"Kernel panic - not syncing|-{8,}\[ cut here \]-{8,}")

ROWS = [(name, weak, re.compile(pattern))
        for name, weak, pattern in COMPLAINTS]
TESTING_ROW = re.compile(WHILE_TESTING[2])

TAINT_WARN = 9
# Taint bits that a kernel under test must not have.  The probe is a module
# built outside the tree and unsigned, and tests may say that they ran.
BAD_TAINT = {
    4: "M: a machine check was reported",
    5: "B: a page was released in a bad state",
    7: "D: the kernel died once (Oops or BUG)",
    TAINT_WARN: "W: the kernel issued a warning",
    14: "L: a soft lockup occurred",
}


@dataclass
class Splat:
    """One complaint of the kernel, and the test that ran meanwhile."""
    kind: str
    title: str
    test: str
    start: int = 0
    weak: bool = False
    closed: bool = False
    lines: list[str] = field(default_factory=list)
    wanted: bool = False


@dataclass
class WantedSplat:
    """A complaint that a test has announced: it must come, once."""
    text: str
    test: str
    first: int = 0
    ended: bool = False
    came: bool = False


@dataclass
class KernelLog:
    """What the kernel said on the first serial port."""
    lines: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    splats: list[Splat] = field(default_factory=list)
    wanted: list[WantedSplat] = field(default_factory=list)


def message(line: str) -> str:
    """Strip level, time and caller from a line of the log."""
    return line[PREFIX.match(line).end():]


def complaint(text: str, testing: bool) -> tuple[str, bool] | None:
    """Name what the kernel complains of, and whether that says little."""
    for name, weak, pattern in ROWS:
        if pattern.match(text):
            return name, weak
    if ANYWHERE.search(text):
        return ("panic", False) if "Kernel panic" in text else ("splat", True)
    if testing and TESTING_ROW.match(text):
        return WHILE_TESTING[0], WHILE_TESTING[1]
    return None


def starts_new(log: KernelLog, splat: Splat, at: int) -> bool:
    """Whether a hit is a new splat, not a further line of the last one."""
    if not log.splats:
        return True
    last = log.splats[-1]
    if splat.kind == "panic" and last.kind != "panic":
        # What came before it is the cause, and deserves an entry.
        return True
    if "[ cut here ]" in splat.title:
        return True
    if last.closed or last.test != splat.test or \
            at - last.start >= SPLAT_LINES:
        return True
    return not (splat.weak or last.weak or
                last.kind in SAME_SPLAT.get(splat.kind, ()))


def note(log: KernelLog, splat: Splat) -> None:
    """File one hit."""
    if starts_new(log, splat, splat.start):
        log.splats.append(splat)
        return
    last = log.splats[-1]
    if last.weak and not splat.weak:
        last.kind, last.title, last.weak = splat.kind, splat.title, False


def attribute(log: KernelLog, text: str, running: str) -> str:
    """Follow the marks of run-tests; returns the test that runs now."""
    match = MARK.search(text)
    if not match:
        return running
    if match[1] == "begin":
        log.begun.append(match[2])
        return match[2]
    log.ended.append(match[2])
    return ""


def follow_wanted(log: KernelLog, text: str, running: str) -> None:
    """Follow the marks of a test that makes the kernel complain by design."""
    match = WANTED.search(text)
    if not match:
        return
    if log.splats:
        # What comes next is no further line of what came before.
        log.splats[-1].closed = True
    if match[1]:
        log.wanted.append(WantedSplat(match[1], running, len(log.splats)))
        return
    wanted = log.wanted[-1] if log.wanted else None
    if not wanted or wanted.ended or not running or wanted.test != running:
        return
    wanted.ended = True
    for splat in log.splats[wanted.first:]:
        if splat.test == running and wanted.text in splat.title:
            splat.wanted = wanted.came = True
            return


def quote(splat: Splat, at: int, line: str) -> None:
    """Keep the first lines of a splat for the report."""
    if splat.closed:
        return
    if line and at - splat.start < EXCERPT_LINES and not MARK.search(line):
        splat.lines.append(line)
    splat.closed = bool(TRACE_END.search(line)) or bool(MARK.search(line))


def lead_in(log: KernelLog, at: int) -> None:
    """Quote the line before a splat: a WARN prints its message first."""
    splat = log.splats[-1]
    if splat.start != at or splat.lines or at == 0:
        return
    before = log.lines[at - 1]
    if before.strip("= ") and not MARK.search(before):
        splat.lines.append(before)


def lines_of(data: bytes) -> list[str]:
    """The lines of a log, whatever it holds."""
    return [clean(raw) for raw in data.split(b"\n")]


def parse(data: bytes) -> KernelLog:
    """Read a serial log, whatever it holds."""
    log = KernelLog(lines_of(data))
    running = ""
    for at, line in enumerate(log.lines):
        text = message(line)
        running = attribute(log, text, running)
        follow_wanted(log, text, running)
        if hit := complaint(text, bool(running)):
            note(log, Splat(hit[0], text, running, at, hit[1]))
            lead_in(log, at)
        if log.splats:
            quote(log.splats[-1], at, line)
    return log


def during(log: KernelLog, test: str, limit: int = 100) -> list[str]:
    """What the kernel said while a test ran, the last lines of it."""
    said: list[str] = []
    inside = False
    for line in log.lines:
        match = MARK.search(line)
        if match:
            inside = match[1] == "begin" and match[2] == test
        elif inside and line.strip():
            said.append(message(line))
    return said[-limit:]


def tail(log: KernelLog, count: int = 15) -> list[str]:
    """The last lines that are not empty."""
    return [line for line in log.lines if line.strip()][-count:]


def unwanted(log: KernelLog) -> list[Splat]:
    """The complaints that no test has announced."""
    return [splat for splat in log.splats if not splat.wanted]


def bad_taint(value: int, warned_by_design: bool = False) -> list[str]:
    """Name the bits of /proc/sys/kernel/tainted that are failures."""
    if warned_by_design:
        # Each warning has its lines in the log; this bit only repeats that.
        value &= ~(1 << TAINT_WARN)
    return [text for bit, text in BAD_TAINT.items() if value >> bit & 1]
