"""One command rehearsed: done once untorn, so that every torn run can be held against it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from simcard.apdu import CLASS_BYTES, Command
from simcard.card import Card
from simcard.memory import Flash, ImageError, Memory, PowerLoss
from simcard.script import Action, Step
from simcard.status import StatusWord
from simcard.tearing.addressee import addressed
from simcard.tearing.invariants import Breach, Invariant, judge_torn, judge_whole
from simcard.tearing.observation import Image, content_of
from simcard.tearing.point import TearPoint

_SUCCESS_SW1: Final = (0x61, 0x90)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A command APDU, the powered card before it, and the images before and after it.

    `writes` counts the page writes it took; `breaches` are the laws it broke without any tear.
    """

    card: Card
    apdu: bytes
    before: Image
    after: Image
    writes: int = 0
    breaches: tuple[Breach, ...] = ()

    def torn_at(self, point: TearPoint) -> Flash:
        """The flash behind the failures of *point*, its power back and not yet mounted."""
        victim = self.card.fork()
        flash = victim.flash
        if point.failure is not None:
            flash.arm(point._replace(second=None).cut(point.failure))
            with suppress(PowerLoss):
                victim.transmit(self.apdu)
            flash.restore()
        if point.second is not None:
            flash.arm(point.cut(point.second))
            with suppress(PowerLoss, ImageError):
                Memory.mount(flash)
            flash.restore()
        return flash

    def judge(self, flash: Flash) -> tuple[Breach, ...]:
        """Mount *flash* and say which laws the card on it breaks.

        The tree and all files are a function of the memory's bytes: where these are those before
        or after the command, and both are known to mount, there is nothing left to look at.
        """
        try:
            if content_of(Memory.mount(flash)) in (self.before.content, self.after.content):
                return ()
            torn = Image.of(self.card.settings, flash)
        except Exception as error:  # noqa: BLE001 - whatever it is, the card does not come up
            return (Breach(Invariant.MOUNTS, str(error)),)
        return judge_torn(
            self.before.observation,
            self.after.observation,
            torn.observation,
            protected=is_protected(self.apdu),
        )


def is_protected(apdu: bytes) -> bool:
    """Whether the class byte says that *apdu* is under secure messaging."""
    class_byte = CLASS_BYTES[apdu[0]]
    return class_byte is not None and class_byte.protected


class Stage:
    """A powered card that goes through a history, and its image where the history stands."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._image = Image.of(card.settings, card.flash.fork())

    def perform(self, step: Step) -> Rehearsal | None:
        """Do *step*; the rehearsal of a command that wrote or failed, None for anything else."""
        card = self._card
        if step.action is not Action.COMMAND:
            if step.action is Action.POWER:
                card.power_off()
            card.reset()
            return None
        before, writes = card.fork(), card.flash.writes
        answer = card.transmit(step.apdu)
        writes = card.flash.writes - writes
        if card.fault is not None and before.fault is None:
            breach = Breach(Invariant.NO_FAULT, repr(card.fault))
            return Rehearsal(before, step.apdu, self._image, self._image, breaches=(breach,))
        if not writes:
            return None
        return self._rehearsal(before, step.apdu, answer, writes)

    def _rehearsal(self, before: Card, apdu: bytes, answer: bytes, writes: int) -> Rehearsal:
        old = self._image
        try:
            new = self._image = Image.of(before.settings, self._card.flash.fork())
        except ValueError as error:  # an image or a layout that is none
            breach = Breach(Invariant.MOUNTS, str(error))
            return Rehearsal(before, apdu, old, old, breaches=(breach,))
        assert before.state is not None
        assert self._card.state is not None
        word = StatusWord(int.from_bytes(answer[-2:], "big"), "as answered")
        breaches = judge_whole(
            old.observation,
            new.observation,
            addressed(before.state, self._card.state, Command.parse(apdu)),
            may_change=word.memory_may_have_changed,
            success=answer[-2] in _SUCCESS_SW1,
            protected=is_protected(apdu),
        )
        return Rehearsal(before, apdu, old, new, writes, breaches)
