"""The terminal's security module (PSAM): MAC1 and MAC2 of purchases, computations, key loading.

DOMAIN: published analyses of PSAM key loading and terminal programs. The usage byte of a key has
the levels of diversification in its three high bits; a command brings one factor of 8 bytes for
each of them, the outermost first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.crypto import purses as crypto
from conformance.crypto.blocks import BLOCK_SIZE, decrypt_ecb, encrypt_ecb
from conformance.model.addressing import refusal, refused, staying
from conformance.model.outcome import Outcome, Ruling, Suspect, words
from conformance.model.pboc.completion import anything
from conformance.model.pboc.fields import Part, Parts
from conformance.model.pboc.proofs import family_of
from conformance.model.pboc.state import FamilyState, Ready, Sale

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.family import CardKey, PbocTable
    from conformance.keys import Keys
    from conformance.model.state import State

AREA = "pboc/module"
PURCHASE_MAC, CHECK, MAKE_READY, COMPUTE, WRITE_KEY = 0x70, 0x72, 0x1A, 0xFA, 0xD4
DATA = 20
NO_KEY = words(0x9403, 0x6A88)
NOT_READY = words(0x6985, 0x6A88)
PURCHASE, MAC, CIPHER, BOTH = 0x02, 0x06, 0x07, 0x08
MODES = {0x00: {CIPHER, BOTH}, 0x01: {MAC, BOTH}, 0x05: {MAC, BOTH}}
MASTER = 15


def ruling(pboc: PbocTable, keys: Keys, state: State, command: CommandAPDU) -> Ruling | None:
    """The ruling of a command of security modules, None when it is none."""
    family = family_of(state)
    ended = replace(state, family=replace(family, pending=None))
    if pboc.module is None or state.df.path != pboc.module.df:
        return None
    if command.ins == PURCHASE_MAC:
        return _first_mac(pboc, keys, ended, command)
    if command.ins == CHECK:
        return _check(family, ended, command)
    if command.ins == MAKE_READY:
        return _make_ready(pboc, keys, ended, command)
    if command.ins == COMPUTE:
        return _compute(family, state, ended, command)
    if command.ins == WRITE_KEY and not command.p1 and not command.p2:
        return refused(f"{AREA}/key-plain", words(0x6982, 0x6987, 0x6985), ended)
    return None


def _key(
    pboc: PbocTable, keys: Keys, family: FamilyState, usage: int, version: int
) -> tuple[str, bytes | None] | None:
    """Cipher and value of the key of *usage* and *version*; None when there is no such key."""
    loaded = family.loaded.get((usage, version))
    if loaded is not None:
        return "TDES", loaded
    kind = "sam-purchase" if usage & 0x1F == PURCHASE else "sam-computation"
    for key in pboc.key:
        if key.type == kind and key.number == usage and key.version == version:
            return key.cipher, keys.secrets.get(key.name)
    return None


def _factors(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[at : at + 8] for at in range(0, len(data), 8))


class _MacOne:
    """The data rule: terminal transaction counter, and the MAC1 that follows from it."""

    def __init__(self, family: FamilyState, process: _Process, fields: bytes) -> None:
        self.counter, self.process, self.fields = family.terminal_counter, process, fields
        self.rule = "counter-survives-reset" if family.counted_before_reset else "counter"

    def fault(self, data: bytes) -> str | None:
        """The counter first."""
        if len(data) != 8:
            return ""
        if self.counter is not None and data[:4] != self.counter.to_bytes(4, "big"):
            return f"{AREA}/{self.rule}"
        return None if data[4:] == crypto.mac(self.process(data), self.fields) else f"{AREA}/mac1"

    def __str__(self) -> str:
        shown = "4 bytes" if self.counter is None else f"{self.counter:08X}"
        return f"{shown}, MAC1 right"


class _Process:
    """The process key of a purchase, from the counter in the answer."""

    def __init__(self, cipher: str, key: bytes, begin: bytes) -> None:
        self.cipher, self.key, self.begin = cipher, key, begin

    def __call__(self, data: bytes) -> bytes:
        """The key for the answer *data*."""
        return crypto.process_key(self.cipher, self.key, self.begin + data[2:4])


def _first_mac(pboc: PbocTable, keys: Keys, state: State, command: CommandAPDU) -> Ruling:
    data, family = command.data, family_of(state)
    if len(data) < DATA or (len(data) - DATA) % 8:
        return refused(f"{AREA}/length", words(0x6700, 0x6A80, 0x9403), state)
    factors = _factors(data[DATA:])
    found = _key(pboc, keys, family, len(factors) << 5 | PURCHASE, data[18])
    if found is None:
        return refused(f"{AREA}/key-unknown", NO_KEY, state)
    cipher, value = found
    if value is None or command.ne is None or not (command.all_available or command.ne == 8):
        return anything(state)
    assert pboc.module is not None
    process = _Process(cipher, crypto.diversified(cipher, value, *factors), data[:6])
    fields = data[6:11] + bytes.fromhex(pboc.module.terminal) + data[11:18]

    def given(response: ResponseAPDU) -> State:
        sale = Sale(process(response.data), data[6:10])
        following = int.from_bytes(response.data[:4], "big") + 1
        counted = replace(family, terminal_counter=following, counted_before_reset=False)
        return replace(state, family=replace(counted, pending=sale))

    rule = _MacOne(family, process, fields)
    return Ruling((Outcome(f"{AREA}/mac1", words(0x9000), given, rule),))


def _check(family: FamilyState, state: State, command: CommandAPDU) -> Ruling:
    if command.p1 or command.p2 or len(command.data) != 4:
        allowed = words(0x6700, 0x6A80, 0x6A86)
        return refused(f"{AREA}/length", allowed, state)
    sale = family.pending
    if not isinstance(sale, Sale):
        suspects = (Suspect(f"{AREA}/mac2-once", words(0x9000)),)
        return Ruling((refusal(f"{AREA}/mac2-once", NOT_READY, state),), suspects)
    if command.data == crypto.mac(sale.process_key, sale.amount):
        return Ruling((refusal(f"{AREA}/mac2-right", words(0x9000), state),))
    suspects = (Suspect(f"{AREA}/mac2-wrong", words(0x9000)),)
    return Ruling((refusal(f"{AREA}/mac2-wrong", words(0x9302, 0x6988), state),), suspects)


def _make_ready(pboc: PbocTable, keys: Keys, state: State, command: CommandAPDU) -> Ruling:
    usage, family = command.p1, family_of(state)
    if len(command.data) != 8 * (usage >> 5):
        return refused(f"{AREA}/length", words(0x6700, 0x6A80), state)
    found = _key(pboc, keys, family, usage, command.p2)
    if usage & 0x1F not in {MAC, CIPHER, BOTH}:
        allowed = NOT_READY | (NO_KEY if found is None else words())
        suspects = (Suspect(f"{AREA}/key-kinds", words(0x9000)),)
        return Ruling((refusal(f"{AREA}/key-kinds", allowed, state),), suspects)
    if found is None:
        return refused(f"{AREA}/key-unknown", NO_KEY, state)
    cipher, value = found
    if value is None:
        return anything(state)
    key = crypto.diversified(cipher, value, *_factors(command.data))
    ready = Ready(cipher, key, usage & 0x1F)
    after = replace(state, family=replace(family, pending=ready))
    return Ruling((Outcome(f"{AREA}/ready", words(0x9000), staying(after)),))


def _compute(family: FamilyState, state: State, ended: State, command: CommandAPDU) -> Ruling:
    ready, mode, data = family.pending, command.p1, command.data
    if command.p2 or mode not in MODES:
        return refused(f"{AREA}/length", words(0x6A86, 0x6985, 0x6A81), ended)
    if not isinstance(ready, Ready) or ready.kind not in MODES[mode]:
        return refused(f"{AREA}/not-ready", NOT_READY, ended)
    size = BLOCK_SIZE[ready.cipher]
    start = size if mode == 0x05 else 0
    if (mode == 0x00 and len(data) % size) or len(data) <= start:
        return refused(f"{AREA}/length", words(0x6700, 0x6A80), ended)
    if command.ne is None:
        return anything(ended)
    if mode == 0x00:
        rule, made = f"{AREA}/cipher", encrypt_ecb(ready.cipher, ready.key, data)
    else:
        rule = f"{AREA}/{'mac-from' if start else 'mac'}"
        made = crypto.line_mac(ready.cipher, ready.key, data[:start], data[start:])
    if command.ne < len(made):
        return anything(state)
    whole = Parts((Part.known(rule, made),))
    return Ruling((Outcome(rule, words(0x9000), staying(state), whole),))


def loaded(state: State, key: CardKey, value: bytes, data: bytes) -> Ruling:
    """`84 D4` with a right MAC: the enciphered key is there from now on."""
    family = family_of(state)
    plain = _opened(key.cipher, value, data)
    if plain is None or len(plain) != 19 or family.mf_state != MASTER:
        refusing = words(0x6982, 0x6A80, 0x6988, 0x6985, 0x6700)
        return refused(f"{AREA}/key-refused", refusing, state)
    if plain[2]:
        return anything(state)
    known = {**family.loaded, (plain[0], plain[1]): plain[3:]}
    after = replace(state, family=replace(family, loaded=known))
    return Ruling((Outcome(f"{AREA}/key-loaded", words(0x9000), staying(after)),))


def _opened(cipher: str, key: bytes, data: bytes) -> bytes | None:
    """The plain data field, None when it is no enciphered one."""
    if not data or len(data) % BLOCK_SIZE[cipher]:
        return None
    opened = decrypt_ecb(cipher, key, data)
    plain = opened[1 : 1 + opened[0]]
    return plain if crypto.line_encipher(cipher, key, plain) == data else None
