"""`simcard keys`: make the root of a key hierarchy, derive levels below it, look at a key file.

The passphrase of key files is read from SIMCARD_KEYS_PASSPHRASE, or asked for. Random bytes come
from the operating system.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from simcard.issuance import custody
from simcard.issuance.ceremony import Component, combine, split
from simcard.issuance.hierarchy import (
    ROOT_SIZE,
    KeySet,
    Level,
    issuer_identifier,
    national,
)
from simcard.issuance.purposes import purposes
from simcard.profiles import load_profile

PASSPHRASE = "SIMCARD_KEYS_PASSPHRASE"
KEY_SUFFIX = ".keys"

app = typer.Typer(no_args_is_help=True, help="Keys: new root, derived levels, check values.")
_console = Console(highlight=False, soft_wrap=True)

Directory = Annotated[Path, typer.Argument(help="The directory that holds the key files.")]


def passphrase() -> str:
    """The passphrase of the key files: from the environment, else asked for at the terminal."""
    if said := os.environ.get(PASSPHRASE):
        return said
    if not sys.stdin.isatty():
        raise custody.CustodyError(f"no terminal to ask for the passphrase at: set {PASSPHRASE}")
    return str(typer.prompt("Passphrase", hide_input=True))


def key_file(directory: Path, path: Iterable[str]) -> Path:
    """Where the keys at *path* of the hierarchy lie: `root.keys`, `330000.keys`, ..."""
    return directory / f"{'-'.join(path) or 'root'}{KEY_SUFFIX}"


@app.command()
def new(
    directory: Directory,
    profile: Annotated[str, typer.Option("--profile", "-p", help="Whose keys.")] = "ssc3",
    components: Annotated[
        str, typer.Option(help="K/N: split the root secret among N people, any K of whom suffice.")
    ] = "",
    component: Annotated[
        list[str] | None, typer.Option(help="A component of a root secret there is; repeatable.")
    ] = None,
) -> None:
    """Make the national master keys of a new hierarchy, or those that components bring back."""
    parts = [Component.decode(text) for text in component or ()]
    root = combine(parts) if parts else os.urandom(ROOT_SIZE)
    handed_out = _split(root, components) if components else []
    keys = national(root, purposes(load_profile(profile)))
    file = key_file(directory, ())
    _save(keys, file, passphrase())
    for part in handed_out:
        _console.print(f"component for person {part.number}: {part.encode()}")
    _console.print(f"{file}: {len(keys.keys)} national master keys")


def _save(keys: KeySet, file: Path, secret: str) -> None:
    try:
        custody.save(keys, file, secret, os.urandom)
    except OSError as error:
        raise custody.CustodyError(f"{file}: {error.strerror}") from None


def _split(root: bytes, components: str) -> list[Component]:
    needed, _, people = components.partition("/")
    if not (needed.isdecimal() and people.isdecimal()):
        raise custody.CustodyError(f"--components {components}: two numbers, as in 3/5")
    return split(root, int(needed), int(people), os.urandom)


@app.command()
def derive(
    directory: Directory,
    region: Annotated[list[str], typer.Argument(help="Region codes: a province, then a city.")],
) -> None:
    """Derive the keys of a province or city and keep them in a file of their own."""
    secret = passphrase()
    keys = custody.load(key_file(directory, ()), secret)
    for code in region:
        keys = _below(keys, code)
    file = key_file(directory, keys.path)
    _save(keys, file, secret)
    _console.print(f"{file}: {len(keys.keys)} keys of a {keys.level.value}")


def _below(keys: KeySet, code: str) -> KeySet:
    if keys.level.below is Level.CARD:
        raise custody.CustodyError(f"{code}: below a city there are only cards")
    if keys.level is Level.NATIONAL and code[2:] != "0000":
        raise custody.CustodyError(f"{code}: the region code of a province ends in 0000")
    if keys.level is Level.PROVINCE and code[:2] != keys.path[0][:2]:
        raise custody.CustodyError(
            f"{code}: this city lies in another province than {keys.path[0]}"
        )
    return keys.derive(issuer_identifier(code), code)


@app.command()
def show(file: Annotated[Path, typer.Argument(help="A key file.")]) -> None:
    """Show what a key file says in the open: purposes and key check values, no key."""
    level, path, entries = custody.inspect(file)
    _console.print(f"{level.value}  {'/'.join(path) or 'root'}")
    table = Table("purpose", "cipher", "check value", box=None, pad_edge=False)
    for name, cipher, check in entries:
        table.add_row(name, cipher, check.hex().upper())
    _console.print(table)
