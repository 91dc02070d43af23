"""Every status word a card of this family can answer, named once.

A handler refuses by raising `CardError` with one of these words and nothing else. The word is also
the promise about memory (ISO/IEC 7816-4:2020, 5.6): SW1 90, 61, 63 and 65 say that non-volatile
memory may have changed, every other value says that it did not. The engine commits or rolls back
by `StatusWord.memory_may_have_changed`, so an answer and the memory behind it cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_CHANGING_SW1: Final = frozenset({0x61, 0x63, 0x65, 0x90})
_FIRST_DIGITS: Final = frozenset({0x6, 0x9})


@dataclass(frozen=True, slots=True)
class StatusWord:
    """SW1-SW2: two bytes that end every response APDU, with the meaning in words.

    Two words are equal when their values are; the meaning is for people.
    """

    value: int
    meaning: str = field(compare=False)
    encoded: bytes = field(init=False, compare=False, repr=False)
    memory_may_have_changed: bool = field(init=False, compare=False, repr=False)
    is_error: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.value >> 12 not in _FIRST_DIGITS:
            raise ValueError(f"{self.value:04X} is not a status word: SW1 is '6X' or '9X'")
        sw1 = self.value >> 8
        object.__setattr__(self, "encoded", self.value.to_bytes(2, "big"))
        object.__setattr__(self, "memory_may_have_changed", sw1 in _CHANGING_SW1)
        object.__setattr__(self, "is_error", sw1 not in _CHANGING_SW1 and sw1 != 0x62)

    def __bytes__(self) -> bytes:
        return self.encoded

    def __str__(self) -> str:
        return f"{self.value:04X} {self.meaning}"


class SW:
    """The status words of ISO/IEC 7816-4:2020, tables 5 to 7, under the standard's own names."""

    OK: Final = StatusWord(0x9000, "normal processing")

    DATA_MAY_BE_CORRUPTED: Final = StatusWord(0x6281, "part of returned data may be corrupted")
    END_OF_FILE: Final = StatusWord(
        0x6282, "end of file or record reached before Ne bytes, or unsuccessful search"
    )
    FILE_DEACTIVATED: Final = StatusWord(0x6283, "selected file deactivated")
    FCI_NOT_FORMATTED: Final = StatusWord(0x6284, "file control information not formatted")
    FILE_TERMINATED: Final = StatusWord(0x6285, "selected file in termination state")
    RECORD_DEACTIVATED: Final = StatusWord(0x6287, "a referenced record is deactivated")

    NO_INFORMATION_WARNING: Final = StatusWord(0x6300, "verification failed")
    COMPARISON_FAILED: Final = StatusWord(0x6340, "unsuccessful comparison")
    FILE_FILLED_UP: Final = StatusWord(0x6381, "file filled up by the last write")

    EXECUTION_ERROR: Final = StatusWord(0x6400, "execution error")
    MEMORY_FAILURE: Final = StatusWord(0x6581, "memory failure")

    WRONG_LENGTH: Final = StatusWord(0x6700, "wrong length")
    CHANNEL_NOT_SUPPORTED: Final = StatusWord(0x6881, "logical channel not supported")
    SECURE_MESSAGING_NOT_SUPPORTED: Final = StatusWord(0x6882, "secure messaging not supported")
    LAST_OF_CHAIN_EXPECTED: Final = StatusWord(0x6883, "last command of the chain expected")
    CHAINING_NOT_SUPPORTED: Final = StatusWord(0x6884, "command chaining not supported")

    COMMAND_NOT_ALLOWED: Final = StatusWord(0x6900, "command not allowed")
    INCOMPATIBLE_FILE_STRUCTURE: Final = StatusWord(
        0x6981, "command incompatible with file structure"
    )
    SECURITY_STATUS_NOT_SATISFIED: Final = StatusWord(0x6982, "security status not satisfied")
    AUTHENTICATION_BLOCKED: Final = StatusWord(0x6983, "authentication method blocked")
    REFERENCE_DATA_NOT_USABLE: Final = StatusWord(0x6984, "reference data not usable")
    CONDITIONS_NOT_SATISFIED: Final = StatusWord(0x6985, "conditions of use not satisfied")
    NO_CURRENT_EF: Final = StatusWord(0x6986, "command not allowed, no current EF")
    SM_OBJECTS_MISSING: Final = StatusWord(0x6987, "expected secure messaging objects missing")
    SM_OBJECTS_INCORRECT: Final = StatusWord(0x6988, "incorrect secure messaging objects")

    INCORRECT_DATA: Final = StatusWord(0x6A80, "incorrect parameters in the command data field")
    FUNCTION_NOT_SUPPORTED: Final = StatusWord(0x6A81, "function not supported")
    FILE_NOT_FOUND: Final = StatusWord(0x6A82, "file or application not found")
    RECORD_NOT_FOUND: Final = StatusWord(0x6A83, "record not found")
    NOT_ENOUGH_MEMORY: Final = StatusWord(0x6A84, "not enough memory space in the file")
    NC_INCONSISTENT_WITH_TLV: Final = StatusWord(0x6A85, "Nc inconsistent with TLV structure")
    INCORRECT_P1_P2: Final = StatusWord(0x6A86, "incorrect parameters P1-P2")
    NC_INCONSISTENT_WITH_P1_P2: Final = StatusWord(0x6A87, "Nc inconsistent with P1-P2")
    REFERENCED_DATA_NOT_FOUND: Final = StatusWord(0x6A88, "referenced data not found")
    FILE_EXISTS: Final = StatusWord(0x6A89, "file already exists")
    NAME_EXISTS: Final = StatusWord(0x6A8A, "DF name already exists")

    OFFSET_OUTSIDE_EF: Final = StatusWord(0x6B00, "wrong parameters P1-P2, offset outside the EF")
    INS_NOT_SUPPORTED: Final = StatusWord(0x6D00, "instruction code not supported or invalid")
    CLASS_NOT_SUPPORTED: Final = StatusWord(0x6E00, "class not supported")
    NO_PRECISE_DIAGNOSIS: Final = StatusWord(0x6F00, "no precise diagnosis")

    @staticmethod
    def more(available: int) -> StatusWord:
        """61XX: *available* response bytes wait for GET RESPONSE (00 when 256 or more)."""
        return _MORE[min(available, 256) & 0xFF]

    @staticmethod
    def tries_left(tries: int) -> StatusWord:
        """63CX: comparison failed or is asked for, *tries* (0 to 15) further tries allowed."""
        return _TRIES[min(tries, 15)]

    @staticmethod
    def exact_length(available: int) -> StatusWord:
        """6CXX: wrong Le field, *available* bytes are there (00 means 256 or more)."""
        return _EXACT[min(available, 256) & 0xFF]


class PBOC:
    """The words that the PBOC family (FMCOS, TimeCOS and their kin) adds to the standard's."""

    WRONG_TRANSACTION_MAC: Final = StatusWord(0x9302, "MAC of the transaction wrong")
    APPLICATION_LOCKED: Final = StatusWord(0x9303, "application locked for good")
    INSUFFICIENT_FUNDS: Final = StatusWord(0x9401, "insufficient funds")
    COUNTER_AT_MAXIMUM: Final = StatusWord(0x9402, "transaction counter at its maximum")
    KEY_NOT_FOUND: Final = StatusWord(0x9403, "key index not supported")
    NO_PROOF_AVAILABLE: Final = StatusWord(0x9406, "MAC or transaction proof not available")


_MORE = tuple(StatusWord(0x6100 | n, f"{n or 256} response bytes available") for n in range(256))
_TRIES = tuple(StatusWord(0x63C0 | n, f"{n} further tries allowed") for n in range(16))
_EXACT = tuple(StatusWord(0x6C00 | n, f"wrong Le field, {n or 256} available") for n in range(256))


class CardError(Exception):
    """A refusal: the command ends with *sw* and nothing it meant to change has changed."""

    def __init__(self, sw: StatusWord) -> None:
        assert not sw.memory_may_have_changed or 0x63 <= sw.value >> 8 <= 0x65, sw
        super().__init__(str(sw))
        self.sw = sw


def meaning_of(response: bytes) -> str:
    """What the status word at the end of *response* says, in words."""
    value = int.from_bytes(response[-2:], "big")
    return _MEANINGS.get(value, "status word of no known meaning")


_MEANINGS: Final = {
    word.value: word.meaning
    for word in [
        *(
            each
            for space in (SW, PBOC)
            for each in vars(space).values()
            if isinstance(each, StatusWord)
        ),
        *_MORE,
        *_TRIES,
        *_EXACT,
    ]
}
