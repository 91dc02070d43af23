"""Class, instruction and length: what is refused before any command is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import case
from conformance.commands import read_binary, select_fid, select_path

if TYPE_CHECKING:
    from conformance.terminal import Terminal

MALFORMED = (
    "00B00000 05 01 02",
    "00A4000C 02 3F",
    "00A4000C 01 3F 00 00",
    "00B00000 00 01",
    "00A4000C 00 0000 3F",
    "00A4000C 00 0003 3F00",
)


@case("coding/wrong-length", covers=["7816-4/coding/wrong-length"])
def test_wrong_length(terminal: Terminal) -> None:
    """A command that is shorter or longer than its length fields say is refused."""
    for text in MALFORMED:
        terminal.send(bytes.fromhex(text), expect=0x6700, because="7816-4/coding/wrong-length")


@case(
    "coding/class",
    covers=["7816-4/coding/class-not-supported", "7816-4/coding/class-reserved"],
)
def test_class(terminal: Terminal) -> None:
    """A class that the card does not serve is refused, reserved classes too."""
    for cla in (0x80, 0x90, 0xA0, 0xD0, 0xE0, 0x20, 0x30, 0x3F):
        terminal.send(CommandAPDU(cla, 0xA4, 0x00, 0x0C, b"\x3f\x00"))


@case("coding/channel", covers=["7816-4/coding/channel-not-open"])
def test_channel(terminal: Terminal) -> None:
    """A command on a logical channel that nobody opened is refused."""
    for cla in (0x01, 0x02, 0x03, 0x40, 0x4F):
        terminal.send(CommandAPDU(cla, 0xB0, 0x00, 0x00, ne=1))


@case("coding/secure-messaging", covers=["7816-4/coding/no-secure-messaging"])
def test_secure_messaging(terminal: Terminal) -> None:
    """A class byte that announces secure messaging is not obeyed without it."""
    for cla in (0x04, 0x08, 0x0C):
        terminal.send(CommandAPDU(cla, 0xA4, 0x00, 0x0C, b"\x3f\x00"))


@case("coding/instruction", covers=["7816-4/coding/instruction-invalid"])
def test_instruction(terminal: Terminal) -> None:
    """Instruction bytes 6X and 9X, which no command can have, are refused."""
    for ins in (0x60, 0x61, 0x6C, 0x6F, 0x90, 0x9A, 0x9F):
        for command in (CommandAPDU(0x00, ins, 0x00, 0x00), CommandAPDU(0x00, ins, 0, 0, ne=256)):
            terminal.send(command)


@case("laws/reset-selects-mf", covers=["7816-4/laws/reset-selects-mf"])
def test_reset_selects_mf(terminal: Terminal) -> None:
    """After a reset the MF is current, whatever was selected before."""
    because = "7816-4/laws/reset-selects-mf"
    master = terminal.layout.master
    for file in terminal.layout.files:
        terminal.send(select_path(file))
        terminal.reset()
        terminal.send(read_binary(0, 1), expect=0x6986, because=because)
        for child in terminal.layout.children(master):
            terminal.reset()
            terminal.send(select_fid(child.fid), expect=0x9000, because=because)
