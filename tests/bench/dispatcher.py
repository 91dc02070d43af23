"""The least a Python program can do with an APDU: parse it, look its command up, slice.

It has no files, no access rules, no memory that survives, no channels, no chaining. What it costs
is what the interpreter charges for bytes in and bytes out, so a card is measured as a share of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

_OK = b"\x90\x00"


class Apdu(NamedTuple):
    """A parsed command: header, data field, Ne."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    ne: int = 0


def parse(raw: bytes) -> Apdu:
    """The four cases, short and extended; lengths are believed."""
    cla, ins, p1, p2 = raw[:4]
    size = len(raw)
    if size == 4:
        return Apdu(cla, ins, p1, p2)
    if size == 5:
        return Apdu(cla, ins, p1, p2, b"", raw[4] or 256)
    if raw[4]:
        end = 5 + raw[4]
        return Apdu(cla, ins, p1, p2, raw[5:end], (raw[end] or 256) if size > end else 0)
    number = raw[5] << 8 | raw[6]
    if size == 7:
        return Apdu(cla, ins, p1, p2, b"", number or 65536)
    end = 7 + number
    ne = int.from_bytes(raw[end:], "big") or 65536
    return Apdu(cla, ins, p1, p2, raw[7:end], ne if size > end else 0)


class Dispatcher:
    """Five commands over one file of bytes, one of records, one PIN."""

    def __init__(self) -> None:
        self._content = bytearray(range(256))
        self._records = [bytes([number]) * 16 for number in range(1, 9)]
        self._files = {0x0001: self._content, 0x0002: self._records}
        self._current: object = self._content
        self._pin = b"1234"
        self._table: dict[tuple[int, int], Callable[[Apdu], bytes]] = {
            (0x00, 0x20): self._verify,
            (0x00, 0xA4): self._select,
            (0x00, 0xB0): self._read_binary,
            (0x00, 0xB2): self._read_record,
            (0x00, 0xD6): self._update_binary,
        }

    def transmit(self, raw: bytes) -> bytes:
        """The response APDU to *raw*."""
        apdu = parse(raw)
        command = self._table.get((apdu.cla, apdu.ins))
        if command is None:
            return b"\x6d\x00"
        return command(apdu)

    def _verify(self, apdu: Apdu) -> bytes:
        return _OK if apdu.data == self._pin else b"\x63\xc2"

    def _select(self, apdu: Apdu) -> bytes:
        file = self._files.get(int.from_bytes(apdu.data, "big"))
        if file is None:
            return b"\x6a\x82"
        self._current = file
        return _OK

    def _read_binary(self, apdu: Apdu) -> bytes:
        offset = apdu.p1 << 8 | apdu.p2
        return bytes(self._content[offset : offset + apdu.ne]) + _OK

    def _read_record(self, apdu: Apdu) -> bytes:
        return self._records[apdu.p1 - 1] + _OK

    def _update_binary(self, apdu: Apdu) -> bytes:
        offset = apdu.p1 << 8 | apdu.p2
        self._content[offset : offset + len(apdu.data)] = apdu.data
        return _OK
