"""The card in a PC/SC reader, as a function from command to answer."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def connected(reader: str) -> Callable[[bytes], bytes]:
    """Connects to the card in the reader of that name, for as long as the function is kept."""
    readers = import_module("smartcard.System").readers()
    connection: Any = next(each for each in readers if str(each) == reader).createConnection()
    connection.connect()

    def transmit(command: bytes) -> bytes:
        data, sw1, sw2 = connection.transmit(list(command))
        return bytes([*data, sw1, sw2])

    return transmit
