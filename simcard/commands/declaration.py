"""What a command is: a declaration on one function, and a table of declarations per dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from simcard.apdu import Case, ClassByte
from simcard.security.access import Right
from simcard.status import SW, CardError, StatusWord

if TYPE_CHECKING:
    from simcard.commands.call import Call


@dataclass(slots=True)
class Reply:
    """What a handler answers: the whole data field, however long, and the status word.

    `waiting` is what GET RESPONSE may fetch afterwards, besides what does not fit of `data`. Not
    frozen, though nobody changes one: freezing it would cost as much as reading the file.
    """

    data: bytes = b""
    sw: StatusWord = SW.OK
    waiting: Reply | None = None


Handler = Callable[["Call"], Reply]


@dataclass(frozen=True, slots=True)
class Declaration:
    """A command: its name, instruction byte, APDU cases, clause and the right it needs.

    `right` is what the door demands of every file the handler opens. A command that opens no
    file has none, and cannot open one. A `stepwise` command is carried out and answered for each
    command of a chain; of any other the parts are collected until the last one is there.
    `allows` is `cases` as a table: is there a Le field, and is there no data field?
    """

    name: str
    ins: int
    cases: frozenset[Case]
    clause: str
    right: Right | None
    proprietary: bool
    stepwise: bool
    run: Handler
    allows: tuple[tuple[bool, bool], tuple[bool, bool]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        without_le = Case.SENDS in self.cases, Case.NOTHING in self.cases
        with_le = Case.BOTH in self.cases, Case.RECEIVES in self.cases
        object.__setattr__(self, "allows", (without_le, with_le))

    @property
    def code(self) -> int:
        """The key of the dispatch table: instruction byte and whose class it belongs to."""
        return self.proprietary << 8 | self.ins


def command(
    name: str,
    *,
    ins: int,
    cases: str,
    clause: str,
    right: Right | None = None,
    proprietary: bool = False,
    stepwise: bool = False,
) -> Callable[[Handler], Declaration]:
    """Declare the decorated function as a command; *cases* lists the digits 1 to 4 it allows."""
    allowed = frozenset(Case(int(digit)) for digit in cases)

    def declare(run: Handler) -> Declaration:
        return Declaration(name, ins, allowed, clause, right, proprietary, stepwise, run)

    return declare


class DialectError(ValueError):
    """Two dialects do not fit together: found when the table is built, not when a card runs."""


_EVERY_CODE: Final = 0x200


class CommandTable:
    """The commands of a dialect, found by class and instruction byte."""

    __slots__ = ("_by_code", "_has_proprietary")

    def __init__(self, declarations: tuple[Declaration, ...] = ()) -> None:
        self._by_code: list[Declaration | None] = [None] * _EVERY_CODE
        self._has_proprietary = False
        for declaration in declarations:
            self._put(declaration)

    def __iter__(self) -> Iterator[Declaration]:
        return (declaration for declaration in self._by_code if declaration is not None)

    def extended(self, *declarations: Declaration) -> CommandTable:
        """This dialect with more commands; a code that is taken already is a `DialectError`."""
        for declaration in declarations:
            if self._by_code[declaration.code] is not None:
                raise DialectError(f"{declaration.name}: {declaration.code:03X} is taken")
        return CommandTable((*self, *declarations))

    def overriding(self, *declarations: Declaration) -> CommandTable:
        """This dialect with other handlers; a code that is not taken is a `DialectError`."""
        for declaration in declarations:
            if self._by_code[declaration.code] is None:
                raise DialectError(f"{declaration.name}: there is nothing to override")
        return CommandTable((*self, *declarations))

    def find(self, class_byte: ClassByte, ins: int) -> Declaration:
        """The command; 6E00 when the class is not served, 6D00 when the instruction is not."""
        declaration = self._by_code[class_byte.proprietary << 8 | ins]
        if declaration is not None:
            return declaration
        if class_byte.proprietary and not self._has_proprietary:
            raise CardError(SW.CLASS_NOT_SUPPORTED)
        raise CardError(SW.INS_NOT_SUPPORTED)

    def _put(self, declaration: Declaration) -> None:
        self._by_code[declaration.code] = declaration
        self._has_proprietary |= declaration.proprietary
