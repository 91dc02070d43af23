"""What each of the 256 class bytes means, held against the figures of the standard bit by bit."""

from __future__ import annotations

import re

import pytest

from simcard.apdu import CLASS_BYTES, ClassByte, Protection

# ISO/IEC 7816-4:2020, 5.4.1, tables 2 and 3: c chaining, s secure messaging, n channel.
FIGURES = {
    "000csSnn": "first interindustry values",
    "01Scnnnn": "further interindustry values",
    "100csSnn": "proprietary, coded like the first interindustry values",
}
PROTECTIONS = {
    "00": Protection.NONE,
    "01": Protection.PROPRIETARY,
    "10": Protection.HEADER_NOT_AUTHENTICATED,
    "11": Protection.HEADER_AUTHENTICATED,
}


def fields(cla: int) -> dict[str, str] | None:
    """The bits of *cla* by their letter in the figure it fits, highest first; None if none fits."""
    bits = f"{cla:08b}"
    for figure in FIGURES:
        if re.fullmatch(re.sub(r"[^01]", ".", figure), bits):
            found: dict[str, str] = {}
            for letter, bit in zip(figure, bits, strict=True):
                found[letter.lower()] = found.get(letter.lower(), "") + bit
            return found
    return None


def expected(cla: int) -> ClassByte | None:
    found = fields(cla)
    if found is None or cla == 0xFF:
        return None
    further = len(found["n"]) == 4
    secure = found["s"] + "0" if further else found["s"]
    return ClassByte(
        proprietary=f"{cla:08b}".startswith("1"),
        channel=int(found["n"], 2) + (4 if further else 0),
        chained=found["c"] == "1",
        protection=PROTECTIONS[secure],
    )


@pytest.mark.parametrize("cla", range(256), ids="{:02X}".format)
def test_the_table_says_what_the_figures_say(cla: int) -> None:
    assert CLASS_BYTES[cla] == expected(cla)


def test_the_channels_are_0_to_19() -> None:
    channels = {each.channel for each in CLASS_BYTES if each is not None and not each.proprietary}
    assert channels == set(range(20))


@pytest.mark.parametrize("cla", [*range(0x20, 0x40), *range(0xA0, 0x100)], ids="{:02X}".format)
def test_reserved_values_have_no_meaning(cla: int) -> None:
    assert CLASS_BYTES[cla] is None
