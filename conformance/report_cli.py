"""The commands under `conformance report`: make, sign, verify, compare and collect reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conformance.console import say
from conformance.result import write_atomically

ALTERED = 1
UNCERTAIN = 2

app = typer.Typer(no_args_is_help=True, help="Make, sign, verify, compare and collect reports.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")]
Lang = Annotated[str, typer.Option("--lang", "--language", help="en or zh.")]


@app.command("html")
def html(folder: Folder, lang: Lang = "en") -> int:
    """Make the report, JUnit XML and the Markdown summary again, from result and trace alone."""
    from conformance.report import write_all

    for path in write_all(folder, lang):
        say(str(path))
    return 0


@app.command("sign")
def sign(
    folder: Folder,
    key: Annotated[Path, typer.Option("--key", help="Private key: Ed25519 or SM2, PKCS#8 in PEM.")],
) -> int:
    """Sign the run in DIR: seal.json beside its files, and the seal within each report."""
    from conformance.reporting import seal
    from conformance.reporting.signing import public_of, read_private

    private = read_private(key)
    for path in seal.sign(folder, private):
        say(str(path))
    say(f"signed with {public_of(private).fingerprint}")
    return 0


@app.command("verify")
def verify(
    folder: Folder,
    key: Annotated[Path | None, typer.Option("--key", help="Public key of the signer.")] = None,
) -> int:
    """Tell what was altered. Exit: 0 intact and signed by KEY, 1 altered, 2 intact, signer open."""
    from conformance.reporting.seal import State
    from conformance.reporting.seal import verify as compare_with_seals
    from conformance.reporting.signing import read_public

    found = compare_with_seals(folder, read_public(key) if key else None)
    for alteration in found.alterations:
        say(f"ALTERED {alteration}")
    checked = ", ".join(found.checked)
    match found.state:
        case State.ALTERED:
            return ALTERED
        case State.INTACT:
            say(f"intact: {checked}\nsigned with {found.signer}")
            return 0
        case State.UNKNOWN_SIGNER:
            say(f"intact: {checked}\nsigned with {found.signer}: pass --key to check whose it is")
        case State.UNSIGNED:
            say(f"intact as far as the digests in the report tell: {checked}\nnot signed")
    return UNCERTAIN


@app.command("compare")
def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR DIR...", help="Folders of runs.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page.")] = Path("comparison.html"),
    lang: Lang = "en",
) -> int:
    """Compare runs with the first of them. Exit 1 when something that passed does not any more."""
    from conformance.report import comparison, render_comparison

    found = comparison(folders)
    write_atomically(out, render_comparison(found, lang).encode())
    say(str(out))
    return ALTERED if found.regressed else 0


@app.command("index")
def index(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with runs in it.")],
    lang: Lang = "en",
) -> int:
    """List every run under DIR on one page, index.html in DIR."""
    from conformance.report import write_index

    say(str(write_index(folder, lang)))
    return 0
