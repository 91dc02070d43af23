"""What a session under data objects promises: nothing forged, repeated or moved gets through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealed_card import OK, SUITES, Sealed, image, state_of

from simcard.messaging.iso import DataObjectChannel

READ = "0CB09300"
UPDATE = "0CD69300"
NEW = bytes(range(0x30, 0x51))
BROKEN = {b"\x69\x87", b"\x69\x88"}
CLA_ANSWERS = {
    0x01: b"\x68\x81",  # channel 1 is closed
    0x02: b"\x68\x81",
    0x04: b"\x69\x88",  # the header is said not to be under the MAC
    0x08: b"\x68\x82",  # proprietary secure messaging
    0x10: b"\x90\x00",  # a part of a chain: nothing is done yet
    0x20: b"\x6e\x00",
    0x40: b"\x68\x81",
    0x80: b"\x69\x88",
}
"""What becomes of 0C with one bit flipped."""

ENDS_THE_SESSION = {*BROKEN, b"\x68\x82"}


@pytest.fixture(params=SUITES)
def sealed(request: pytest.FixtureRequest) -> Sealed:
    return Sealed(request.param)


def test_a_command_and_its_answer(sealed: Sealed) -> None:
    assert sealed.exchange(sealed.protect(UPDATE, NEW)) == (b"", OK)
    assert sealed.exchange(sealed.protect(READ, ne=b"\x21")) == (NEW, OK)
    assert sealed.exchange(sealed.protect(READ, ne=b"\x00"))[0] == NEW.ljust(256, b"\xc7")


def expected_answers(place: int, bit: int) -> set[bytes]:
    """Header and body are under the MAC; what is outside it is caught by the frame."""
    if place == 0:
        return {CLA_ANSWERS[bit]}
    if place == 4:
        return {b"\x67\x00", *BROKEN}
    return BROKEN


@pytest.mark.parametrize(
    ("header", "data", "ne"),
    [(UPDATE, NEW, b""), (READ, b"", b"\x10"), ("0CA4020C", b"\0\x11", b"")],
)
def test_no_flipped_bit_gets_through(sealed: Sealed, header: str, data: bytes, ne: bytes) -> None:
    raw = sealed.protect(header, data, ne)
    before = image(sealed.card)
    for place in range(len(raw) - 1):
        for bit in (1 << shift for shift in range(8)):
            forged = bytearray(raw)
            forged[place] ^= bit
            victim = sealed.fork()
            answer = victim.card.transmit(bytes(forged))
            assert answer in expected_answers(place, bit), (place, bit, answer.hex())
            assert image(victim.card) == before
            assert victim.is_over() == (answer in ENDS_THE_SESSION)
            if victim.is_over():
                assert victim.card.transmit(raw) == b"\x68\x82"


def test_the_outer_le_moves_bytes_and_changes_none(sealed: Sealed) -> None:
    """It stands outside the MAC by the standard; the protected Le object (97) is what counts."""
    raw = sealed.protect(READ, ne=b"\x40")
    whole = sealed.fork().exchange(raw)
    assert whole == (b"\xc7" * 0x40, OK)
    for bit in (1 << shift for shift in range(8)):
        assert sealed.fork().exchange(raw[:-1] + bytes([bit])) == whole


def test_a_part_of_a_chain_leaves_the_session_as_it_was(sealed: Sealed) -> None:
    raw = sealed.protect(UPDATE, NEW)
    assert sealed.card.transmit(b"\x1c" + raw[1:]) == OK
    assert sealed.card.transmit(sealed.protect(READ, ne=b"\x01")) == b"\x68\x83"
    assert sealed.exchange(raw) == (b"", OK)


def test_a_command_in_parts_is_protected_as_a_whole(sealed: Sealed) -> None:
    raw = sealed.protect(UPDATE, NEW)
    body = raw[5:-1]
    first, second = body[:20], body[20:]
    assert sealed.card.transmit(b"\x1c" + raw[1:4] + bytes([len(first)]) + first) == OK
    assert sealed.exchange(raw[:4] + bytes([len(second)]) + second + b"\0") == (b"", OK)
    assert sealed.exchange(sealed.protect(READ, ne=b"\x21")) == (NEW, OK)


@given(data=st.data())
@pytest.mark.parametrize("suite", SUITES)
def test_what_is_replayed_reordered_or_dropped_is_refused(suite: str, data: Any) -> None:
    sealed = Sealed(suite)
    commands = data.draw(
        st.lists(
            st.sampled_from([(UPDATE, NEW, b""), (READ, b"", b"\x08")]), min_size=2, max_size=5
        )
    )
    start, written = sealed.counter, []
    for header, content, ne in commands:
        written.append(sealed.protect(header, content, ne))
        sealed.counter += 2
    sealed.counter = start
    served = data.draw(st.integers(0, len(written) - 1))
    for raw in written[:served]:
        assert sealed.exchange(raw)[1] == OK
    other = data.draw(st.sampled_from([n for n in range(len(written)) if n != served]))
    before = image(sealed.card)
    assert sealed.card.transmit(written[other]) == b"\x69\x88"
    assert image(sealed.card) == before
    assert sealed.is_over()
    assert sealed.card.transmit(written[served]) == b"\x68\x82"


def test_an_answer_is_no_command_and_a_command_no_answer(sealed: Sealed) -> None:
    answer = sealed.fork().card.transmit(sealed.protect(READ, ne=b"\x08"))
    body = answer[:-2]
    assert sealed.card.transmit(Sealed.framed(bytes.fromhex(READ), body)) in BROKEN


@given(data=st.data())
@pytest.mark.parametrize("suite", SUITES)
def test_nothing_plain_is_in_an_answer(suite: str, data: Any) -> None:
    sealed = Sealed(suite)
    secret = data.draw(st.binary(min_size=16, max_size=64))
    raw = sealed.protect(UPDATE, secret)
    answers = [raw, sealed.fork().card.transmit(raw)]
    sealed.exchange(raw)
    raw = sealed.protect(READ, ne=bytes([len(secret)]))
    answers.append(sealed.fork().card.transmit(raw))
    sealed.exchange(raw)
    for said in answers:
        assert not any(secret[n : n + 8] in said for n in range(len(secret) - 7))


def test_equal_data_never_looks_equal(sealed: Sealed) -> None:
    """With AES and SM4 the counter is in the IV; 3DES has a zero IV by the standard."""
    said = set()
    for _ in range(3):
        raw = sealed.protect(READ, ne=b"\x10")
        said.add(sealed.fork().card.transmit(raw)[3 : 3 + 24])
        sealed.exchange(raw)
    assert len(said) == (1 if sealed.keys.cipher == "TDES" else 3)


def test_a_refusal_is_protected_and_the_session_goes_on(sealed: Sealed) -> None:
    assert sealed.exchange(sealed.protect("0CB09E00", ne=b"\x01"))[1] == b"\x6a\x82"
    assert sealed.exchange(sealed.protect("0CB07FFF", ne=b"\x01"))[1] == b"\x69\x86"
    assert sealed.exchange(sealed.protect("0C3B0000", ne=b"\x01"))[1] == b"\x6d\x00"
    assert sealed.exchange(sealed.protect(READ, ne=b"\x01")) == (b"\xc7", OK)


def test_a_failure_takes_the_right_along(sealed: Sealed) -> None:
    broken = bytearray(sealed.protect(READ, ne=b"\x01"))
    broken[-2] ^= 1
    assert sealed.card.transmit(bytes(broken)) == b"\x69\x88"
    assert sealed.is_over()
    assert sealed.card.transmit(bytes.fromhex("00B0930001")) == b"\x69\x82"


def test_a_plain_command_ends_the_session(sealed: Sealed) -> None:
    raw = sealed.protect(READ, ne=b"\x01")
    assert sealed.card.transmit(bytes.fromhex("00B0810001")) == b"\x00" + OK
    assert sealed.is_over()
    assert sealed.card.transmit(raw) == b"\x68\x82"


def test_a_reset_ends_the_session(sealed: Sealed) -> None:
    raw = sealed.protect(READ, ne=b"\x01")
    sealed.card.reset()
    assert sealed.card.transmit(raw) == b"\x68\x82"


def test_the_counter_may_run_over(sealed: Sealed) -> None:
    state, last = state_of(sealed.card), (1 << 8 * sealed.size) - 3
    channel = state.sessions[0].secure
    assert isinstance(channel, DataObjectChannel)
    state.sessions[0] = state.sessions[0].with_channel(channel._replace(counter=last))
    sealed.counter = last
    assert sealed.exchange(sealed.protect(READ, ne=b"\x01")) == (b"\xc7", OK)
    sealed.counter = -1
    assert sealed.exchange(sealed.protect(READ, ne=b"\x01")) == (b"\xc7", OK)
