"""The issuer of the made-up document in `emrtd.toml`: computes every file it holds, always alike.

Holder, keys and test CA exist nowhere else: private keys are hashes of the labels below, signatures
are deterministic (RFC 6979). Run as a program it prints the contents as the profile has them:
python tests/emrtd/issuer.py
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from simcard.crypto.rsa import RsaPrivateKey, generate
from simcard.entropy import SeededEntropy

MRZ = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C<3UTO6908061F9406236ZE184226B<<<<<14"
"""The specimen of ICAO Doc 9303, a person of Utopia."""

SHA256_IDENTIFIER = "2.16.840.1.101.3.4.2.1"
LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
DG_NUMBERS = {"DG1": 1, "DG2": 2, "DG14": 14, "DG15": 15}


def tlv(tag: str, *parts: bytes) -> bytes:
    """A data object: *tag* in hexadecimal digits, the length in the shortest form, the parts."""
    value = b"".join(parts)
    size = len(value)
    length = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    return (
        bytes.fromhex(tag) + (bytes([0x80 | len(length)]) if size > 127 else b"") + length + value
    )


def identifier(dotted: str) -> bytes:
    """The DER of an object identifier."""
    first, second, *others = map(int, dotted.split("."))
    value = bytearray()
    for arc in (40 * first + second, *others):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.insert(0, 0x80 | arc & 0x7F)
        value += bytes(septets)
    return tlv("06", bytes(value))


def sequence(*parts: bytes) -> bytes:
    return tlv("30", *parts)


def set_of(parts: Iterable[bytes]) -> bytes:
    """A DER SET OF: the elements in ascending order of their encodings."""
    return tlv("31", *sorted(parts))


def integer(value: int) -> bytes:
    return tlv("02", value.to_bytes(value.bit_length() // 8 + 1, "big"))


def ef_com() -> bytes:
    """The worked example's: LDS 1.6, Unicode 4.0.0, data groups 1 and 2."""
    return tlv("60", tlv("5F01", b"0106"), tlv("5F36", b"040000"), tlv("5C", b"\x61\x75"))


def dg1() -> bytes:
    """The machine-readable zone of a TD3 document, 88 characters."""
    return tlv("61", tlv("5F1F", MRZ.encode()))


def picture() -> bytes:
    """A JPEG of 24 x 32 grey points: one code for "no difference", one for "end of block"."""
    dimensions = bytes([8, 0, 32, 0, 24, 1, 1, 0x11, 0])
    huffman = bytes([1]) + bytes(15) + bytes([0])
    segments = [
        (0xDB, bytes([0]) + bytes([1]) * 64),
        (0xC0, dimensions),
        (0xC4, bytes([0x00]) + huffman),
        (0xC4, bytes([0x10]) + huffman),
        (0xDA, bytes([1, 1, 0x00, 0, 63, 0])),
    ]
    body = b"".join(
        bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data
        for marker, data in segments
    )
    return b"\xff\xd8" + body + bytes(3) + b"\xff\xd9"


def dg2() -> bytes:
    """One face: a record of ISO/IEC 19794-5:2005 in the template of ISO/IEC 7816-11."""
    image = picture()
    information = bytes([1, 0]) + (24).to_bytes(2, "big") + (32).to_bytes(2, "big") + bytes(6)
    face = (20 + 12 + len(image)).to_bytes(4, "big") + bytes(16) + information + image
    record = b"FAC\x00010\x00" + (14 + len(face)).to_bytes(4, "big") + b"\x00\x01" + face
    header = bytes.fromhex("80020101 810102 820100 87020101 88020008")
    template = tlv("7F60", tlv("A1", header), tlv("5F2E", record))
    return tlv("75", tlv("7F61", tlv("02", b"\x01"), template))


@cache
def active_authentication_key() -> RsaPrivateKey:
    """The key that DG15 publishes."""
    return generate(1536, SeededEntropy(9303).draw)


def dg15() -> bytes:
    """SubjectPublicKeyInfo of the key for active authentication (RFC 3279)."""
    key = active_authentication_key()
    algorithm = sequence(identifier("1.2.840.113549.1.1.1"), tlv("05"))
    public = sequence(integer(key.n), integer(key.e))
    return tlv("6F", sequence(algorithm, tlv("03", b"\x00", public)))


def signing_key(label: str) -> ec.EllipticCurvePrivateKey:
    scalar = int.from_bytes(hashlib.sha256(f"simcard emrtd {label}".encode()).digest(), "big")
    return ec.derive_private_key(scalar, ec.SECP256R1())


def certificate(subject: str, *, authority: bool) -> x509.Certificate:
    """The country signing CA's own certificate, or the one it gives to the document signer."""
    ca, serial = _name("Utopia Test CSCA"), 1 if authority else 2
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(ca)
        .public_key(signing_key(subject).public_key())
        .serial_number(serial)
        .not_valid_before(datetime(2004, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2034, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True
        )
    )
    return builder.sign(signing_key("Utopia Test CSCA"), SHA256(), ecdsa_deterministic=True)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "UT"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def security_object() -> bytes:
    """LDSSecurityObject version 0: the hashes of the data groups (ICAO 9303-10, 4.6.2.3)."""
    groups = {"DG1": dg1(), "DG2": dg2(), "DG14": dg14(), "DG15": dg15()}
    hashes = (
        sequence(integer(DG_NUMBERS[name]), tlv("04", hashlib.sha256(content).digest()))
        for name, content in groups.items()
    )
    return sequence(integer(0), sequence(identifier(SHA256_IDENTIFIER)), sequence(*hashes))


def signed_data(content: bytes) -> bytes:
    """*content* in CMS SignedData (RFC 5652) with signature and certificate of the signer."""
    signer = certificate("Utopia Test Document Signer", authority=False)
    digest_algorithm = sequence(identifier(SHA256_IDENTIFIER))
    attributes = [
        sequence(identifier("1.2.840.113549.1.9.3"), set_of([identifier(LDS_SECURITY_OBJECT)])),
        sequence(
            identifier("1.2.840.113549.1.9.4"),
            set_of([tlv("04", hashlib.sha256(content).digest())]),
        ),
    ]
    signature = signing_key("Utopia Test Document Signer").sign(
        hashlib.sha256(set_of(attributes)).digest(),
        ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True),
    )
    signer_info = sequence(
        integer(1),
        sequence(signer.issuer.public_bytes(), integer(signer.serial_number)),
        digest_algorithm,
        tlv("A0", *sorted(attributes)),
        sequence(identifier("1.2.840.10045.4.3.2")),
        tlv("04", signature),
    )
    encapsulated = sequence(identifier(LDS_SECURITY_OBJECT), tlv("A0", tlv("04", content)))
    return sequence(
        identifier("1.2.840.113549.1.7.2"),
        tlv(
            "A0",
            sequence(
                integer(3),
                set_of([digest_algorithm]),
                encapsulated,
                tlv("A0", signer.public_bytes(Encoding.DER)),
                set_of([signer_info]),
            ),
        ),
    )


def ef_sod() -> bytes:
    """The document security object."""
    return tlv("77", signed_data(security_object()))


PACE_SUITES = {1: 12, 2: 13, 3: 15, 4: 16}
"""The last arc of id-PACE-ECDH-GM-... that the document offers, each with its domain parameters."""


def ef_card_access() -> bytes:
    """SecurityInfos with one PACEInfo (version 2) for each suite."""
    return set_of(
        sequence(identifier(f"0.4.0.127.0.7.2.2.4.2.{suite}"), integer(2), integer(parameters))
        for suite, parameters in PACE_SUITES.items()
    )


def dg14() -> bytes:
    """The SecurityInfos of EF.CardAccess once more, under the signature (ICAO 9303-11, 9.2.11)."""
    return tlv("6E", ef_card_access())


CONTENTS = {
    "3F00/011C": ef_card_access,
    "3F00/1001/011E": ef_com,
    "3F00/1001/011D": ef_sod,
    "3F00/1001/0101": dg1,
    "3F00/1001/0102": dg2,
    "3F00/1001/010E": dg14,
    "3F00/1001/010F": dg15,
}
"""The files of the profile by path."""


if __name__ == "__main__":
    for path, content in CONTENTS.items():
        digits = content().hex().upper()
        lines = [digits[start : start + 96] for start in range(0, len(digits), 96)]
        print(f"# {path}: {len(digits) // 2} bytes", *lines, sep="\n")  # noqa: T201
    key = active_authentication_key()
    print(f"# p\n{key.p:X}\n# q\n{key.q:X}")  # noqa: T201
