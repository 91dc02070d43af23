"""The card's side of the vectors: curves, SM2, ECDSA, ECDH, RSA, PACE and chip authentication."""

from __future__ import annotations

from typing import Any

import gmpy2
from card_blocks import DIGESTS
from ecdsa.ellipticcurve import INFINITY
from vector_files import Check, Inputs, domain_parameters

from simcard.crypto import (
    CURVES,
    BlockCipher,
    Curve,
    PointError,
    block_suite,
    ecdsa,
    icao,
    icao_key,
    rsa,
    sm2,
)


def _from(i: Inputs) -> Curve:
    size = len(i("p"))
    x, y = int.from_bytes(i("G")[1 : 1 + size], "big"), int.from_bytes(i("G")[1 + size :], "big")
    a, b = i.number("a"), i.number("b")
    return Curve(i["curve"], i.number("p"), a, b, x, y, i.number("n"))


def curve_of(i: Inputs) -> Curve:
    name = i["curve"]
    return CURVES[name] if name in CURVES else _from(domain_parameters(name))


def fixed(i: Inputs, name: str) -> Any:
    """A source of randomness that gives the value called *name*."""
    return lambda length: i(name).rjust(length, b"\x00")


def curve(i: Inputs) -> dict[str, Any]:
    given = _from(i)
    assert given == CURVES.get(i["curve"], given)
    try:
        base = given.decode(i("G"))
    except PointError:
        return {"valid": False}
    # n itself would be reduced to nothing before it is multiplied.
    return {"valid": base * (given.n - 1) + base == INFINITY and bool(gmpy2.is_prime(given.n))}


def dh_group(i: Inputs) -> dict[str, Any]:
    p, g, q = (i.number(name) for name in ("p", "g", "q"))
    primes = bool(gmpy2.is_prime(p)) and bool(gmpy2.is_prime(q))
    return {"valid": primes and g != 1 and pow(g, q, p) == 1}


def public_key(i: Inputs) -> dict[str, Any]:
    return {"P": curve_of(i).public_key(i.number("d"))}


def sm2_sign(i: Inputs) -> dict[str, Any]:
    c, d = curve_of(i), i.number("d")
    public = c.public_key(d)
    za = sm2.identity_digest(public, i("identity"), c)
    e = sm2.message_digest(public, i("message"), i("identity"), c)
    signature = sm2.sign(d, e, fixed(i, "k"), c)
    assert sm2.verify(public, e, signature, c)
    return {"za": za, "e": e, "r": signature[:32], "s": signature[32:]}


def sm2_verify(i: Inputs) -> dict[str, Any]:
    c = curve_of(i)
    e = sm2.message_digest(i("P"), i("message"), i("identity"), c)
    return {"valid": sm2.verify(i("P"), e, i("r") + i("s"), c)}


def sm2_encrypt(i: Inputs) -> dict[str, Any]:
    c = curve_of(i)
    public = i("P") if "P" in i else c.public_key(i.number("d"))
    out = sm2.encrypt(public, i("message"), fixed(i, "k"), c)
    if "d" in i:
        assert sm2.decrypt(i.number("d"), out, c) == i("message")
    return {"C1": out[:65], "C3": out[65:97], "C2": out[97:]}


def sm2_decrypt(i: Inputs) -> dict[str, Any]:
    return {"message": sm2.decrypt(i.number("d"), i("ciphertext"), curve_of(i))}


def sm2_agreement(i: Inputs) -> dict[str, Any]:
    c = curve_of(i)
    own_a = sm2.Own(i.number("dA"), i.number("rA"), i("idA"))
    own_b = sm2.Own(i.number("dB"), i.number("rB"), i("idB"))
    peer_a = sm2.Peer(c.public_key(own_a.private), c.public_key(own_a.ephemeral), i("idA"))
    peer_b = sm2.Peer(c.public_key(own_b.private), c.public_key(own_b.ephemeral), i("idB"))
    by_a = sm2.agree(own_a, peer_b, i["klen"], initiator=True, curve=c)
    assert by_a == sm2.agree(own_b, peer_a, i["klen"], initiator=False, curve=c)
    return {
        "RA": peer_a.ephemeral,
        "RB": peer_b.ephemeral,
        "ZA": sm2.identity_digest(peer_a.public, i("idA"), c),
        "ZB": sm2.identity_digest(peer_b.public, i("idB"), c),
        "U": by_a.shared,
        "K": by_a.key,
        "SB": by_a.from_responder,
        "SA": by_a.from_initiator,
    }


def ecdsa_sign(i: Inputs) -> dict[str, Any]:
    c, hashed = curve_of(i), DIGESTS[i["digest"]].of(i("message"))
    signature = ecdsa.sign(c, i.number("d"), hashed, fixed(i, "k"))
    public = c.public_key(i.number("d"))
    assert ecdsa.verify(c, public, hashed, signature)
    return {"Q": public, "r": signature[: c.scalar_length], "s": signature[c.scalar_length :]}


def ecdsa_deterministic(i: Inputs) -> dict[str, Any]:
    c, digest = curve_of(i), DIGESTS[i["digest"]]
    hashed = digest.of(i("message"))
    signature = ecdsa.sign_deterministic(c, i.number("d"), hashed, digest)
    return {"r": signature[: c.scalar_length], "s": signature[c.scalar_length :]}


def ecdh(i: Inputs) -> dict[str, Any]:
    c = curve_of(i)
    qa, qb = c.public_key(i.number("dA")), c.public_key(i.number("dB"))
    shared = c.encode(c.decode(qb) * i.number("dA"))
    assert c.agree(i.number("dB"), qa) == shared[1 : 1 + c.field_length]
    return {"QA": qa, "QB": qb, "Z": shared}


def rsa_pkcs1(i: Inputs) -> dict[str, Any]:
    key = rsa.RsaPrivateKey(i.number("p"), i.number("q"), i.number("e"))
    digest = DIGESTS[i["digest"]]
    return {"signature": rsa.sign_pkcs1(key, digest, digest.of(i("message")))}


def rsa_pkcs1_verify(i: Inputs) -> dict[str, Any]:
    key, digest = rsa.RsaPublicKey(i.number("n"), i.number("e")), DIGESTS[i["digest"]]
    return {"valid": rsa.verify_pkcs1(key, digest, digest.of(i("message")), i("signature"))}


def iso9796_recoverable(i: Inputs) -> dict[str, Any]:
    sha1 = DIGESTS["SHA-1"]
    return {
        "H": sha1.of(i("m1") + i("rnd_ifd")),
        "F": rsa.recoverable_string(sha1, i("m1"), i("rnd_ifd")),
    }


def pace_ecdh_gm(i: Inputs) -> dict[str, Any]:
    c, cipher = curve_of(i), BlockCipher[i["cipher"]]
    map_ifd, map_ic = i.number("map_sk_ifd"), i.number("map_sk_ic")
    map_pk_ifd, map_pk_ic = c.public_key(map_ifd), c.public_key(map_ic)
    mapped = icao.pace_mapped_curve(c, i("nonce"), map_ic, map_pk_ifd)
    assert mapped == icao.pace_mapped_curve(c, i("nonce"), map_ifd, map_pk_ic)
    eph_ifd, eph_ic = (mapped.public_key(i.number(f"eph_sk_{side}")) for side in ("ifd", "ic"))
    shared = mapped.agree(i.number("eph_sk_ic"), eph_ifd)
    keys = icao.keys_from(shared, cipher)
    return {
        "Kpi": icao_key(i("password"), 3, cipher),
        "z": icao.pace_nonce_cryptogram(i("password"), i("nonce"), cipher),
        "map_pk_ifd": map_pk_ifd,
        "map_pk_ic": map_pk_ic,
        "H": c.encode(c.decode(map_pk_ifd) * map_ic),
        "G_mapped": mapped.encode(mapped.generator),
        "eph_pk_ifd": eph_ifd,
        "eph_pk_ic": eph_ic,
        "shared_x": shared,
        "KSenc": keys.enc,
        "KSmac": keys.mac,
        "token_input_ifd": icao.token_input(i("oid"), eph_ic),
        "T_ifd": icao.authentication_token(keys.mac, cipher, i("oid"), eph_ic),
        "T_ic": icao.authentication_token(keys.mac, cipher, i("oid"), eph_ifd),
    }


def _token(mac_key: bytes, oid: bytes, tag: int, public: bytes) -> tuple[bytes, bytes]:
    """The data object and the token of protocols that the card does not speak itself."""
    inner = b"\x06" + bytes([len(oid)]) + oid + bytes([tag])
    inner += (b"\x81" if len(public) > 127 else b"") + bytes([len(public)]) + public
    data = b"\x7f\x49" + (b"\x81" if len(inner) > 127 else b"") + bytes([len(inner)]) + inner
    return data, block_suite(BlockCipher.AES, mac_key).cmac(data)[:8]


def pace_dh_gm(i: Inputs) -> dict[str, Any]:
    group = domain_parameters(i["group"])
    p, g = group.number("p"), group.number("g")
    results: dict[str, Any] = {}

    def raised(base: int, name: str) -> int:
        return int(gmpy2.powmod(base, i.number(name), p))

    def field(value: int) -> bytes:
        return value.to_bytes(128, "big")

    if "password" in i:
        results["z"] = icao.pace_nonce_cryptogram(i("password"), i("nonce"), BlockCipher.AES)
    if "map_sk_ifd" in i:
        results["map_pk_ifd"] = field(raised(g, "map_sk_ifd"))
        results["map_pk_ic"] = field(raised(g, "map_sk_ic"))
        shared = raised(raised(g, "map_sk_ifd"), "map_sk_ic")
        results["H"] = field(shared)
    else:
        shared = i.number("H")
    mapped = pow(g, i.number("nonce"), p) * shared % p
    eph_ifd = raised(mapped, "eph_sk_ifd")
    eph_ic = raised(mapped, "eph_sk_ic") if "eph_sk_ic" in i else i.number("eph_pk_ic")
    secret = field(raised(eph_ic, "eph_sk_ifd"))
    keys = icao.keys_from(secret, BlockCipher.AES)
    input_ifd, token_ifd = _token(keys.mac, i("oid"), 0x84, field(eph_ic))
    input_ic, token_ic = _token(keys.mac, i("oid"), 0x84, field(eph_ifd))
    return results | {
        "g_mapped": field(mapped),
        "eph_pk_ifd": field(eph_ifd),
        "eph_pk_ic": field(eph_ic),
        "shared": secret,
        "KSenc": keys.enc,
        "KSmac": keys.mac,
        "token_input_ifd": input_ifd,
        "token_input_ic": input_ic,
        "T_ifd": token_ifd,
        "T_ic": token_ic,
    }


CONSTANT_0 = bytes.fromhex("A668892A7C41E3CA739F40B057D85904")
CONSTANT_1 = bytes.fromhex("A4E136AC725F738B01C1F60217C188AD")


def _pseudo_random(i: Inputs, prime: int) -> bytes:
    """R(s, t) of ICAO 9303-11 clause 4.4.3.3.2: 64 bits more than the field has, in AES blocks."""
    key = block_suite(BlockCipher.AES, i("nonce_t")).encrypt_ecb(i("nonce_s"))
    out = b""
    while 8 * len(out) < prime.bit_length() + 64:
        aes = block_suite(BlockCipher.AES, key)
        out += aes.encrypt_ecb(CONSTANT_1)
        key = aes.encrypt_ecb(CONSTANT_0)
    return out


def pace_im_prf(i: Inputs) -> dict[str, Any]:
    prime = curve_of(i).p if "curve" in i else domain_parameters(i["group"]).number("p")
    out = _pseudo_random(i, prime)
    size = (prime.bit_length() + 7) // 8
    return {"R": out, "Rp": (int.from_bytes(out, "big") % prime).to_bytes(size, "big")}


def pace_ecdh_im(i: Inputs) -> dict[str, Any]:
    """The point encoding of ICAO 9303-11 Appendix B for p = 3 modulo 4."""
    c, t = curve_of(i), i.number("t")
    p, size = c.p, c.field_length
    alpha = -t * t % p
    x = -c.b * pow(c.a, -1, p) * (1 + pow(alpha + alpha * alpha, -1, p)) % p
    square = (x**3 + c.a * x + c.b) % p
    y = pow(square, p - 1 - (p + 1) // 4, p) * square % p
    if gmpy2.legendre(square, p) != 1:
        x, y = alpha * x % p, y * pow(t, 3, p) % p
    encoded = b"\x04" + x.to_bytes(size, "big") + y.to_bytes(size, "big")
    return {"G_mapped": c.encode(c.decode(encoded))}


def pace_dh_im(i: Inputs) -> dict[str, Any]:
    group = domain_parameters(i["group"])
    p, q = group.number("p"), group.number("q")
    reduced = int.from_bytes(_pseudo_random(i, p), "big") % p
    return {"g_mapped": pow(reduced, (p - 1) // q, p).to_bytes(128, "big")}


def chip_authentication_ecdh(i: Inputs) -> dict[str, Any]:
    c = curve_of(i)
    pk_ifd = c.public_key(i.number("sk_ifd"))
    shared = c.agree(i.number("sk_ic"), pk_ifd)
    assert shared == c.agree(i.number("sk_ifd"), i("pk_ic"))
    assert c.public_key(i.number("sk_ic")) == i("pk_ic")
    keys = icao.keys_from(shared + i("nonce"), BlockCipher.AES)
    token = icao.authentication_token(keys.mac, BlockCipher.AES, i("oid"), pk_ifd)
    return {
        "pk_ifd": pk_ifd,
        "shared_x": shared,
        "KSenc": keys.enc,
        "KSmac": keys.mac,
        "token_ic": token,
    }


def chip_authentication_dh(i: Inputs) -> dict[str, Any]:
    group = domain_parameters(i["group"])
    p, private = group.number("p"), i.number("sk_ifd")
    pk_ifd = int(gmpy2.powmod(group.number("g"), private, p)).to_bytes(128, "big")
    shared = int(gmpy2.powmod(i.number("pk_ic"), private, p)).to_bytes(128, "big")
    keys = icao.keys_from(shared + i("nonce"), BlockCipher.AES)
    return {
        "pk_ifd": pk_ifd,
        "shared": shared,
        "KSenc": keys.enc,
        "KSmac": keys.mac,
        "token_ic": _token(keys.mac, i("oid"), 0x84, pk_ifd)[1],
    }


CHECKS: dict[str, Check] = {
    "curve": curve,
    "dh_group": dh_group,
    "public_key": public_key,
    "sm2_sign": sm2_sign,
    "sm2_verify": sm2_verify,
    "sm2_encrypt": sm2_encrypt,
    "sm2_decrypt": sm2_decrypt,
    "sm2_agreement": sm2_agreement,
    "ecdsa_sign": ecdsa_sign,
    "ecdsa_deterministic": ecdsa_deterministic,
    "ecdh": ecdh,
    "rsa_pkcs1": rsa_pkcs1,
    "rsa_pkcs1_verify": rsa_pkcs1_verify,
    "iso9796_recoverable": iso9796_recoverable,
    "pace_ecdh_gm": pace_ecdh_gm,
    "pace_dh_gm": pace_dh_gm,
    "pace_im_prf": pace_im_prf,
    "pace_ecdh_im": pace_ecdh_im,
    "pace_dh_im": pace_dh_im,
    "chip_authentication_ecdh": chip_authentication_ecdh,
    "chip_authentication_dh": chip_authentication_dh,
}
