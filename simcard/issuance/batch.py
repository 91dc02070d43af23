"""Issuing many cards: row by row from a list, resumable, each card once.

A card is made in memory, its image written beside its final name and moved there, the requests for
certificates of its key pairs likewise, and only then a line is added to the ledger `issued.jsonl`.
Whoever is in the ledger has a card; a list that was interrupted goes on behind them. A row that
cannot be a card goes to `errors.csv` and the others are made. Everything about a card follows from
its row and the keys, so a card whose image was moved but not yet entered is made again as the same
bytes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, Self

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from simcard.entropy import SeededEntropy
from simcard.issuance.contents import misfit
from simcard.issuance.hierarchy import KeySet
from simcard.issuance.holder import Holder
from simcard.issuance.order import Order, card_factor, serial_number
from simcard.issuance.personalisation import Machine
from simcard.issuance.request import CertificateRequest
from simcard.profiles import Profile, build_card

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LEDGER: Final = "issued.jsonl"
ERRORS: Final = "errors.csv"
REQUEST_SUFFIX: Final = ".csr"
_CHUNK: Final = 64
_UNFINISHED: Final = ".part"


class BatchError(ValueError):
    """The list or the directory cannot be used at all; the message names the file and the rule."""


@dataclass(frozen=True, slots=True)
class Row:
    """One holder and the line of the list that says so, counted from 2: line 1 is the heading."""

    line: int
    holder: Holder

    @property
    def serial(self) -> str:
        """The application serial number of the card, as the ledger has it."""
        return serial_number(self.holder).hex().upper()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that is no card: its line, the field, and the rule it breaks."""

    line: int
    field: str
    rule: str


class IssuedCard(NamedTuple):
    """A personalised card: its image, and the requests for certificates of its key pairs."""

    image: bytes
    requests: tuple[CertificateRequest, ...]

    def write(self, file: Path) -> None:
        """Put the image into *file*, and the requests into one beside it that ends in `.csr`.

        Each appears complete or not at all, the image last; an OSError leaves no parts behind.
        """
        contents = {file: self.image}
        if self.requests:
            text = "".join(request.pem for request in self.requests)
            contents = {file.with_suffix(REQUEST_SUFFIX): text.encode("ascii"), **contents}
        parts = {each.with_name(each.name + _UNFINISHED): each for each in contents}
        try:
            for part, final in parts.items():
                part.write_bytes(contents[final])
            for part, final in parts.items():
                part.replace(final)
        finally:
            for part in parts:
                part.unlink(missing_ok=True)


def make_card(profile: Profile, order: Order) -> IssuedCard:
    """The personalised card of *order*: the same order gives the same bytes."""
    card = build_card(profile.unpersonalised, entropy=SeededEntropy(order.seed))
    card.power_on()
    requests = Machine(card.transmit, profile).personalise(order)
    card.power_off()
    return IssuedCard(card.flash.image(), requests)


def read_rows(file: Path, profile: Profile) -> Iterator[Row | Rejection]:
    """The rows of a CSV file whose heading has the fields of `Holder`.

    A card number that came before is a rejection, and a name without room on a card of *profile*.
    BatchError when the file cannot be read as CSV.
    """
    seen: dict[str, int] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True, restkey="more columns than the heading")
            _check_heading(file, reader.fieldnames or ())
            for fields in reader:
                row = _row(reader.line_num, fields)
                if isinstance(row, Row) and (rule := misfit(profile.tables, row.holder)):
                    row = Rejection(row.line, "name", rule)
                if isinstance(row, Row):
                    first = seen.setdefault(row.holder.card_number, row.line)
                    if first != row.line:
                        row = Rejection(row.line, "card_number", f"line {first} has it already")
                yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BatchError(f"{file}: {error}") from None


def _check_heading(file: Path, names: Sequence[str]) -> None:
    required = {name for name, field in Holder.model_fields.items() if field.is_required()}
    missing = sorted(required - set(names))
    unknown = sorted(set(names) - Holder.model_fields.keys())
    if missing:
        raise BatchError(f"{file}:1: the heading lacks {', '.join(missing)}")
    if unknown:
        raise BatchError(f"{file}:1: the heading has {', '.join(unknown)}, which no holder has")


def _row(line: int, fields: dict[str, str]) -> Row | Rejection:
    try:
        return Row(line, Holder.model_validate({k: v for k, v in fields.items() if v}))
    except ValidationError as error:
        return Rejection(line, *field_and_rule(error.errors()[0]))


def field_and_rule(error: ErrorDetails) -> tuple[str, str]:
    """The field of a holder that *error* is about, and the rule it breaks."""
    rule = error["msg"].removeprefix("Value error, ")
    field = ".".join(map(str, error["loc"]))
    if not field:  # a rule about the whole holder begins with the field
        said, _, rule = rule.partition(": ")
        field = said.split()[0]
    return field, rule


class Shelf:
    """The directory of a batch: images, ledger and errors; one process at a time issues into it.

    `issued` holds the numbers of the cards in the ledger, each with its serial number. BatchError
    when another process has the directory, or its ledger is none.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._ledger = (directory / LEDGER).open("a+b")
        try:
            self._lock()
            for part in directory.glob(f"*{_UNFINISHED}"):
                part.unlink()
            self.issued = self._read_ledger()
        except BaseException:
            self._ledger.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ledger.close()

    def _lock(self) -> None:
        """Keep others out until the ledger is closed, where the operating system has locks."""
        if fcntl is None:
            return
        try:
            fcntl.flock(self._ledger, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BatchError(f"{self.directory}: another process issues into it") from None

    def _read_ledger(self) -> dict[str, str]:
        """What `issued` holds; a last line that was cut off is taken back."""
        self._ledger.seek(0)
        lines = self._ledger.readlines()
        if lines and not lines[-1].endswith(b"\n"):
            self._ledger.truncate(sum(map(len, lines[:-1])))
            lines.pop()
        try:
            entries = [json.loads(line) for line in lines]
            return {entry["card_number"]: entry["serial"] for entry in entries}
        except (ValueError, KeyError, TypeError):
            ledger = self.directory / LEDGER
            raise BatchError(f"{ledger}: not a ledger of issued cards") from None

    def clash(self, row: Row) -> Rejection | None:
        """The rejection of *row* when its card number is on a card of another region here."""
        if self.issued.get(row.holder.card_number, row.serial) == row.serial:
            return None
        return Rejection(row.line, "card_number", "a card of another region has it already")

    def enter(self, row: Row, card: IssuedCard) -> None:
        """Keep the card and enter it; it counts as issued once this returns."""
        number = row.holder.card_number
        card.write(self.directory / f"{number}.img")
        entry = {
            "line": row.line,
            "card_number": number,
            "serial": row.serial,
            "sha256": sha256(card.image).hexdigest(),
            "public_keys": {each.key_name: each.public.hex().upper() for each in card.requests},
        }
        self._ledger.write(json.dumps(entry).encode("ascii") + b"\n")
        self._ledger.flush()
        self.issued[number] = row.serial

    def reject(self, rejections: Iterable[Rejection]) -> int:
        """Write the rows that are no cards to the error file; how many there are."""
        rows = [(each.line, each.field, each.rule) for each in rejections]
        with (self.directory / ERRORS).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("line", "field", "rule"))
            writer.writerows(rows)
        return len(rows)


def orders(rows: Iterable[Row], keys_of: Callable[[str], KeySet]) -> Iterator[tuple[Row, Order]]:
    """An order for each row: the keys of a chunk of rows take one cipher call for each purpose."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, _CHUNK)):
        by_region: dict[str, list[Row]] = {}
        for row in chunk:
            by_region.setdefault(row.holder.region, []).append(row)
        for region, members in by_region.items():
            factors = [card_factor(row.holder) for row in members]
            derived = keys_of(region).derive_many(factors)
            for row, keys in zip(members, derived, strict=True):
                yield row, Order(row.holder, keys)
