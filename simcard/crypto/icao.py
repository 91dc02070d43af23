"""The computations of ICAO 9303-11: BAC and PACE keys, exchanges, session keys and tokens.

The chip's side and the terminal's side use the same formulas, so both are here. Secure messaging
itself is built elsewhere, on the suites of :mod:`simcard.crypto.blocks`.
"""

from dataclasses import dataclass, field

from simcard.crypto.blocks import BlockCipher, block_suite
from simcard.crypto.curves import Curve
from simcard.crypto.digests import sha1
from simcard.crypto.kdf import icao_key
from simcard.crypto.macs import retail_mac

_WEIGHTS = (7, 3, 1)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key for encryption and one for message authentication."""

    enc: bytes = field(repr=False)
    mac: bytes = field(repr=False)


def check_digit(field: str) -> str:
    """The check digit of a field of the machine-readable zone (ICAO 9303-3 clause 4.9).

    ValueError for a character that is not 0-9, A-Z or <.
    """
    return str(sum(_value(letter) * _WEIGHTS[i % 3] for i, letter in enumerate(field)) % 10)


def mrz_information(document_number: str, date_of_birth: str, date_of_expiry: str) -> str:
    """Number (filled with < to 9 characters) and dates (YYMMDD), each with its check digit."""
    fields = (document_number.ljust(9, "<"), date_of_birth, date_of_expiry)
    return "".join(field + check_digit(field) for field in fields)


def password_of_mrz(information: str) -> bytes:
    """SHA-1 of the MRZ information, 20 bytes: the PACE password; its first 16 are the BAC seed."""
    return sha1(information.encode("ascii"))


def keys_from(seed: bytes, cipher: BlockCipher = BlockCipher.TDES, key_length: int = 16) -> KeyPair:
    """The keys number 1 and 2 from *seed*: document access keys or session keys (clause 9.7.1)."""
    return KeyPair(icao_key(seed, 1, cipher, key_length), icao_key(seed, 2, cipher, key_length))


def bac_cryptogram(keys: KeyPair, own_random: bytes, peer_random: bytes, own_key: bytes) -> bytes:
    """E || M of 40 bytes, the data of EXTERNAL AUTHENTICATE or its answer (clause 4.3.1).

    *own_random* and *peer_random* are the 8-byte RND of the sender and the other side, *own_key*
    the sender's 16 bytes of key material.
    """
    enciphered = block_suite(BlockCipher.TDES, keys.enc).encrypt_cbc(
        own_random + peer_random + own_key
    )
    return enciphered + retail_mac(keys.mac, enciphered)


def bac_session(chip_key: bytes, terminal_key: bytes) -> KeyPair:
    """The session keys from K.IC xor K.IFD (16 bytes each)."""
    return keys_from(bytes(a ^ b for a, b in zip(chip_key, terminal_key, strict=True)))


def bac_send_sequence_counter(chip_random: bytes, terminal_random: bytes) -> bytes:
    """The first send sequence counter: low four bytes of RND.IC and RND.IFD (clause 9.8.6.3)."""
    return chip_random[-4:] + terminal_random[-4:]


def pace_nonce_cryptogram(
    password: bytes, nonce: bytes, cipher: BlockCipher, key_length: int = 16
) -> bytes:
    """z: the nonce of 16 bytes enciphered under the key of *password* (clause 4.4.3.2)."""
    key = icao_key(password, 3, cipher, key_length)
    return block_suite(cipher, key).encrypt_cbc(nonce)


def pace_mapped_curve(curve: Curve, nonce: bytes, private: int, peer_public: bytes) -> Curve:
    """*curve* with the generator of generic mapping, s * G + H (clause 4.4.3.3.1).

    H is the whole point shared by *private* and *peer_public*. PointError when *peer_public* is
    not on the curve.
    """
    curve.check_scalar(private)
    shared = curve.decode(peer_public) * private
    return curve.mapped(int.from_bytes(nonce, "big"), shared)


def authentication_token(
    mac_key: bytes, cipher: BlockCipher, object_identifier: bytes, public: bytes
) -> bytes:
    """The 8-byte token of PACE over the peer's ephemeral point (clause 4.4.3.4).

    *object_identifier* is the value field of the protocol's identifier, *public* the encoded point.
    The code is the retail MAC with TDES, else CMAC.
    """
    return mac_of(mac_key, cipher, token_input(object_identifier, public))


def token_input(object_identifier: bytes, public: bytes) -> bytes:
    """The data object 7F49 { 06 identifier, 86 point } that a token authenticates."""
    data = _object(b"\x06", object_identifier) + _object(b"\x86", public)
    return _object(b"\x7f\x49", data)


def mac_of(mac_key: bytes, cipher: BlockCipher, data: bytes) -> bytes:
    """The 8-byte MAC of ICAO secure messaging: retail MAC with padding for TDES, else CMAC."""
    if cipher is BlockCipher.TDES:
        return retail_mac(mac_key, data)
    return block_suite(cipher, mac_key).cmac(data)[:8]


def _object(tag: bytes, value: bytes) -> bytes:
    """A BER-TLV data object with a value of up to 255 bytes."""
    length = bytes([len(value)]) if len(value) < 0x80 else bytes([0x81, len(value)])
    return tag + length + value


def _value(letter: str) -> int:
    if letter == "<":
        return 0
    if not letter.isascii() or not (letter.isdecimal() or letter.isupper()):
        raise ValueError(f"{letter!r} does not occur in a machine-readable zone")
    return int(letter, 36)
