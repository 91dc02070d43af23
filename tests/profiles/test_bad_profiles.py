"""Profiles that cannot be cards: refused at load, naming file, line, key and rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simcard.profiles import ProfileError, build_card, load_profile

GOOD = """\
name = "small"
title = "A small card"
atr = "3B 00"

[memory]
size = 16384
page_size = 128

[limits]
channels = 2

[access.open]
read = "always"
update = "always"

[access.holder]
read = "pin 01"
update = "pin 81"

[access.system]
read = "key 02"

[[file]]
path = "3F00"
type = "df"
access = "open"

[[file]]
path = "3F00/2F06"
type = "linear-variable"
records = 2
record_size = 32
access = "open"
content.records = ["8001019000"]

[[file]]
path = "3F00/2F01"
type = "transparent"
sfi = 29
size = 16
access = "system"
content.hex = "0102"

[[file]]
path = "3F00/7F10"
type = "df"
name = "A000000001"
access = "open"
data_objects = 64

[[file]]
path = "3F00/7F10/0001"
type = "transparent"
sfi = 1
size = 16
access = "holder"

[[file]]
path = "3F00/7F10/0002"
type = "linear-fixed"
sfi = 2
records = 4
record_size = 8
access = { record = 1 }
content.records = ["01"]

[[file]]
path = "3F00/7F10/0003"
type = "data-objects"
size = 32
access = { compact = "0300FF" }
content.hex = "C10101"

[[reference_data]]
df = "3F00"
reference = "01"
text = "1234"
tries = 3
encoding = "ascii"

[[reference_data]]
df = "3F00/7F10"
reference = "81"
hex = "241234FFFFFFFFFF"
tries = 3
encoding = "iso-9564-format-2"

[[key]]
df = "3F00"
reference = "02"
algorithm = "aes"
usage = ["external"]
hex = "000102030405060708090A0B0C0D0E0F"
tries = 3
"""


def test_the_profile_all_others_are_made_from_is_a_card(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text(GOOD)
    card = build_card(load_profile(str(path)))
    assert card.power_on() == bytes.fromhex("3B00")
    assert card.transmit(bytes.fromhex("00A4040C05A000000001")) == bytes.fromhex("9000")


PIN = '[[reference_data]]\ndf = "3F00"\nreference = "01"\n'
KEY = '[[key]]\ndf = "3F00"\nreference = "02"\nalgorithm = "aes"\nusage = '

# What stands in the good profile, what in the bad one, and the message behind the number of a line:
# the first one of what is wrong, or the one that is marked with ». A fourth string is the line
# that is named where what is wrong stands in another.
MISTAKES: dict[str, tuple[str, ...]] = {
    "a path to nowhere": (
        'path = "3F00/7F10/0001"',
        'path = "3F00/7F11/0001"',
        "file[4].path: 3F00/7F11 is not a DF that stands before this file",
    ),
    "a path below an EF": (
        'path = "3F00/7F10/0001"',
        'path = "3F00/2F01/0001"',
        "file[4].path: 3F00/2F01 is not a DF that stands before this file",
    ),
    "a path twice": (
        'path = "3F00/7F10/0002"',
        'path = "3F00/7F10/0001"',
        "file[5].path: 3F00/7F10/0001 is there twice",
    ),
    "a path of another form": (
        'path = "3F00/7F10/0002"',
        'path = "7F10/0002"',
        "file[5].path: a path starts at 3F00 and has four hexadecimal digits at each step",
    ),
    "a reserved identifier": (
        'path = "3F00/7F10/0002"',
        'path = "3F00/7F10/3FFF"',
        "file[5].path: the identifier 3FFF is reserved",
    ),
    "a short identifier twice": (
        "sfi = 2\nrecords",
        "sfi = 1\nrecords",
        "file[5].sfi: 3F00/7F10/0001 has the short identifier too",
    ),
    "a short identifier out of range": (
        "sfi = 2\nrecords",
        "sfi = 31\nrecords",
        "file[5].sfi: Input should be less than or equal to 30",
    ),
    "a PIN that is not there": (
        'access = "holder"',
        'access.read = "pin 83"',
        "file[4].access: read: no pin 83 is in reach of 3F00/7F10/0001",
    ),
    "a key that is not there": (
        'access = "system"',
        'access = { read = "key 03" }',
        "file[2].access: read: no key 03 is in reach of 3F00/2F01",
    ),
    "a condition that says nothing": (
        'read = "pin 01"',
        'read = "pin one"',
        "access.holder.read: 'pin one': a reference is one byte, two hexadecimal digits",
    ),
    "a condition of another type": (
        'read = "pin 01"',
        "read = true",
        "access.holder.read: a condition is a text such as 'always' or 'pin 01 and mac'",
    ),
    "a right that does not exist": (
        'read = "pin 01"',
        'raed = "pin 01"',
        "access.holder.raed: Extra inputs are not permitted",
    ),
    "rules by a name that is not there": (
        'access = "holder"',
        'access = "holders"',
        "file[4].access: there is no table [access.holders]",
    ),
    "compact rules that are none": (
        'access = { compact = "0300FF" }',
        'access = { compact = "0300" }',
        "file[6].access: 2 security condition bytes expected, 1 found",
    ),
    "a record of EF.ARR that is not there": (
        "access = { record = 1 }",
        "access = { record = 2 }",
        "file[5].access: EF.ARR (3F00/2F06) has no record 2",
    ),
    "a type that does not exist": (
        'type = "data-objects"',
        'type = "data-object"',
        "file[6].type: a file is one of df, transparent, linear-fixed, linear-fixed-tlv, linear-",
    ),
    "content that is longer than the EF": (
        'content.hex = "0102"',
        'content.hex = "0102030405060708090A0B0C0D0E0F1011"',
        "file[2].content: the content is longer than 16 bytes",
    ),
    "content that is no bytes": (
        'content.hex = "0102"',
        'content.hex = "01 2"',
        "file[2].content.hex: bytes are written as pairs of hexadecimal digits",
    ),
    "records longer than they can be": (
        'content.records = ["01"]',
        'content.records = ["010203040506070809"]',
        "file[5].content: more than 4 records of 8 bytes",
    ),
    "more records than there can be": (
        'content.records = ["01"]',
        'content.records = ["01", "02", "03", "04", "05"]',
        "file[5].content: more than 4 records of 8 bytes",
    ),
    "an empty record": (
        'content.records = ["8001019000"]',
        'content.records = ["8001019000", ""]',
        "file[1].content: records of their own length are said, with at least one byte",
    ),
    "data objects that are none": (
        'content.hex = "C10101"',
        'content.hex = "C10201"',
        "file[6].content: the data object at offset 0 is longer than the data",
    ),
    "content that fills data objects": (
        'content.hex = "C10101"',
        'content.fill = "C1"',
        "file[6].content: the content of data-objects is hex or text",
    ),
    "records in an EF without any": (
        'content.hex = "0102"',
        'content.records = ["01"]',
        "file[2].content: transparent has no records",
    ),
    "a fill of two bytes": (
        'content.hex = "0102"',
        'content.fill = "0102"',
        "file[2].content: fill is one byte",
    ),
    "a name that is taken": (
        'path = "3F00/7F10/0001"\ntype = "transparent"\nsfi = 1\nsize = 16\naccess = "holder"',
        'path = "3F00/7F20"\ntype = "df"\n»name = "A000000001"\naccess = "open"',
        "file[4].name: 3F00/7F10 has the name too",
    ),
    "a PIN that its encoding does not know": (
        PIN + 'text = "1234"',
        f"»{PIN}" + 'text = "12AB"',
        "reference_data[0]: the value does not fit its own encoding and lengths",
    ),
    "a PIN with two values": (
        PIN + 'text = "1234"',
        f"»{PIN}" + 'text = "1234"\nhex = "31323334"',
        "reference_data[0]: the value is either text or hex",
    ),
    "a PIN with an encoding that does not exist": (
        'encoding = "ascii"',
        'encoding = "ebcdic"',
        "reference_data[0].encoding: an encoding is one of raw, ascii, bcd, iso-9564-format-2",
    ),
    "a PIN without tries": (
        "tries = 3",
        "tries = 0",
        "reference_data[0].tries: Input should be greater than or equal to 1",
    ),
    "a PIN in no DF": (
        'df = "3F00/7F10"',
        'df = "3F00/2F01"',
        "reference_data[1].df: 3F00/2F01 is not a DF",
    ),
    "a global PIN that is not the MF's": (
        'reference = "81"',
        'reference = "03"',
        "reference_data[1].reference: 03 is global (bit 8 is 0), so it belongs to 3F00",
    ),
    "a reference that does not fit P2": (
        'reference = "81"',
        'reference = "C1"',
        "reference_data[1].reference: C1 does not fit P2: bits 7 and 6 are 0",
    ),
    "a resetting code that is not there": (
        'text = "1234"',
        'text = "1234"\n»unblocked_by = "04"',
        "reference_data[0].unblocked_by: no reference data 04 is in reach",
    ),
    "a key of another length": (
        KEY + '["external"]\nhex = "000102030405060708090A0B0C0D0E0F"',
        f"»{KEY}" + '["external"]\nhex = "0001020304"',
        "key[0]: AES keys have 16, 24, 32 bytes, not 5",
    ),
    "a key for no purpose": (
        KEY + '["external"]',
        f"»{KEY}" + '["extern"]',
        "key[0]: a usage is one of internal, external, ",
    ),
    "rules for the data objects of a DF in a form that has none": (
        'name = "A000000001"\naccess = "open"',
        'name = "A000000001"\n»access = { compact = "0100" }',
        "file[3].access: a DF with data objects says its rules by name or in a table",
    ),
    "rules in a record that holds none": (
        'content.records = ["8001019000"]\n\n[[file]]\npath = "3F00/2F01"',
        'content.records = ["800101"]\n\n[[file]]\npath = "3F00/2F01"',
        "file[5].access: an access mode data object has no condition behind it",
        "access = { record = 1 }",
    ),
    "rules in an EF.ARR that is out of reach": (
        'path = "3F00/2F06"',
        'path = "3F00/2F07"',
        "file[5].access: there is no EF.ARR (2F06) in reach to refer to",
        "access = { record = 1 }",
    ),
    "rules that are neither name nor table": (
        'access = "holder"',
        "access = 7",
        "file[4].access: Input should be a valid string",
    ),
    "one rule that is none among several": (
        'access = "holder"',
        'access = { read = "always", update = "ever" }',
        "file[4].access.update: 'ever' is not always, never, pin NN, key NN, ",
    ),
    "a card without channels": (
        "channels = 2",
        "channels = 0",
        "limits.channels: Input should be greater than or equal to 1",
    ),
    "a DF with a size": (
        '[[file]]\npath = "3F00"\ntype = "df"',
        '»[[file]]\npath = "3F00"\ntype = "df"\nsize = 9',
        "file[0]: df has no size",
    ),
    "an EF without a size": (
        '[[file]]\npath = "3F00/2F01"\ntype = "transparent"\nsfi = 29\nsize = 16',
        '»[[file]]\npath = "3F00/2F01"\ntype = "transparent"\nsfi = 29',
        "file[2]: an EF without records needs a size",
    ),
    "a DF with content": (
        'path = "3F00"\ntype = "df"\naccess = "open"',
        'path = "3F00"\ntype = "df"\naccess = "open"\n»content.hex = "00"',
        "file[0].content: a DF has no content of its own",
    ),
    "a first file that is not the MF": (
        'path = "3F00"\ntype = "df"',
        'path = "3F00/7F11"\ntype = "df"',
        "file[0].path: the first file is the MF: path 3F00, type df",
    ),
    "an ATR that is none": ('atr = "3B 00"', 'atr = "3C 00"', "atr: an ATR starts with 3B or 3F"),
    "an ATR of another length": (
        'atr = "3B 00"',
        'atr = "3B 02 00"',
        "atr: its own structure asks for 4 bytes, there are 3",
    ),
    "an ATR with a wrong check byte": (
        'atr = "3B 00"',
        'atr = "3B 80 01 80"',
        "atr: TCK should be 81",
    ),
    "a chip that cannot be": (
        "[memory]\nsize = 16384\npage_size = 128",
        "»[memory]\nsize = 16384\npage_size = 100",
        "memory: size 16384: not a multiple of page_size 100",
    ),
    "more channels than classes": (
        "channels = 2",
        "channels = 21",
        "limits.channels: Input should be less than or equal to 20",
    ),
    "a table that does not exist": ("[limits]", "[limit]", "limit: Extra inputs are not permitted"),
    "a name that is none": ('name = "small"', 'name = "Small card"', "name: "),
    "a file that does not fit": (
        '[[file]]\npath = "3F00/7F10/0003"\ntype = "data-objects"\nsize = 32',
        '»[[file]]\npath = "3F00/7F10/0003"\ntype = "data-objects"\nsize = 12000',
        "file[6]: 3F00/7F10/0003 does not fit the memory of 16384 bytes",
    ),
}


def refusal(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(ProfileError) as caught:
        load_profile(str(path))
    return str(caught.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line(mistake: str, tmp_path: Path) -> None:
    right, wrong, rule, *elsewhere = MISTAKES[mistake]
    assert right in GOOD
    marked = GOOD.replace(right, wrong if elsewhere or "»" in wrong else f"»{wrong}", 1)
    for line_said in elsewhere:
        marked = marked.replace(line_said, f"»{line_said}", 1)
    line = 1 + marked[: marked.index("»")].count("\n")
    path = tmp_path / "card.toml"
    assert refusal(path, marked.replace("»", "")).startswith(f"{path}:{line}: {rule}")


def test_every_mistake_of_the_tables_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    text = GOOD.replace("sfi = 29", "sfi = 40").replace("channels = 2", "channels = 0")
    assert refusal(path, text).splitlines() == [
        f"{path}:10: limits.channels: Input should be greater than or equal to 1",
        f"{path}:39: file[2].sfi: Input should be less than or equal to 30",
    ]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    assert refusal(path, GOOD.replace('atr = "3B 00"\n', "")) == f"{path}: atr: Field required"
    without_path = GOOD.replace('path = "3F00/7F10"\n', "")
    line = GOOD.splitlines().index('path = "3F00/7F10"')
    assert refusal(path, without_path) == f"{path}:{line}: file[3].path: Field required"


def test_files_in_one_array_have_the_line_of_the_array(tmp_path: Path) -> None:
    text = """\
name = "small"
title = ""
atr = "3B 00"
file = [
    { path = "3F00", type = "df", access = {} },
    { path = "3F00/7F10/0001", type = "transparent", size = 1, access = {} },
]
"""
    path = tmp_path / "card.toml"
    rule = "3F00/7F10 is not a DF that stands before this file"
    assert refusal(path, text) == f"{path}:4: file[1].path: {rule}"


def test_what_is_not_toml_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    message = refusal(path, GOOD.replace("channels = 2", "channels = "))
    assert message.startswith(f"{path}: not TOML: Invalid value (at line 10, column ")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match=r"card\.toml: .*can't decode byte"):
        load_profile(str(path))


def test_a_profile_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ProfileError, match=r"^iso7817: no such profile; there are .*iso7816"):
        load_profile("iso7817")


MEMORY = "[memory]\nsize = 16384\npage_size = 128"
SMALL_CHIPS = {
    "of one page": ("size = 576\npage_size = 64", "file[0]: 3F00"),
    "of two pages a change": (
        "size = 16384\npage_size = 64\nspare_pages = 2",
        "file[1]: 3F00/2F06",
    ),
    "for half of the files": ("size = 1664\npage_size = 128", "file[4]: 3F00/7F10/0001"),
    "for the files alone": ("size = 1920\npage_size = 128", "reference_data[0]: it"),
    "for all but the key": ("size = 2048\npage_size = 128", "key[0]: it"),
}


@pytest.mark.parametrize("chip", SMALL_CHIPS)
def test_a_chip_too_small_is_refused(chip: str, tmp_path: Path) -> None:
    memory, what = SMALL_CHIPS[chip]
    path = tmp_path / "card.toml"
    message = refusal(path, GOOD.replace(MEMORY, f"[memory]\n{memory}"))
    assert re.match(rf"{path}:\d+: {re.escape(what)} does not fit the memory of \d+ bytes", message)
