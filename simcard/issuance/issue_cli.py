"""`simcard issue`: make one card for a holder, or a card for each row of a list."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from simcard.issuance import custody
from simcard.issuance.batch import (
    ERRORS,
    REQUEST_SUFFIX,
    BatchError,
    IssuedCard,
    Rejection,
    Row,
    Shelf,
    field_and_rule,
    make_card,
    orders,
    read_rows,
)
from simcard.issuance.contents import misfit
from simcard.issuance.hierarchy import KeySet, Level, Purpose, issuer_identifier
from simcard.issuance.holder import Holder
from simcard.issuance.keys_cli import KEY_SUFFIX, key_file, passphrase
from simcard.issuance.order import Order, card_factor
from simcard.issuance.personalisation import check_personalisable
from simcard.issuance.purposes import purposes
from simcard.profiles import load_profile

_console = Console(highlight=False, soft_wrap=True)
_WAITING_MAX = 64


def issue(
    profile: Annotated[str, typer.Option("--profile", "-p", help="What card.")] = "ssc3",
    holder: Annotated[Path | None, typer.Option(help="One holder, a TOML file.")] = None,
    holders: Annotated[Path | None, typer.Option(help="Many holders, a CSV file.")] = None,
    keys: Annotated[Path, typer.Option(help="The directory of key files.")] = Path("keys"),
    output: Annotated[Path, typer.Option("--output", "-o", help="Image, or directory.")] = Path(
        "cards"
    ),
    jobs: Annotated[int, typer.Option("-n", min=1, help="Processes that make cards.")] = 1,
) -> None:
    """Issue cards: personalise a blank chip with the APDUs a personalisation machine sends.

    A list can be interrupted and started again: nobody gets two cards. The exit code is 1 when
    rows were refused; they stand in errors.csv.
    """
    if (holder is None) == (holders is None):
        raise BatchError("say either --holder or --holders")
    try:
        refused = _issue(profile, holder, holders, keys, output, jobs)
    except OSError as error:
        raise BatchError(f"{error.filename or output}: {error.strerror or error}") from None
    raise typer.Exit(1 if refused else 0)


def _issue(
    profile: str, holder: Path | None, holders: Path | None, keys: Path, output: Path, jobs: int
) -> int:
    """Issue to the one or the many; how many rows were refused."""
    check_personalisable(_loaded(profile))
    keys_of = _key_finder(keys, set(purposes(_loaded(profile))))
    if holder is not None:
        _issue_one(profile, holder, keys_of, output)
        return 0
    assert holders is not None
    with Shelf(output) as shelf:
        return _issue_list(profile, holders, keys_of, shelf, jobs)


class _NoKeysError(custody.CustodyError):
    """There are keys, but none for this region and none above it."""


def _key_finder(directory: Path, needed: set[Purpose]) -> Callable[[str], KeySet]:
    """The keys of a city: from its own file, or derived from the nearest level that is there.

    CustodyError when there are none, or a key that a card needs is not among them.
    """
    if not any(directory.glob(f"*{KEY_SUFFIX}")):
        raise custody.CustodyError(f"{directory}: there are no key files")
    secret = passphrase()

    @cache
    def find(region: str) -> KeySet:
        path = (f"{region[:2]}0000", region)
        for depth in (2, 1, 0):
            file = key_file(directory, path[:depth])
            if file.exists():
                found = custody.load(file, secret)
                if missing := sorted(each.name for each in needed - found.keys.keys()):
                    rule = f"{len(missing)} keys of this profile are missing, the first is"
                    raise custody.CustodyError(f"{file}: {rule} {missing[0]}")
                for code in path[depth:]:
                    found = found.derive(issuer_identifier(code), code)
                assert found.level is Level.CITY
                return found
        raise _NoKeysError(f"{directory}: no keys for the region {region}")

    return find


def _issue_one(profile: str, file: Path, keys_of: Callable[[str], KeySet], output: Path) -> None:
    holder = read_holder(file)
    if rule := misfit(_loaded(profile).tables, holder):
        raise BatchError(f"{file}: name: {rule}")
    keys = keys_of(holder.region).derive(card_factor(holder), holder.card_number)
    if output.suffix == REQUEST_SUFFIX:
        raise BatchError(f"{output}: that is the name of the requests beside the image")
    for taken in (output, output.with_suffix(REQUEST_SUFFIX)):
        if taken.exists():
            raise BatchError(f"{taken}: there is something already; a card is not overwritten")
    card = make_card(_loaded(profile), Order(holder, keys.keys))
    card.write(output)
    _console.print(f"{output}: card {holder.card_number}")
    for request in card.requests:
        _console.print(f"key {request.key_name}: {request.public.hex().upper()}")


def read_holder(file: Path) -> Holder:
    """The holder in a TOML file; BatchError naming file, field and rule."""
    try:
        return Holder.model_validate(tomllib.loads(file.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BatchError(f"{file}: {error}") from None
    except ValidationError as error:
        said = (": ".join((str(file), *field_and_rule(each))) for each in error.errors())
        raise BatchError("\n".join(said)) from None


def _issue_list(
    profile: str, file: Path, keys_of: Callable[[str], KeySet], shelf: Shelf, jobs: int
) -> int:
    """Make the cards that are missing; how many rows were refused."""
    rows, rejections = [], []
    for each in read_rows(file, _loaded(profile)):
        found = _possible(each, keys_of, shelf) if isinstance(each, Row) else each
        if isinstance(found, Row):
            rows.append(found)
        else:
            rejections.append(found)
    refused = shelf.reject(rejections)
    wanted = [row for row in rows if row.holder.card_number not in shelf.issued]
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console) as progress:
        task = progress.add_task("cards", total=len(rows), completed=len(rows) - len(wanted))
        for row, card in _made(profile, orders(wanted, keys_of), jobs):
            shelf.enter(row, card)
            progress.advance(task)
    _console.print(f"{shelf.directory}: {len(shelf.issued)} cards issued, {refused} rows refused")
    if refused:
        _console.print(f"the reasons stand in {shelf.directory / ERRORS}")
    return refused


def _possible(row: Row, keys_of: Callable[[str], KeySet], shelf: Shelf) -> Row | Rejection:
    try:
        keys_of(row.holder.region)
    except _NoKeysError as error:
        return Rejection(row.line, "region", str(error))
    return shelf.clash(row) or row


def _made(
    profile: str, wanted: Iterator[tuple[Row, Order]], jobs: int
) -> Iterator[tuple[Row, IssuedCard]]:
    """Each row with its card; with several processes, as they are finished, in order."""
    make = partial(_make, profile)
    if jobs == 1:
        for row, order in wanted:
            yield row, make(order)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        waiting: list[tuple[Row, Future[IssuedCard]]] = []
        for row, order in wanted:
            waiting.append((row, pool.submit(make, order)))
            if len(waiting) >= _WAITING_MAX:
                first, card = waiting.pop(0)
                yield first, card.result()
        for row, card in waiting:
            yield row, card.result()


def _make(profile: str, order: Order) -> IssuedCard:
    return make_card(_loaded(profile), order)


_loaded = cache(load_profile)
