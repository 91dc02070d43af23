"""Faults thought up without knowledge of the suite, second trial: keys, channels and purses."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import INS_READ_RECORD, Puppet, fault
from conformance.mutants.inside import is_refusal, keeping, remember, session_of, state_of
from simcard.commands.pboc.purse.kinds import COMPOSITE, Pending
from simcard.crypto.blocks import BlockCipher, block_suite
from simcard.crypto.macs import retail_mac
from simcard.files.descriptors import FileKind
from simcard.messaging.scp03 import Level, Scp03Channel, Scp03Opening
from simcard.security.environment import Component, Environment, Side, Template
from simcard.security.keys import Key, KeyUsage
from simcard.session import Session

INS_PERFORM, INS_EXTERNAL, INS_CHALLENGE, INS_BALANCE = 0x2A, 0x82, 0x84, 0x5C
INS_DEBIT, INS_COMPUTE = 0x54, 0xFA
WRONG_LENGTH, NOT_SATISFIED, WRONG_MAC = b"\x67\x00", b"\x69\x82", b"\x69\x88"
HASH, CRYPTOGRAMS, INITIAL_VALUE = (0x90, 0x80), (0x82, 0x84, 0x86), 0x87
TERMINAL_KEYS = {
    0x94: (BlockCipher.AES, bytes.fromhex("101112131415161718191A1B1C1D1E1F")),
    0x95: (BlockCipher.TDES, bytes.fromhex("202122232425262728292A2B2C2D2E2F")),
}
"""The keys of the profile crypto that the terminal proves, published test values."""


# Secure channels


@fault(
    "messaging/blind2-counter-waits-for-data",
    breaks="messaging/carries",
    standard="scp03",
    profile="globalplatform",
)
def counter_waits_for_data(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The encryption counter stands still for a command whose data field is its MAC alone."""
    session = session_of(puppet, command)
    channel = None if session is None else session.secure
    if session is None or not isinstance(channel, Scp03Channel) or not command.cla & 0x04:
        return puppet.send(raw)
    if channel.level & Level.C_DECRYPTION and len(command.data) == channel.mac_size:
        behind = replace(channel, counter=channel.counter - 1)
        remember(puppet, command, session._replace(secure=behind))
    return puppet.send(raw)


@fault(
    "messaging/blind2-challenge-outlives-a-wrong-mac",
    breaks="line/challenge-once",
    standard="pboc",
    profile="globalplatform",
)
def challenge_outlives_a_wrong_mac(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A command whose line MAC is wrong leaves the challenge for the next guess."""

    def when(before: Session, answer: bytes) -> bool:
        return before.secure is None and answer == WRONG_MAC

    return keeping(puppet, command, raw, when, "challenge")


@fault(
    "messaging/blind2-half-a-cryptogram",
    INS_EXTERNAL,
    breaks="session/host-cryptogram",
    standard="scp03",
    profile="globalplatform",
)
def half_a_cryptogram(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """In S16 mode the first eight of the sixteen bytes of the host cryptogram are compared."""
    session = session_of(puppet, command)
    opening = None if session is None else session.secure
    given = command.data[:16]
    if session is not None and isinstance(opening, Scp03Opening):
        expected = opening.host_cryptogram
        if len(expected) == len(given) == 16 and given[:8] == expected[:8]:
            taken = replace(opening, host_cryptogram=given)
            remember(puppet, command, session._replace(secure=taken))
    return puppet.send(raw)


@fault(
    "messaging/blind2-challenge-in-between",
    INS_CHALLENGE,
    breaks="messaging/plain-ends-session",
    standard="9303",
    profile="emrtd",
)
def challenge_in_between(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """GET CHALLENGE in plain is served beside the session, which it does not end."""

    def when(before: Session, _answer: bytes) -> bool:
        return before.secure is not None and not command.cla & 0x0C

    return keeping(puppet, command, raw, when, "secure", "satisfied")


@fault(
    "messaging/blind2-half-a-random-number",
    INS_EXTERNAL,
    breaks="bac/wrong-proof",
    standard="9303",
    profile="emrtd",
)
def half_a_random_number(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Of the chip's random number in the terminal's proof four bytes of eight are compared."""
    session, state = session_of(puppet, command), state_of(puppet)
    if session is None or len(command.data) != 40 or not session.challenge:
        return puppet.send(raw)
    keys = (Key(file, state.memory) for file in state.tree.keys(state.tree.files[session.df]))
    value = next((key.value for key in keys if key.usage & KeyUsage.MUTUAL), b"")
    enciphered, mac = command.data[:-8], command.data[-8:]
    if value and retail_mac(value[16:], enciphered) == mac:
        plain = block_suite(BlockCipher.TDES, value[:16]).decrypt_cbc(enciphered)
        if plain[8:12] == session.challenge[:4]:
            remember(puppet, command, session._replace(challenge=plain[8:16]))
    return puppet.send(raw)


# Operations and proofs of keys


@fault(
    "operation/blind2-hash-without-a-last-block",
    INS_PERFORM,
    breaks="hash/whole",
    standard="7816-8",
    profile="crypto",
)
def hash_without_a_last_block(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The hash code is wrong when 56 bytes are left for the last block: no room for the length."""
    answer = puppet.send(raw)
    if (command.p1, command.p2) != HASH or len(command.data) % 64 != 56 or is_refusal(answer):
        return answer
    return bytes(byte ^ 0x5A for byte in answer[:-2]) + answer[-2:]


@fault(
    "operation/blind2-initial-value-moves-on",
    INS_PERFORM,
    breaks="cipher/initial-value",
    standard="7816-8",
    profile="crypto",
)
def initial_value_moves_on(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """ENCIPHER works in the buffer of the initial value: the next one goes on where it ended."""
    answer = puppet.send(raw)
    session = session_of(puppet, command)
    if command.p1 not in CRYPTOGRAMS or session is None or is_refusal(answer):
        return answer
    components = tuple(_moved_on(each, answer[:-2]) for each in session.environment.components)
    remember(puppet, command, session._replace(environment=Environment(components)))
    return answer


def _moved_on(component: Component, cryptogram: bytes) -> Component:
    if component.template is not Template.CONFIDENTIALITY or not component.side & Side.VERIFIES:
        return component
    objects = tuple(
        each._replace(value=cryptogram[-len(each.value) :])
        if each.tag == INITIAL_VALUE and each.value
        else each
        for each in component.objects
    )
    return component._replace(objects=objects)


def _hash_put_back(puppet: Puppet) -> bytes:
    hashed = puppet.notes.pop("hashed", None)
    atr = puppet.card.reset()
    sessions = state_of(puppet).sessions
    sessions[0] = sessions[0]._replace(hashed=hashed)
    return atr


@fault(
    "operation/blind2-hash-outlives-reset",
    breaks="signature/nothing-to-sign",
    standard="7816-8",
    profile="crypto",
    reset=_hash_put_back,
)
def hash_outlives_reset(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The hash code that HASH keeps for the next signature is not cleared by a warm reset."""
    answer = puppet.send(raw)
    session = session_of(puppet, command)
    if session is not None:
        puppet.notes["hashed"] = session.hashed
    return answer


@fault(
    "proof/blind2-first-block-compared",
    INS_EXTERNAL,
    breaks="authentication/external-wrong",
    profile="crypto",
)
def first_block_compared(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Of a cryptogram over a challenge of several blocks the first block is compared."""
    session = session_of(puppet, command)
    if session is None or command.p2 not in TERMINAL_KEYS or command.ne is not None:
        return puppet.send(raw)
    cipher, value = TERMINAL_KEYS[command.p2]
    size = cipher.block_size
    challenge = session.challenge
    if len(challenge) <= size or len(challenge) % size or len(command.data) != len(challenge):
        return puppet.send(raw)
    right = block_suite(cipher, value).encrypt_ecb(challenge)
    if command.data[:size] == right[:size]:
        return puppet.send(replace(command, data=right).encode())
    return puppet.send(raw)


# Purses, files and security modules of the PBOC family


@fault(
    "purse/blind2-balance-in-between",
    INS_BALANCE,
    breaks="purse/pair-unbroken",
    standard="pboc",
    profile="ssc2",
)
def balance_in_between(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """GET BALANCE between the two commands of a transaction does not end it."""

    def when(_before: Session, answer: bytes) -> bool:
        return not is_refusal(answer)

    return keeping(puppet, command, raw, when, "transaction")


@fault(
    "purse/blind2-nothing-paid-nothing-counted",
    INS_DEBIT,
    breaks="purse/purchase-counter",
    standard="pboc",
    profile="ssc2",
)
def nothing_paid_nothing_counted(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A composite purchase of amount zero leaves the offline counter where it was."""
    session, state = session_of(puppet, command), state_of(puppet)
    pending = None if session is None else session.transaction
    answer = puppet.send(raw)
    if session is None or not isinstance(pending, Pending) or is_refusal(answer):
        return answer
    if pending.kind is COMPOSITE and not any(pending.amount):
        file = state.tree.internal[session.df, FileKind.PURSE, pending.kind.purse]
        file.region.write(state.memory, 6, pending.counter.to_bytes(2, "big"))
        state.memory.commit()
    return answer


@fault(
    "environment/blind2-rule-of-the-current-file",
    INS_READ_RECORD,
    breaks="environment/read-closed",
    standard="ssc",
    profile="ssc3",
)
def rule_of_the_current_file(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ RECORD by short identifier asks the rule of the EF that was current before."""
    session = session_of(puppet, command)
    if session is None or session.ef is None or not command.p2 >> 3:
        return puppet.send(raw)
    current = replace(command, p1=1, p2=4).encode()
    if puppet.trial(raw) != NOT_SATISFIED or is_refusal(puppet.trial(current)):
        return puppet.send(raw)
    remember(puppet, command, session._replace(state=0x0F, mf_state=0x0F))
    answer = puppet.send(raw)
    after = session_of(puppet, command)
    assert after is not None
    closed = after._replace(state=session.state, mf_state=session.mf_state)
    remember(puppet, command, closed)
    return answer


@fault(
    "module/blind2-ready-after-a-wrong-length",
    INS_COMPUTE,
    breaks="module/not-ready",
    standard="pboc",
    profile="psam",
)
def ready_after_a_wrong_length(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """COMPUTE that is refused for its length leaves the key ready."""

    def when(_before: Session, answer: bytes) -> bool:
        return answer == WRONG_LENGTH

    return keeping(puppet, command, raw, when, "transaction")
