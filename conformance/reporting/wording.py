"""Small words of a report: durations, notes, names that are safe in a link."""

from __future__ import annotations

import re

from conformance.reporting.language import Language
from conformance.reporting.tables import Note, status_word


def duration(seconds: float) -> str:
    """*seconds* with three digits at most and the unit that suits them."""
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}" if seconds < 1000 else f"{seconds:.0f} s"
    return f"{seconds * 1e6:.3g} µs"


def moment(stamp: str) -> str:
    """An ISO 8601 date and time as people write it; anything else as it is."""
    found = re.fullmatch(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?(.*)", stamp)
    if not found:
        return stamp
    zone = {"Z": "UTC", "+00:00": "UTC"}.get(found[3], found[3])
    return f"{found[1]} {found[2]} {zone}".rstrip()


def phrase(note: Note, language: Language) -> str:
    """*note* in *language*, with its number put in."""
    if note.one:
        text = language.ngettext(note.one, note.text, note.number)
    else:
        text = language.gettext(note.text)
    return text.format(n=note.number, h=f"{note.number:0{note.width}X}")


def gloss(answer: str, language: Language) -> str:
    """What the status word says that *answer* of the model begins with; "" without one."""
    found = re.match(r"[69][0-9A-F]{3}(?![0-9A-F])", answer)
    return phrase(status_word(int(found[0], 16)), language) if found else ""


def slug(text: str) -> str:
    """*text* as part of an id: letters, digits, `.` and `-` as they are, every other byte `_XX`."""
    return re.sub(
        rb"[^A-Za-z0-9.-]", lambda found: b"_%02X" % found[0][0], text.encode("utf-8", "replace")
    ).decode("ascii")
