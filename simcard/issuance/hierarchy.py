"""The key hierarchy: national master keys, and below them the keys of provinces, cities and cards.

There is one master key for each *purpose* (say, the purchases of one application). They all come
from one root secret, and each level below enciphers its own factor under the key above it:

===========  =========================================================================
level        diversification factor (8 bytes)
===========  =========================================================================
province     its issuer identifier: ``91 56 00 00 02`` and its region code, ``33 00 00``
city         its issuer identifier: ``91 56 00 00 02`` and its region code, ``33 03 02``
card         the last 8 bytes of the application serial number
===========  =========================================================================

That a card's factor is the end of its serial number is common to the family; that the issuer
identifier is the factor of the levels above is this program's choice: no public source settles it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from simcard.crypto.blocks import BlockCipher, block_suite
from simcard.crypto.diversification import Diversification
from simcard.crypto.kdf import kbkdf_cmac

FACTOR_SIZE: Final = 8
KEY_SIZE: Final = 16
ROOT_SIZE: Final = 32
_SCHEME: Final = bytes.fromhex("9156000002")


class Level(Enum):
    """Where in the hierarchy a set of keys stands."""

    NATIONAL = "national"
    PROVINCE = "province"
    CITY = "city"
    CARD = "card"

    @property
    def below(self) -> Level:
        """The next level down; ValueError below a card."""
        levels = list(Level)
        position = levels.index(self) + 1
        if position == len(levels):
            raise ValueError("nothing is derived from the keys of a card")
        return levels[position]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a key is for: a name such as `DF08/purchase/01`, and the generation of its algorithm."""

    name: str
    cipher: BlockCipher

    @property
    def diversification(self) -> Diversification:
        """How keys of this purpose are derived."""
        sm4 = self.cipher is BlockCipher.SM4
        return Diversification.SM4_BLOCK if sm4 else Diversification.PBOC_TDES


@dataclass(frozen=True, slots=True, repr=False)
class KeySet:
    """The keys of one place in the hierarchy: 16 bytes for each purpose, and the path to it."""

    level: Level
    path: tuple[str, ...]
    keys: Mapping[Purpose, bytes]

    def __repr__(self) -> str:
        return f"KeySet({self.level.value}, {'/'.join(self.path) or 'root'}, {len(self.keys)} keys)"

    def derive(self, factor: bytes, name: str) -> KeySet:
        """The set one level down, for *factor* (8 bytes)."""
        _check_factor(factor)
        keys = {
            purpose: purpose.diversification.derive(key, factor)
            for purpose, key in self.keys.items()
        }
        return KeySet(self.level.below, (*self.path, name), keys)

    def derive_columns(self, factors: Sequence[bytes]) -> dict[Purpose, bytes]:
        """The keys one level down for all *factors* at once: one cipher call for each purpose.

        A column holds the 16-byte keys of one purpose one behind the other, in the order of the
        factors.
        """
        blocks = _with_complements(factors)
        return {
            purpose: block_suite(purpose.cipher, key).encrypt_ecb(blocks)
            for purpose, key in self.keys.items()
        }

    def derive_many(self, factors: Sequence[bytes]) -> Iterator[dict[Purpose, bytes]]:
        """The keys of each of *factors* in turn, out of `derive_columns`."""
        columns = self.derive_columns(factors)
        for start in range(0, KEY_SIZE * len(factors), KEY_SIZE):
            end = start + KEY_SIZE
            yield {purpose: column[start:end] for purpose, column in columns.items()}


def _with_complements(factors: Sequence[bytes]) -> bytes:
    """Each factor followed by its complement: what both ciphers encipher (16 bytes a factor)."""
    if set(map(len, factors)) - {FACTOR_SIZE}:
        raise ValueError(f"a diversification factor has {FACTOR_SIZE} bytes")
    joined = b"".join(factors)
    blocks = array("Q", bytes(2 * len(joined)))
    blocks[0::2] = array("Q", joined)
    blocks[1::2] = array("Q", _complement(joined))
    return blocks.tobytes()


def _complement(data: bytes) -> bytes:
    """*data* with every bit inverted, in one operation however long it is."""
    everything = (1 << 8 * len(data)) - 1
    return (int.from_bytes(data, "big") ^ everything).to_bytes(len(data), "big")


def national(root: bytes, purposes: Iterable[Purpose]) -> KeySet:
    """The national master keys that *root* (32 bytes) stands for.

    SP 800-108 in counter mode with AES-CMAC, the purpose's name as the label.
    """
    if len(root) != ROOT_SIZE:
        raise ValueError(f"a root secret has {ROOT_SIZE} bytes, not {len(root)}")
    suite = block_suite(BlockCipher.AES, root)
    keys = {
        purpose: kbkdf_cmac(suite, b"", purpose.name.encode() + b"\0", KEY_SIZE)
        for purpose in purposes
    }
    return KeySet(Level.NATIONAL, (), keys)


def issuer_identifier(code: str) -> bytes:
    """The issuer identifier of a province or city, its factor: 8 bytes for a *code* of 6 digits."""
    if len(code) != 6 or not code.isdecimal():
        raise ValueError(f"{code!r}: a region code has 6 digits")
    return _SCHEME + bytes.fromhex(code)


def key_check_value(purpose: Purpose, key: bytes) -> bytes:
    """The first three bytes of a block of zeros enciphered: tells keys apart, shows none."""
    return block_suite(purpose.cipher, key).encrypt_ecb(bytes(purpose.cipher.block_size))[:3]


def _check_factor(factor: bytes) -> None:
    if len(factor) != FACTOR_SIZE:
        raise ValueError(f"a diversification factor has {FACTOR_SIZE} bytes, not {len(factor)}")
