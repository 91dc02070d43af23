"""libmrtd, which is not ours, as the terminal: basic access control and reading under 3DES.

The library (Debian: libmrtd0) sends every command through one function of libnfc. A few lines of C
take that function's place and hand the command to Python, so that any way to a card will do. Run as
a program it does BAC and prints files, one a line, so that a fault in it ends a process of its own:
python libmrtd.py READER FOLDER NUMBER BIRTH EXPIRY FILE ...
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from ctypes import POINTER, c_int, c_size_t, c_ubyte, c_uint64, c_void_p
from pathlib import Path

from card_reader import connected

LIBRARY = "libmrtd.so.0"
SHIM = """
#include <stddef.h>
int (*terminal_exchange)(const unsigned char *, size_t, unsigned char *, size_t);
int nfc_initiator_transceive_bytes(void *device, const unsigned char *command, size_t size,
                                   unsigned char *answer, size_t room, int timeout)
{
    (void)device;
    (void)timeout;
    return terminal_exchange(command, size, answer, room);
}
"""
_BYTES = POINTER(c_ubyte)
_EXCHANGE = ctypes.CFUNCTYPE(c_int, _BYTES, c_size_t, _BYTES, c_size_t)
ROOM = 65536


class LibMrtd:
    """One terminal session; *folder* is where the few lines of C are compiled."""

    def __init__(self, transmit: Callable[[bytes], bytes], folder: Path) -> None:
        source, shim = folder / "shim.c", folder / "shim.so"
        source.write_text(SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(shim), str(source)], check=True)
        # Global, so that its function is found before libnfc's when libmrtd is loaded.
        self._shim = ctypes.CDLL(str(shim), mode=ctypes.RTLD_GLOBAL)
        self._library = ctypes.CDLL(LIBRARY)

        def exchange(command: object, size: int, answer: object, room: int) -> int:
            said = transmit(ctypes.string_at(command, size))
            assert len(said) <= room
            ctypes.memmove(answer, said, len(said))
            return len(said)

        self._callback = _EXCHANGE(exchange)
        pointer = c_void_p.in_dll(self._shim, "terminal_exchange")
        pointer.value = ctypes.cast(self._callback, c_void_p).value
        self._enc, self._mac = (ctypes.create_string_buffer(16) for _ in range(2))
        self._counter = c_uint64()

    def basic_access_control(self, number: bytes, birth: bytes, expiry: bytes) -> int:
        """Selects the application and does BAC; 0 when the document proved itself."""
        information = ctypes.create_string_buffer(32)
        self._library.mrtd_bac_get_kmrz(number, birth, expiry, information)
        self._library.mrtd_bac_randomize_rndifd_kifd()
        return int(
            self._library.mrtd_bac_keyhandshake(
                None, information, self._enc, self._mac, ctypes.byref(self._counter)
            )
        )

    def read(self, identifier: bytes) -> bytes:
        """A whole elementary file."""
        content, length = ctypes.create_string_buffer(ROOM), c_int()
        self._library.mrtd_fileread_read(
            None,
            identifier,
            content,
            ctypes.byref(length),
            self._enc,
            self._mac,
            ctypes.byref(self._counter),
        )
        return content.raw[: length.value]


def main(reader: str, folder: str, *said: str) -> int:
    """*said*: document number filled up to nine characters, two dates, file identifiers."""
    terminal = LibMrtd(connected(reader), Path(folder))
    number, birth, expiry = (text.encode() for text in said[:3])
    failed = terminal.basic_access_control(number, birth, expiry)
    if not failed:
        for identifier in said[3:]:
            print(terminal.read(bytes.fromhex(identifier)).hex())  # noqa: T201
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
