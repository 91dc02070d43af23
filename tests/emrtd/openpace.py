"""OpenPACE, which is not ours, as the terminal's side of PACE and secure messaging.

The library (Debian: libeac3) computes and knows no reader; here it gets the card's answers. It is
called through ctypes: its functions take contexts that it makes itself, and OpenSSL's BUF_MEM.
Run as a program it does PACE by the card access number and prints files, one a line, so that a
fault in it ends a process of its own: python openpace.py READER CAN SUITE P1,LE ...
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from ctypes import POINTER, Structure, c_char_p, c_int, c_size_t, c_ubyte, c_ulong, c_void_p
from typing import Any

from card_reader import connected

LIBRARY = "libeac.so.3"
CAN = 2
MAC_SIZE = 8


class Buffer(Structure):
    """BUF_MEM of OpenSSL."""

    _fields_ = (
        ("length", c_size_t),
        ("data", POINTER(c_ubyte)),
        ("max", c_size_t),
        ("flags", c_ulong),
    )


_BUFFER = POINTER(Buffer)
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "EAC_CTX_new": (c_void_p,),
    "EAC_CTX_init_ef_cardaccess": (c_int, c_char_p, c_size_t, c_void_p),
    "EAC_CTX_set_encryption_ctx": (c_int, c_void_p, c_int),
    "EAC_reset_ssc": (c_int, c_void_p),
    "EAC_increment_ssc": (c_int, c_void_p),
    "EAC_encrypt": (_BUFFER, c_void_p, _BUFFER),
    "EAC_decrypt": (_BUFFER, c_void_p, _BUFFER),
    "EAC_authenticate": (_BUFFER, c_void_p, _BUFFER),
    "PACE_SEC_new": (c_void_p, c_char_p, c_size_t, c_int),
    "PACE_STEP2_dec_nonce": (c_int, c_void_p, c_void_p, _BUFFER),
    "PACE_STEP3A_generate_mapping_data": (_BUFFER, c_void_p),
    "PACE_STEP3A_map_generator": (c_int, c_void_p, _BUFFER),
    "PACE_STEP3B_generate_ephemeral_key": (_BUFFER, c_void_p),
    "PACE_STEP3B_compute_shared_secret": (c_int, c_void_p, _BUFFER),
    "PACE_STEP3C_derive_keys": (c_int, c_void_p),
    "PACE_STEP3D_compute_authentication_token": (_BUFFER, c_void_p, _BUFFER),
    "PACE_STEP3D_verify_authentication_token": (c_int, c_void_p, _BUFFER),
    "BUF_MEM_create_init": (_BUFFER, c_char_p, c_size_t),
}


class OpenPace:
    """One terminal session; *card_access* has the one PACEInfo that is meant."""

    def __init__(self, transmit: Callable[[bytes], bytes], card_access: bytes, can: bytes) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        for name, (result, *arguments) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._library.EAC_init()
        self._transmit = transmit
        self._context = self._library.EAC_CTX_new()
        self._do("EAC_CTX_init_ef_cardaccess", card_access, len(card_access), self._context)
        self._password = self._library.PACE_SEC_new(can, len(can), CAN)
        self._identifier = card_access[6:16]
        self._block = 8 if self._identifier[-1] == 1 else 16

    def _do(self, name: str, *arguments: Any) -> None:
        assert getattr(self._library, name)(*arguments), f"OpenPACE refuses: {name}"

    def _make(self, name: str, *arguments: Any) -> bytes:
        made = getattr(self._library, name)(self._context, *arguments)
        assert made, f"OpenPACE refuses: {name}"
        return bytes(made.contents.data[: made.contents.length])

    def _buffer(self, data: bytes) -> Any:
        return self._library.BUF_MEM_create_init(data, len(data))

    def _plain(self, command: bytes) -> bytes:
        answer = self._transmit(command)
        assert answer[-2:] == b"\x90\x00", answer.hex()
        return answer[:-2]

    def _step(self, tag: int, value: bytes, *, last: bool = False) -> Any:
        inner = bytes([tag, len(value)]) + value if value else b""
        data = bytes([0x7C, len(inner)]) + inner
        head = bytes([0x00 if last else 0x10, 0x86, 0, 0, len(data)])
        return self._buffer(self._plain(head + data + b"\0")[4:])

    def pace(self) -> None:
        """PACE with the card access number."""
        meant = b"\x80\x0a" + self._identifier + b"\x83\x01\x02"
        self._plain(bytes.fromhex("0022C1A4") + bytes([len(meant)]) + meant)
        context = self._context
        self._do("PACE_STEP2_dec_nonce", context, self._password, self._step(0x80, b""))
        mapping = self._step(0x81, self._make("PACE_STEP3A_generate_mapping_data"))
        self._do("PACE_STEP3A_map_generator", context, mapping)
        peer = self._step(0x83, self._make("PACE_STEP3B_generate_ephemeral_key"))
        self._do("PACE_STEP3B_compute_shared_secret", context, peer)
        self._do("PACE_STEP3C_derive_keys", context)
        token = self._make("PACE_STEP3D_compute_authentication_token", peer)
        answer = self._step(0x85, token, last=True)
        self._do("PACE_STEP3D_verify_authentication_token", context, answer)
        self._do("EAC_CTX_set_encryption_ctx", context, 0)
        self._do("EAC_reset_ssc", context)

    def _pad(self, data: bytes) -> bytes:
        return data + b"\x80" + bytes(-(len(data) + 1) % self._block)

    def _mac(self, data: bytes) -> bytes:
        return self._make("EAC_authenticate", self._buffer(self._pad(data)))

    def send(self, header: str, data: bytes = b"", le: int | None = None) -> bytes:
        """The plain data of the answer to a protected command that was answered 9000."""
        self._do("EAC_increment_ssc", self._context)
        head = bytes.fromhex(header)
        body = b""
        if data:
            cryptogram = self._make("EAC_encrypt", self._buffer(self._pad(data)))
            body += bytes([0x87, len(cryptogram) + 1, 0x01]) + cryptogram
        if le is not None:
            body += bytes([0x97, 1, le])
        body += bytes([0x8E, MAC_SIZE]) + self._mac(self._pad(head) + body)
        answer = self._transmit(head + bytes([len(body)]) + body + b"\0")
        self._do("EAC_increment_ssc", self._context)
        objects, mac = answer[: -2 - MAC_SIZE - 2], answer[-2 - MAC_SIZE : -2]
        assert objects[-4:] == b"\x99\x02\x90\x00", answer.hex()
        assert self._mac(objects) == mac
        if objects[0] != 0x87:
            return b""
        start = 3 if objects[1] < 0x80 else 4
        padded = self._make("EAC_decrypt", self._buffer(objects[start:-4]))
        return padded.rstrip(b"\0")[:-1]


def main(reader: str, can: str, suite: str, *files: str) -> None:
    """Each of *files* is P1 of READ BINARY and Le in hexadecimal digits, with a comma between."""
    transmit = connected(reader)
    infos = transmit(bytes.fromhex("00B09C0000"))[2:-2]
    info = infos[20 * (int(suite) - 1) : 20 * int(suite)]
    terminal = OpenPace(transmit, bytes([0x31, len(info)]) + info, can.encode())
    terminal.pace()
    terminal.send("0CA4040C", bytes.fromhex("A0000002471001"))
    for file in files:
        first, le = file.split(",")
        print(terminal.send(f"0CB0{first}00", le=int(le, 16)).hex())  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
