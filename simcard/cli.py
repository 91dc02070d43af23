"""The command line `simcard`: look at a profile, talk to its card, put it into a PC/SC reader."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from simcard.card import Card
from simcard.description import describe_commands, describe_profile
from simcard.entropy import Entropy, ScriptedEntropy, SeededEntropy
from simcard.issuance import keys_cli
from simcard.issuance.batch import BatchError
from simcard.issuance.ceremony import CeremonyError
from simcard.issuance.custody import CustodyError
from simcard.issuance.issue_cli import issue
from simcard.issuance.personalisation import PersonalisationError
from simcard.links.image_file import opened_image
from simcard.links.serving import serve as serve_cards
from simcard.memory import ImageError
from simcard.profiles import Profile, ProfileError, build_card, load_profile, profile_names
from simcard.scenarios.cli import ScenarioError
from simcard.scenarios.cli import app as scenario_app
from simcard.script import Action, ScriptError, Step, parse_script
from simcard.status import meaning_of
from simcard.tearing import TearError, TearPoint, run_campaign, run_replay

USAGE_ERROR = 3
LOOPBACK = "127.0.0.1"

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
_console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)

app.add_typer(keys_cli.app, name="keys")
app.command()(issue)
app.add_typer(scenario_app, name="scenario")

ProfileOption = Annotated[
    str, typer.Option("--profile", "-p", help="Name of a profile, or a path to a TOML file.")
]
SeedOption = Annotated[int, typer.Option(help="Decides every random number the card draws.")]
EntropyOption = Annotated[
    str, typer.Option(metavar="HEX", help="Bytes a card draws before those of the seed.")
]


@app.command()
def profiles() -> None:
    """List the profiles that come with the simulator."""
    table = Table("name", "title", box=None, pad_edge=False)
    for name in profile_names():
        table.add_row(name, load_profile(name).tables.title)
    _console.print(table)


@app.command()
def show(profile: Annotated[str, typer.Argument(help="Name or TOML file.")]) -> None:
    """Show a card: answer to reset, tree of files with access rules, reference data, keys."""
    _console.print(describe_profile(load_profile(profile)))


@app.command()
def commands(profile: ProfileOption = "iso7816") -> None:
    """List the commands a card serves, with cases, clause and the right they need."""
    _console.print(describe_commands(load_profile(profile)))


@app.command()
def exchange(
    file: Annotated[Path | None, typer.Argument(help="A script; standard input if none.")] = None,
    profile: ProfileOption = "iso7816",
    seed: SeedOption = 0,
    entropy: EntropyOption = "",
) -> None:
    """Send the APDUs of a script to a card and print each exchange.

    A line is a command in hexadecimal digits, '< HEX' the response the one before should get,
    'reset', 'power', or a comment behind '#'. The exit code is 1 when a response was another.
    """
    card = build_card(load_profile(profile), entropy=_source(entropy, seed))
    steps = parse_script(_lines(file), "standard input" if file is None else str(file))
    card.power_on()
    wrong = sum(not _perform(card, step) for step in steps)
    raise typer.Exit(1 if wrong else 0)


def _source(digits: str, seed: int) -> Entropy:
    """The bytes written down on the command line, then those of the seed."""
    try:
        return ScriptedEntropy(bytes.fromhex(digits), SeededEntropy(seed))
    except ValueError:
        rule = "pairs of hexadecimal digits, the bytes in the order in which the card draws them"
        raise ScriptError(f"--entropy: {rule}") from None


def _lines(file: Path | None) -> Iterator[str]:
    if file is None:
        yield from sys.stdin
        return
    try:
        yield from file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{file}: {error}") from None


def _perform(card: Card, step: Step) -> bool:
    """Do one step and print it; False when the response is not the expected one."""
    if step.action is not Action.COMMAND:
        if step.action is Action.POWER:
            card.power_off()
        answer = card.reset()
        _say(step.action.value)
        _say(f"< {_spaced(answer)}  ATR")
        return True
    _say(f"> {_spaced(step.apdu)}")
    response = card.transmit(step.apdu)
    if not response:
        _say("# no answer: the card is mute until it is reset")
    else:
        _say(f"< {_spaced(response)}  {meaning_of(response)}")
    if card.fault is not None:
        _say(f"# fault of the simulator: {card.fault!r}")
    if step.expected in (None, response):
        return True
    _say(f"# line {step.line}: expected {_spaced(step.expected or b'')}")
    return False


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - standard output is the result


def _spaced(data: bytes) -> str:
    return data.hex(" ").upper()


@app.command()
def serve(
    profile: Annotated[
        list[str] | None, typer.Option("--profile", "-p", help="Once for each slot, in order.")
    ] = None,
    image: Annotated[
        list[Path] | None, typer.Option(help="File with the card's memory, made if there is none.")
    ] = None,
    seed: SeedOption = 0,
    entropy: EntropyOption = "",
    host: Annotated[str, typer.Option(help="Where vpcd is, or where to wait for it.")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="vpcd's port; the next slot has the next one.")] = 35963,
    *,
    listen: Annotated[bool, typer.Option(help="Wait for vpcd to connect to us.")] = False,
    contactless: Annotated[
        bool, typer.Option(help="Cards with an ATS answer as on a contactless reader.")
    ] = False,
    quiet: Annotated[bool, typer.Option(help="Say nothing but errors.")] = False,
) -> None:
    """Put cards into the virtual PC/SC reader of vsmartcard-vpcd, until interrupted.

    With --image, once for each slot, a card keeps its memory in a file and survives its process.
    """
    names = profile or ["iso7816"]
    images = image or []
    if len(images) > len(names):
        raise ServeError(f"--image: {len(images)} images for {len(names)} cards")
    forms = [load_profile(name) for name in names]
    if contactless:
        forms = _on_contactless_readers(forms)
    with ExitStack() as stack:
        cards = []
        for form, path in zip_longest(forms, images):
            flash = None if path is None else stack.enter_context(opened_image(path, form))
            cards.append(build_card(form, flash=flash, entropy=_source(entropy, seed)))
        if not quiet:
            how = "waiting for vpcd at" if listen else "looking for vpcd at"
            _say(f"{', '.join(names)}: {how} {host}, port {port}; end with Ctrl-C")
        try:
            serve_cards(
                cards,
                (host, port),
                listen=listen,
                on_event=None if quiet else lambda event: _say(str(event)),
            )
        except OSError as error:
            raise ServeError(f"{host}, port {port}: {error.strerror or error}") from None


def _on_contactless_readers(forms: list[Profile]) -> list[Profile]:
    """Each card that can be on a contactless reader there, the others in contact readers."""
    if all(form.tables.ats is None for form in forms):
        names = ", ".join(form.name for form in forms)
        raise ServeError(f"--contactless: {names}: without an ATS there is no such interface")
    return [form if form.tables.ats is None else form.contactless for form in forms]


@app.command()
def tear(
    profile: ProfileOption = "iso7816",
    script: Annotated[Path | None, typer.Option(help="Tear these commands, not histories.")] = None,
    seed: Annotated[int, typer.Option(help="Decides the generated histories.")] = 1,
    histories: Annotated[int, typer.Option(min=1, help="How many histories to generate.")] = 100,
    replay: Annotated[str | None, typer.Option(help="Tear at this one point again.")] = None,
) -> None:
    """Take the power away at every page write, and inside it, and check what becomes of the card.

    Every command must take effect wholly or not at all, change no other file and raise no retry
    counter without success, and the card must come up again. The exit code is 1 when it does not.
    """
    card = load_profile(profile)
    steps = None if script is None else parse_script(_lines(script), str(script))
    if replay is not None:
        raise typer.Exit(run_replay(card, TearPoint.parse(replay), steps, _console))
    invocation = f"--profile {profile}" + ("" if script is None else f" --script {script}")
    raise typer.Exit(run_campaign(card, seed, histories, steps, _console, invocation))


class ServeError(Exception):
    """The cards could not be put into a reader."""


OUR_ERRORS = (
    BatchError,
    CeremonyError,
    CustodyError,
    ImageError,
    PersonalisationError,
    ProfileError,
    ScenarioError,
    ScriptError,
    ServeError,
    TearError,
)


def main() -> None:
    """Run the command line; our own errors become one line and exit code 3."""
    try:
        app()
    except OUR_ERRORS as error:
        print(f"simcard: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(USAGE_ERROR)
    except BrokenPipeError:
        sys.exit(0)
