"""Faults of electronic purses: value made or lost, proofs that prove nothing.

The sound card is the profile ssc2. A fault holds no keys: it lies about an answer, lets the card
see something else, or tries it on a copy.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import INS_READ_RECORD, OK, Puppet, fault

INITIALIZE, CREDIT, DEBIT, LIMIT = 0x50, 0x52, 0x54, 0x58
PROOF, BALANCE, CACHE = 0x5A, 0x5C, 0xDC
DEPOSIT = 0x01
"""P2 that means the deposit (ED); 02 is the purse (EP)."""
COMPLETING = frozenset({CREDIT, DEBIT, LIMIT})
PROVE_PIN = bytes.fromhex("0020000003123456")
CLOSED, NOT_NOW, WRONG_MAC = b"\x69\x82", b"\x69\x85", b"\x93\x02"
FUNDS, NO_PROOF = b"\x94\x01", b"\x94\x06"
LOG, JOURNEYS = 0x18, 0x1A
pboc = partial(fault, standard="pboc", profile="ssc2")


def _spoilt(answer: bytes, place: int) -> bytes:
    """*answer* with the byte at *place* changed, where it is a success with data."""
    if len(answer) < 4 or answer[-2:] != OK:
        return answer
    changed = bytearray(answer)
    changed[place] ^= 0x01
    return bytes(changed)


def _richer(puppet: Puppet, answer: bytes) -> bytes:
    """A balance with what the fault made added."""
    if answer[-2:] != OK:
        return answer
    made: int = puppet.notes.get("made", 0)
    shown = int.from_bytes(answer[:-2], "big") + made
    return (shown % 0x1_0000_0000).to_bytes(4, "big") + OK


def _makes(puppet: Puppet, amount: int) -> None:
    puppet.notes["made"] = puppet.notes.get("made", 0) + amount


def _for_nothing(puppet: Puppet, command: CommandAPDU) -> bytes:
    """What the card would answer to the same INITIALIZE for the amount 0."""
    nothing = command.data[:1] + bytes(4) + command.data[5:]
    return puppet.trial(replace(command, data=nothing).encode())


@pboc("purse/credits-one-more", CREDIT, BALANCE, breaks="purse/load-credits")
def credits_one_more(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A load brings one unit more than its amount."""
    answer = puppet.send(raw)
    if command.ins == BALANCE:
        return _richer(puppet, answer)
    _makes(puppet, int(answer[-2:] == OK))
    return answer


@pboc("purse/debit-forgotten", DEBIT, breaks="purse/purchase-debits")
def debit_forgotten(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A purchase is answered as it should be, and nothing is taken out."""
    return puppet.trial(raw) if command.p1 == 0x01 else puppet.send(raw)


@pboc("purse/unload-forgotten", DEBIT, breaks="purse/unload-debits")
def unload_forgotten(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """An unload is answered as it should be, and nothing is taken out."""
    return puppet.trial(raw) if command.p1 == 0x03 else puppet.send(raw)


@pboc("purse/lie-debits", DEBIT, BALANCE, breaks="purse/wrong-mac-keeps")
def lie_debits(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A purchase with a wrong MAC1 is refused, and costs one unit."""
    answer = puppet.send(raw)
    if command.ins == BALANCE:
        return _richer(puppet, answer)
    _makes(puppet, -int(answer == WRONG_MAC))
    return answer


@pboc("purse/any-mac1", DEBIT, breaks="purse/purchase-wrong-mac")
def any_mac1(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A purchase with a wrong MAC1 is answered 9000."""
    answer = puppet.send(raw)
    return bytes(8) + OK if answer == WRONG_MAC else answer


@pboc("purse/any-mac2", CREDIT, breaks="purse/load-wrong-mac")
def any_mac2(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A load with a wrong MAC2 is answered 9000."""
    answer = puppet.send(raw)
    return bytes(4) + OK if answer == WRONG_MAC else answer


@pboc("purse/overspends", INITIALIZE, breaks="purse/funds")
def overspends(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A purchase of more than there is may begin."""
    answer = puppet.send(raw)
    if answer != FUNDS or command.p1 != 0x01:
        return answer
    return _for_nothing(puppet, command)


@pboc("purse/unloads-the-limit", INITIALIZE, breaks="purse/unload-limit")
def unloads_the_limit(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What the overdraw limit lends may be unloaded."""
    answer = puppet.send(raw)
    if answer != FUNDS or command.p1 != 0x05:
        return answer
    return _for_nothing(puppet, command)


@pboc("purse/loads-round", INITIALIZE, breaks="purse/load-overflow")
def loads_round(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A load that does not fit may begin."""
    if command.p1 or len(command.data) < 5 or command.data[1] != 0xFF:
        return puppet.send(raw)
    return _for_nothing(puppet, command)


@pboc("purse/counter-stands", INITIALIZE, breaks="purse/purchase-counter")
def counter_stands(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Purchases do not count."""
    answer = puppet.send(raw)
    if command.p1 != 0x01 or answer[-2:] != OK:
        return answer
    counter: bytes = puppet.notes.setdefault("counter", answer[4:6])
    return answer[:4] + counter + answer[6:]


@pboc("purse/load-counter-jumps", INITIALIZE, breaks="purse/load-counter")
def load_counter_jumps(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """INITIALIZE FOR LOAD counts as soon as it is sent."""
    answer = puppet.send(raw)
    if command.p1 or answer[-2:] != OK:
        return answer
    puppet.notes["begun"] = puppet.notes.get("begun", -1) + 1
    begun: int = puppet.notes["begun"]
    counter = int.from_bytes(answer[4:6], "big") + begun
    return answer[:4] + counter.to_bytes(2, "big") + answer[6:]


@pboc("purse/random-repeats", INITIALIZE, breaks="purse/random-fresh")
def random_repeats(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Every purchase has the same random number."""
    answer = puppet.send(raw)
    if command.p1 != 0x01 or answer[-2:] != OK:
        return answer
    random: bytes = puppet.notes.setdefault("random", answer[11:15])
    return answer[:11] + random + OK


@pboc("purse/key-version", INITIALIZE, breaks="purse/initialize-key")
def key_version(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """INITIALIZE FOR PURCHASE names another key version."""
    answer = puppet.send(raw)
    return _spoilt(answer, 9) if command.p1 == 0x01 else answer


@pboc("purse/any-key", INITIALIZE, breaks="purse/key-unknown")
def any_key(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A key index that is not there means the first key."""
    answer = puppet.send(raw)
    if answer != b"\x94\x03":
        return answer
    return puppet.send(replace(command, data=b"\x01" + command.data[1:]).encode())


@pboc("purse/mac1-unmade", INITIALIZE, breaks="purse/load-mac1")
def mac1_unmade(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """MAC1 of a load is not the right one."""
    answer = puppet.send(raw)
    return answer if command.p1 else _spoilt(answer, -3)


@pboc("purse/load-tac", CREDIT, breaks="purse/load-tac")
def load_tac(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The TAC of a load is not the right one."""
    return _spoilt(puppet.send(raw), 0)


@pboc("purse/purchase-tac", DEBIT, breaks="purse/purchase-tac")
def purchase_tac(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The TAC of a purchase is not the right one."""
    answer = puppet.send(raw)
    return _spoilt(answer, 0) if command.p1 == 0x01 else answer


@pboc("purse/mac2-unmade", DEBIT, breaks="purse/purchase-mac2")
def mac2_unmade(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """MAC2 of a purchase is not the right one."""
    answer = puppet.send(raw)
    return _spoilt(answer, -3) if command.p1 == 0x01 else answer


@pboc("purse/mac3-unmade", DEBIT, breaks="purse/unload-mac3")
def mac3_unmade(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """MAC3 of an unload is not the right one."""
    answer = puppet.send(raw)
    return _spoilt(answer, 0) if command.p1 == 0x03 else answer


@pboc("purse/pair-broken", breaks="purse/pair-unbroken")
def pair_broken(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Other commands may come between the two of a transaction."""
    if command.ins == INITIALIZE:
        puppet.notes["begun"] = True
    elif command.ins in COMPLETING:
        puppet.notes["begun"] = False
    elif puppet.notes.get("begun"):
        return puppet.trial(raw)
    return puppet.send(raw)


@pboc("purse/completes-twice", CREDIT, DEBIT, breaks="purse/pair-once")
def completes_twice(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A completing command that is sent again is answered as the first time."""
    answer = puppet.send(raw)
    if answer[-2:] == OK:
        puppet.notes["done"], puppet.notes["answer"] = raw, answer
    again = answer == NOT_NOW and raw == puppet.notes.get("done")
    known: bytes = puppet.notes["answer"] if again else answer
    return known


def _hidden_reset(puppet: Puppet) -> bytes:
    if not puppet.notes.get("begun"):
        return puppet.card.reset()
    puppet.notes["hidden"] = True
    return puppet.card.fork().reset()


@pboc("purse/pair-beyond-reset", breaks="purse/pair-reset", reset=_hidden_reset)
def pair_beyond_reset(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A transaction that was begun can be completed after a reset."""
    if command.ins == INITIALIZE:
        puppet.notes["begun"] = True
    elif command.ins in COMPLETING:
        puppet.notes.clear()
    elif puppet.notes.get("hidden"):
        return puppet.trial(raw)
    else:
        puppet.notes.clear()
    return puppet.send(raw)


@pboc("purse/proof-of-nothing", PROOF, breaks="purse/proof-absent")
def proof_of_nothing(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The proof of the transaction before is given for one that did not take place."""
    answer = puppet.send(raw)
    if answer != NO_PROOF:
        return answer
    before = (int.from_bytes(command.data, "big") - 1) % 0x10000
    return puppet.send(replace(command, data=before.to_bytes(2, "big")).encode())


@pboc("purse/proof-turned", PROOF, breaks="purse/proof")
def proof_turned(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """GET TRANSACTION PROOF answers the TAC before the MAC."""
    answer = puppet.send(raw)
    return answer[4:8] + answer[:4] + OK if answer[-2:] == OK else answer


@pboc("purse/log-late", INS_READ_RECORD, breaks="purse/log-youngest")
def log_late(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The first record of the log is the transaction before the last."""
    late = command.p2 >> 3 == LOG and command.p1 == 1
    return puppet.send(replace(command, p1=2).encode() if late else raw)


@pboc("purse/log-turned", INS_READ_RECORD, breaks="purse/log-order")
def log_turned(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The second and the third record of the log are in each other's place."""
    turned = command.p2 >> 3 == LOG and command.p1 in {2, 3}
    return puppet.send(replace(command, p1=5 - command.p1).encode() if turned else raw)


@pboc("purse/deposit-open", BALANCE, breaks="purse/balance-closed")
def deposit_open(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The balance of the deposit is shown to everybody."""
    answer = puppet.send(raw)
    return puppet.trial(PROVE_PIN, raw) if answer == CLOSED else answer


@pboc("purse/load-without-pin", INITIALIZE, breaks="purse/initialize-closed")
def load_without_pin(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A load begins without the PIN."""
    answer = puppet.send(raw)
    return puppet.trial(PROVE_PIN, raw) if answer == CLOSED else answer


@pboc("purse/limit-without-balance", LIMIT, breaks="purse/overdraw-moves")
def limit_without_balance(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """An update of the limit is answered as it should be, and changes nothing."""
    return puppet.trial(raw)


@pboc("purse/mixed-up", INITIALIZE, CREDIT, BALANCE, breaks="purse/purses-apart")
def mixed_up(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A load of the purse shows in the deposit, too."""
    answer = puppet.send(raw)
    if command.ins == BALANCE:
        return _richer(puppet, answer) if command.p2 == DEPOSIT else answer
    if command.ins == INITIALIZE:
        puppet.notes["of"] = command.p2
    else:
        _makes(puppet, int(answer[-2:] == OK and puppet.notes.get("of") != DEPOSIT))
    return answer


def _interest(puppet: Puppet) -> bytes:
    _makes(puppet, int(puppet.notes.pop("moved", False)))
    return puppet.card.reset()


@pboc("purse/interest", CREDIT, DEBIT, BALANCE, breaks="purse/survives-reset", reset=_interest)
def interest(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A reset after a transaction brings one unit into the purse."""
    answer = puppet.send(raw)
    if command.ins == BALANCE:
        return _richer(puppet, answer)
    puppet.notes["moved"] = True
    return answer


@pboc("purse/gate-writes-early", CACHE, INS_READ_RECORD, breaks="purse/composite-only-with-debit")
def gate_writes_early(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE CAPP DATA CACHE writes at once, whatever becomes of the purchase."""
    answer = puppet.send(raw)
    if command.ins == CACHE and command.cla and answer == OK:
        puppet.notes["record"] = command.data
    early = command.ins == INS_READ_RECORD and command.p2 >> 3 == JOURNEYS
    return puppet.notes["record"] + OK if early and "record" in puppet.notes else answer


@pboc("purse/gate-writes-nothing", CACHE, breaks="purse/composite-writes")
def gate_writes_nothing(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A composite purchase debits, and writes none of its records."""
    return puppet.trial(raw)


@pboc("purse/gate-always-open", CACHE, breaks="purse/composite-outside")
def gate_always_open(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE CAPP DATA CACHE outside a composite purchase is answered 9000."""
    answer = puppet.send(raw)
    return OK if command.cla and answer == NOT_NOW else answer
