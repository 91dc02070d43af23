"""The judge's side of the vectors: curves, SM2, ECDSA, ECDH, RSA, PACE and chip authentication."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from vector_files import Check, Inputs, domain_parameters

from conformance.crypto import icao, signatures, sm2
from conformance.crypto.blocks import encrypt_cbc, encrypt_ecb
from conformance.crypto.curves import BRAINPOOL_P256R1, SM2, Curve, curve_of
from conformance.crypto.digests import digest

KNOWN = {"sm2p256v1": SM2, "brainpoolP256r1": BRAINPOOL_P256R1}


def _from(i: Inputs) -> Curve:
    return curve_of(i.number("p"), i.number("a"), i.number("b"), i("G"), i.number("n"))


def _curve(i: Inputs) -> Curve:
    return KNOWN.get(i["curve"]) or _from(domain_parameters(i["curve"]))


def _probably_prime(number: int) -> bool:
    """Fermat's test to four bases: enough to notice a changed digit."""
    return all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7))


def curve(i: Inputs) -> dict[str, Any]:
    given = _from(i)
    assert given == KNOWN.get(i["curve"], given)
    on_curve = given.contains(given.g)
    try:
        valid = on_curve and given.multiply(given.n, given.g) is None and _probably_prime(given.n)
    except ValueError:
        valid = False
    return {"valid": valid}


def dh_group(i: Inputs) -> dict[str, Any]:
    p, g, q = (i.number(name) for name in ("p", "g", "q"))
    order = (p - 1) % q == 0 and g > 1 and pow(g, q, p) == 1
    return {"valid": order and _probably_prime(p) and _probably_prime(q)}


def public_key(i: Inputs) -> dict[str, Any]:
    return {"P": _curve(i).public_key(i.number("d"))}


def sm2_sign(i: Inputs) -> dict[str, Any]:
    c, d = _curve(i), i.number("d")
    public = c.public_key(d)
    e = sm2.signed_digest(public, i("message"), i("identity"), c)
    r, s = sm2.sign(d, e, i.number("k"), c)
    za = sm2.owner_digest(public, i("identity"), c)
    return {"za": za, "e": e, "r": r.to_bytes(32, "big"), "s": s.to_bytes(32, "big")}


def sm2_verify(i: Inputs) -> dict[str, Any]:
    c = _curve(i)
    e = sm2.signed_digest(i("P"), i("message"), i("identity"), c)
    return {"valid": sm2.verify(i("P"), e, i.number("r"), i.number("s"), c)}


def sm2_encrypt(i: Inputs) -> dict[str, Any]:
    c = _curve(i)
    public = i("P") if "P" in i else c.public_key(i.number("d"))
    c1, c3, c2 = sm2.encrypt(public, i("message"), i.number("k"), c)
    return {"C1": c1, "C3": c3, "C2": c2}


def sm2_decrypt(i: Inputs) -> dict[str, Any]:
    whole = i("ciphertext")
    c1, c3, c2 = whole[:65], whole[65:97], whole[97:]
    return {"message": sm2.decrypt(i.number("d"), c1, c3, c2, _curve(i))}


def sm2_agreement(i: Inputs) -> dict[str, Any]:
    c = _curve(i)
    a = sm2.Side(c.public_key(i.number("dA")), c.public_key(i.number("rA")), i("idA"))
    b = sm2.Side(c.public_key(i.number("dB")), c.public_key(i.number("rB")), i("idB"))
    by_a = sm2.agree((i.number("dA"), i.number("rA")), a, b, i["klen"], c)
    assert by_a == sm2.agree((i.number("dB"), i.number("rB")), a, b, i["klen"], c)
    return {
        "RA": a.ephemeral,
        "RB": b.ephemeral,
        "ZA": sm2.owner_digest(a.public, a.identity, c),
        "ZB": sm2.owner_digest(b.public, b.identity, c),
        "U": by_a.point,
        "K": by_a.key,
        "SB": by_a.by_responder,
        "SA": by_a.by_initiator,
    }


def _scalar(c: Curve, value: int) -> bytes:
    return value.to_bytes((c.n.bit_length() + 7) // 8, "big")


def ecdsa_sign(i: Inputs) -> dict[str, Any]:
    c, hashed = _curve(i), digest(i["digest"], i("message"))
    r, s = signatures.ecdsa_sign(c, i.number("d"), hashed, i.number("k"))
    public = c.public_key(i.number("d"))
    assert signatures.ecdsa_verify(c, public, hashed, r, s)
    return {"Q": public, "r": _scalar(c, r), "s": _scalar(c, s)}


def ecdsa_deterministic(i: Inputs) -> dict[str, Any]:
    """RFC 6979 clause 3.2, written out."""
    c, name = _curve(i), i["digest"].replace("SHA-", "sha")
    hashed = digest(i["digest"], i("message"))
    bits = c.n.bit_length()

    def number(octets: bytes) -> int:
        return int.from_bytes(octets, "big") >> max(0, 8 * len(octets) - bits)

    def mac(key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, name).digest()

    seed = _scalar(c, i.number("d")) + _scalar(c, number(hashed) % c.n)
    size = hashlib.new(name).digest_size
    value, key = b"\x01" * size, bytes(size)
    for separator in (b"\x00", b"\x01"):
        key = mac(key, value + separator + seed)
        value = mac(key, value)
    while True:
        candidate = b""
        while 8 * len(candidate) < bits:
            value = mac(key, value)
            candidate += value
        if 0 < number(candidate) < c.n:
            break
        key = mac(key, value + b"\x00")
        value = mac(key, value)
    r, s = signatures.ecdsa_sign(c, i.number("d"), hashed, number(candidate))
    return {"r": _scalar(c, r), "s": _scalar(c, s)}


def ecdh(i: Inputs) -> dict[str, Any]:
    c = _curve(i)
    qa, qb = c.public_key(i.number("dA")), c.public_key(i.number("dB"))
    return {"QA": qa, "QB": qb, "Z": c.encode(c.multiply(i.number("dB"), c.decode(qa)))}


def rsa_pkcs1(i: Inputs) -> dict[str, Any]:
    p, q, e = (i.number(name) for name in ("p", "q", "e"))
    size = ((p * q).bit_length() + 7) // 8
    block = int.from_bytes(signatures.pkcs1_block(i["digest"], i("message"), size), "big")
    signature = pow(block, pow(e, -1, (p - 1) * (q - 1)), p * q).to_bytes(size, "big")
    assert signatures.pkcs1_verify(p * q, e, i["digest"], i("message"), signature)
    return {"signature": signature}


def rsa_pkcs1_verify(i: Inputs) -> dict[str, Any]:
    key = i.number("n"), i.number("e")
    return {"valid": signatures.pkcs1_verify(*key, i["digest"], i("message"), i("signature"))}


def iso9796_recoverable(i: Inputs) -> dict[str, Any]:
    whole = signatures.recoverable_string(i("m1"), i("rnd_ifd"))
    return {"H": whole[-21:-1], "F": whole}


def _keys(secret: bytes, cipher: str) -> icao.Keys:
    return icao.key_pair(secret, cipher)


def pace_ecdh_gm(i: Inputs) -> dict[str, Any]:
    c, cipher = _curve(i), i["cipher"]
    password = icao.derived(i("password"), 3, cipher)
    map_ifd = c.public_key(i.number("map_sk_ifd"))
    map_ic = c.public_key(i.number("map_sk_ic"))
    shared = c.multiply(i.number("map_sk_ifd"), c.decode(map_ic))
    mapped = icao.pace_mapped(c, i("nonce"), shared)
    eph_ifd = mapped.public_key(i.number("eph_sk_ifd"))
    eph_ic = mapped.public_key(i.number("eph_sk_ic"))
    secret = mapped.encode(mapped.multiply(i.number("eph_sk_ifd"), mapped.decode(eph_ic)))
    keys = _keys(secret[1:33], cipher)
    return {
        "Kpi": password,
        "z": encrypt_cbc(cipher, password, i("nonce")),
        "map_pk_ifd": map_ifd,
        "map_pk_ic": map_ic,
        "H": c.encode(shared),
        "G_mapped": c.encode(mapped.g),
        "eph_pk_ifd": eph_ifd,
        "eph_pk_ic": eph_ic,
        "shared_x": secret[1:33],
        "KSenc": keys.enc,
        "KSmac": keys.mac,
        "token_input_ifd": icao.token_input(i("oid"), eph_ic),
        "T_ifd": icao.mac8(keys, icao.token_input(i("oid"), eph_ic)),
        "T_ic": icao.mac8(keys, icao.token_input(i("oid"), eph_ifd)),
    }


def pace_dh_gm(i: Inputs) -> dict[str, Any]:
    group = domain_parameters(i["group"])
    p, g = group.number("p"), group.number("g")
    out: dict[str, bytes] = {}
    if "password" in i:
        out["z"] = encrypt_cbc("AES", icao.derived(i("password"), 3, "AES"), i("nonce"))
    if "H" in i:
        h = i.number("H")
    else:
        map_ifd, map_ic = (pow(g, i.number(f"map_sk_{side}"), p) for side in ("ifd", "ic"))
        h = pow(map_ic, i.number("map_sk_ifd"), p)
        named = {"map_pk_ifd": map_ifd, "map_pk_ic": map_ic, "H": h}
        out |= {name: value.to_bytes(128, "big") for name, value in named.items()}
    mapped = h * pow(g, i.number("nonce"), p) % p
    ifd = pow(mapped, i.number("eph_sk_ifd"), p).to_bytes(128, "big")
    if "eph_pk_ic" in i:
        ic = i("eph_pk_ic")
        secret = pow(int.from_bytes(ic, "big"), i.number("eph_sk_ifd"), p)
    else:
        ic = pow(mapped, i.number("eph_sk_ic"), p).to_bytes(128, "big")
        secret = pow(int.from_bytes(ifd, "big"), i.number("eph_sk_ic"), p)
    keys = _keys(secret.to_bytes(128, "big"), "AES")
    input_ifd, input_ic = (icao.token_input(i("oid"), key, b"\x84") for key in (ic, ifd))
    return out | {
        "g_mapped": mapped.to_bytes(128, "big"),
        "eph_pk_ifd": ifd,
        "eph_pk_ic": ic,
        "shared": secret.to_bytes(128, "big"),
        "KSenc": keys.enc,
        "KSmac": keys.mac,
        "token_input_ifd": input_ifd,
        "token_input_ic": input_ic,
        "T_ifd": icao.mac8(keys, input_ifd),
        "T_ic": icao.mac8(keys, input_ic),
    }


def _random_function(i: Inputs, p: int) -> bytes:
    """The pseudo-random function of integrated mapping with its two constants for AES-128."""
    k = encrypt_ecb("AES", i("nonce_t"), i("nonce_s"))
    blocks = []
    for _ in range(-(-(p.bit_length() + 64) // 128)):
        blocks.append(encrypt_ecb("AES", k, bytes.fromhex("A4E136AC725F738B01C1F60217C188AD")))
        k = encrypt_ecb("AES", k, bytes.fromhex("A668892A7C41E3CA739F40B057D85904"))
    return b"".join(blocks)


def pace_im_prf(i: Inputs) -> dict[str, Any]:
    p = _curve(i).p if "curve" in i else domain_parameters(i["group"]).number("p")
    out = _random_function(i, p)
    reduced = int.from_bytes(out, "big") % p
    return {"R": out, "Rp": reduced.to_bytes((p.bit_length() + 7) // 8, "big")}


def pace_ecdh_im(i: Inputs) -> dict[str, Any]:
    """Appendix B step by step, with the names of the steps."""
    c, t = _curve(i), i.number("t")
    p = c.p
    alpha = -pow(t, 2, p) % p
    inverse = pow(c.a * (alpha + alpha**2), p - 2, p)
    x2 = -c.b * (1 + alpha + alpha**2) * inverse % p
    x3 = alpha * x2 % p
    h2 = (pow(x2, 3, p) + c.a * x2 + c.b) % p
    u = pow(t, 3, p) * h2 % p
    a = pow(h2, p - 1 - (p + 1) // 4, p)
    point = (x2, a * h2 % p) if a * a * h2 % p == 1 else (x3, a * u % p)
    assert c.contains(point)
    return {"G_mapped": c.encode(point)}


def pace_dh_im(i: Inputs) -> dict[str, Any]:
    group = domain_parameters(i["group"])
    p = group.number("p")
    base = int.from_bytes(_random_function(i, p), "big")
    return {"g_mapped": pow(base, (p - 1) // group.number("q"), p).to_bytes(128, "big")}


def chip_authentication_ecdh(i: Inputs) -> dict[str, Any]:
    c = _curve(i)
    public = c.public_key(i.number("sk_ifd"))
    assert c.public_key(i.number("sk_ic")) == i("pk_ic")
    shared = c.encode(c.multiply(i.number("sk_ifd"), c.decode(i("pk_ic"))))[1:33]
    keys = _keys(shared + i("nonce"), "AES")
    return {
        "pk_ifd": public,
        "shared_x": shared,
        "KSenc": keys.enc,
        "KSmac": keys.mac,
        "token_ic": icao.mac8(keys, icao.token_input(i("oid"), public)),
    }


def chip_authentication_dh(i: Inputs) -> dict[str, Any]:
    group = domain_parameters(i["group"])
    p, private = group.number("p"), i.number("sk_ifd")
    public = pow(group.number("g"), private, p).to_bytes(128, "big")
    shared = pow(i.number("pk_ic"), private, p).to_bytes(128, "big")
    keys = _keys(shared + i("nonce"), "AES")
    token = icao.mac8(keys, icao.token_input(i("oid"), public, b"\x84"))
    return {
        "pk_ifd": public,
        "shared": shared,
        "KSenc": keys.enc,
        "KSmac": keys.mac,
        "token_ic": token,
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
