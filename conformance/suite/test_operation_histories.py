"""Generated histories of operations: messages of any length and keys in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import case
from conformance.strategies.operations import explore_operations
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.bench import Bench


@case(
    "operation/histories-checksum",
    covers=[
        "7816-8/checksum/right",
        "7816-8/checksum/verify-right",
        "7816-8/checksum/verify-wrong",
    ],
)
def test_checksums(bench: Bench) -> None:
    """Whatever is computed over whatever message, it is what the judge computes."""
    explore_operations(bench, "select", *["checksum"] * 4, "reset")


@case(
    "operation/histories-cipher",
    covers=[
        "7816-8/cipher/encipher",
        "7816-8/cipher/decipher",
        "7816-8/cipher/round-trip",
        "7816-8/cipher/bad-padding",
    ],
)
def test_ciphers(bench: Bench) -> None:
    """What is enciphered under whatever key comes back from that key, and from no other."""
    explore_operations(bench, "select", *["cipher"] * 4, "reset")


@case(
    "operation/histories-signature",
    covers=[
        "7816-8/signature/right",
        "7816-8/signature/fresh",
        "7816-8/signature/verify-right",
        "7816-8/signature/verify-wrong",
        "7816-8/hash/whole",
        "7816-8/hash/for-signature",
    ],
)
def test_signatures(bench: Bench) -> None:
    """Whatever is signed verifies under the public key, and nothing else does."""
    explore_operations(bench, "select", *["signature"] * 4, "pin", "public", "reset")


@case(
    "operation/histories",
    covers=[
        "7816-4/environment/replaces",
        "7816-4/environment/templates-apart",
        "7816-8/operation/usage",
        "7816-8/operation/access-refused",
        "7816-4/authentication/external-right",
        "7816-4/authentication/external-counts",
        "7816-4/authentication/challenge-once",
    ],
    risk=Risk.CONSUME,
)
def test_all(bench: Bench) -> None:
    """However operations, PINs, proofs and resets follow each other, every answer is allowed."""
    kinds = ("checksum", "cipher", "signature", "proof", "pin", "public")
    explore_operations(bench, "select", *kinds, "reset")
