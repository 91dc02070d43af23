"""Secure messaging with data objects (ISO/IEC 7816-4:2020, 10; ICAO 9303-11, 9.8).

A protected command carries its data as a cryptogram (87 with padding indicator, 85 without) or in
plain (81), its Le field as 97, and a MAC (8E) over the send sequence counter, the header, and every
data object with an odd tag. The answer carries its data in the same way, the status word as 99 and
a MAC. The counter goes up by one for the command and by one for the answer.

The suites differ in three things: 3DES has a zero IV and the retail MAC, AES and SM4 have an IV
made from the counter and CMAC; the counter is as long as a block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from simcard.apdu import EXTENDED_NE_MAX, SHORT_NE_MAX, ClassByte, Command, Protection
from simcard.crypto.blocks import BlockCipher, block_suite
from simcard.crypto.icao import KeyPair
from simcard.crypto.macs import retail_mac, same_mac
from simcard.crypto.padding import pad, unpad
from simcard.messaging.channel import Unwrapped, without_protection
from simcard.status import SW, CardError, StatusWord
from simcard.tlv import Tlv, TlvError, encode, find, parse

TAG_PLAIN: Final = 0x81
TAG_CRYPTOGRAM: Final = 0x87
TAG_CRYPTOGRAM_TLV: Final = 0x85
TAG_HEADER: Final = 0x89
TAG_LE: Final = 0x97
TAG_STATUS: Final = 0x99
TAG_MAC: Final = 0x8E
_PADDING_INDICATOR: Final = 0x01
_MAC_SIZE: Final = 8
_DATA_TAGS: Final = (TAG_PLAIN, TAG_CRYPTOGRAM, TAG_CRYPTOGRAM_TLV)
_KNOWN_TAGS: Final = frozenset({*_DATA_TAGS, TAG_HEADER, TAG_LE, TAG_MAC})


@dataclass(frozen=True, slots=True)
class DataObjectChannel:
    """Session keys and send sequence counter of one channel.

    *counter* is the value last used; a command uses the next one, its answer the one after.
    """

    cipher: BlockCipher
    keys: KeyPair
    counter: int
    grants: frozenset[int] = frozenset()
    ends_with_plain_command: bool = True

    def unwrap(self, command: Command, class_byte: ClassByte) -> Unwrapped:
        """The plain command; 6987 when the MAC or a needed object is missing, 6988 when wrong."""
        objects = self._objects(command.data)
        received = find(objects, TAG_MAC)
        if received is None:
            raise CardError(SW.SM_OBJECTS_MISSING)
        counted = replace(self, counter=self.counter + 1)
        header = b""
        if class_byte.protection is Protection.HEADER_AUTHENTICATED:
            header = pad(command.header, self.cipher.block_size)
        if not same_mac(counted.mac(header, objects), received):
            raise CardError(SW.SM_OBJECTS_INCORRECT)
        self._check_header(objects, command)
        data, confidential = counted.data(objects, odd=bool(command.ins & 1))
        expected, extended = _expected(objects)
        plain = Command(without_protection(command), *command[1:4], data, expected, extended)
        after = replace(self, counter=self.counter + 2)
        return Unwrapped(
            plain,
            authentic=True,
            confidential=confidential,
            seal=DataObjectSeal(after, odd=bool(command.ins & 1)),
            after=after,
        )

    def _objects(self, data: bytes) -> list[Tlv]:
        try:
            objects = parse(data)
        except TlvError:
            raise CardError(SW.SM_OBJECTS_INCORRECT) from None
        tags = [tlv.tag for tlv in objects]
        if not set(tags) <= _KNOWN_TAGS or len(set(tags)) != len(tags):
            raise CardError(SW.SM_OBJECTS_INCORRECT)
        if sum(tag in _DATA_TAGS for tag in tags) > 1 or tags[-1:] not in ([TAG_MAC], []):
            raise CardError(SW.SM_OBJECTS_INCORRECT)
        return objects

    @staticmethod
    def _check_header(objects: list[Tlv], command: Command) -> None:
        """An encapsulated header (89) says the same as the one outside, secure messaging aside."""
        header = find(objects, TAG_HEADER)
        if header is None:
            return
        plain = bytes([without_protection(command)]) + command.header[1:]
        if header not in (plain, command.header):
            raise CardError(SW.SM_OBJECTS_INCORRECT)

    def data(self, objects: list[Tlv], *, odd: bool) -> tuple[bytes, bool]:
        """The plain data field and whether it came enciphered; 6988 for a bad cryptogram."""
        tlv = next((each for each in objects if each.tag in _DATA_TAGS), None)
        if tlv is None:
            return b"", True
        if tlv.tag == TAG_PLAIN:
            return tlv.value, False
        cryptogram = tlv.value
        if tlv.tag == TAG_CRYPTOGRAM:
            if cryptogram[:1] != bytes([_PADDING_INDICATOR]):
                raise CardError(SW.SM_OBJECTS_INCORRECT)
            cryptogram = cryptogram[1:]
        elif not odd:
            raise CardError(SW.SM_OBJECTS_INCORRECT)
        try:
            suite = block_suite(self.cipher, self.keys.enc)
            return unpad(suite.decrypt_cbc(cryptogram, self._iv()), self.cipher.block_size), True
        except ValueError:
            raise CardError(SW.SM_OBJECTS_INCORRECT) from None

    def encipher(self, data: bytes) -> bytes:
        """*data*, padded, under the session key and the counter."""
        suite = block_suite(self.cipher, self.keys.enc)
        return suite.encrypt_cbc(pad(data, self.cipher.block_size), self._iv())

    def mac(self, header: bytes, objects: list[Tlv]) -> bytes:
        """Eight bytes of MAC over counter, padded *header* and the objects with odd tags."""
        authenticated = b"".join(bytes(tlv) for tlv in objects if tlv.tag & 1)
        return self._mac_of(self._counter_block() + header + authenticated)

    def _mac_of(self, message: bytes) -> bytes:
        if self.cipher is BlockCipher.TDES:
            return retail_mac(self.keys.mac, message)
        padded = pad(message, self.cipher.block_size)
        return block_suite(self.cipher, self.keys.mac).cmac(padded)[:_MAC_SIZE]

    def _iv(self) -> bytes:
        if self.cipher is BlockCipher.TDES:
            return b""
        suite = block_suite(self.cipher, self.keys.enc)
        return suite.encrypt_ecb(self._counter_block())

    def _counter_block(self) -> bytes:
        size = self.cipher.block_size
        return (self.counter % (1 << 8 * size)).to_bytes(size, "big")


def _expected(objects: list[Tlv]) -> tuple[int | None, bool]:
    """Ne and the mark "extended" that the Le object (97) of one or two bytes says; else 6988."""
    value = find(objects, TAG_LE)
    if value is None:
        return None, False
    if len(value) not in (1, 2):
        raise CardError(SW.SM_OBJECTS_INCORRECT)
    extended = len(value) == 2
    return int.from_bytes(value, "big") or (EXTENDED_NE_MAX if extended else SHORT_NE_MAX), extended


@dataclass(frozen=True, slots=True)
class DataObjectSeal:
    """Protects the one answer whose counter *channel* already shows."""

    channel: DataObjectChannel
    odd: bool

    def wrap(self, data: bytes, sw: StatusWord) -> bytes:
        """Cryptogram (if there is data), status word and MAC as data objects."""
        objects = []
        if data:
            cryptogram = self.channel.encipher(data)
            if self.odd:
                objects.append(Tlv(TAG_CRYPTOGRAM_TLV, cryptogram))
            else:
                objects.append(Tlv(TAG_CRYPTOGRAM, bytes([_PADDING_INDICATOR]) + cryptogram))
        objects.append(Tlv(TAG_STATUS, sw.encoded))
        mac = self.channel.mac(b"", objects)
        return b"".join(map(bytes, objects)) + encode(TAG_MAC, mac)
