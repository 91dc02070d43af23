"""COMPARE: whether the card holds what the terminal holds, without saying what (7816-4, 11.7.1)."""

from __future__ import annotations

import hmac

from simcard.commands.addressing import (
    TAG_DATA,
    TAG_DATA_CONSTRUCTED,
    TAG_OFFSET,
    by_reference,
    data_objects,
    discretionary_data,
    offset_of,
)
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.security.access import Right
from simcard.status import SW, CardError


@command("COMPARE", ins=0x33, cases="3", clause="ISO/IEC 7816-4:2020, 11.7.1", right=Right.READ)
def compare(call: Call) -> Reply:
    """Compare the bytes from the offset (54) with the data (53 or 73): 9000 or 6340.

    P1-P2 names the EF as READ BINARY with an odd instruction code does. 6B00 when the bytes do not
    all lie inside it.
    """
    objects = data_objects(call, (TAG_OFFSET, TAG_DATA, TAG_DATA_CONSTRUCTED))
    data, offset = discretionary_data(objects), offset_of(objects)
    content = call.transparent(by_reference(call))
    if offset + len(data) > content.size:
        raise CardError(SW.OFFSET_OUTSIDE_EF)
    same = hmac.compare_digest(content.read(offset, len(data)), data)
    return Reply(sw=SW.OK if same else SW.COMPARISON_FAILED)
