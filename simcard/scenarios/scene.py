"""A scenario, and the stage it runs on: steps that say what they do and what has to come of it.

A scenario is a function that takes a `Scene`. Its docstring is the document's title and story, its
`with scene.step(...)` blocks are the steps. A step fails when the card answers otherwise than it
must, or the terminal has to refuse it, and then the run ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from inspect import cleandoc
from typing import Final

from simcard.issuance.holder import Holder
from simcard.issuance.personalisation import PersonalisationError
from simcard.scenarios.contact import Contact, Exchange, Slot, Unexpected
from simcard.scenarios.setting import HOLDER, Setting

CARD: Final = "card"
PSAM: Final = "PSAM"
BOTH: Final = (2, 3)


class Refused(Exception):
    """The terminal does not go on with this card; the message says why."""


class _Stopped(Exception):
    """A step has failed."""


@dataclass(frozen=True, slots=True)
class Role:
    """A card that a scenario starts with: whose it is, and what has been done to it before.

    *blank*: a chip that nobody has personalised. *foreign*: issued under another nation's root.
    *deposit* and *purse* are what was loaded, in fen.
    """

    holder: Holder = HOLDER
    blank: bool = False
    foreign: bool = False
    deposit: int = 0
    purse: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """A step as it went: what was done, what had to come of it, how it failed if it did."""

    does: str
    expects: str
    exchanges: tuple[Exchange, ...]
    failure: str | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A document that runs. *roles* are its cards by name, *generations* those that can play it."""

    name: str
    title: str
    story: str
    roles: Mapping[str, Role]
    generations: tuple[int, ...]
    script: Callable[[Scene], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario: its steps up to the first that failed."""

    scenario: Scenario
    steps: tuple[Told, ...]

    @property
    def failure(self) -> str | None:
        """Why it failed, or None."""
        return "no step was made" if not self.steps else self.steps[-1].failure

    @property
    def passed(self) -> bool:
        """Whether everything came as it has to."""
        return self.failure is None


class Scene:
    """What a script works with: the setting, the contacts, the steps."""

    def __init__(self, setting: Setting, cards: Mapping[str, Slot], psam: Slot) -> None:
        self.setting = setting
        self.told: list[Told] = []
        self._written: list[Exchange] = []
        self._cards = {role: Contact(slot, role, self._written) for role, slot in cards.items()}
        self.psam = Contact(psam, PSAM, self._written)

    @property
    def card(self) -> Contact:
        """The card of a scenario that has only one."""
        return self._cards[CARD]

    def other(self, role: str) -> Contact:
        """The card of another role."""
        return self._cards[role]

    @contextmanager
    def step(self, does: str, expects: str) -> Iterator[None]:
        """One step of the document: both are whole sentences."""
        self._written.clear()
        failure = None
        try:
            yield
        except (Unexpected, Refused, PersonalisationError) as error:
            failure = str(error)
        self.told.append(Told(does, expects, tuple(self._written), failure))
        if failure is not None:
            raise _Stopped


def check(holds: bool, otherwise: str) -> None:
    """`Unexpected`, which says *otherwise*, unless it *holds*."""
    if not holds:
        raise Unexpected(otherwise)


@contextmanager
def refused(why: str) -> Iterator[None]:
    """The terminal must refuse what is done inside, for a reason that has the words *why*."""
    try:
        yield
    except Refused as refusal:
        check(why in str(refusal), f"refused, but because: {refusal}")
    else:
        raise Unexpected(f"the terminal went on, though: {why}")


def scenario(
    *, generations: tuple[int, ...] = BOTH, **roles: Role
) -> Callable[[Callable[[Scene], None]], Scenario]:
    """Make a script a `Scenario`; without *roles* its one card is that of an ordinary holder."""

    def make(script: Callable[[Scene], None]) -> Scenario:
        title, _, story = cleandoc(script.__doc__ or "").partition("\n\n")
        name = script.__name__.replace("_", "-")
        cast = roles or {CARD: Role()}
        return Scenario(name, title, " ".join(story.split()), cast, generations, script)

    return make


def run(
    scenario: Scenario,
    card: Slot | Mapping[str, Slot],
    psam: Slot,
    setting: Setting | None = None,
) -> Outcome:
    """Play *scenario* with *card* and *psam*, and tell how it went.

    *card* is the slot of the card, or for a scenario with several cards the slots by role; see
    `cast` for what state they have to be in. The module is set up on the way, by its own commands,
    and needs no state but the master keys of its profile. *setting* must hold the root secret the
    card was issued under. ValueError when roles are missing or the card's generation does not play.
    """
    setting = setting or Setting()
    cards = card if isinstance(card, Mapping) else {CARD: card}
    missing = scenario.roles.keys() - cards.keys()
    if missing:
        raise ValueError(f"{scenario.name}: no card for the role {', '.join(sorted(missing))}")
    if setting.generation not in scenario.generations:
        played = " and ".join(map(str, scenario.generations))
        raise ValueError(f"{scenario.name}: plays with cards of generation {played} only")
    scene = Scene(setting, cards, psam)
    with suppress(_Stopped):
        scenario.script(scene)
    return Outcome(scenario, tuple(scene.told))
