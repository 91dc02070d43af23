"""The real PC/SC service and its command-line tools, for the tests that need them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

WAIT_S = 20.0
SOCKET = Path("/run/pcscd/pcscd.comm")
PID_FILE = Path("/run/pcscd/pcscd.pid")
READER = "Virtual PCD 00 00"
TOOLS = ("pcscd", "opensc-tool", "pcsc_scan")
PROGRAMS = Path(sys.executable).parent


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    """Polls until *holds*; an AssertionError that says *what* did not come."""
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {WAIT_S:.0f} s"
        time.sleep(0.1)


def program(*command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs one of our programs, or a tool, to its end."""
    name, *arguments = command
    ours = PROGRAMS / name
    return subprocess.run(
        [str(ours) if ours.exists() else name, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Readers:
    """What opensc-tool, which is not ours, sees."""

    def __init__(self, listing: str) -> None:
        rows = re.findall(r"^(\d+) +(Yes|No) .*?(\S.*)$", listing, re.MULTILINE)
        self.number = {name.strip(): number for number, _, name in rows}
        self.occupied = {name.strip() for _, card, name in rows if card == "Yes"}

    @classmethod
    def now(cls) -> Readers:
        return cls(program("opensc-tool", "--list-readers").stdout)


def atr_in(reader: str) -> str:
    """The ATR that opensc-tool reads, as hexadecimal digits; empty without a card."""
    number = Readers.now().number.get(reader)
    if number is None:
        return ""
    seen = program("opensc-tool", "--reader", number, "--atr")
    return seen.stdout.strip().replace(":", "").upper() if seen.returncode == 0 else ""


class Service:
    """The PC/SC service of this machine: used when it runs, started when it does not."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._was_there = self.answers()

    @staticmethod
    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(SOCKET)) == 0

    @property
    def may_be_restarted(self) -> bool:
        """Whether it is ours, or the machine's only use is to run these tests."""
        return self._process is not None or (
            os.geteuid() == 0 and "SIMCARD_REQUIRE_SYSTEM_TESTS" in os.environ
        )

    def start(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [shutil.which("pcscd") or "pcscd", "--foreground", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until("the PC/SC service answers", self.answers)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(WAIT_S)
            self._process = None
        elif self.answers():
            os.kill(int(PID_FILE.read_text().strip("\n\0")), signal.SIGTERM)
        wait_until("the PC/SC service is gone", lambda: not self.answers())

    def close(self) -> None:
        """Leaves the machine with a service if it had one."""
        if self._process is not None:
            self.stop()
            if self._was_there:
                program("pcscd")  # goes into the background by itself


class ServedCards:
    """`simcard serve` in a process of its own, its output in a file."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [str(PROGRAMS / "simcard"), "serve", *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.log.read_text("utf-8")

    def kill(self) -> None:
        """As when somebody pulls the card."""
        self.process.kill()
        self.process.wait(WAIT_S)

    def end(self) -> int:
        """As Ctrl-C; the exit code."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(WAIT_S)
