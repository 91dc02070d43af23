import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcard.crypto.blocks import BlockCipher
from simcard.issuance.hierarchy import (
    KeySet,
    Level,
    Purpose,
    issuer_identifier,
    key_check_value,
    national,
)

PURCHASE = Purpose("DF08/purchase/01", BlockCipher.TDES)
PURCHASE_SM4 = Purpose("DF08/purchase/02", BlockCipher.SM4)
ROOT = bytes(range(32))


def city() -> KeySet:
    keys = national(ROOT, [PURCHASE, PURCHASE_SM4])
    province = keys.derive(issuer_identifier("330000"), "330000")
    return province.derive(issuer_identifier("330302"), "330302")


def test_levels_nest() -> None:
    keys = city()
    assert keys.level is Level.CITY
    assert keys.path == ("330000", "330302")
    with pytest.raises(ValueError, match="card"):
        keys.derive(bytes(8), "card").derive(bytes(8), "below")


def test_purposes_have_keys_of_their_own() -> None:
    keys = national(ROOT, [PURCHASE, PURCHASE_SM4])
    assert len(set(keys.keys.values())) == 2
    assert keys.keys == national(ROOT, [PURCHASE, PURCHASE_SM4]).keys
    assert keys.keys != national(bytes(32), [PURCHASE, PURCHASE_SM4]).keys


@given(st.lists(st.binary(min_size=8, max_size=8), max_size=30))
def test_a_batch_is_what_one_by_one_would_be(factors: list[bytes]) -> None:
    keys = city()
    one_by_one = [dict(keys.derive(factor, "card").keys) for factor in factors]
    assert list(keys.derive_many(factors)) == one_by_one


@pytest.mark.parametrize("factor", [b"", bytes(7), bytes(9)])
def test_a_factor_has_eight_bytes(factor: bytes) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        city().derive(factor, "x")
    with pytest.raises(ValueError, match="8 bytes"):
        list(city().derive_many([factor]))


@pytest.mark.parametrize("code", ["", "33", "33030A", "3303020"])
def test_a_region_code_has_six_digits(code: str) -> None:
    with pytest.raises(ValueError, match="6 digits"):
        issuer_identifier(code)


def test_the_root_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        national(bytes(16), [PURCHASE])


def test_a_set_does_not_print_its_keys() -> None:
    keys = city()
    for key in keys.keys.values():
        assert key.hex() not in repr(keys).lower()


def test_check_values_are_those_of_the_field() -> None:
    # 3DES key 0123456789ABCDEFFEDCBA9876543210: KCV 08D7B4, a value printed in many manuals
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    assert key_check_value(PURCHASE, key).hex() == "08d7b4"
