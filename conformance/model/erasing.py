"""What stands where something was erased: the card's erased state (ISO/IEC 7816-4:2020, 7.4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.model.state import Content

if TYPE_CHECKING:
    from conformance.statement import Statement


def erased(
    card: Statement, content: Content, by: str, start: int = 0, end: int | None = None
) -> Content:
    """*content* with the bytes from *start* to *end* (None: all) erased.

    A statement that does not say what the erased state looks like leaves them unknown.
    """
    size = len(content.value)
    stop = size if end is None else end
    known = content.known or b"\x01" * size
    if card.choices.erased == "either":
        blank, marks = bytes(stop - start), bytes(stop - start)
    else:
        blank = bytes.fromhex(card.choices.erased) * (stop - start)
        marks = b"\x01" * (stop - start)
    value = content.value[:start] + blank + content.value[stop:]
    seen = known[:start] + marks + known[stop:]
    return Content(value, None if all(seen) else seen, written=(start, stop), by=by)
