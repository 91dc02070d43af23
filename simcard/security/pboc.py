"""Keys of the PBOC family: what each type is for, how it is loaded, and what a profile may choose.

A key is an internal EF whose identifier is its type and its own identifier, one byte each; a PIN is
reference data under its own identifier alone. The rights to use and to change it stand in a
proprietary security attribute (86), the last two bytes of its header in a data object C2: next
security state and error counter of a key that proves something, version and algorithm of any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, Self

from simcard.crypto.blocks import BlockCipher
from simcard.files.descriptors import TAG_PROPRIETARY, TAG_SIZE, File, FileKind
from simcard.files.tree import Tree
from simcard.security.keys import KeyAlgorithm, KeyUsage, key_body
from simcard.security.reference import pin_body
from simcard.tlv import Tlv, find

TAG_HEADER: Final = 0xC2
HEADER_SIZE: Final = 5
PIN_LENGTHS: Final = (2, 8)
MAC_LINE: Final = 0x80
CIPHER_LINE: Final = 0xC0
_NEVER: Final = 0xEF
_TYPE_BITS: Final = 0x3F


class KeyType(IntEnum):
    """What a key is for: the first byte of its header, without the two bits for the line."""

    ENCRYPT = 0x30
    DECRYPT = 0x31
    MAC = 0x32
    INTERNAL = 0x34
    LINE = 0x36
    UNBLOCK = 0x37
    RELOAD = 0x38
    EXTERNAL = 0x39
    PIN = 0x3A
    OVERDRAW = 0x3C
    UNLOAD = 0x3D
    PURCHASE = 0x3E
    LOAD = 0x3F

    @property
    def counts_errors(self) -> bool:
        """Whether the last header byte is an error counter: the terminal proves such a key."""
        return KeyType.LINE <= self <= KeyType.PIN

    def numbered(self, identifier: int) -> int:
        """The identifier of the internal EF of this key."""
        return self << 8 | identifier


@dataclass(frozen=True, slots=True)
class PbocRules:
    """What the public sources leave open about a card of the family; a profile chooses.

    `cipher` is the algorithm of keys whose header names none; `sm4_identifier` is the algorithm
    byte that says SM4. A wrong line MAC spends the error counter of its key when
    `line_failures_count`. `proof_counter_after`: GET TRANSACTION PROOF names a transaction by the
    counter after it. `unblock_sets_pin`: PIN UNBLOCK brings a new PIN. `factors`: authentications
    may name a diversification factor behind the block. `tac_key` is the identifier of the internal
    key that makes TACs, `terminal_file` that of the EF of a module's MF with the terminal number,
    `composite_files` the short identifiers of EFs that composite purchases write.
    """

    cipher: BlockCipher = BlockCipher.TDES
    sm4_identifier: int = 0x04
    line_failures_count: bool = True
    proof_counter_after: bool = True
    unblock_sets_pin: bool = True
    factors: bool = True
    tac_key: int = 0x00
    terminal_file: int = 0x0016
    composite_files: frozenset[int] = frozenset({0x1A})

    def algorithm_of(self, header: KeyHeader) -> KeyAlgorithm:
        """The algorithm of a key with *header*."""
        if header.type.counts_errors:
            sm4 = self.cipher is BlockCipher.SM4
        else:
            sm4 = header.last == self.sm4_identifier
        return KeyAlgorithm.SM4 if sm4 else KeyAlgorithm.TDES


class KeyHeader(NamedTuple):
    """The five bytes before a key: type with line bits, rights to use and to change, two more."""

    type: KeyType
    line: int
    use: int
    change: int
    fourth: int
    last: int

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The header at the start of *data*; ValueError when there is none, or of no known type."""
        if len(data) < HEADER_SIZE or data[0] & 0xC0 == 0x40:
            raise ValueError("a key header is five bytes, and its two high bits 00, 10 or 11")
        return cls(KeyType(data[0] & _TYPE_BITS), data[0] & 0xC0, *data[1:HEADER_SIZE])

    @property
    def tries(self) -> tuple[int, int]:
        """Tries left and tries allowed; both 0 for a key without an error counter."""
        if not self.type.counts_errors:
            return 0, 0
        return self.last & 0x0F, self.last >> 4

    @property
    def attributes(self) -> tuple[Tlv, ...]:
        """The attributes of the internal EF."""
        return (
            Tlv(TAG_PROPRIETARY, bytes([self.use, self.change, self.line])),
            Tlv(TAG_HEADER, bytes([self.fourth, self.last])),
        )

    def body(self, value: bytes, rules: PbocRules) -> bytes:
        """The body of the internal EF; ValueError for a value that is no such key, or no PIN."""
        left, allowed = self.tries
        if self.type.counts_errors and not left <= allowed != 0:
            raise ValueError("an error counter has tries, and no more left than allowed")
        if self.type is KeyType.PIN:
            shortest, longest = PIN_LENGTHS
            if not shortest <= len(value) <= longest:
                raise ValueError(f"a PIN has {shortest} to {longest} bytes")
            body = pin_body(value, tries=allowed, lengths=PIN_LENGTHS)
            return bytes([left]) + body[1:]
        algorithm = rules.algorithm_of(self)
        if len(value) not in ((16,) if algorithm is KeyAlgorithm.SM4 else (8, 16)):
            raise ValueError("a key has 16 bytes, a DES key 8")
        body = key_body(
            value,
            usage=KeyUsage(0),
            algorithm=algorithm,
            version=0 if self.type.counts_errors else self.fourth,
            tries=allowed,
        )
        return body[:4] + bytes([left]) + body[5:]


def key_file_attributes(space: int, add: int, line: int) -> tuple[Tlv, ...]:
    """The attributes of a key file: room in bytes, the right to add keys, line protection."""
    return (
        Tlv(TAG_PROPRIETARY, bytes([_NEVER, add, line])),
        Tlv(TAG_SIZE, space.to_bytes(2, "big")),
    )


SAM_ATTRIBUTES: Final = (Tlv(TAG_PROPRIETARY, b"\xf0\xef\x00"),)
"""Anybody may use the keys of a security module, and nobody changes them but by loading."""


def sam_usage(kind: int, levels: int) -> int:
    """The usage byte of a security module's key: kind of computation, levels of factors."""
    return levels << 5 | kind


def sam_key_body(value: bytes, version: int, algorithm: int, rules: PbocRules) -> bytes:
    """The body of a security module's key; *algorithm* is its byte."""
    sm4 = algorithm == rules.sm4_identifier
    kind = KeyAlgorithm.SM4 if sm4 else KeyAlgorithm.TDES
    return key_body(value, usage=KeyUsage(0), algorithm=kind, version=version)


def next_state(file: File) -> int:
    """The security state that a right proof of the key or PIN in *file* leads to."""
    header = find(file.attributes, TAG_HEADER)
    return header[0] & 0x0F if header else 0


def algorithm_identifier(file: File) -> int:
    """The algorithm byte of the key in *file*, as it was loaded."""
    header = find(file.attributes, TAG_HEADER)
    return header[1] if header else 0


def keys_of_type(tree: Tree, df: File, key_type: KeyType) -> Iterator[File]:
    """The keys of one type in reach of *df*: the nearest DF first, in it the lowest identifier."""
    for home in tree.lineage(df):
        children = [tree.files[cell] for cell in tree.children.get(home.cell, ())]
        own = [file for file in children if file.kind is FileKind.KEY]
        yield from sorted(
            (file for file in own if file.identifier >> 8 == key_type),
            key=lambda file: file.identifier,
        )


_LINE_KEYS: Final = {0xD4: KeyType.EXTERNAL, 0x24: KeyType.UNBLOCK}
"""The key type that protects a command by its instruction byte; any other: a line key."""


def line_key(tree: Tree, df: File, ins: int, reference: int) -> File | None:
    """The key in reach of *df* that protects a command.

    WRITE KEY goes under the master key, which is the external key 00. PIN UNBLOCK goes under the
    unblocking key of the PIN's own identifier, or the first there is.
    """
    key_type = _LINE_KEYS.get(ins, KeyType.LINE)
    found = list(keys_of_type(tree, df, key_type))
    if key_type is KeyType.EXTERNAL:
        found = [file for file in found if file.identifier & 0xFF == 0]
    elif key_type is KeyType.UNBLOCK:
        found.sort(key=lambda file: file.identifier & 0xFF != reference)
    return found[0] if found else None
