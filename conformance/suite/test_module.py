"""The terminal's security module: MAC1, MAC2, its counter, computations, and loading keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, case, not_applicable
from conformance.commands import ALL, get_challenge, select_path
from conformance.crypto import purses as crypto
from conformance.layout import DedicatedFile
from conformance.model.pboc.proofs import family_of
from conformance.model.pboc.state import Sale
from conformance.proving import prove, sealed
from conformance.redaction import spare_key
from conformance.suite.finding import OK
from conformance.trading import MOMENT, enter, pboc_of
from conformance.verdict import Risk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.family import CardKey, ModuleTable
    from conformance.terminal import Terminal

_AREA = "pboc/module"
FACTORS = bytes.fromhex("9156000002330300 3303000000000017") + bytes(40)
RANDOM, COUNTER, AMOUNT = bytes.fromhex("11223344"), b"\x00\x05", b"\x00\x00\x00\xfa"
NOT_READY = (0x6985, 0x6A88)
NO_KEY = (0x9403, 0x6A88)
ABSENT_VERSION = 0x7E


def _module(terminal: Terminal) -> ModuleTable:
    module = pboc_of(terminal).module
    return not_applicable("the card is no security module") if module is None else module


def _keys(terminal: Terminal, kind: str) -> Iterator[CardKey]:
    """The module's keys of a kind whose values are known, its DF current after a reset."""
    module = _module(terminal)
    declared = [key for key in pboc_of(terminal).key if key.type == kind]
    known = [key for key in declared if key.name in terminal.keys.secrets]
    if declared and not known:
        raise NotRun("the value of no such key is known")
    for key in known or not_applicable("the module has no such key"):
        terminal.reset()
        enter(terminal, module.df)
        yield key


def _purchase(usage: int, version: int, random: bytes = RANDOM) -> CommandAPDU:
    """INITIALIZE SAM FOR PURCHASE of an EP purchase."""
    data = random + COUNTER + AMOUNT + b"\x06" + MOMENT + bytes((version, 0))
    factors = FACTORS[: 8 * (usage >> 5)]
    return CommandAPDU(0x80, 0x70, 0x00, 0x00, data + factors, 8)


def _check(terminal: Terminal, spoilt: int = 0) -> CommandAPDU:
    """CREDIT SAM FOR PURCHASE with the MAC2 that the card would give."""
    sale = family_of(terminal.model.states[0]).pending
    mac = crypto.mac(sale.process_key, sale.amount) if isinstance(sale, Sale) else bytes(4)
    return CommandAPDU(0x80, 0x72, 0x00, 0x00, mac[:-1] + bytes((mac[-1] ^ spoilt,)))


@case(
    "module/mac1",
    covers=[f"{_AREA}/mac1", f"{_AREA}/counter", f"{_AREA}/counter-survives-reset"],
    risk=Risk.RESTORE,
)
def test_mac1(terminal: Terminal) -> None:
    """MAC1 is that of the diversified key, and every one of them spends a number."""
    for key in _keys(terminal, "sam-purchase"):
        for random in (RANDOM, RANDOM[::-1]):
            command = _purchase(key.number, key.version, random)
            terminal.send(command, expect=OK, because=f"{_AREA}/mac1")
        terminal.reset()
        enter(terminal, _module(terminal).df)
        terminal.send(_purchase(key.number, key.version))


@case(
    "module/mac2",
    covers=[f"{_AREA}/mac2-right", f"{_AREA}/mac2-wrong", f"{_AREA}/mac2-once"],
    risk=Risk.RESTORE,
)
def test_mac2(terminal: Terminal) -> None:
    """The card's MAC2 is checked once, and a wrong one is refused."""
    for key in _keys(terminal, "sam-purchase"):
        begin = _purchase(key.number, key.version)
        terminal.send(begin)
        right = _check(terminal)
        terminal.send(right, expect=OK, because=f"{_AREA}/mac2-right")
        terminal.send(right, expect=NOT_READY, because=f"{_AREA}/mac2-once")
        for spoilt in (0x01, 0x80):
            terminal.send(begin)
            wrong = _check(terminal, spoilt)
            terminal.send(wrong, expect=(0x9302, 0x6988), because=f"{_AREA}/mac2-wrong")
            terminal.send(wrong, expect=NOT_READY, because=f"{_AREA}/mac2-once")
        terminal.send(begin)
        right = _check(terminal)
        terminal.send(get_challenge(8))
        terminal.send(right, expect=NOT_READY, because=f"{_AREA}/mac2-once")


@case("module/keys", covers=[f"{_AREA}/key-unknown", f"{_AREA}/length"], risk=Risk.RESTORE)
def test_keys(terminal: Terminal) -> None:
    """Versions and levels without a key are not found, and half a factor is refused."""
    for key in _keys(terminal, "sam-purchase"):
        for usage, version in ((key.number, ABSENT_VERSION), (0x02, key.version), (0xA2, 1)):
            command = _purchase(usage, version)
            terminal.send(command, expect=NO_KEY, because=f"{_AREA}/key-unknown")
        whole = _purchase(key.number, key.version)
        for size in (len(whole.data) - 1, 10):
            cut = CommandAPDU(0x80, 0x70, 0x00, 0x00, whole.data[:size], 8)
            terminal.send(cut)
        terminal.send(CommandAPDU(0x80, 0x1A, 0x48, 0x01, FACTORS[:15]))


def _ready(key: CardKey) -> CommandAPDU:
    factors = FACTORS[: 8 * (key.number >> 5)]
    return CommandAPDU(0x80, 0x1A, key.number, key.version, factors)


@case(
    "module/compute",
    covers=[
        f"{_AREA}/ready",
        f"{_AREA}/cipher",
        f"{_AREA}/mac",
        f"{_AREA}/mac-from",
        f"{_AREA}/not-ready",
    ],
)
def test_compute(terminal: Terminal) -> None:
    """A key that was made ready enciphers and makes MACs until something else comes."""
    for key in _keys(terminal, "sam-computation"):
        size = 16 if key.cipher == "SM4" else 8
        block, because = bytes(range(size)), f"{_AREA}/not-ready"
        cipher = CommandAPDU(0x80, 0xFA, 0x00, 0x00, block, ALL)
        terminal.send(cipher, expect=NOT_READY, because=because)
        terminal.send(_ready(key), expect=OK, because=f"{_AREA}/ready")
        terminal.send(cipher, expect=OK, because=f"{_AREA}/cipher")
        terminal.send(CommandAPDU(0x80, 0xFA, 0x00, 0x00, block + block[::-1], ALL))
        for data in (block, block + b"\x01\x02", b"\x07"):
            terminal.send(CommandAPDU(0x80, 0xFA, 0x01, 0x00, data, 4))
        command = CommandAPDU(0x80, 0xFA, 0x05, 0x00, block + b"\x01\x02", 4)
        terminal.send(command, expect=OK, because=f"{_AREA}/mac-from")
        terminal.send(CommandAPDU(0x80, 0xFA, 0x00, 0x00, block[1:], ALL))
        terminal.send(cipher, expect=NOT_READY, because=because)
        terminal.send(_ready(key))
        terminal.send(get_challenge(8))
        terminal.send(cipher, expect=NOT_READY, because=because)


@case("module/kinds", covers=[f"{_AREA}/key-kinds"])
def test_kinds(terminal: Terminal) -> None:
    """A purchase key is not made ready for computations."""
    for key in _keys(terminal, "sam-purchase"):
        terminal.send(_ready(key), expect=NOT_READY, because=f"{_AREA}/key-kinds")


@case(
    "module/load-key",
    covers=[
        f"{_AREA}/key-plain",
        f"{_AREA}/key-refused",
        f"{_AREA}/key-loaded",
        "pboc/line-mac/wrong-mac",
    ],
    risk=Risk.CONSUME,
)
def test_load_key(terminal: Terminal) -> None:
    """A key is loaded enciphered and with the right MAC by who has proven the master key."""
    module = _module(terminal)
    if not module.spare:
        not_applicable("the statement gives no key that may be loaded")
    if not terminal.bench.copies:
        raise NotRun("a key of a module that cannot be copied is left as it is")
    usage, version = bytes.fromhex(module.spare)
    master, home = _masters(terminal, module)
    value = terminal.keys.secrets[home.name]
    plain = bytes((usage, version, 0)) + spare_key(value)
    header = (0x84, 0xD4, 0x00, 0x00)
    secret = crypto.line_encipher(home.cipher, value, plain)
    enter(terminal, module.df)
    command = sealed(terminal, home, header, secret)
    terminal.send(command, expect=0x6982, because=f"{_AREA}/key-refused")
    terminal.send(select_path(terminal.layout.master))
    terminal.send(prove(terminal, master))
    enter(terminal, module.df)
    command = CommandAPDU(0x80, 0xD4, 0x00, 0x00, plain)
    terminal.send(command, expect=(0x6982, 0x6987, 0x6985), because=f"{_AREA}/key-plain")
    command = sealed(terminal, home, header, secret, 0x01)
    terminal.send(command, expect=(0x6988,), because="pboc/line-mac/wrong-mac")
    terminal.send(_purchase(usage, version), expect=NO_KEY, because="pboc/line-mac/wrong-mac")
    command = sealed(terminal, home, header, secret)
    terminal.send(command, expect=OK, because=f"{_AREA}/key-loaded")
    terminal.send(_purchase(usage, version), expect=OK, because=f"{_AREA}/key-loaded")


def _masters(terminal: Terminal, module: ModuleTable) -> tuple[CardKey, CardKey]:
    """The master keys of the MF and of the module's DF."""
    df = terminal.layout.by_path(module.df)
    assert isinstance(df, DedicatedFile)
    pboc = pboc_of(terminal)
    pair = (pboc.key_of("external", "3F00", 0), pboc.key_of("external", module.df, 0))
    if any(key is None or key.name not in terminal.keys.secrets for key in pair):
        raise NotRun("the value of a master key is not known")
    master, home = pair
    assert master is not None
    assert home is not None
    return master, home
