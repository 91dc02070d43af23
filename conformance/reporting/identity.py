"""Who the card says it is: its Answer-to-Reset and the historical bytes, taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance import atr
from conformance.reporting import octets, tables
from conformance.reporting.tables import Note


@dataclass(frozen=True, slots=True)
class Character:
    """One character or data object of the ATR: its name, its bytes, what they say."""

    name: str
    value: str
    notes: tuple[Note, ...] = ()
    text: octets.Readable | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """The ATR taken apart; `faults` are what is wrong with it, in English."""

    raw: str
    characters: tuple[Character, ...] = ()
    historical: tuple[Character, ...] = ()
    historical_raw: str = ""
    faults: tuple[str, ...] = ()


def identify(raw: bytes) -> Identity:
    """The identity in *raw*, which may be anything: what cannot be decoded is listed as a fault."""
    shown = octets.spaced(raw.hex().upper())
    try:
        answer = atr.parse(raw)
    except atr.MalformedATR as error:
        return Identity(shown, faults=(str(error),))
    faults = [text for _, text in answer.faults]
    historical = atr.parse_historical(answer.historical)
    if historical.fault:
        faults.append(historical.fault)
    return Identity(
        shown,
        tuple(_characters(answer)),
        tuple(_historical(answer.historical, historical)),
        octets.spaced(answer.historical.hex().upper()),
        tuple(faults),
    )


def _characters(answer: atr.AnswerToReset) -> Iterator[Character]:
    direct = answer.convention == "direct"
    convention = Note("direct convention") if direct else Note("inverse convention")
    yield Character("TS", f"{answer.raw[0]:02X}", (convention,))
    yield Character(
        "T0", f"{answer.raw[1]:02X}", (Note("historical bytes: {n}", answer.raw[1] & 15),)
    )
    for name, value in answer.interface:
        yield Character(name, f"{value:02X}", tuple(_interface(answer, name, value)))
    if answer.tck is not None:
        yield Character("TCK", f"{answer.tck:02X}", (Note("check character"),))


def _interface(answer: atr.AnswerToReset, name: str, value: int) -> Iterator[Note]:
    if name == "TA1":
        yield Note("Fi = {n}", answer.fi) if answer.fi else Note("reserved value")
        yield Note("Di = {n}", answer.di) if answer.di else Note("reserved value")
    elif answer.ifsc == value and name[1] == "A" and int(name[2:]) > 2:
        yield Note("T=1: the card takes blocks of {n} bytes", value)
    elif name[1] == "B" and answer.specific("B", 1) == value and int(name[2:]) > 2:
        yield Note("T=1: character waiting time integer {n}", value & 0x0F)
        yield Note("T=1: block waiting time integer {n}", value >> 4)
    else:
        known: dict[str, Any] = tables.table("atr")["interface"]
        rows = known.get(name) or (known["TD"] if name[1] == "D" else [])
        yield from (note for _, note in tables.notes(tables.rules(rows), {"": value}))


def _historical(raw: bytes, decoded: atr.Historical) -> Iterator[Character]:
    table = tables.table("atr")
    if decoded.category is None:
        return
    category = f"{decoded.category:02X}"
    name = table["categories"].get(category) or table["categories"]["other"]
    yield Character("category", category, (Note(name),))
    if category not in {"80", "00"} or decoded.fault:
        yield Character("", octets.spaced(raw[1:].hex().upper()), (), octets.readable(raw[1:]))
        return
    for tag, value in decoded.objects:
        digit = f"{tag:X}"
        yield Character(
            f"{digit}{len(value):X}",
            octets.spaced(value.hex().upper()),
            (
                Note(table["objects"].get(digit, table["objects"]["other"])),
                *_bytes(digit, value),
            ),
            octets.readable(value),
        )
    if decoded.status:
        yield Character("status", octets.spaced(decoded.status.hex().upper()), ())


def _bytes(digit: str, value: bytes) -> Iterator[Note]:
    for entry in tables.table("atr")["bytes"]:
        if entry["tag"] != digit:
            continue
        for byte, rows in zip(value, entry["notes"], strict=False):
            yield from (note for _, note in tables.notes(tables.rules(rows), {"": byte}))
