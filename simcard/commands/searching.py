"""SEARCH RECORD: which records hold a string (ISO/IEC 7816-4:2020, 11.4.7)."""

from __future__ import annotations

from simcard.commands.addressing import by_short_identifier
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.files.records import RecordContent
from simcard.security.access import Right
from simcard.status import SW, CardError

_FORWARD, _BACKWARD, _ENHANCED = 4, 5, 6
_FROM_NEXT, _FROM_PREVIOUS = 6, 7
_FROM_VALUE = 0x08


@command(
    "SEARCH RECORD", ins=0xA2, cases="4", clause="ISO/IEC 7816-4:2020, 11.4.7", right=Right.READ
)
def search_record(call: Call) -> Reply:
    """The numbers of the records that hold the search string, one byte each; 6282 when none does.

    P1 is the record to start with (00: the current one). P2 asks for a simple search forward (4)
    or backward (5), or for an enhanced one (6), whose data field starts with two bytes of search
    indication: direction, and where in the record to look. The first record found becomes current.
    A deactivated record is not looked into.
    """
    sfi, kind = call.command.p2 >> 3, call.command.p2 & 0x07
    if sfi == 0x1F or kind not in (_FORWARD, _BACKWARD, _ENHANCED):
        raise CardError(SW.INCORRECT_P1_P2)
    content = call.records(by_short_identifier(call, sfi))
    pattern, skip = call.command.data, 0
    marker: int | None = None
    if kind == _ENHANCED:
        indication, place, pattern = pattern[:1], pattern[1:2], pattern[2:]
        if not pattern or indication[0] & 0xF0:
            raise CardError(SW.INCORRECT_DATA)
        kind = indication[0] & 0x07
        if indication[0] & _FROM_VALUE:
            marker = place[0]
        else:
            skip = place[0]
    found = [
        number
        for number in _range(call, content, kind)
        if content.is_active(number) and _holds(content.read(number), pattern, skip, marker)
    ]
    if not found:
        return Reply(sw=SW.END_OF_FILE)
    call.session = call.session._replace(record=found[0])
    return Reply(bytes(found))


def _range(call: Call, content: RecordContent, direction: int) -> range:
    """The numbers in the order of the search; 6A83 when it starts outside the file."""
    if direction < _FORWARD:
        raise CardError(SW.INCORRECT_DATA)
    start = call.command.p1 or call.session.record
    if direction == _FROM_NEXT:
        start += 1
    elif direction == _FROM_PREVIOUS:
        start -= 1
    if not 1 <= start <= content.count:
        raise CardError(SW.RECORD_NOT_FOUND)
    if direction in (_FORWARD, _FROM_NEXT):
        return range(start, content.count + 1)
    return range(start, 0, -1)


def _holds(record: bytes, pattern: bytes, skip: int, marker: int | None) -> bool:
    """Whether *pattern* is in *record*, behind *skip* bytes or behind the first byte *marker*."""
    if marker is not None:
        position = record.find(marker)
        if position < 0:
            return False
        skip = position + 1
    return record.find(pattern, skip) >= 0
