"""What any card obeys, whatever the command: checked on every exchange of every case.

ISO/IEC 7816-4:2020, 5.2 (the response pair) and 5.6 (status bytes).
"""

from __future__ import annotations

from conformance.apdu import CommandAPDU, MalformedAPDU, ResponseAPDU

ANSWERS = "7816-4/laws/answers"
STATUS_RANGE = "7816-4/laws/status-range"
NO_DATA_WITH_ERROR = "7816-4/laws/no-data-with-error"
AT_MOST_NE = "7816-4/laws/at-most-ne"
SECURE_MESSAGING, FURTHER = 0x0C, 0x60


def broken_law(raw: bytes, answer: bytes) -> tuple[str, str] | None:
    """The requirement that the bytes *answer* to the command *raw* break, and how; or None."""
    if not answer:
        return ANSWERS, "the card gives no answer: it is silent, or gone"
    try:
        response = ResponseAPDU.decode(answer)
    except MalformedAPDU as error:
        return ANSWERS, f"the card gives no response APDU: {error}"
    if not (0x61 <= response.sw1 <= 0x6F or 0x90 <= response.sw1 <= 0x9F):
        return STATUS_RANGE, f"SW1 {response.sw1:02X} is outside 61 to 6F and 90 to 9F"
    if not response.data or _sealed(raw):
        return None
    if 0x64 <= response.sw1 <= 0x6F:
        return NO_DATA_WITH_ERROR, f"{len(response.data)} bytes of data come with an error"
    try:
        ne = CommandAPDU.decode(raw).ne or 0
    except MalformedAPDU:
        ne = 0
    if len(response.data) > ne:
        return AT_MOST_NE, f"{len(response.data)} bytes of data for Ne = {ne}"
    return None


def _sealed(raw: bytes) -> bool:
    """Whether the class byte says secure messaging, so that the answer is not seen in plain."""
    return bool(raw and raw[0] & SECURE_MESSAGING and not raw[0] & FURTHER)
