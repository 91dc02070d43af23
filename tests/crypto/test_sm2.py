"""SM2 beyond its vectors: both ways, against the judge, and with what must be refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.crypto import sm2 as judge
from simcard.crypto import CURVES, SM2P256V1, PointError, sm2
from simcard.crypto.curves import DRAWS, Random

N = SM2P256V1.n
SCALARS = st.integers(1, N - 2)
HARD = settings(max_examples=25)


def giving(*values: int) -> Random:
    """A source of randomness that gives these numbers, one a draw."""
    left = list(values)
    return lambda length: left.pop(0).to_bytes(length, "big")


@HARD
@given(SCALARS, SCALARS, st.binary(max_size=50), st.binary(max_size=30))
def test_signatures_are_those_of_the_judge(d: int, k: int, message: bytes, identity: bytes) -> None:
    public = SM2P256V1.public_key(d)
    e = sm2.message_digest(public, message, identity)
    signature = sm2.sign(d, e, giving(k))
    r, s = judge.sign(d, judge.signed_digest(public, message, identity), k)
    assert signature == r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert sm2.verify(public, e, signature)
    assert judge.verify(public, e, r, s)
    broken = bytes([signature[0] ^ 1]) + signature[1:]
    assert not sm2.verify(public, e, broken)


@HARD
@given(SCALARS, SCALARS, st.binary(min_size=1, max_size=80))
def test_what_one_enciphers_the_other_deciphers(d: int, k: int, message: bytes) -> None:
    public = SM2P256V1.public_key(d)
    ours = sm2.encrypt(public, message, giving(k))
    assert ours == b"".join(judge.encrypt(public, message, k))
    assert sm2.decrypt(d, ours) == message
    assert judge.decrypt(d, ours[:65], ours[65:97], ours[97:]) == message


@HARD
@given(SCALARS, SCALARS, SCALARS, SCALARS, st.integers(1, 48))
def test_both_sides_of_an_agreement_and_the_judge_agree(
    d_a: int, r_a: int, d_b: int, r_b: int, length: int
) -> None:
    a = sm2.Peer(SM2P256V1.public_key(d_a), SM2P256V1.public_key(r_a), b"Alice")
    b = sm2.Peer(SM2P256V1.public_key(d_b), SM2P256V1.public_key(r_b), b"Bob")
    by_a = sm2.agree(sm2.Own(d_a, r_a, b"Alice"), b, length, initiator=True)
    by_b = sm2.agree(sm2.Own(d_b, r_b, b"Bob"), a, length, initiator=False)
    assert by_a == by_b
    side_a, side_b = (judge.Side(p.public, p.ephemeral, p.identity) for p in (a, b))
    agreed = judge.agree((d_a, r_a), side_a, side_b, length)
    assert (agreed.key, agreed.point) == (by_a.key, by_a.shared)
    assert (agreed.by_responder, agreed.by_initiator) == (by_a.from_responder, by_a.from_initiator)


def off_the_curve() -> list[bytes]:
    good = SM2P256V1.public_key(7)
    return [
        b"",
        good[:-1],
        good + b"\x00",
        b"\x02" + good[1:33],
        b"\x06" + good[1:],
        good[:-1] + bytes([good[-1] ^ 1]),
        b"\x04" + bytes(64),
        b"\x04" + b"\xff" * 64,
        CURVES["P-256"].public_key(7),
        b"\x00",
    ]


@pytest.mark.parametrize("point", off_the_curve(), ids=lambda point: point.hex()[:12] or "empty")
def test_points_off_the_curve_are_refused(point: bytes) -> None:
    peer = sm2.Peer(SM2P256V1.public_key(3), point)
    attempts: list[Callable[[], object]] = [
        lambda: SM2P256V1.decode(point),
        lambda: SM2P256V1.agree(5, point),
        lambda: sm2.identity_digest(point),
        lambda: sm2.verify(point, bytes(32), bytes(64)),
        lambda: sm2.encrypt(point, b"x", giving(5)),
        lambda: sm2.agree(sm2.Own(5, 6), peer, 16, initiator=True),
    ]
    for attempt in attempts:
        with pytest.raises(PointError):
            attempt()


def test_a_coordinate_that_is_not_reduced_is_refused() -> None:
    """A small x can also be sent as x + p, which is the same number modulo p."""
    p = SM2P256V1.p
    for x in range(10):
        square = (x**3 + SM2P256V1.a * x + SM2P256V1.b) % p
        y = pow(square, (p + 1) // 4, p)
        if y * y % p == square:
            break
    tail = y.to_bytes(32, "big")
    assert SM2P256V1.coordinates(SM2P256V1.decode(b"\x04" + x.to_bytes(32, "big") + tail)) == (x, y)
    with pytest.raises(PointError):
        SM2P256V1.decode(b"\x04" + (x + p).to_bytes(32, "big") + tail)


def test_a_changed_ciphertext_is_refused() -> None:
    whole = sm2.encrypt(SM2P256V1.public_key(7), b"message", giving(99))
    for place in (1, 64, 65, 96, 97, len(whole) - 1):
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(ValueError, match=r"not on|check value"):
            sm2.decrypt(7, changed)
    for length in (0, 64, 97):
        with pytest.raises(ValueError, match="a point, 32 bytes and at least one byte more"):
            sm2.decrypt(7, whole[:length])


@pytest.mark.parametrize("private", [0, N, -1, N + 5])
def test_keys_outside_their_range_are_refused(private: int) -> None:
    with pytest.raises(ValueError, match=r"in 1\.\.n-1"):
        sm2.sign(private, bytes(32), giving(5))
    with pytest.raises(ValueError, match=r"in 1\.\.n-1"):
        sm2.decrypt(private, bytes(98))
    with pytest.raises(ValueError, match=r"in 1\.\.n-1"):
        SM2P256V1.public_key(private)


def test_the_last_private_key_cannot_sign() -> None:
    with pytest.raises(ValueError, match="n-1 cannot sign"):
        sm2.sign(N - 1, bytes(32), giving(5))


def test_odd_messages_are_refused() -> None:
    public = SM2P256V1.public_key(7)
    with pytest.raises(ValueError, match="at least one byte"):
        sm2.encrypt(public, b"", giving(5))
    with pytest.raises(ValueError, match="at most 8191 bytes"):
        sm2.identity_digest(public, bytes(8192))
    assert len(sm2.identity_digest(public, bytes(8191))) == 32


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_a_signature_of_another_length_is_wrong(length: int) -> None:
    assert not sm2.verify(SM2P256V1.public_key(7), bytes(32), b"\x01" * length)


def test_numbers_outside_their_range_are_no_signature() -> None:
    public, one = SM2P256V1.public_key(7), (1).to_bytes(32, "big")
    for bad in (bytes(32), N.to_bytes(32, "big")):
        assert not sm2.verify(public, bytes(32), bad + one)
        assert not sm2.verify(public, bytes(32), one + bad)
    assert not sm2.verify(public, bytes(32), one + (N - 1).to_bytes(32, "big"))


def test_draws_outside_the_range_are_drawn_anew() -> None:
    assert SM2P256V1.random_scalar(giving(0, N, (1 << 256) - 1, 42)) == 42


def test_a_source_that_never_gives_a_scalar_is_an_error() -> None:
    with pytest.raises(ValueError, match=f"{DRAWS} draws from the source of randomness"):
        SM2P256V1.random_scalar(bytes)


def test_the_same_randomness_gives_the_same_bytes() -> None:
    public = SM2P256V1.public_key(7)
    assert sm2.encrypt(public, b"m", giving(5)) == sm2.encrypt(public, b"m", giving(5))
    assert sm2.encrypt(public, b"m", giving(5)) != sm2.encrypt(public, b"m", giving(6))
