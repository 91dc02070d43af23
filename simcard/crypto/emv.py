"""EMV derivations: the card's master key from the issuer's, and session keys from that."""

from simcard.crypto.blocks import BlockCipher, KeyLengthError, block_suite
from simcard.crypto.des_keys import with_odd_parity
from simcard.crypto.digests import sha1
from simcard.crypto.diversification import complement


def master_key_a(issuer_key: bytes, pan: str, sequence_number: str = "00") -> bytes:
    """The 16-byte ICC master key, option A of EMV Book 2 clause A1.4.1, with odd parity.

    *pan* is the account number in decimal digits, *sequence_number* two more. The last sixteen
    digits of both, filled with zeros on the left, are the diversification block.
    """
    return _master_key(issuer_key, (pan + sequence_number)[-16:].rjust(16, "0"))


def master_key_b(issuer_key: bytes, pan: str, sequence_number: str = "00") -> bytes:
    """The 16-byte ICC master key, option B of EMV Book 2 clause A1.4.2, with odd parity.

    For account numbers of more than 16 digits the diversification block is the first sixteen
    decimal digits of SHA-1 over both numbers; letters are turned into digits where too few stand
    in it. Shorter account numbers are as in option A.
    """
    if len(pan) <= 16:
        return master_key_a(issuer_key, pan, sequence_number)
    digits = pan + sequence_number
    hashed = sha1(bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))).hex()
    decimal = "".join(filter(str.isdecimal, hashed))
    turned = "".join(str(int(digit, 16) - 10) for digit in hashed if not digit.isdecimal())
    return _master_key(issuer_key, (decimal + turned)[:16])


def common_session_key(master_key: bytes, diversifier: bytes) -> bytes:
    """The 16-byte session key of EMV Book 2 clause A1.3.1, from 8 bytes such as ATC 00 .. 00.

    The third byte becomes F0 for the left half and 0F for the right one. No parity is set.
    """
    if len(diversifier) != 8:
        raise ValueError(f"a session diversifier has 8 bytes, not {len(diversifier)}")
    left = diversifier[:2] + b"\xf0" + diversifier[3:]
    right = diversifier[:2] + b"\x0f" + diversifier[3:]
    return block_suite(BlockCipher.TDES, master_key).encrypt_ecb(left + right)


def _master_key(issuer_key: bytes, digits: str) -> bytes:
    if len(issuer_key) != 16:
        raise KeyLengthError(f"an issuer master key has 16 bytes, not {len(issuer_key)}")
    block = bytes.fromhex(digits)
    halves = block + complement(block)
    return with_odd_parity(block_suite(BlockCipher.TDES, issuer_key).encrypt_ecb(halves))
