"""`[[key]]` of a profile: keys as hexadecimal digits, or said in the terms of their algorithm.

A symmetric key is `hex`; the two keys of basic access control may be said by the `mrz` information
they are derived from. A password is `hex`, `text`, or `mrz`. An EC or SM2 key is `private` on a
`curve`, an RSA key `p`, `q` and `e`, either with the `digest` that the card applies before it
signs; a public key alone is `public` on a `curve`, or `n` and `e`. All of them may also be `hex`,
the data objects that the card keeps. `room` leaves space for a longer value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Final, Self

from pydantic import Field, model_validator

from simcard.crypto.blocks import BlockCipher
from simcard.crypto.curves import CURVES
from simcard.crypto.digests import Digest
from simcard.crypto.icao import keys_from, mrz_information, password_of_mrz
from simcard.profiles.tables import Access, AccessTable, Hex, Path, Table
from simcard.security.asymmetric import (
    encode_ec,
    encode_ec_public,
    encode_rsa,
    encode_rsa_public,
)
from simcard.security.keys import KeyAlgorithm, KeyUsage, check_key

_ALGORITHMS: Final = {name.lower(): member for name, member in KeyAlgorithm.__members__.items()}
_USAGES: Final = {name.lower(): member for name, member in KeyUsage.__members__.items()}
_DIGESTS: Final = {digest.title: digest for digest in Digest}
_FORMS: Final[dict[KeyAlgorithm, tuple[frozenset[str], ...]]] = {
    KeyAlgorithm.TDES: (frozenset({"hex"}), frozenset({"mrz"})),
    KeyAlgorithm.AES: (frozenset({"hex"}),),
    KeyAlgorithm.SM4: (frozenset({"hex"}),),
    KeyAlgorithm.PASSWORD: (frozenset({"hex"}), frozenset({"text"}), frozenset({"mrz"})),
    KeyAlgorithm.RSA: (frozenset({"hex"}), frozenset({"p", "q"}), frozenset({"n"})),
    KeyAlgorithm.EC: (
        frozenset({"hex"}),
        frozenset({"curve", "private"}),
        frozenset({"curve", "public"}),
    ),
    KeyAlgorithm.SM2: (frozenset({"hex"}), frozenset({"private"}), frozenset({"public"})),
}
"""The keys of the table that say the value, by algorithm; one of the sets."""

_OPTIONAL: Final = {
    frozenset({"p", "q"}): {"e", "digest"},
    frozenset({"n"}): {"e", "digest"},
    frozenset({"curve", "private"}): {"digest"},
    frozenset({"curve", "public"}): {"digest"},
}
_SAYING: Final = (
    *("hex", "text", "mrz", "curve", "private", "public"),
    *("p", "q", "n", "e", "digest"),
)
_PUBLIC_EXPONENT: Final = 65537


class KeyTable(Table):
    """`[[key]]`: a key, in the DF at `df`; `access.read` says who may use it."""

    df: Path
    reference: Hex = Field(min_length=1, max_length=1)
    title: str = ""
    algorithm: str
    usage: list[str] = Field(min_length=1)
    hex: Hex | None = Field(default=None, min_length=1, max_length=2048)
    text: str | None = Field(default=None, min_length=1, max_length=255)
    mrz: str | None = None
    curve: str | None = None
    private: Hex | None = None
    public: Hex | None = None
    p: Hex | None = None
    q: Hex | None = None
    n: Hex | None = None
    e: int | None = Field(default=None, ge=3)
    digest: str | None = None
    version: int = Field(default=0, ge=0, le=255)
    tries: int = Field(default=0, ge=0, le=15)
    uses: int = Field(default=0xFFFF, ge=1, le=0xFFFF)
    room: int = Field(default=0, ge=0, le=2048)
    access: Access = AccessTable.model_validate({"read": "always"})

    @model_validator(mode="after")
    def _is_a_key(self) -> Self:
        _check_known("an algorithm", [self.algorithm], _ALGORITHMS)
        _check_known("a usage", self.usage, _USAGES)
        _check_known("a curve", [self.curve] if self.curve else [], CURVES)
        _check_known("a digest", [self.digest] if self.digest else [], _DIGESTS)
        self._check_form()
        check_key(self.key_algorithm, self.key_usage, self.value)
        return self

    def _check_form(self) -> None:
        said = {name for name in _SAYING if getattr(self, name) is not None}
        forms = _FORMS[self.key_algorithm]
        if not any(form <= said <= form | _OPTIONAL.get(form, set()) for form in forms):
            ways = ", or ".join(" and ".join(sorted(form)) for form in forms)
            raise ValueError(f"the value of this {self.algorithm} key is said by {ways}")
        if self.mrz is not None:
            _check_mrz(self.mrz)
            if self.key_algorithm is KeyAlgorithm.TDES and self.usage != ["mutual"]:
                raise ValueError("the keys derived from the MRZ are for mutual authentication")

    @property
    def key_algorithm(self) -> KeyAlgorithm:
        """The algorithm."""
        return _ALGORITHMS[self.algorithm]

    @property
    def key_usage(self) -> KeyUsage:
        """All usages in one."""
        return reduce(or_, (_USAGES[name] for name in self.usage))

    @property
    def value(self) -> bytes:
        """The value as the key EF holds it."""
        if self.mrz is not None:
            password = password_of_mrz(self.mrz)
            if self.key_algorithm is KeyAlgorithm.PASSWORD:
                return password
            keys = keys_from(password[:16], BlockCipher.TDES)
            return keys.enc + keys.mac
        return self._key_pair() or self.hex or (self.text or "").encode()

    def _key_pair(self) -> bytes | None:
        """The value of a key of an asymmetric algorithm, None for any other and for `hex`."""
        digest = _DIGESTS[self.digest] if self.digest else None
        curve, exponent = self.curve or "sm2p256v1", self.e or _PUBLIC_EXPONENT
        if self.private is not None:
            return encode_ec(curve, self.private, digest)
        if self.public is not None:
            return encode_ec_public(curve, self.public, digest)
        if self.p is not None and self.q is not None:
            return encode_rsa(self.p, self.q, exponent, digest)
        if self.n is not None:
            return encode_rsa_public(int.from_bytes(self.n, "big"), exponent, digest)
        return None


def _check_known(what: str, names: list[str], known: Mapping[str, object]) -> None:
    if not set(names) <= known.keys():
        raise ValueError(f"{what} is one of {', '.join(known)}")


def _check_mrz(information: str) -> None:
    """Document number, date of birth and date of expiry, each with its check digit."""
    number, dates = information[:-15], information[-14:]
    if not re.fullmatch(r"[0-9A-Z<]{24,}", information):
        raise ValueError("the MRZ information is a number and two dates, with their check digits")
    if information != mrz_information(number, dates[:6], dates[7:13]):
        raise ValueError("the check digits of the MRZ information are wrong")
