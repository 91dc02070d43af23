"""VERIFY: right and wrong values, the retry counter, the question how many tries are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, case, not_applicable
from conformance.commands import query, select_path, verify
from conformance.redaction import MADE_UP
from conformance.suite.finding import OK, guessable, known_references, some
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

NOT_HERE = 0x6A88


@case("verify/right-value", covers=["7816-4/verify/right-value"])
def test_right_value(terminal: Terminal) -> None:
    """The right value is accepted, again and again."""
    for reference in known_references(terminal):
        terminal.send(select_path(reference.df))
        for _ in range(2):
            command = verify(terminal.keys, "pin", reference)
            terminal.send(command, expect=OK, because="7816-4/verify/right-value")


@case(
    "verify/wrong-value",
    covers=["7816-4/verify/wrong-value", "7816-4/verify/counter-decreases"],
    risk=Risk.CONSUME,
)
def test_wrong_value(terminal: Terminal) -> None:
    """A wrong value is refused, and 63CX counts down as often as may be tried."""
    for reference in guessable(terminal):
        terminal.reset()
        terminal.send(select_path(reference.df))
        left = terminal.model.states[0].tries[reference]
        for kind in ("wrong", "other")[: left - reference.floor]:
            terminal.send(verify(terminal.keys, kind, reference))
        terminal.send(verify(terminal.keys, "pin", reference))


@case("verify/wrong-length", covers=["7816-4/verify/wrong-length"], risk=Risk.CONSUME)
def test_wrong_length(terminal: Terminal) -> None:
    """The right value with a byte less or a byte more is not the right value."""
    for reference in guessable(terminal):
        terminal.reset()
        for kind in ("short", "long"):
            terminal.send(select_path(reference.df))
            terminal.send(verify(terminal.keys, kind, reference))
            terminal.send(verify(terminal.keys, "pin", reference))


@case("verify/counter-restored", covers=["7816-4/verify/counter-restored"], risk=Risk.CONSUME)
def test_counter_restored(terminal: Terminal) -> None:
    """After a failure and a success all tries are there again."""
    because = "7816-4/verify/counter-restored"
    for reference in guessable(terminal):
        terminal.send(select_path(reference.df))
        terminal.send(verify(terminal.keys, "wrong", reference))
        terminal.send(verify(terminal.keys, "pin", reference))
        terminal.reset()
        terminal.send(select_path(reference.df))
        expected = 0x63C0 | reference.tries
        if terminal.statement.features.verify_query:
            terminal.send(query(reference.number), expect=expected, because=because)
        wrong = verify(terminal.keys, "wrong", reference)
        terminal.send(wrong, expect=expected - 1, because=because)
        terminal.send(verify(terminal.keys, "pin", reference))


@case(
    "verify/counter-survives-reset",
    covers=["7816-4/verify/counter-survives-reset"],
    risk=Risk.CONSUME,
)
def test_counter_survives_reset(terminal: Terminal) -> None:
    """A try that was spent is still spent after a reset."""
    if not terminal.statement.features.verify_query:
        not_applicable("the card does not tell the tries left")
    for reference in guessable(terminal):
        terminal.reset()
        terminal.send(select_path(reference.df))
        left = terminal.send(verify(terminal.keys, "wrong", reference)).sw
        terminal.reset()
        terminal.send(select_path(reference.df))
        because = "7816-4/verify/counter-survives-reset"
        terminal.send(query(reference.number), expect=left, because=because)
        terminal.send(verify(terminal.keys, "pin", reference))


@case("verify/references-apart", covers=["7816-4/verify/references-apart"], risk=Risk.CONSUME)
def test_references_apart(terminal: Terminal) -> None:
    """A failure at one reference costs no other a try, and a success verifies no other."""
    because = "7816-4/verify/references-apart"
    if not terminal.statement.features.verify_query:
        not_applicable("the card does not tell the tries left")
    rows = [
        (df, [one for one in terminal.layout.references if one.df in df.lineage()])
        for df in terminal.layout.dedicated()
    ]
    several = [(df, near) for df, near in rows if len(near) > 1]
    if not several:
        not_applicable("no DF has two references in reach")
    usable = guessable(terminal)
    pairs = ((df, near, one) for df, near in several for one in near if one in usable)
    for df, near, reference in some(pairs, "no tries may be spent where there are two references"):
        terminal.reset()
        terminal.send(select_path(df))
        for kind in ("wrong", "pin"):
            terminal.send(verify(terminal.keys, kind, reference))
            for other in near:
                if other is not reference:
                    untouched = 0x63C0 | terminal.model.states[0].tries[other]
                    words = (untouched, NOT_HERE)
                    terminal.send(query(other.number), expect=words, because=because)


@case(
    "verify/query",
    covers=["7816-4/verify/query-counter", "7816-4/verify/query-not-verified"],
)
def test_query(terminal: Terminal) -> None:
    """The question how many tries are left is answered as often as it is asked, and costs none."""
    for reference in terminal.layout.references:
        terminal.send(select_path(reference.df))
        for _ in range(4):
            terminal.send(query(reference.number))


@case("verify/query-verified", covers=["7816-4/verify/query-verified"])
def test_query_verified(terminal: Terminal) -> None:
    """A verified reference says so when it is asked."""
    for reference in known_references(terminal):
        terminal.send(select_path(reference.df))
        terminal.send(verify(terminal.keys, "pin", reference))
        because = "7816-4/verify/query-verified"
        terminal.send(query(reference.number), expect=OK, because=because)


@case("verify/unknown-reference", covers=["7816-4/verify/unknown-reference"])
def test_unknown_reference(terminal: Terminal) -> None:
    """Reference data that does not exist is not verified."""
    for df in terminal.layout.dedicated():
        terminal.send(select_path(df))
        for number in (0x1E, 0x9E):
            if not terminal.layout.references_at(df, number):
                terminal.send(query(number))
                terminal.send(CommandAPDU(0x00, 0x20, 0x00, number, MADE_UP * 4))


@case(
    "verify/reserved-parameters",
    covers=["7816-4/verify/reserved-p1", "7816-4/verify/reserved-p2"],
)
def test_reserved_parameters(terminal: Terminal) -> None:
    """Reserved values of P1 and P2 are refused."""
    for reference in terminal.layout.references:
        terminal.send(select_path(reference.df))
        for p1 in (0x01, 0x55, 0x80):
            terminal.send(CommandAPDU(0x00, 0x20, p1, reference.number))
        for bits in (0x20, 0x40, 0x60):
            terminal.send(query(reference.number | bits))


@case("verify/with-le", covers=["7816-4/verify/with-le"])
def test_with_le(terminal: Terminal) -> None:
    """VERIFY with an Le field brings no data."""
    for reference in known_references(terminal):
        terminal.send(select_path(reference.df))
        value = terminal.keys.guess("pin", reference) or b""
        terminal.send(CommandAPDU(0x00, 0x20, 0x00, reference.number, value, 1))


@case(
    "verify/blocked",
    covers=["7816-4/verify/blocked", "7816-4/verify/blocked-stays-blocked"],
    risk=Risk.DESTROY,
)
def test_blocked(terminal: Terminal) -> None:
    """After the last try not even the right value is accepted, and a reset does not help."""
    if not terminal.bench.copies:
        raise NotRun("a blocked reference of a card that cannot be copied stays blocked")
    for reference in known_references(terminal):
        terminal.send(select_path(reference.df))
        for _ in range(reference.tries):
            terminal.send(verify(terminal.keys, "wrong", reference))
        for _ in range(2):
            terminal.send(verify(terminal.keys, "wrong", reference))
            terminal.send(verify(terminal.keys, "pin", reference))
            terminal.reset()
            terminal.send(select_path(reference.df))
