"""What is owed to a card that cannot be copied: tries and values of references, counted here.

The guard judges by the model, and a card that is wrong is not where its model is. So beside the
model this counts what was sent and what the card told, whichever history or replay sent it. Before
a command goes out that may cost a try or change a value, the worst that it can lead to must leave
tries enough, above the floor, to find out the value and bring it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU, MalformedAPDU, ResponseAPDU
from conformance.guard import Refused
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.keys import Keys
    from conformance.layout import DedicatedFile, ElementaryFile, Layout, Reference
    from conformance.model import Model
    from conformance.model.state import State

VERIFY, CHANGE, DISABLE, ENABLE, RESET = 0x20, 0x24, 0x26, 0x28, 0x2C
COUNTED = frozenset({VERIFY, CHANGE, DISABLE, ENABLE, RESET})
UPDATES = frozenset({0xD6, 0xD7, 0xDC})
NOT_COMPARED = frozenset({0x6A81, 0x6A86, 0x6A88, 0x6B00, 0x6D00, 0x6E00, 0x6881, 0x6882, 0x6884})
"""Refusals of a command that was not looked at; it has cost nothing, whatever the card counts."""
PROPRIETARY, ACCEPTED, BLOCKED = 0x80, 0x9000, 0x6983


def tries_told(sw: int) -> int | None:
    """The tries left that the status word *sw* tells of; None when it tells of none."""
    if sw == BLOCKED:
        return 0
    return sw & 0x0F if sw & 0xFFF0 == 0x63C0 else None


@dataclass
class Holding:
    """One reference: tries left as far as they are known, and what its value may be."""

    reference: Reference
    left: int
    likely: list[bytes] = field(default_factory=list, repr=False)
    """The likeliest value first; empty where the judge knows none."""
    required: bool = True
    """Whether its verification was found to be required."""
    touched: bool = False
    """Whether anything was sent since it was last put back that may have changed it."""
    switched: bool = False
    doubtful: bool = False
    """Whether the card took a value that it cannot have, or did not change one on the right one."""
    most: int = 15
    """The most tries that a right value has been seen to give back."""
    unseen: int = 0
    """Wrong guesses at other references since the card last told of this one."""
    taken: bytes | None = field(default=None, repr=False)
    """The value that the card last found right."""
    contradicted: bool = False
    """Whether it refused that one or the only likely one since, or took one that is less likely."""

    @property
    def at_least(self) -> int:
        """The tries that are left though the card may count a guess at all references."""
        return self.left - self.unseen

    @property
    def spares_one(self) -> bool:
        """Whether a try may be lost."""
        return self.at_least - 1 >= self.reference.floor

    def is_surely(self, value: bytes) -> bool:
        """Whether the card has given no reason to think that its value is not *value*."""
        return self.likely == [value] and not self.doubtful and not self.contradicted

    def may_try(self, value: bytes) -> bool:
        """Whether the floor is kept if the card refuses *value*, or it is sure to take it."""
        return self.is_surely(value) or self.spares_one

    def accepted(self) -> None:
        """A right value gives all tries back, on a card that has not been seen to do otherwise."""
        self.left, self.unseen = min(self.reference.tries, self.most), 0

    def told(self, left: int) -> None:
        """The card says how many tries are left; it is believed when it says fewer."""
        self.unseen = 0
        if left < self.left:
            self.left = self.most = left

    def refused(self, value: bytes) -> None:
        """The card did not take *value*; what else it may be is likelier."""
        self.contradicted |= value == self.taken or self.likely == [value]
        if value in self.likely and len(self.likely) > 1:
            self.likely.remove(value)

    def is_now(self, value: bytes) -> None:
        """The card took *value*."""
        if value in self.likely:
            self.likely = [value]
            self.taken, self.contradicted = value, False

    def put_back(self, value: bytes) -> None:
        """The card has its own *value* again."""
        self.likely = [value]
        self.is_now(value)

    def may_be(self, value: bytes) -> bool:
        """*value* is about to be given to it; whether that is new."""
        fresh = bool(value) and value not in self.likely
        if fresh:
            self.likely.append(value)
        return fresh


@dataclass(frozen=True, slots=True)
class Try:
    """A command at one reference: the guess at its value and the new value, perhaps none."""

    holding: Holding
    guess: bytes | None
    new: bytes = b""
    question: bool = False

    @property
    def right(self) -> bool:
        """Whether the guess is certainly the value."""
        only = self.holding.likely == [self.guess] and not self.holding.contradicted
        return self.guess is None or only

    @property
    def harmless(self) -> bool:
        """Whether nothing is tried, or the value as it is, and nothing can change by it."""
        spared = self.guess is None or self.holding.may_try(self.guess)
        return self.right and not self.new and spared

    @property
    def worst(self) -> int:
        """Tries above what must be left, when the card does what is worst."""
        values = {*self.holding.likely, *((self.new,) if self.new else ())}
        if self.guess in self.holding.likely and not self.new and not self.right:
            values.discard(self.guess or b"")
        reserve = self.holding.reference.floor + max(0, len(values) - 1)
        return self.holding.at_least - (0 if self.right else 1) - reserve


class Custody:
    """The references of one card and what its writable files were found to hold.

    *noted* hears of each change in what the value of a reference may be, before it is sent;
    *stocked* says whether all of what an EF holds was read before anything was tried.
    """

    def __init__(
        self,
        layout: Layout,
        keys: Keys,
        risk: Risk,
        noted: Callable[[Holding], None],
        stocked: Callable[[ElementaryFile], bool],
    ) -> None:
        self.noted = noted
        self._stocked = stocked
        self._layout = layout
        self._risk = risk
        self.tells = False
        """Whether the card can be asked for tries at any time."""
        self.asking_costs = False
        """Whether the card has been seen to count a question as a wrong guess."""
        self._under_way: tuple[tuple[Try, int, bool], ...] = ()
        self.holdings = {
            one: Holding(one, one.tries, [right] if (right := keys.right(one)) else [])
            for one in layout.references
        }

    def admit(self, raw: bytes, model: Model) -> None:
        """Let *raw* pass, as about to be sent, or raise Refused."""
        self._under_way = ()
        if len(raw) < 4 or raw[1] not in COUNTED | UPDATES:
            return
        if raw[1] in UPDATES:
            self._admit_update(raw, model)
            return
        tries = tuple(self._tries(raw, model))
        if self._risk is not Risk.DESTROY:
            self._keep(raw[1], tries)
        self._under_way = tuple((one, one.holding.left, one.holding.touched) for one in tries)
        for one in tries:
            one.holding.left -= 0 if one.right else 1
            one.holding.touched = True
            one.holding.switched |= raw[1] in {DISABLE, ENABLE}
            if one.holding.may_be(one.new):
                self.noted(one.holding)

    def _keep(self, ins: int, tries: tuple[Try, ...]) -> None:
        """Raise Refused where *tries* may take one that is kept, at their references or elsewhere.

        A card may count a guess at all of them: none is tried while one that was itself tried lies
        at its floor.
        """
        for one in tries:
            if ins in {DISABLE, ENABLE} and not one.holding.required:
                name = one.holding.reference.name
                raise Refused(f"{name} was found without a requirement, and is left so")
            if (one.worst < 0 or one.holding.doubtful) and not one.harmless:
                raise _kept(one.holding)
            for other in self.holdings.values() if not one.right else ():
                if other is not one.holding and other.touched and not other.spares_one:
                    raise _kept(other)

    def _admit_update(self, raw: bytes, model: Model) -> None:
        if self._risk is Risk.DESTROY:
            return
        for state in model.states:
            for ef in _written(state.layout or self._layout, state, raw):
                if ef.writable and ef not in state.created and not self._stocked(ef):
                    reason = f"what {ef.path} holds could not be read first"
                    raise Refused(f"{reason}; that needs --risk destroy")

    def answered(self, raw: bytes, answer: bytes) -> None:
        """The card answered *answer*; nothing of it changes what was assumed at worst."""
        under_way, self._under_way = self._under_way, ()
        try:
            sw = ResponseAPDU.decode(answer).sw
        except MalformedAPDU:
            return
        for position, (one, before, touched) in enumerate(under_way):
            if sw == ACCEPTED:
                one.holding.left = before
                if not position:
                    self._accepted(raw[1], one)
                same = one.holding.left == before
                if raw[1] == VERIFY and one.right and (same or one.question):
                    one.holding.touched = touched
                continue
            if sw in NOT_COMPARED:
                one.holding.left = before
                one.holding.touched = touched if one.question else one.holding.touched
                continue
            if not one.right and self.tells and not self.asking_costs:
                self._unseen_elsewhere(one.holding)
            if sw & 0xFFF0 == 0x63C0 and one.question:
                fewer = sw & 0x0F < one.holding.left
                one.holding.told(sw & 0x0F)
                one.holding.touched = touched or fewer
            elif sw & 0xFFF0 == 0x63C0 and one.guess is not None:
                one.holding.told(sw & 0x0F)
                if one.guess != one.new:  # else a wrong card may have made it the value just now
                    one.holding.refused(one.guess)
            elif sw == BLOCKED:
                one.holding.told(0)
            elif one.question:
                one.holding.touched = touched

    def _unseen_elsewhere(self, tried: Holding) -> None:
        for other in self.holdings.values():
            other.unseen += other is not tried

    def _accepted(self, ins: int, one: Try) -> None:
        holding = one.holding
        if one.guess is None and not one.new:
            return
        holding.doubtful |= one.guess is not None and one.guess not in holding.likely
        unlikely = one.guess in holding.likely[1:] or holding.taken not in {None, one.guess}
        if one.guess is not None and unlikely:
            holding.contradicted = True
            holding.left -= 0 if one.right else 1
            return
        if one.guess is not None:
            holding.accepted()
        if one.new:
            holding.taken = None
            holding.likely.sort(key=lambda value: value != one.new)
            self.noted(holding)
        elif one.guess is not None and ins != RESET:
            several = len(holding.likely) > 1
            holding.is_now(one.guess)
            if several:
                self.noted(holding)

    def _tries(self, raw: bytes, model: Model) -> Iterator[Try]:
        """What *raw* may try, at each reference that it may mean, the nearest first."""
        found = dict.fromkeys(
            reference
            for state in model.states
            for df, _ in _seats(state)
            for reference in self._layout.references_at(df, raw[3])
        )
        try:
            command = CommandAPDU.decode(raw)
        except MalformedAPDU:
            command = CommandAPDU(raw[0], raw[1], raw[2], raw[3], raw[4:])
        for reference in found:
            if raw[0] & PROPRIETARY:
                self.holdings[reference].touched = True
            elif command.ins == RESET:
                yield from self._reset(reference, command)
            elif command.ins == CHANGE:
                size = 0 if command.p1 == 1 else reference.length
                guess = command.data[:size] if size else None
                yield Try(self.holdings[reference], guess, command.data[size:])
            elif command.data or command.ins != VERIFY or self.asking_costs:
                yield Try(self.holdings[reference], command.data)
            else:
                yield Try(self.holdings[reference], None, question=True)

    def _reset(self, reference: Reference, command: CommandAPDU) -> Iterator[Try]:
        """RESET RETRY COUNTER: the code is tried where it is kept, a new value comes here."""
        code = self.code_of(reference)
        size = code.length if code is not None and command.p1 in {0, 1} else 0
        yield Try(self.holdings[reference], None, command.data[size:])
        if code is not None and size:
            yield Try(self.holdings[code], command.data[:size])

    def code_of(self, reference: Reference) -> Reference | None:
        """The reference that is the resetting code of *reference*, or None."""
        names = (one for one in self._layout.references if one.name == reference.unblocked_by)
        return next(names, None)


def _kept(holding: Holding) -> Refused:
    name, floor = holding.reference.name, holding.reference.floor
    reason = f"{name} has {holding.left} tries left, which are kept"
    return Refused(f"{reason} (its floor is {floor}); that needs --risk destroy")


def _seats(state: State) -> Iterator[tuple[DedicatedFile, ElementaryFile | None]]:
    """The current DF and EF on each logical channel."""
    yield state.df, state.ef
    yield from ((seat.df, seat.ef) for seat in state.others.values())


def _written(layout: Layout, state: State, raw: bytes) -> Iterator[ElementaryFile]:
    """The EFs that an update may write: by short identifier, by identifier, or the current one."""
    ins, p1, p2 = raw[1:4]
    number = {0xDC: p2 >> 3, 0xD6: p1 & 0x1F if p1 & 0x80 else 0}.get(ins, p1 << 8 | p2)
    for df, current in _seats(state):
        if not number:
            found = current
        elif number <= 30:
            found = layout.by_sfi(df, number)
        else:
            named = (ef for ef in layout.elementary() if ef.parent is df and ef.fid == number)
            found = next(named, None)
        if found is not None:
            yield found
