"""ICAO 9303-11 for the judge: access keys, BAC, PACE, and ISO 7816-4 secure messaging.

Secure messaging is that of the terminal: protect a command, open a response. The send sequence
counter is a number that the caller counts up before each command and each response.
"""

import hashlib
from dataclasses import dataclass

from conformance.crypto.blocks import (
    BLOCK_SIZE,
    cmac,
    decrypt_cbc,
    encrypt_cbc,
    encrypt_ecb,
    pad,
    retail_mac,
    unpad,
    xor,
)
from conformance.crypto.curves import Affine, Curve


@dataclass(frozen=True)
class Keys:
    """Keys for encryption and authentication, of the cipher TDES, AES or SM4."""

    enc: bytes
    mac: bytes
    cipher: str = "TDES"


def derived(seed: bytes, number: int, cipher: str = "TDES", length: int = 16) -> bytes:
    """The key *number* from *seed*: 1 encryption, 2 authentication, 3 password (clause 9.7.1)."""
    material = seed + bytes([0, 0, 0, number])
    if length > 16:
        return hashlib.sha256(material).digest()[:length]
    key = hashlib.sha1(material, usedforsecurity=False).digest()[:16]
    return bytes(map(_odd, key)) if cipher == "TDES" else key


def key_pair(seed: bytes, cipher: str = "TDES", length: int = 16) -> Keys:
    """Both keys from *seed*."""
    return Keys(derived(seed, 1, cipher, length), derived(seed, 2, cipher, length), cipher)


def mrz_information(number: str, birth: str, expiry: str) -> str:
    """Document number and dates with their check digits, as they stand in the zone."""
    return "".join(f + _check_digit(f) for f in (number + "<" * (9 - len(number)), birth, expiry))


def mrz_password(information: str) -> bytes:
    """SHA-1 of the MRZ information: the PACE password, and with 16 bytes the seed of BAC."""
    return hashlib.sha1(information.encode(), usedforsecurity=False).digest()


def bac_token(keys: Keys, own: bytes, peer: bytes, material: bytes) -> bytes:
    """What one side sends: RND of both and its key material, enciphered, and the MAC."""
    enciphered = encrypt_cbc("TDES", keys.enc, own + peer + material)
    return enciphered + retail_mac(keys.mac, pad(enciphered, 8))


def bac_session(own_material: bytes, peer_material: bytes) -> Keys:
    """The session keys."""
    return key_pair(xor(own_material, peer_material))


def pace_mapped(curve: Curve, nonce: bytes, shared: Affine) -> Curve:
    """*curve* with the generator of generic mapping: nonce times G, and the *shared* point."""
    generator = curve.add(curve.multiply(int.from_bytes(nonce, "big"), curve.g), shared)
    return Curve(curve.p, curve.a, curve.b, generator, curve.n)


def token_input(identifier: bytes, public: bytes, tag: bytes = b"\x86") -> bytes:
    """The data object 7F49 whose MAC is the token of PACE or chip authentication."""
    return _tlv(b"\x7f\x49", _tlv(b"\x06", identifier) + _tlv(tag, public))


def mac8(keys: Keys, data: bytes) -> bytes:
    """The 8-byte MAC of a token over *data*: padded retail MAC with TDES, else CMAC."""
    if keys.cipher == "TDES":
        return retail_mac(keys.mac, pad(data, 8))
    return cmac(keys.cipher, keys.mac, data)[:8]


def message_mac(keys: Keys, counter: int, data: bytes) -> bytes:
    """The MAC of secure messaging over *counter* and *data*, which is padded for every cipher."""
    size = BLOCK_SIZE[keys.cipher]
    padded = pad(counter.to_bytes(size, "big") + data, size)
    if keys.cipher == "TDES":
        return retail_mac(keys.mac, padded)
    return cmac(keys.cipher, keys.mac, padded)[:8]


def message_iv(keys: Keys, counter: int) -> bytes:
    """The start of the chain: zero with TDES, else the counter enciphered."""
    size = BLOCK_SIZE[keys.cipher]
    if keys.cipher == "TDES":
        return bytes(size)
    return encrypt_ecb(keys.cipher, keys.enc, counter.to_bytes(size, "big"))


def message_encrypt(keys: Keys, counter: int, data: bytes) -> bytes:
    """*data* padded and enciphered for the data object 87 or 85."""
    padded = pad(data, BLOCK_SIZE[keys.cipher])
    return encrypt_cbc(keys.cipher, keys.enc, padded, message_iv(keys, counter))


def message_decrypt(keys: Keys, counter: int, data: bytes) -> bytes:
    """The plain text of a data object 87 or 85; ValueError when no padding comes out."""
    return unpad(decrypt_cbc(keys.cipher, keys.enc, data, message_iv(keys, counter)))


def protect(keys: Keys, counter: int, header: bytes, data: bytes, le: int | None) -> bytes:
    """A short command under secure messaging: data objects 87 (85 for odd INS), 97 and 8E.

    *header* is CLA INS P1 P2 of the plain command, *le* its Ne (256 becomes 00) or None.
    """
    protected = bytes([header[0] | 0x0C]) + header[1:4]
    body = b""
    if data:
        enciphered = message_encrypt(keys, counter, data)
        odd = header[1] & 1
        body += _tlv(b"\x85", enciphered) if odd else _tlv(b"\x87", b"\x01" + enciphered)
    if le is not None:
        body += _tlv(b"\x97", bytes([le % 256]))
    authenticated = pad(protected, BLOCK_SIZE[keys.cipher]) + body
    body += _tlv(b"\x8e", message_mac(keys, counter, authenticated))
    return protected + bytes([len(body)]) + body + b"\x00"


def open_response(keys: Keys, counter: int, response: bytes) -> tuple[bytes, bytes]:
    """Data and status bytes of a protected response.

    ValueError when an object is missing, the MAC is wrong or the status differs from SW1 SW2.
    """
    objects = dict(_objects(response[:-2]))
    covered = b"".join(_tlv(tag, value) for tag, value in _objects(response[:-2]) if tag != b"\x8e")
    if objects.get(b"\x8e") != message_mac(keys, counter, covered):
        raise ValueError("the MAC of the response is wrong")
    if objects.get(b"\x99") != response[-2:]:
        raise ValueError("the protected status is not that of the response")
    data = b""
    if b"\x87" in objects:
        data = message_decrypt(keys, counter, objects[b"\x87"][1:])
    elif b"\x85" in objects:
        data = message_decrypt(keys, counter, objects[b"\x85"])
    return data, response[-2:]


def _objects(data: bytes) -> list[tuple[bytes, bytes]]:
    """The data objects in *data*: one-byte tags, lengths of up to three bytes."""
    found = []
    while data:
        extra = data[1] - 0x80 if data[1] > 0x80 else 0
        length = int.from_bytes(data[2 : 2 + extra], "big") if extra else data[1]
        start = 2 + extra
        if start + length > len(data):
            raise ValueError("a data object is cut short")
        found.append((data[:1], data[start : start + length]))
        data = data[start + length :]
    return found


def _tlv(tag: bytes, value: bytes) -> bytes:
    size = len(value)
    if size < 0x80:
        return tag + bytes([size]) + value
    if size < 0x100:
        return tag + bytes([0x81, size]) + value
    return tag + b"\x82" + size.to_bytes(2, "big") + value


def _odd(byte: int) -> int:
    """*byte* with its lowest bit chosen so that the number of ones is odd."""
    return byte & 0xFE | (byte >> 1).bit_count() % 2 ^ 1


def _check_digit(field: str) -> str:
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    weighted = (
        alphabet.index(letter) * (7, 3, 1)[place % 3]
        for place, letter in enumerate(field.replace("<", "0"))
    )
    return str(sum(weighted) % 10)
