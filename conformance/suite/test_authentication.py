"""Proofs of keys: EXTERNAL and INTERNAL AUTHENTICATE, their counters and security states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, case, not_applicable
from conformance.commands import ALL, get_challenge, read_record
from conformance.proving import prove
from conformance.suite.finding import OK, REFUSED
from conformance.suite.items import changing, writable
from conformance.trading import enter, pboc_of
from conformance.verdict import Risk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.family import CardKey, KeyType
    from conformance.terminal import Terminal

_AREA = "pboc/authentication"
FACTOR = bytes.fromhex("1122334455667788")
NOT_NOW = (0x6985, 0x6984)
UNKNOWN = (0x6A88, 0x9403, 0x6A82, 0x6985, 0x6984)
ABSENT = 0x1D


def known_keys(terminal: Terminal, kind: KeyType) -> Iterator[CardKey]:
    """The keys of a type whose values are known, their DF current after a reset."""
    pboc = pboc_of(terminal)
    declared = tuple(pboc.keys_of(kind)) or not_applicable(f"there is no {kind} key")
    known = [key for key in declared if key.name in terminal.keys.secrets]
    if not known:
        raise NotRun(f"the value of no {kind} key is known")
    for key in known:
        terminal.reset()
        enter(terminal, key.df, proven=False)
        yield key


def _size(key: CardKey) -> int:
    return 16 if key.cipher == "SM4" else 8


@case(
    "authentication/challenges", covers=[f"{_AREA}/challenge-lengths", f"{_AREA}/challenge-fresh"]
)
def test_challenges(terminal: Terminal) -> None:
    """Challenges of 4 and 8 bytes come, and none of them twice."""
    for length in (4, 8, 4, 8):
        terminal.send(get_challenge(length), expect=OK, because=f"{_AREA}/challenge-lengths")
    for _ in range(6):
        terminal.send(get_challenge(8))
    terminal.reset()
    terminal.send(get_challenge(8))


@case("authentication/external", covers=[f"{_AREA}/external-right"], risk=Risk.CONSUME)
def test_external(terminal: Terminal) -> None:
    """The last challenge enciphered under the key proves it, and a short challenge does, too."""
    for key in known_keys(terminal, "external"):
        because = f"{_AREA}/external-right"
        terminal.send(prove(terminal, key), expect=OK, because=because)
        terminal.send(get_challenge(4))
        terminal.send(prove(terminal, key), expect=OK, because=because)


@case("authentication/external-factor", covers=[f"{_AREA}/external-factor"], risk=Risk.CONSUME)
def test_external_factor(terminal: Terminal) -> None:
    """A factor behind the block makes the process key under which the block is enciphered."""
    if not pboc_of(terminal).factors:
        not_applicable("no factor may follow the block")
    for key in known_keys(terminal, "external"):
        command = prove(terminal, key, factor=FACTOR)
        terminal.send(command, expect=OK, because=f"{_AREA}/external-factor")


@case(
    "authentication/external-wrong",
    covers=[
        f"{_AREA}/external-wrong",
        f"{_AREA}/external-counter",
        f"{_AREA}/external-counter-restored",
    ],
    risk=Risk.CONSUME,
)
def test_external_wrong(terminal: Terminal) -> None:
    """Wrong cryptograms cost a try each, a right one gives all of them back."""
    for key in known_keys(terminal, "external"):
        for spoilt in (0x01, 0x80):
            terminal.send(prove(terminal, key, spoilt=spoilt))
        terminal.send(prove(terminal, key), expect=OK, because=f"{_AREA}/external-right")
        left = (0x63C0 | key.tries - 1,)
        because = f"{_AREA}/external-counter-restored"
        terminal.send(prove(terminal, key, spoilt=0x01), expect=left, because=because)
        terminal.send(prove(terminal, key))


@case(
    "authentication/challenge-once",
    covers=[f"{_AREA}/challenge-once", f"{_AREA}/no-challenge"],
    risk=Risk.CONSUME,
)
def test_challenge_once(terminal: Terminal) -> None:
    """Without a challenge, or with one that has served already, nothing is proven."""
    for key in known_keys(terminal, "external"):
        block = bytes(_size(key))
        command = CommandAPDU(0x00, 0x82, 0x00, key.number, block)
        terminal.send(command, expect=NOT_NOW, because=f"{_AREA}/no-challenge")
        command = prove(terminal, key)
        terminal.send(command, expect=OK, because=f"{_AREA}/external-right")
        terminal.send(command, expect=NOT_NOW, because=f"{_AREA}/challenge-once")
        command = prove(terminal, key, spoilt=0x01)
        terminal.send(command)
        terminal.send(command, expect=NOT_NOW, because=f"{_AREA}/challenge-once")
        terminal.send(prove(terminal, key))


@case("authentication/external-length", covers=[f"{_AREA}/external-length"], risk=Risk.CONSUME)
def test_external_length(terminal: Terminal) -> None:
    """Neither more nor less than a block, or a block and a factor, is looked at."""
    for key in known_keys(terminal, "external"):
        for size in (_size(key) - 1, _size(key) + 1, 3 * _size(key)):
            terminal.send(get_challenge(8))
            terminal.send(CommandAPDU(0x00, 0x82, 0x00, key.number, bytes(size)))


@case(
    "authentication/external-unknown",
    covers=[f"{_AREA}/external-unknown-key"],
    risk=Risk.CONSUME,
)
def test_external_unknown(terminal: Terminal) -> None:
    """A key that is not there is not found."""
    for key in known_keys(terminal, "external"):
        terminal.send(get_challenge(8))
        command = CommandAPDU(0x00, 0x82, 0x00, ABSENT, bytes(_size(key)))
        terminal.send(command, expect=UNKNOWN, because=f"{_AREA}/external-unknown-key")


@case("authentication/external-blocked", covers=[f"{_AREA}/external-blocked"], risk=Risk.DESTROY)
def test_external_blocked(terminal: Terminal) -> None:
    """A key whose tries are gone is refused, whatever is brought."""
    if not terminal.bench.copies:
        raise NotRun("a blocked key of a card that cannot be copied stays blocked")
    for key in known_keys(terminal, "external"):
        for _ in range(key.tries):
            terminal.send(prove(terminal, key, spoilt=0x01))
        because = f"{_AREA}/external-blocked"
        for spoilt in (0x01, 0x00):
            terminal.send(prove(terminal, key, spoilt=spoilt), expect=0x6983, because=because)


@case(
    "authentication/states",
    covers=[f"{_AREA}/wrong-closes", f"{_AREA}/state-of-key"],
    risk=Risk.CONSUME,
)
def test_states(terminal: Terminal) -> None:
    """What one key opens another does not, and a wrong cryptogram closes it again."""
    for ef, key in writable(terminal):
        enter(terminal, ef.parent.path)
        held = terminal.send(read_record(1, ALL, sfi=ef.sfi or 0)).data
        change = changing(ef, 1, held)
        states = {one.number for alternative in ef.update.alternatives for one in alternative}
        for other in pboc_of(terminal).keys_of("external", ef.parent.path):
            if other.state not in states and other.name in terminal.keys.secrets:
                terminal.send(prove(terminal, other))
                terminal.send(change, expect=REFUSED, because=f"{_AREA}/state-of-key")
        terminal.send(prove(terminal, key))
        terminal.send(prove(terminal, key, spoilt=0x01))
        terminal.send(change, expect=REFUSED, because=f"{_AREA}/wrong-closes")
        terminal.send(prove(terminal, key))


@case(
    "authentication/internal",
    covers=[
        f"{_AREA}/internal-right",
        f"{_AREA}/internal-factor",
        f"{_AREA}/internal-length",
    ],
)
def test_internal(terminal: Terminal) -> None:
    """The card enciphers a block under its key, or under the process key of a factor."""
    for key in known_keys(terminal, "internal"):
        block = bytes(range(1, _size(key) + 1))
        for data in (block, block[::-1], block + FACTOR):
            terminal.send(CommandAPDU(0x00, 0x88, 0x00, key.number, data, ALL))
        for data in (block[1:], block + FACTOR[1:]):
            terminal.send(CommandAPDU(0x00, 0x88, 0x00, key.number, data, ALL))
