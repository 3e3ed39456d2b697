# SPDX-License-Identifier: GPL-2.0
"""The watcher, on processes that behave like an emulator."""

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import replay
import watch

# An emulator: waits for the watcher, writes, and ends as told.
WRITER = """
import os, sys, time
serial, ktap, timed, how = sys.argv[1:]
while how != "early" and not os.path.exists(timed):
    time.sleep(0.01)
with open(serial, "ab", 0) as a, open(ktap, "ab", 0) as b:
    b.write(b"KTAP version 1\\n1..1\\n# selftests: kvm: a_test\\n  1..1\\n")
    b.write(b"  #  RUN           f.c ...\\n  ok 1 ")
    time.sleep(0.1)
    b.write(b"f.c\\n")
    a.write(b"run-tests: begin a_test\\n")
    while how == "noisy":
        a.write(b".")
        time.sleep(0.02)
    if how not in ("end", "early"):
        time.sleep(60)
    b.write(b"ok 1 selftests: kvm: a_test\\n# host en")
"""


class Watching(unittest.TestCase):
    """How a machine ends, and what is left of it."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.out = Path(self.folder.name)
        self.started: list[subprocess.Popen[bytes]] = []

    def tearDown(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()
        self.folder.cleanup()

    def start(self, how: str) -> int:
        """Start an emulator."""
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(self.out / "serial.log"),
             str(self.out / "ktap.log"), str(self.out / "timed.log"),
             how])
        self.started.append(process)
        return process.pid

    def command(self, pid: int, *more: str) -> list[str]:
        """The watcher's command line."""
        return [sys.executable, str(replay.RUNNER / "watch.py"), "--host",
                "svm", "--pid", str(pid),
                "--serial", str(self.out / "serial.log"),
                "--ktap", str(self.out / "ktap.log"),
                "--timed", str(self.out / "timed.log"), *more]

    def watch(self, pid: int, *more: str) -> tuple[int, dict[str, object]]:
        """Watch a process; returns the status and watch.json."""
        done = subprocess.run(self.command(pid, *more), check=False,
                              capture_output=True, text=True, timeout=30)
        self.said = done.stderr
        text = (self.out / "watch.json").read_text(encoding="ascii")
        return done.returncode, json.loads(text)

    def test_end(self) -> None:
        """A machine that ends by itself; every line is stamped."""
        status, told = self.watch(self.start("end"))
        self.assertEqual((status, told["reason"]), (0, "exit"))
        stamped = (self.out / "timed.log").read_bytes().split(b"\n")
        plain = (self.out / "ktap.log").read_bytes().split(b"\n")
        self.assertEqual([line.partition(b"\t")[2] for line in stamped],
                         plain)
        times = [int(line.partition(b"\t")[0]) for line in stamped]
        self.assertEqual(times, sorted(times))
        result = plain.index(b"  ok 1 f.c")
        self.assertGreaterEqual(times[result] - times[result - 1], 50)
        self.assertEqual(told["ktap_bytes"], len(b"\n".join(plain)))
        self.assertIn("svm: a_test: pass, 1 cases, 0 failed", self.said)

    def test_gone_already(self) -> None:
        """A machine that ended before the watch began."""
        pid = self.start("early")
        self.started[0].wait()
        status, told = self.watch(pid)
        self.assertEqual((status, told["reason"]), (0, "exit"))
        self.assertIn(b"\t# host en", (self.out / "timed.log").read_bytes())

    def test_zombie(self) -> None:
        """One that ended, and that nobody has waited for."""
        pid = self.start("early")
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self.assertEqual(self.watch(pid)[0], 0)

    def test_no_files(self) -> None:
        """A machine that never wrote anything."""
        process = subprocess.Popen(["true"])
        self.started.append(process)
        status, told = self.watch(process.pid)
        self.assertEqual((status, told["boot_ms"]), (0, None))
        self.assertEqual((self.out / "timed.log").read_bytes(), b"")

    def test_silence(self) -> None:
        """A machine that hangs is ended."""
        pid = self.start("hang")
        status, told = self.watch(pid, "--silence", "0.6")
        self.assertEqual((status, told["reason"]), (3, "silence"))
        self.assertEqual(self.started[0].wait(5), -signal.SIGTERM)
        self.assertIn("silent for 0.6 s", self.said)

    def test_limit(self) -> None:
        """A machine that goes on forever is ended."""
        status, told = self.watch(self.start("noisy"), "--silence", "30",
                                  "--limit", "0.6")
        self.assertEqual((status, told["reason"]), (4, "limit"))
        self.assertEqual(self.started[0].wait(5), -signal.SIGTERM)

    def failing(self, ktap: bytes, serial: bytes,
                *more: str) -> tuple[int, dict[str, object]]:
        """Watch a machine that has written this and goes on."""
        (self.out / "ktap.log").write_bytes(
            b"KTAP version 1\n1..1\n# selftests: kvm: a_test\n" + ktap)
        (self.out / "serial.log").write_bytes(
            b"run-tests: begin a_test\n" + serial)
        process = subprocess.Popen(["sleep", "60"])
        self.started.append(process)
        return self.watch(process.pid, "--silence", "0.6", *more)

    RUN = b"  1..2\n  #  RUN           f.c ...\n"
    WARN = b"WARNING: CPU: 0 PID: 9 at mmu.c:7 map+0x1/0x2\n"

    def test_first_failure(self) -> None:
        """A machine is ended at its first failure, if that is asked for."""
        for ktap, serial, reason in (
                (self.RUN + b"  not ok 1 f.c\n", b"", "failure"),
                (self.RUN, self.WARN, "failure"),
                (self.RUN + b"  ok 1 f.c\n", b"", "silence"),
                (b"", self.WARN, "silence")):
            with self.subTest(ktap=ktap, serial=serial):
                self.assertEqual(self.failing(ktap, serial,
                                              "--first-failure")[1]["reason"],
                                 reason)

    def test_failure_goes_on(self) -> None:
        """Otherwise it is not."""
        self.assertEqual(self.failing(self.RUN + b"  not ok 1 f.c\n",
                                      self.WARN)[1]["reason"], "silence")

    def test_interrupt(self) -> None:
        """Somebody gives up: the machine does not stay behind."""
        pid = self.start("hang")
        watcher = subprocess.Popen(self.command(pid),
                                   stderr=subprocess.DEVNULL)
        self.started.append(watcher)
        while not (self.out / "timed.log").exists():
            time.sleep(0.01)
        watcher.send_signal(signal.SIGTERM)
        self.assertEqual(watcher.wait(10), 130)
        self.assertEqual(self.started[0].wait(5), -signal.SIGTERM)

    def test_full_disk(self) -> None:
        """A file that cannot be written is said, and ends nothing."""
        pid = self.start("end")
        (self.out / "timed.log").symlink_to("/dev/full")
        status, told = self.watch(pid)
        self.assertEqual(status, 0)
        self.assertIn("could not be written", str(told["trouble"]))
        self.assertNotIn("Traceback", self.said)

    def test_terminal(self) -> None:
        """On a terminal one line is rewritten, and gone at the end."""
        main, side = pty.openpty()
        subprocess.run(self.command(self.start("end")), stderr=side,
                       check=False, timeout=30)
        os.close(side)
        shown = os.read(main, 65536).decode()
        os.close(main)
        self.assertIn("\r\033[Ksvm: a_test: ", shown)
        self.assertTrue(shown.endswith("\r\033[K"))
        self.assertNotIn("\n", shown)


class Processes(unittest.TestCase):
    """Taking hold of a process, and letting go of it."""

    def test_stubborn(self) -> None:
        """A process that ignores SIGTERM is killed."""
        process = subprocess.Popen([
            sys.executable, "-c", "import signal, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "print(1, flush=True)\ntime.sleep(60)"], stdout=subprocess.PIPE)
        process.stdout.readline()
        patience, watch.KILL_AFTER_S = watch.KILL_AFTER_S, 0.2
        try:
            watch.end_process(watch.open_process(process.pid))
        finally:
            watch.KILL_AFTER_S = patience
        self.assertEqual(process.wait(5), -signal.SIGKILL)
        process.stdout.close()

    def test_without_pidfd(self) -> None:
        """An old kernel: the start time tells a process from its number."""
        process = subprocess.Popen(["sleep", "60"])
        mine = watch.Process(process.pid, None,
                             watch.start_time(process.pid))
        other = watch.Process(process.pid, None, "1")
        self.assertTrue(watch.alive(mine, 1))
        self.assertFalse(watch.alive(other, 1))
        watch.end_process(other)
        self.assertIsNone(process.poll())
        watch.end_process(mine)
        self.assertEqual(process.wait(5), -signal.SIGTERM)
        self.assertFalse(watch.alive(mine, 1))


if __name__ == "__main__":
    unittest.main()
