"""Keys on the card: what each may be used for, its algorithm, and the counters that guard it.

The body of a key EF:

======  ====  ==================================================================
offset  size  meaning
======  ====  ==================================================================
0       2     usage (`KeyUsage`)
2       1     algorithm (`KeyAlgorithm`)
3       1     version
4       1     tries left, 0 = blocked
5       1     tries allowed, 00 = no retry counter
6       2     usage counter: uses left, FFFF = without limit
8       2     length of the value
10      4     sequence counter: sessions opened with the key
14      ..    the value, and room for a longer one
======  ====  ==================================================================

A use, and a try where the terminal proves something, is spent in a commit of its own before the key
is used; a try comes back only when the proof is right.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

from simcard.crypto.blocks import BlockCipher, BlockSuite, KeyLengthError, block_suite
from simcard.crypto.curves import Curve
from simcard.crypto.digests import Digest
from simcard.crypto.rsa import RsaPrivateKey, RsaPublicKey
from simcard.files.descriptors import File
from simcard.memory.journal import Memory
from simcard.security.asymmetric import check_ec, check_rsa, decode_ec, decode_rsa
from simcard.status import SW, CardError, StatusWord

HEADER_SIZE: Final = 14
UNLIMITED: Final = 0xFFFF


class KeyUsage(IntFlag):
    """What a key may be used for; a key without the flag is no key for that purpose."""

    INTERNAL = 0x0001
    EXTERNAL = 0x0002
    MUTUAL = 0x0004
    PACE = 0x0008
    ENCIPHER = 0x0010
    DECIPHER = 0x0020
    MAC = 0x0040
    SIGN = 0x0080
    VERIFY = 0x0100
    AGREE = 0x0200
    CHANNEL = 0x0400
    LINE = 0x0800
    ACTIVE = 0x1000


class KeyAlgorithm(IntEnum):
    """What kind of value a key has."""

    TDES = 0x01
    AES = 0x02
    SM4 = 0x03
    PASSWORD = 0x0F
    RSA = 0x10
    EC = 0x20
    SM2 = 0x30

    @property
    def cipher(self) -> BlockCipher:
        """The block cipher of a symmetric key; 6985 for any other."""
        cipher = _CIPHERS.get(self)
        if cipher is None:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)
        return cipher


_CIPHERS: Final = {
    KeyAlgorithm.TDES: BlockCipher.TDES,
    KeyAlgorithm.AES: BlockCipher.AES,
    KeyAlgorithm.SM4: BlockCipher.SM4,
}


_SIGNERS: Final = KeyUsage.INTERNAL | KeyUsage.SIGN | KeyUsage.VERIFY
_CIPHERERS: Final = KeyUsage.ENCIPHER | KeyUsage.DECIPHER
_SYMMETRIC: Final = ~(KeyUsage.PACE | KeyUsage.ACTIVE)
_PURPOSES: Final[dict[KeyAlgorithm, KeyUsage]] = {
    KeyAlgorithm.TDES: _SYMMETRIC,
    KeyAlgorithm.AES: _SYMMETRIC,
    KeyAlgorithm.SM4: _SYMMETRIC,
    KeyAlgorithm.PASSWORD: KeyUsage.PACE,
    KeyAlgorithm.RSA: _SIGNERS | _CIPHERERS | KeyUsage.ACTIVE,
    KeyAlgorithm.EC: _SIGNERS | KeyUsage.AGREE | KeyUsage.ACTIVE,
    KeyAlgorithm.SM2: _SIGNERS | _CIPHERERS | KeyUsage.AGREE,
}
"""What a key of each algorithm can be used for at all."""


def check_key(algorithm: KeyAlgorithm, usage: KeyUsage, value: bytes) -> None:
    """ValueError when *value* is no key of the algorithm, or one that is not fit for the usage.

    A key for mutual authentication is two, for encryption and for MACs, one behind the other; a
    key for secure channels is three: Key-ENC, Key-MAC, Key-DEK. Of a DES key only the length is
    checked, as cards do: parity bits are ignored, and weak keys and equal halves are taken. A
    password is what PACE derives its key from: the SHA-1 of the MRZ information, or the digits of
    the CAN. The keys of the other algorithms are data objects: see `asymmetric`.
    """
    unfit = usage & ~_PURPOSES[algorithm]
    if unfit:
        names = ", ".join((each.name or "").lower() for each in unfit)
        raise ValueError(f"{algorithm.name} keys cannot be used for {names}")
    cipher = _CIPHERS.get(algorithm)
    if cipher is not None:
        keys = 3 if usage & KeyUsage.CHANNEL else 2 if usage & KeyUsage.MUTUAL else 1
        if len(value) % keys:
            raise KeyLengthError(f"the {keys} keys of this usage are equally long")
        cipher.check_key(value[: len(value) // keys])
    elif algorithm is not KeyAlgorithm.PASSWORD:
        _check_asymmetric(algorithm, usage, value)


def _check_asymmetric(algorithm: KeyAlgorithm, usage: KeyUsage, value: bytes) -> None:
    if algorithm is KeyAlgorithm.RSA:
        check_rsa(value)
        digest = decode_rsa(value).digest
    else:
        check_ec(value, sm2=algorithm is KeyAlgorithm.SM2)
        digest = decode_ec(value).digest
    if usage & KeyUsage.ACTIVE and digest is None:
        raise ValueError("a key for active authentication says its hash function")


def key_body(
    value: bytes,
    *,
    usage: KeyUsage,
    algorithm: KeyAlgorithm,
    version: int = 0,
    tries: int = 0,
    uses: int = UNLIMITED,
    room: int = 0,
) -> bytes:
    """The body of a new key EF; *tries* 0 means that it has no retry counter.

    *room* is how many bytes a value that is stored later may have, when that is more.
    """
    head = usage.to_bytes(2, "big") + bytes([algorithm, version, tries, tries])
    head += uses.to_bytes(2, "big") + len(value).to_bytes(2, "big") + bytes(4)
    return head + value.ljust(room, b"\0")


class Key:
    """One key EF, behind the door."""

    __slots__ = ("_memory", "_region", "algorithm", "cell", "usage", "value", "version")

    def __init__(self, file: File, memory: Memory) -> None:
        self.cell = file.cell
        self._region = file.region
        self._memory = memory
        body = file.region.read(memory, 0, file.region.size)
        self.usage = KeyUsage(int.from_bytes(body[:2], "big"))
        self.algorithm = KeyAlgorithm(body[2])
        self.version = body[3]
        self.value = body[HEADER_SIZE : HEADER_SIZE + int.from_bytes(body[8:10], "big")]

    @property
    def suite(self) -> BlockSuite:
        """The block suite of a symmetric key; 6985 for any other."""
        return block_suite(self.algorithm.cipher, self.value)

    @property
    def curve(self) -> Curve:
        """The curve of an EC or SM2 key; 6985 for any other."""
        self._must_be(KeyAlgorithm.EC, KeyAlgorithm.SM2)
        return decode_ec(self.value).curve

    @property
    def private_scalar(self) -> int:
        """The private scalar of an EC or SM2 key; 6985 for any other, and where there is none."""
        self._must_be(KeyAlgorithm.EC, KeyAlgorithm.SM2)
        private = decode_ec(self.value).private
        if private is None:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)
        return private

    @property
    def point(self) -> bytes:
        """The public point of an EC or SM2 key; 6985 for any other, and one without a pair yet."""
        self._must_be(KeyAlgorithm.EC, KeyAlgorithm.SM2)
        point = decode_ec(self.value).public
        if not point:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)
        return point

    @property
    def rsa(self) -> RsaPrivateKey:
        """The private key of an RSA key; 6985 for any other, and a public key alone."""
        self._must_be(KeyAlgorithm.RSA)
        private = decode_rsa(self.value).private
        if private is None:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)
        return private

    @property
    def rsa_public(self) -> RsaPublicKey:
        """The public half of an RSA key; 6985 for any other."""
        self._must_be(KeyAlgorithm.RSA)
        return decode_rsa(self.value).public

    @property
    def digest(self) -> Digest | None:
        """The hash function the card applies before it signs; None when the terminal does it.

        6985 for a key that cannot sign.
        """
        self._must_be(KeyAlgorithm.RSA, KeyAlgorithm.EC, KeyAlgorithm.SM2)
        decode = decode_rsa if self.algorithm is KeyAlgorithm.RSA else decode_ec
        return decode(self.value).digest

    def demand_private(self) -> None:
        """6985 when this is the public half of a pair alone, or a pair is still to come."""
        if self.algorithm is KeyAlgorithm.RSA:
            _ = self.rsa
        elif self.algorithm in (KeyAlgorithm.EC, KeyAlgorithm.SM2):
            _ = self.private_scalar

    def _must_be(self, *algorithms: KeyAlgorithm) -> None:
        if self.algorithm not in algorithms:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)

    @property
    def room(self) -> int:
        """How many bytes a value in this key EF can have."""
        return self._region.size - HEADER_SIZE

    @property
    def tries_left(self) -> int | None:
        """How many further failures are allowed; None without a retry counter."""
        left, allowed = self._region.read(self._memory, 4, 2)
        return left if allowed else None

    @property
    def failure(self) -> StatusWord:
        """What a wrong proof answers: 63CX with the further tries, 6300 without a retry counter."""
        left = self.tries_left
        return SW.NO_INFORMATION_WARNING if left is None else SW.tries_left(left)

    def use(self) -> None:
        """Take a use before the key is used for what proves nothing: 6983 when it is blocked, 6984.

        It costs no try, and gives none back either.
        """
        self._take(tries=0)

    def spend(self) -> None:
        """Take a try and a use before a proof is checked: 6983 when blocked, 6984 when used up."""
        self._take(tries=1)

    def _take(self, tries: int) -> None:
        left, allowed = self._region.read(self._memory, 4, 2)
        uses = int.from_bytes(self._region.read(self._memory, 6, 2), "big")
        if allowed and not left:
            raise CardError(SW.AUTHENTICATION_BLOCKED)
        if not uses:
            raise CardError(SW.REFERENCE_DATA_NOT_USABLE)
        assert not self._memory.dirty, "a try is spent before anything else is written"
        if allowed:
            self._region.write(self._memory, 4, bytes([left - tries]))
        if uses != UNLIMITED:
            self._region.write(self._memory, 6, (uses - 1).to_bytes(2, "big"))
        self._memory.commit()

    def replace(self, value: bytes) -> None:
        """Store another value, in the open transaction; 6A84 when the EF is too small for it.

        A new key has all its tries.
        """
        if len(value) > self.room:
            raise CardError(SW.NOT_ENOUGH_MEMORY)
        self._region.write(self._memory, 8, len(value).to_bytes(2, "big"))
        self._region.write(self._memory, HEADER_SIZE, value.ljust(self.room, b"\0"))
        self.value = value
        self.restore()

    def count(self) -> int:
        """The next value of the sequence counter (1, 2, ...), in the open transaction."""
        value = int.from_bytes(self._region.read(self._memory, 10, 4), "big") + 1
        self._region.write(self._memory, 10, value.to_bytes(4, "big"))
        return value

    def restore(self) -> None:
        """Give all tries back, in the open transaction: the authentication succeeded."""
        self._region.write(self._memory, 4, self._region.read(self._memory, 5, 1))

    def confirm(self) -> None:
        """Give all tries back at once, whatever becomes of the command."""
        self.restore()
        self._memory.commit()
