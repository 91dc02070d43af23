"""What the card says of its algorithms is what it does, and every reference means one thing."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from simcard.crypto.digests import Digest
from simcard.profiles import build_card, load_profile, profile_names
from simcard.security.asymmetric import DIGEST_IDENTIFIERS
from simcard.security.mechanisms import CHECKSUMS, ENCIPHERMENTS, HASHES, SIGNATURES
from simcard.tlv import find, parse, parse_compact

TABLES: tuple[Mapping[int, object], ...] = (HASHES, SIGNATURES, CHECKSUMS, ENCIPHERMENTS)
PROPRIETARY = 5


def mechanisms() -> list[tuple[int, bytes]]:
    """Reference and object identifier of each mechanism identifier template in EF.ATR/INFO."""
    card = build_card(load_profile("crypto"))
    card.power_on()
    content = card.transmit(bytes.fromhex("00B09D00000000"))
    assert content[-2:] == b"\x90\x00"
    found = []
    for tlv in parse(content[:-2]):
        if tlv.tag == 0xAC:
            objects = tlv.children()
            assert [each.tag for each in objects] == [0x80, 0x06]
            found.append((objects[0].value[0], find(objects, 0x06) or b""))
    return found


def test_no_reference_means_two_algorithms() -> None:
    for one, other in itertools.combinations(TABLES, 2):
        assert not one.keys() & other.keys()


def test_the_card_announces_only_what_it_has() -> None:
    announced = mechanisms()
    known = {reference for table in TABLES for reference in table}
    assert {reference for reference, _ in announced} <= known
    assert len(dict(announced)) == len(announced)
    assert {identifier for reference, identifier in announced if reference in HASHES} == {
        DIGEST_IDENTIFIERS[digest] for digest in Digest
    }


def test_every_signature_with_a_hash_function_is_announced() -> None:
    hashing = {reference for reference, each in SIGNATURES.items() if each.digest is not None}
    assert hashing <= {reference for reference, _ in mechanisms()}


def test_the_historical_bytes_tell_the_profiles_apart() -> None:
    historical = {}
    for name in profile_names():
        atr = load_profile(name).tables.atr
        historical[name] = atr[-1 - (atr[1] & 0x0F) : -1]
    own = historical["crypto"]
    assert own[0] == 0x80
    objects = parse_compact(own[1:])
    (proprietary,) = (tlv.value for tlv in objects if tlv.tag == PROPRIETARY)
    assert len(proprietary) == 3
    assert list(historical.values()).count(own) == 1
