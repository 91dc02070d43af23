"""SELECT: every way to name a file, what comes back, and what a refusal leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import tlv
from conformance.apdu import CommandAPDU
from conformance.case import case, not_applicable, require
from conformance.commands import (
    ALL,
    FCI,
    FCP,
    FMD,
    path_of,
    read_binary,
    select_fid,
    select_name,
    select_parent,
    select_path,
)
from conformance.layout import DedicatedFile, ElementaryFile, Kind
from conformance.model.control import DESCRIPTOR
from conformance.suite.finding import OK, readable
from conformance.suite.ways import ABSENT, failing_selects

if TYPE_CHECKING:
    from conformance.terminal import Terminal

LAST, NEXT, PREVIOUS = 1, 2, 3
NOT_FOUND = 0x6A82


def _named(terminal: Terminal) -> tuple[DedicatedFile, ...]:
    found = tuple(df for df in terminal.layout.dedicated() if df.name)
    return found or not_applicable("no DF has a name")


@case("select/master-file", covers=["7816-4/select/master-file"])
def test_master_file(terminal: Terminal) -> None:
    """The MF is selected from every DF, by its identifier and by an empty data field."""
    because = "7816-4/select/master-file"
    for df in terminal.layout.dedicated():
        for command in (select_fid(0x3F00), CommandAPDU(0x00, 0xA4, 0x00, 0x0C)):
            terminal.send(select_path(df))
            terminal.send(command, expect=OK, because=because)
    terminal.send(select_fid(0x3F00, p2=FCI, ne=ALL), expect=OK, because=because)


@case("select/by-file-identifier", covers=["7816-4/select/by-file-identifier"])
def test_by_file_identifier(terminal: Terminal) -> None:
    """Children, parent and neighbours of the current DF are found by their identifiers."""
    because = "7816-4/select/by-file-identifier"
    for df in terminal.layout.dedicated():
        near = [*terminal.layout.children(df)]
        if df.parent is not None:
            near += [df.parent, *terminal.layout.children(df.parent)]
        for file in near:
            terminal.send(select_path(df))
            beside = isinstance(file, ElementaryFile) and file.parent is df.parent
            words = (OK, NOT_FOUND) if beside else OK
            terminal.send(select_fid(file.fid, p2=FCI, ne=ALL), expect=words, because=because)


@case("select/child-df", covers=["7816-4/select/child-df"])
def test_child_df(terminal: Terminal) -> None:
    """A child DF is found with P1 = 01, an EF with the same form is not."""
    for file in terminal.layout.files[1:]:
        assert file.parent is not None
        terminal.send(select_path(file.parent))
        words = OK if isinstance(file, DedicatedFile) else NOT_FOUND
        command = select_fid(file.fid, p1=0x01)
        terminal.send(command, expect=words, because="7816-4/select/child-df")


@case("select/ef-under-df", covers=["7816-4/select/ef-under-df"])
def test_ef_under_df(terminal: Terminal) -> None:
    """An EF of the current DF is found with P1 = 02, a DF with the same form is not."""
    for file in terminal.layout.files[1:]:
        assert file.parent is not None
        terminal.send(select_path(file.parent))
        words = OK if isinstance(file, ElementaryFile) else NOT_FOUND
        command = select_fid(file.fid, p1=0x02)
        terminal.send(command, expect=words, because="7816-4/select/ef-under-df")


@case("select/parent", covers=["7816-4/select/parent"])
def test_parent(terminal: Terminal) -> None:
    """The parent of every DF is selected with P1 = 03; the MF has none."""
    because = "7816-4/select/parent"
    for df in terminal.layout.dedicated():
        terminal.send(select_path(df))
        if df.parent is None:
            terminal.send(select_parent())
        else:
            terminal.send(select_parent(p2=FCP, ne=ALL), expect=OK, because=because)


@case("select/by-name", covers=["7816-4/select/by-name"])
def test_by_name(terminal: Terminal) -> None:
    """A DF is found by its whole name from every other DF."""
    for df in _named(terminal):
        for start in terminal.layout.dedicated():
            terminal.send(select_path(start))
            command = select_name(df.name, p2=FCI, ne=ALL)
            terminal.send(command, expect=OK, because="7816-4/select/by-name")


@case("select/by-partial-name", covers=["7816-4/select/by-partial-name"])
def test_by_partial_name(terminal: Terminal) -> None:
    """The first DF whose name begins with the given bytes is found; a foreign name is not."""
    because = "7816-4/select/by-partial-name"
    for df in _named(terminal):
        for length in sorted({1, len(df.name) // 2, len(df.name) - 1} - {0}):
            command = select_name(df.name[:length], p2=FCP, ne=ALL)
            terminal.send(command, expect=OK, because=because)
        foreign = bytes((df.name[0] ^ 0x55,)) + df.name[1:]
        terminal.send(select_name(foreign), expect=NOT_FOUND, because=because)


@case("select/occurrence", covers=["7816-4/select/occurrence"])
def test_occurrence(terminal: Terminal) -> None:
    """Next, previous and last occurrence walk along the DFs whose names fit, and end."""
    because = "7816-4/select/occurrence"
    named = _named(terminal)
    prefix = named[0].name[:-1]
    row = terminal.layout.by_name(prefix)
    if len(row) < 2:
        not_applicable("no two DF names begin alike")
    terminal.send(select_name(prefix), expect=OK, because=because)
    for way in (NEXT, PREVIOUS, NEXT):
        command = select_name(prefix, p2=FCP | way, ne=ALL)
        for _ in row[1:]:
            terminal.send(command, expect=OK, because=because)
        for _ in range(2):  # asked again, the row has not begun anew
            terminal.send(command, expect=NOT_FOUND, because=because)
    terminal.send(select_name(prefix, p2=FCP | LAST, ne=ALL), expect=OK, because=because)


@case("select/path-from-mf", covers=["7816-4/select/path-from-mf"])
def test_path_from_mf(terminal: Terminal) -> None:
    """Every file is found by its path from the MF, from wherever one is."""
    for start in terminal.layout.dedicated():
        for file in terminal.layout.files[1:]:
            terminal.send(select_path(start))
            command = select_path(file, p2=FCP, ne=ALL)
            terminal.send(command, expect=OK, because="7816-4/select/path-from-mf")


@case("select/path-from-df", covers=["7816-4/select/path-from-df"])
def test_path_from_df(terminal: Terminal) -> None:
    """Every file below the current DF is found by its path from there."""
    for df in terminal.layout.dedicated():
        above = len(path_of(df))
        for file in terminal.layout.files:
            if file is df or not file.path.startswith(df.path + "/"):
                continue
            terminal.send(select_path(df))
            command = CommandAPDU(0x00, 0xA4, 0x09, FCP, path_of(file)[above:], ALL)
            terminal.send(command, expect=OK, because="7816-4/select/path-from-df")


@case("select/not-found", covers=["7816-4/select/not-found"])
def test_not_found(terminal: Terminal) -> None:
    """What is not there is refused with 6A82, in every form."""
    because = "7816-4/select/not-found"
    absent = ABSENT.to_bytes(2, "big")
    for df in terminal.layout.dedicated():
        terminal.send(select_path(df))
        for p1 in (0x00, 0x01, 0x02):
            terminal.send(select_fid(ABSENT, p1=p1), expect=NOT_FOUND, because=because)
        for p1 in (0x08, 0x09):
            command = CommandAPDU(0x00, 0xA4, p1, 0x0C, absent + absent)
            terminal.send(command, expect=NOT_FOUND, because=because)
    terminal.send(select_name(b"\x5a" * 9), expect=NOT_FOUND, because=because)


@case("select/refusal-keeps-selection", covers=["7816-4/select/refusal-keeps-selection"])
def test_refusal_keeps_selection(terminal: Terminal) -> None:
    """After a refused SELECT of each form the same EF and the same DF are current."""
    because = "7816-4/select/refusal-keeps-selection"
    for ef in readable(terminal, Kind.TRANSPARENT):
        terminal.send(select_path(ef))
        read = read_binary(0, min(ef.size, 8))
        for command in failing_selects(terminal, ef):
            terminal.send(command)
            terminal.send(read, expect=OK, because=because, wholly=True)
            terminal.send(select_fid(ef.fid, 0x02), expect=OK, because=because)


@case("select/df-clears-ef", covers=["7816-4/select/df-clears-ef"])
def test_df_clears_ef(terminal: Terminal) -> None:
    """After a DF was selected there is no current EF to read."""
    for ef in readable(terminal, Kind.TRANSPARENT):
        terminal.send(select_path(ef))
        terminal.send(select_path(ef.parent))
        terminal.send(read_binary(0, 1), expect=0x6986, because="7816-4/select/df-clears-ef")


@case("select/ef-under-its-df", covers=["7816-4/select/ef-under-its-df"])
def test_ef_under_its_df(terminal: Terminal) -> None:
    """After an EF was selected by path the other files of its DF are at hand."""
    because = "7816-4/select/ef-under-its-df"
    for ef in terminal.layout.elementary():
        terminal.send(select_path(terminal.layout.master))
        terminal.send(select_path(ef))
        for sibling in terminal.layout.children(ef.parent):
            if isinstance(sibling, ElementaryFile):
                command = select_fid(sibling.fid, p1=0x02)
                terminal.send(command, expect=OK, because=because)


@case(
    "select/reserved-parameters", covers=["7816-4/select/reserved-p1", "7816-4/select/reserved-p2"]
)
def test_reserved_parameters(terminal: Terminal) -> None:
    """Reserved values of P1 and P2 are refused and select nothing."""
    for p1 in (0x05, 0x06, 0x07, 0x0F, 0x80, 0xFF):
        terminal.send(CommandAPDU(0x00, 0xA4, p1, 0x0C, b"\x3f\x00"))
    for p2 in (0x10, 0x2C, 0x40, 0x80, 0xF0):
        terminal.send(CommandAPDU(0x00, 0xA4, 0x00, p2, b"\x3f\x00"))


@case("select/data-length", covers=["7816-4/select/data-length"])
def test_data_length(terminal: Terminal) -> None:
    """A data field that cannot be an identifier, a name or a path is refused."""
    for p1, data in (
        (0x00, b"\x3f"),
        (0x00, b"\x3f\x00\x00"),
        (0x01, b"\x7f"),
        (0x02, b"\x00\x01\x00"),
        (0x03, b"\x3f\x00"),
        (0x08, b"\x7f\x10\x00"),
        (0x09, b"\x00"),
    ):
        terminal.send(CommandAPDU(0x00, 0xA4, p1, 0x0C, data))


@case("select/no-answer", covers=["7816-4/select/no-answer"])
def test_no_answer(terminal: Terminal) -> None:
    """Without an Le field no control information comes, whatever P2 asks for."""
    for file in terminal.layout.files:
        for p2 in (0x0C, FCI, FCP, FMD):
            response = terminal.send(select_path(file, p2=p2))
            message = f"{len(response.data)} bytes came without an Le field"
            require(not response.data, "7816-4/select/no-answer", message)


@case(
    "select/control-information",
    covers=[
        "7816-4/select/template",
        "7816-4/select/fcp-file-identifier",
        "7816-4/select/fcp-df-name",
        "7816-4/select/fcp-size",
        "7816-4/select/fcp-sfi",
    ],
)
def test_control_information(terminal: Terminal) -> None:
    """FCI, FCP and FMD of every file are well-formed and agree with the statement."""
    asked = {"fci": FCI, "fcp": FCP, "fmd": FMD}
    answers = [asked[name] for name in terminal.statement.features.answers if name in asked]
    for file in terminal.layout.files:
        for p2 in answers:
            terminal.send(
                select_path(file, p2=p2, ne=ALL), expect=OK, because="7816-4/select/template"
            )


def _parameters(data: bytes) -> tuple[tlv.DataObject, ...]:
    """What is in an FCP template that the model has found well-formed."""
    objects = tlv.parse(data)
    return objects[0].children if objects else ()


@case("select/file-descriptor", covers=["7816-4/select/fcp-descriptor"])
def test_file_descriptor(terminal: Terminal) -> None:
    """The file descriptor byte names the structure of each file."""
    because = "7816-4/select/fcp-descriptor"
    answers = [
        terminal.send(select_path(file, p2=FCP, ne=ALL), expect=OK, because=because)
        for file in terminal.layout.files
    ]
    if not any(tlv.find(_parameters(answer.data), DESCRIPTOR) for answer in answers):
        not_applicable("the control parameters hold no file descriptor")


@case("select/short-le", covers=["7816-4/select/short-le"])
def test_short_le(terminal: Terminal) -> None:
    """An Le field too small for the control information is answered in one of the allowed ways."""
    for file in terminal.layout.files[:4]:
        for ne in (1, 5):
            terminal.send(select_path(file, p2=FCI, ne=ne))
