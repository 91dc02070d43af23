"""The request for a certificate of a key pair that a card has generated (PKCS #10, RFC 2986).

It names the card, holds the public key and is signed by the card itself, which proves to whoever
issues certificates that the private key is there: SM2 with SM3 (GM/T 0015), the default identity.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Final, NamedTuple

from simcard.crypto.curves import SM2P256V1
from simcard.security.asymmetric import CURVE_IDENTIFIERS
from simcard.tlv import Tlv, encode

_INTEGER, _BIT_STRING, _OBJECT_IDENTIFIER = 0x02, 0x03, 0x06
_PRINTABLE_STRING: Final = 0x13
_SEQUENCE, _SET, _ATTRIBUTES = 0x30, 0x31, 0xA0
_EC_PUBLIC_KEY: Final = bytes.fromhex("2A8648CE3D0201")
_SM2_WITH_SM3: Final = bytes.fromhex("2A811CCF55018375")
_COMMON_NAME, _SERIAL_NUMBER = bytes.fromhex("550403"), bytes.fromhex("550405")
_VERSION_1: Final = Tlv(_INTEGER, b"\0")
_WHOLE_BYTES: Final = b"\0"


class CertificateRequest(NamedTuple):
    """A signed request: the DF and the reference of the key, its public point, the DER encoding."""

    df: str
    reference: int
    public: bytes
    der: bytes

    @property
    def key_name(self) -> str:
        """The key as the ledger calls it: `DDF1/81`."""
        return f"{self.df.rpartition('/')[2]}/{self.reference:02X}"

    @property
    def pem(self) -> str:
        """The request as text (RFC 7468)."""
        text = b64encode(self.der).decode("ascii")
        body = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
        return f"-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n"


def request_information(card_number: str, serial: bytes, public: bytes) -> bytes:
    """What the card signs: version, subject, public key `04 || x || y`, no attributes.

    The subject is the card number, and the application serial number(10).
    """
    names = [(_COMMON_NAME, card_number), (_SERIAL_NUMBER, serial.hex().upper())]
    return encode(
        _SEQUENCE,
        [
            _VERSION_1,
            Tlv(_SEQUENCE, b"".join(_relative_name(*each) for each in names)),
            Tlv(_SEQUENCE, _public_key(public)),
            Tlv(_ATTRIBUTES, b""),
        ],
    )


def signed_request(information: bytes, signature: bytes) -> bytes:
    """*information* with the card's *signature*, r || s."""
    size = SM2P256V1.scalar_length
    numbers = [Tlv(_INTEGER, _positive(part)) for part in (signature[:size], signature[size:])]
    algorithm = encode(_SEQUENCE, [Tlv(_OBJECT_IDENTIFIER, _SM2_WITH_SM3)])
    proof = encode(_BIT_STRING, _WHOLE_BYTES + encode(_SEQUENCE, numbers))
    return encode(_SEQUENCE, information + algorithm + proof)


def _relative_name(attribute: bytes, value: str) -> bytes:
    objects = [Tlv(_OBJECT_IDENTIFIER, attribute), Tlv(_PRINTABLE_STRING, value.encode("ascii"))]
    return encode(_SET, encode(_SEQUENCE, objects))


def _public_key(public: bytes) -> bytes:
    curve = CURVE_IDENTIFIERS[SM2P256V1.name]
    objects = [Tlv(_OBJECT_IDENTIFIER, each) for each in (_EC_PUBLIC_KEY, curve)]
    return encode(_SEQUENCE, objects) + encode(_BIT_STRING, _WHOLE_BYTES + public)


def _positive(number: bytes) -> bytes:
    """A number as the shortest INTEGER that is not negative."""
    shortest = number.lstrip(b"\0") or b"\0"
    return b"\0" + shortest if shortest[0] & 0x80 else shortest
