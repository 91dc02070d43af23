"""Bytes made visible: hexadecimal in groups, readable text beside it, and nothing hidden in text.

A card is free to answer anything, so whatever it said is shown as hexadecimal first. Text is a
courtesy: it is shown when the bytes are wholly printable in an encoding that cards use.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TOKEN = re.compile(r"\{[^}]*\}|[0-9A-Fa-f]{2}|.")
# Controls, bidirectional formatting, other invisible format characters, surrogates, private use.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\ue000-\uf8ff"
    "\U000e0000-\U0010ffff]"
)
SHORTEST_TEXT = 3
# GB 2312 level 1: the 3755 characters in daily use, ordered by sound.
HANZI_LEAD = range(0xB0, 0xD8)


class Readable(NamedTuple):
    """Bytes as text, and the encoding that made them so."""

    text: str
    encoding: str


def spaced(masked: str) -> str:
    """Bytes two digits at a time, masked secrets left as they are."""
    return " ".join(TOKEN.findall(masked))


def visible(text: str) -> str:
    """*text* with every character that could hide or reorder others named instead: ⟨U+202E⟩."""
    return UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def readable(data: bytes) -> Readable | None:
    """*data* as ASCII, UTF-8 or GBK text, or None; two bytes or fewer are no text."""
    if len(data) < SHORTEST_TEXT:
        return None
    for encoding in ("ascii", "utf-8", "gbk"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.isprintable() and (encoding != "gbk" or _common(data)):
            return Readable(text, encoding.upper())
    return None


def _common(data: bytes) -> bool:
    """Whether *data* is ASCII and common hanzi only: almost any bytes are *some* GBK."""
    position = 0
    while position < len(data):
        if data[position] < 0x80:
            position += 1
        elif data[position] in HANZI_LEAD and data[position + 1] >= 0xA1:
            position += 2
        else:
            return False
    return True
