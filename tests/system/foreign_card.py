"""A card that is not ours: Debian's vsmartcard-vpicc, started again whenever it has crashed."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

from real_reader import WAIT_S

PIN = "31323334"
ATR = "3B951381018073FF01000B"
PROGRAM = "vicc"
ABSENCE_S = 0.6
"""The service looks every 0.4 s; a shorter absence would leave it with half a card."""
DEBIAN = Path("/usr/lib/python3")
LIBRARY = DEBIAN / "site-packages" / "virtualsmartcard"
CRYPTOGRAPHY = DEBIAN / "dist-packages" / "Cryptodome"


def missing() -> list[str]:
    """The Debian packages that are not installed."""
    needed = {
        "vsmartcard-vpicc": shutil.which(PROGRAM) is not None,
        "python3-virtualsmartcard": (LIBRARY / "virtualsmartcard").is_dir(),
        "python3-pycryptodome": CRYPTOGRAPHY.is_dir(),
    }
    return [package for package, there in needed.items() if not there]


class ForeignCard:
    """`vicc` in a process of its own, and a thread that starts it anew when it has died."""

    def __init__(self, folder: Path) -> None:
        # The library looks for its ciphers under the name of a package that Debian has dropped.
        (folder / "Crypto").symlink_to(CRYPTOGRAPHY)
        path = os.pathsep.join((str(folder), str(LIBRARY)))
        self._environment = {**os.environ, "PYTHONPATH": path}
        self._folder = folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep)
        self._process: subprocess.Popen[bytes] | None = None
        self.deaths = 0
        self._thread.start()

    def _keep(self) -> None:
        with (self._folder / "vicc.log").open("wb") as log:
            while not self._ended.is_set():
                with subprocess.Popen(
                    [PROGRAM, "--type", "iso7816"],
                    cwd=self._folder,
                    env=self._environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                ) as self._process:
                    self._process.wait()
                self.deaths += 1
                self._ended.wait(ABSENCE_S)

    def said(self) -> str:
        """What its interpreter wrote on its way out, time after time."""
        return (self._folder / "vicc.log").read_text("utf-8", "replace")

    def end(self) -> None:
        """Take the card away for good."""
        self._ended.set()
        if self._process is not None:
            self._process.kill()
        self._thread.join(WAIT_S)
