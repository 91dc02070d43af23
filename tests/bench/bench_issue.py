"""Cards issued a second, and keys derived a second beside OpenSSL's bulk rate in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

from simcard.crypto.blocks import BlockCipher
from simcard.issuance.batch import make_card
from simcard.issuance.hierarchy import KeySet, Purpose, issuer_identifier, national
from simcard.issuance.holder import Holder
from simcard.issuance.order import Order, card_factor
from simcard.issuance.purposes import purposes
from simcard.profiles import load_profile

CARDS = 20_000
HOLDER = {
    "number": "330302195003070011",
    "name": "张三",
    "sex": "1",
    "birth_place": "330302",
    "born": "1950-03-07",
    "card_number": "S00000001",
    "region": "330302",
    "issued": "2026-01-15",
    "valid_until": "2036-01-15",
}


def city(keys: KeySet) -> KeySet:
    return keys.derive(issuer_identifier("330000"), "330000").derive(
        issuer_identifier("330302"), "330302"
    )


@pytest.mark.parametrize("cipher", [BlockCipher.TDES, BlockCipher.SM4], ids=lambda each: each.name)
def test_derived_keys(
    cipher: BlockCipher,
    benchmark: Callable[..., object],
    find: Callable[[str, bool | None], None],
) -> None:
    """Goal: at least half the rate at which OpenSSL enciphers the same blocks in bulk."""
    keys = city(national(bytes(32), [Purpose("DF08/purchase/01", cipher)]))
    factors = [number.to_bytes(8, "big") for number in range(CARDS)]
    value = next(iter(keys.keys.values()))
    algorithm = SM4(value) if cipher is BlockCipher.SM4 else TripleDES(value + value[:8])
    bulk = bytes(16 * CARDS)

    def openssl() -> float:
        start = time.perf_counter()
        Cipher(algorithm, modes.ECB()).encryptor().update(bulk)  # noqa: S305 - the same blocks
        return time.perf_counter() - start

    def ours() -> float:
        start = time.perf_counter()
        keys.derive_columns(factors)
        return time.perf_counter() - start

    ratio = min(openssl() for _ in range(7)) / min(ours() for _ in range(7))
    benchmark(ours)
    rate = CARDS / min(ours() for _ in range(3))
    find(
        f"derived keys, {cipher.name}: {rate:,.0f}/s, {ratio:.2f} of OpenSSL's bulk rate",
        ratio >= 0.5,
    )


@pytest.mark.parametrize("name", ["ssc2", "ssc3"])
def test_issue(
    name: str, benchmark: Callable[..., object], find: Callable[[str, bool | None], None]
) -> None:
    profile = load_profile(name)
    holder = Holder.model_validate(HOLDER)
    keys = city(national(bytes(32), purposes(profile)))
    order = Order(holder, keys.derive(card_factor(holder), "card").keys)
    start = time.perf_counter()
    for _ in range(10):
        make_card(profile, order)
    find(f"cards of {name}: {10 / (time.perf_counter() - start):.0f}/s in one process", None)
    benchmark(make_card, profile, order)
