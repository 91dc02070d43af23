"""The judge's own side of PACE, against the chip: what is read, mapped, agreed and refused."""

from __future__ import annotations

import pytest

from conformance.crypto.curves import BRAINPOOL_P256R1, BRAINPOOL_P384R1, P_256, P_384
from conformance.crypto.pace import CIPHERS, Offer, Terminal, offers

CARD_ACCESS = bytes.fromhex(
    "31503012060A04007F0007020204020102010202010C3012060A04007F0007020204020202010202010D3012060A0400"
    "7F0007020204020302010202010F3012060A04007F00070202040204020102020110"
)


def test_the_offers_are_those_of_the_file() -> None:
    found = offers(CARD_ACCESS)
    assert [offer.number for offer in found] == [12, 13, 15, 16]
    assert [offer.curve for offer in found] == [P_256, BRAINPOOL_P256R1, P_384, BRAINPOOL_P384R1]
    assert [offer.cipher for offer in found] == list(CIPHERS.values())


@pytest.mark.parametrize("curve", [P_256, P_384, BRAINPOOL_P256R1, BRAINPOOL_P384R1])
def test_the_base_points_lie_on_their_curves_and_have_their_order(curve: object) -> None:
    assert isinstance(curve, type(P_256))
    assert curve.contains(curve.g)
    assert curve.multiply(curve.n, curve.g) is None


def test_what_the_judge_does_not_have_is_passed_over() -> None:
    integrated = CARD_ACCESS.replace(bytes.fromhex("04020102"), bytes.fromhex("04040102"), 1)
    assert integrated != CARD_ACCESS
    assert [offer.number for offer in offers(integrated)] == [13, 15, 16]
    foreign = CARD_ACCESS.replace(bytes.fromhex("02010C"), bytes.fromhex("02017E"), 1)
    assert len(offers(foreign)) == 3
    assert offers(b"") == ()
    with pytest.raises(ValueError, match=r"EF\.CardAccess"):
        offers(CARD_ACCESS[:-1])


def test_both_sides_reach_the_same_keys() -> None:
    offer = Offer(bytes.fromhex("04007F00070202040202"), 13)
    one, two = (Terminal(offer, b"123456", mapping, 77 + mapping) for mapping in (5, 7))
    curve = offer.curve
    nonce = bytes(range(16))
    here = one.mapped(nonce, curve.public_key(two.mapping))
    there = two.mapped(nonce, curve.public_key(one.mapping))
    assert here == there
    keys = one.keys(here, here.public_key(two.ephemeral))
    assert keys == two.keys(there, there.public_key(one.ephemeral))
    public = here.public_key(one.ephemeral)
    assert one.token(keys, public) == two.token(keys, public)
    with pytest.raises(ValueError, match="not on the curve"):
        one.mapped(nonce, curve.public_key(3)[:-1] + b"\x00")
