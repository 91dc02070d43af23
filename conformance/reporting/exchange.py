"""One exchange, decoded for a reader: what the command asks, what the answer says.

Commands come masked: a secret is a placeholder such as `{pin:01}`. What is masked stays masked, and
a command that is no APDU is shown as its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.reporting import layouts, objects, octets, tables
from conformance.reporting.objects import Node
from conformance.reporting.tables import Note

OBJECT_INS = frozenset({0x22, 0x86, 0x87, 0xCA, 0xCB, 0xCC, 0xCD, 0xDA, 0xDB, 0xE0, 0x46, 0x47})
BRIEF = frozenset({"P1", "P2", "P1-P2", "Le"})


class Weight(StrEnum):
    """How an answer looks at a glance."""

    NORMAL = "normal"
    WARNING = "warning"
    ERROR = "error"
    MUTE = "mute"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a command: its name, its bytes and what they say."""

    name: str
    value: str
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Data:
    """A data field: its length (None when a secret in it is masked), bytes, text and tree."""

    length: int | None
    value: str
    text: octets.Readable | None
    tree: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: `name` is "" for an event or for what is no command."""

    raw: str
    name: str
    fields: tuple[Field, ...] = ()
    data: Data | None = None

    @property
    def brief(self) -> tuple[Note, ...]:
        """What the parameters and Le ask for: the notes that fit beside the name."""
        return tuple(note for field in self.fields if field.name in BRIEF for note in field.notes)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: `sw` is "" when the card stayed mute."""

    raw: str
    sw: str
    meaning: Note
    weight: Weight
    data: Data | None = None


def command(masked: str) -> Command:
    """The command in *masked*; what is too short for a header stays as it is."""
    tokens = octets.TOKEN.findall(masked)
    raw = " ".join(tokens)
    if len(tokens) < 4 or any(len(token) != 2 for token in tokens[:4]):
        return Command(raw, "")
    cla, ins, p1, p2 = (int(token, 16) for token in tokens[:4])
    kind = _kind(cla, ins)
    body, lengths = _body(tokens[4:])
    values = {"cla": cla, "p1": p1, "p2": p2, "p1p2": p1 << 8 | p2}
    said: dict[str, list[Note]] = {name: [] for name in values}
    for field, note in tables.notes((*tables.class_rules(), *(kind.rules if kind else ())), values):
        said[field].append(note)
    shown = [Field("CLA", tokens[0], tuple(said["cla"])), Field("INS", tokens[1])]
    if said["p1p2"]:
        shown.append(Field("P1-P2", f"{tokens[2]} {tokens[3]}", tuple(said["p1p2"])))
    else:
        shown.append(Field("P1", tokens[2], tuple(said["p1"])))
        shown.append(Field("P2", tokens[3], tuple(said["p2"])))
    protected = bool(cla & 0x0C == 0x0C and not cla & 0xE0)
    laid = layouts.layout_of((cla, ins, p1, p2))
    fields = laid.command if laid else ()
    data = _data(body, fields, expected=ins in OBJECT_INS or protected, protected=protected)
    return Command(raw, name_of(masked), (*shown, *lengths), data)


def name_of(masked: str) -> str:
    """The name of a command by its header, "" when it is too short for one."""
    if not re.match("[0-9A-Fa-f]{4}", masked):
        return ""
    cla, ins = int(masked[:2], 16), int(masked[2:4], 16)
    laid = layouts.layout_of(_header(masked))
    if laid and laid.name:
        return laid.name
    kind = _kind(cla, ins)
    return kind.name if kind else f"INS {ins:02X}"


def _header(masked: str) -> tuple[int, int, int, int]:
    """CLA, INS, P1 and P2, what is missing or masked as 256."""
    digits = re.match("([0-9A-Fa-f]{2}){0,4}", masked)
    found = bytes.fromhex(digits[0] if digits else "")
    cla, ins, p1, p2 = (*found, *(256,) * (4 - len(found)))
    return cla, ins, p1, p2


def _kind(cla: int, ins: int) -> tables.CommandKind | None:
    known = tables.commands()
    return known.get((bool(cla & 0x80), ins)) or known.get((False, ins))


def response(masked: str, asked: str = "") -> Response:
    """The answer in *masked* to the command *asked*."""
    tokens = octets.TOKEN.findall(masked)
    raw = " ".join(tokens)
    if len(tokens) < 2 or any(len(token) != 2 for token in tokens[-2:]):
        meaning = Note("no status word") if tokens else Note("no answer")
        return Response(raw, "", meaning, Weight.MUTE, _data(tokens, (), expected=False))
    sw = "".join(tokens[-2:])
    note = tables.status_word(int(sw, 16))
    expected = len(asked) >= 4 and asked[2:4] in {"CA", "CB", "CC", "CD", "A4", "86"}
    protected = asked[:2] in {"0C", "8C"}
    laid = layouts.layout_of(_header(asked))
    fields = laid.answer if laid else ()
    data = _data(tokens[:-2], fields, expected=expected or protected, protected=protected)
    return Response(raw, sw, note, weight(sw), data)


def weight(sw: str) -> Weight:
    """How the status word *sw* looks at a glance."""
    if not sw:
        return Weight.MUTE
    if sw == "9000" or sw[:2] == "61":
        return Weight.NORMAL
    return Weight.WARNING if sw[:2] in {"62", "63"} else Weight.ERROR


def _body(tokens: list[str]) -> tuple[list[str], tuple[Field, ...]]:
    """The data field and the fields Lc and Le of what follows the header."""
    if not tokens:
        return [], ()
    if len(tokens) == 1:
        return [], (_le(tokens, 256),)
    if not _plain(tokens[:1]):
        return tokens, ()
    size = 1
    if tokens[0] == "00" and len(tokens) >= 3 and _plain(tokens[1:3]):
        size = 3
        if len(tokens) == 3:
            return [], (_le(tokens, 65536),)
    nc = int("".join(tokens[:size][-2:]), 16)
    lc = Field("Lc", " ".join(tokens[:size]), (_bytes(nc),))
    rest = tokens[size:]
    if not _plain(rest):
        return rest, (lc,)
    data, le = rest[:nc], rest[nc:]
    if nc == 0 or len(data) < nc or len(le) > size:
        return rest, (Field("Lc", lc.value, (Note("{n} announced, other length follows", nc),)),)
    limit = 256 if size == 1 else 65536
    return data, (lc, _le(le, limit)) if le else (lc,)


def _le(tokens: Sequence[str], limit: int) -> Field:
    value = int("".join(tokens), 16) if _plain(tokens) else 0
    note = _bytes(value) if value else Note("all there is, up to {n}", limit)
    return Field("Le", " ".join(tokens), (note,))


def _bytes(number: int) -> Note:
    return Note("{n} bytes", number, one="{n} byte")


def _plain(tokens: Sequence[str]) -> bool:
    return all(len(token) == 2 for token in tokens)


def _data(
    tokens: Sequence[str],
    fields: Sequence[layouts.Field],
    *,
    expected: bool,
    protected: bool = False,
) -> Data | None:
    if not tokens:
        return None
    value = " ".join(tokens)
    if not _plain(tokens):
        return Data(None, value, None, ())
    data = bytes.fromhex("".join(tokens))
    within = objects.SECURE_MESSAGING if protected else ""
    found = objects.laid_out(layouts.pieces(data, fields))
    found = found or objects.tree(data, expected=expected, within=within)
    return Data(len(data), value, None if found else octets.readable(data), found)
