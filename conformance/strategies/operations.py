"""Generated histories of operations: keys set, changed and lost, messages of any length, proofs.

What follows depends on what was answered (a signature is verified, a cryptogram deciphered, a
challenge proven), so these histories are drawn step by step and sent at once. SM2 is left out: the
judge works it out in plain numbers, and one signature takes as long as a whole history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import operating
from conformance.case import not_applicable
from conformance.commands import ALL, get_challenge, select_path, verify
from conformance.crypto.digests import digest
from conformance.guard import Refused
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.operations import CHECKSUM, CONFIDENTIALITY, HASH, SIGNATURE
from conformance.strategies.walk import wander

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.bench import Bench
    from conformance.layout import Key
    from conformance.operations import OperationsTable
    from conformance.strategies.dice import Dice
    from conformance.terminal import Terminal

LONGEST = 12
"""Steps of one history; a step is up to six commands."""
SIDES = (COMPUTES, VERIFIES, *[operating.BOTH] * 6)
LENGTHS = (1, 7, 8, 9, 15, 16, 17, 32, 55, 56, 63, 64, 65, 100, 200)
SPOILT = (None, None, None, 0, -1)
"""Where a proof or a signature is wrong, most often nowhere."""
USAGES = {CHECKSUM: "checksum", CONFIDENTIALITY: "encipher", SIGNATURE: "sign"}


@dataclass
class Operator:
    """One history: the card, its keys, and what it answered that can be given back to it."""

    terminal: Terminal
    table: OperationsTable
    keys: tuple[Key, ...]
    cryptograms: list[bytes] = field(default_factory=list)
    signatures: list[tuple[bytes, bytes]] = field(default_factory=list)

    def send(self, command: CommandAPDU) -> ResponseAPDU | None:
        """The answer; None when the guard does not let the command pass."""
        try:
            return self.terminal.send(command)
        except Refused:
            return None

    def key(self, dice: Dice, *usages: str) -> Key | None:
        """One of the keys, for one of *usages*."""
        found = [key for key in self.keys if not usages or key.usage & set(usages)]
        return dice.pick(found) if found else None


Step = Callable[[Operator, "Dice"], object]


def _message(dice: Dice) -> bytes:
    length = dice.pick(LENGTHS) if dice.below(2) else dice.between(1, 64)
    first, step = dice.below(256), dice.pick((0, 1, 7))
    return bytes((first + step * place) % 256 for place in range(length))


def _select(operator: Operator, dice: Dice) -> None:
    """Another DF, perhaps, and back to one with keys."""
    if not dice.below(3):
        operator.send(select_path(dice.pick([*operator.terminal.layout.dedicated()])))
    operator.send(select_path(dice.pick(operator.keys).df))


def _set(operator: Operator, dice: Dice, template: int) -> None:
    """A key that fits, or any; with an algorithm of its own, or none, or a foreign one."""
    usages = (USAGES[template],) if dice.below(8) else ()
    key = operator.key(dice, *usages)
    if key is None:
        return
    if operator.terminal.model.states[0].df is not key.df:
        operator.send(select_path(key.df))
    own = [reference for reference, _ in operating.algorithms(operator.table, key, template)]
    others = [bytes.fromhex(one.reference) for one in operator.table.algorithm]
    algorithm = dice.pick(own if own and dice.below(8) else others or [b""])
    operator.send(operating.set_template(template, dice.pick(SIDES), key, algorithm))


def _work(template: int, *steps: Step) -> Step:
    """A key is set for *template*, or left as it is, and worked with for a while."""

    def work(operator: Operator, dice: Dice) -> None:
        if dice.below(4):
            _set(operator, dice, template)
        for _ in range(dice.between(1, 4)):
            dice.pick(steps)(operator, dice)

    return work


def _set_hash(operator: Operator, dice: Dice) -> None:
    functions = [one.reference for one in operator.table.algorithm if one.tag == HASH]
    if functions:
        algorithm = bytes.fromhex(dice.pick(functions))
        operator.send(operating.set_template(HASH, algorithm=algorithm))


def _hash(operator: Operator, dice: Dice) -> None:
    message, ne = _message(dice), dice.pick((ALL, ALL, None))
    if dice.below(2):
        operator.send(operating.hashed(message, ne))
        return
    cut = dice.below(len(message))
    parts = (operating.PLAIN, message[:cut]), (operating.PLAIN, message[cut:])
    operator.send(operating.hashed_parts(*parts, ne=ne))


def _sign(operator: Operator, dice: Dice) -> None:
    """A message, a hash code, or what HASH has left."""
    message = _message(dice)
    data = dice.pick((message, digest("SHA-256", message), b""))
    answer = operator.send(operating.sign(data))
    if answer is not None and answer.sw == 0x9000 and data:
        operator.signatures.append((data, answer.data))


def _verify_signature(operator: Operator, dice: Dice) -> None:
    if not operator.signatures:
        return
    data, signature = dice.pick(operator.signatures)
    place = dice.pick(SPOILT)
    given = signature if place is None else operating.flipped(signature, place)
    form = dice.pick((operating.MESSAGE, operating.MESSAGE, operating.HASH_CODE))
    operator.send(operating.verify_signature(data, given, form))


def _encipher(operator: Operator, dice: Dice) -> None:
    answer = operator.send(operating.encipher(_message(dice), dice.pick(operating.FORMS)))
    if answer is not None and answer.sw == 0x9000:
        operator.cryptograms.append(answer.data)


def _decipher(operator: Operator, dice: Dice) -> None:
    """Something that the card enciphered under whatever key, or just bytes."""
    made = operator.cryptograms
    data = dice.pick(made) if made and dice.below(4) else _message(dice)
    operator.send(operating.decipher(data, dice.pick(operating.FORMS)))


def _compute(operator: Operator, dice: Dice) -> None:
    operator.send(operating.compute_checksum(_message(dice)))


def _check(operator: Operator, dice: Dice) -> None:
    """The checksum of some key, right or wrong, whichever key is set."""
    keys = [
        key
        for key in operator.keys
        if "checksum" in key.usage and key.name in operator.terminal.keys.secrets
    ]
    if not keys:
        return
    message, place = _message(dice), dice.pick(SPOILT)
    code = operating.right_checksum(operator.terminal.keys, dice.pick(keys), message)
    given = code if place is None else operating.flipped(code, place)
    operator.send(operating.verify_checksum(message, given))


def _external(operator: Operator, dice: Dice) -> None:
    """A proof, right or wrong, over a fresh challenge or none, and sometimes sent again."""
    key = operator.key(dice, "external")
    if key is None or key.name not in operator.terminal.keys.secrets:
        return
    asked = bytes(operating.challenge_size(key))
    if dice.below(5):
        answer = operator.send(get_challenge(len(asked)))
        asked = answer.data if answer is not None and answer.data else asked
    block, place = operating.cryptogram(operator.terminal.keys, key, asked), dice.pick(SPOILT)
    command = operating.external(key, block if place is None else operating.flipped(block, place))
    for _ in range(dice.pick((1, 1, 1, 2))):
        operator.send(command)


def _internal(operator: Operator, dice: Dice) -> None:
    key = operator.key(dice, "internal")
    if key is not None:
        operator.send(operating.internal(key, _message(dice)))


def _pin(operator: Operator, dice: Dice) -> None:
    """The right PIN of one of the references, or a wrong one."""
    terminal = operator.terminal
    known = [one for one in terminal.layout.references if terminal.keys.right(one)]
    if known:
        guess = dice.pick(("pin", "pin", "wrong"))
        operator.send(verify(terminal.keys, guess, dice.pick(known)))


def _public(operator: Operator, dice: Dice) -> None:
    key = operator.key(dice)
    if key is not None and "public-key" in operator.table.operations:
        operator.send(operating.public_key(key))


def _reset(operator: Operator, dice: Dice) -> None:
    if not dice.below(3):
        operator.terminal.reset()


STEPS: Mapping[str, tuple[Step, ...]] = {
    "select": (_select,),
    "checksum": (_work(CHECKSUM, _compute, _check),),
    "cipher": (_work(CONFIDENTIALITY, _encipher, _decipher, _decipher),),
    "signature": (
        _work(SIGNATURE, _set_hash, _hash, _sign, _sign, _verify_signature, _verify_signature),
    ),
    "proof": (_external, _external, _internal),
    "pin": (_pin,),
    "public": (_public,),
    "reset": (_reset,),
}
"""What may come next, by kind."""


def explore_operations(bench: Bench, *kinds: str) -> None:
    """Run generated histories of *kinds*; the Violation of the first bad one."""
    table = bench.statement.operations
    if table is None:
        not_applicable("no operations are declared")
    keys = tuple(
        key for key in bench.statement.layout.keys if key.algorithm != "SM2" and not key.uses
    )
    if not keys:
        not_applicable("no key is declared that may be used without end")

    def begin() -> Operator:
        operator = Operator(bench.begin(), table, keys)
        operator.send(select_path(keys[0].df))
        return operator

    steps = tuple(step for kind in kinds for step in STEPS[kind])
    wander(bench, begin, steps, LONGEST)
