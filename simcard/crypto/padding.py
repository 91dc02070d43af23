"""Padding of messages to whole cipher blocks: ISO/IEC 9797-1 methods 1 to 3, and ISO/IEC 7816-4.

Method 2 of ISO/IEC 9797-1 and the padding of ISO/IEC 7816-4 secure messaging are the same bytes:
80, then as few 00 as fill the block. It is always added, also behind a message that fills its
blocks already, so it alone can be removed without knowing the length.
"""

from enum import IntEnum


class Padding(IntEnum):
    """A padding method of ISO/IEC 9797-1:2011 clause 6.3; NONE takes whole blocks only."""

    NONE = 0
    METHOD_1 = 1
    METHOD_2 = 2
    METHOD_3 = 3


def pad(data: bytes, block_size: int, method: int = Padding.METHOD_2) -> bytes:
    """*data* filled to a positive multiple of *block_size* bytes.

    METHOD_1 appends as few 00 as possible (one whole block to an empty message), METHOD_2 appends
    80 and then 00, METHOD_3 does as METHOD_1 and puts a block with the length in bits in front.
    NONE raises ValueError unless *data* is whole blocks already.
    """
    if method == Padding.METHOD_2:
        return data + b"\x80" + bytes(-(len(data) + 1) % block_size)
    if method == Padding.METHOD_1:
        return _zero_filled(data, block_size)
    if method == Padding.METHOD_3:
        return (8 * len(data)).to_bytes(block_size, "big") + _zero_filled(data, block_size)
    if method == Padding.NONE:
        if len(data) % block_size:
            raise ValueError(f"{len(data)} bytes are not whole blocks of {block_size}")
        return data
    raise ValueError(f"{method} is not a padding method of ISO/IEC 9797-1 (0 to 3)")


def unpad(data: bytes, block_size: int | None = None) -> bytes:
    """*data* without the padding 80 00 .. 00 of ISO/IEC 7816-4.

    Raises ValueError when no 80 stands before the trailing zeros, and, where *block_size* is
    given, when the padding is longer than one block.
    """
    message = data.rstrip(b"\x00")
    if not message or message[-1] != 0x80:
        raise ValueError("the padding 80 00.. is missing")
    if block_size is not None and len(data) - len(message) >= block_size:
        raise ValueError(f"the padding is longer than one block of {block_size} bytes")
    return message[:-1]


def _zero_filled(data: bytes, block_size: int) -> bytes:
    return data + bytes(-len(data) % block_size) if data else bytes(block_size)
