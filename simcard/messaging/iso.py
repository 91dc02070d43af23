"""Secure messaging with data objects (ISO/IEC 7816-4:2020, 10; ICAO 9303-11, 9.8).

A protected command carries its data as a cryptogram (87 with padding indicator, 85 without) or in
plain (81), its Le field as 97, and a MAC (8E), the last object, over the send sequence counter, the
header where the class byte says so, and all objects before it. Only objects with odd tags, which
the MAC covers, are understood. The answer carries its data as a cryptogram (85 for an odd
instruction), the status word as 99 and a MAC. The counter goes up by one for the command and by one
for the answer.

The suites differ in three things: 3DES has a zero IV and the retail MAC, AES and SM4 have an IV
made from the counter and CMAC; the counter is as long as a block.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Final, NamedTuple

from simcard.apdu import EXTENDED_NE_MAX, SHORT_NE_MAX, ClassByte, Command, Protection
from simcard.crypto.blocks import BlockCipher, BlockSuite, block_suite
from simcard.crypto.icao import KeyPair
from simcard.crypto.macs import retail_mac
from simcard.crypto.padding import Padding, pad, unpad
from simcard.messaging.channel import Unwrapped, without_protection
from simcard.status import SW, CardError, StatusWord
from simcard.tlv import TlvError, decode_length, encode_length

TAG_PLAIN: Final = 0x81
TAG_CRYPTOGRAM_TLV: Final = 0x85
TAG_CRYPTOGRAM: Final = 0x87
TAG_HEADER: Final = 0x89
TAG_MAC: Final = 0x8E
TAG_LE: Final = 0x97
_PADDING_INDICATOR: Final = b"\x01"
_STATUS_HEAD: Final = b"\x99\x02"
_MAC_HEAD: Final = b"\x8e\x08"
_MAC_SIZE: Final = 8
_DATA_TAGS: Final = frozenset({TAG_PLAIN, TAG_CRYPTOGRAM, TAG_CRYPTOGRAM_TLV})
_KNOWN_TAGS: Final = frozenset({*_DATA_TAGS, TAG_HEADER, TAG_LE, TAG_MAC})


class DataObjectChannel(NamedTuple):
    """Session keys and send sequence counter of one channel.

    *counter* is the value last used; a command uses the next one, its answer the one after.
    """

    cipher: BlockCipher
    keys: KeyPair
    counter: int
    grants: frozenset[int] = frozenset()
    ends_with_plain_command: bool = True

    def unwrap(self, command: Command, class_byte: ClassByte) -> Unwrapped:
        """The plain command; 6987 without a MAC, 6988 for any other object that is not right.

        6882 for the proprietary kind of protection. The command counts as authentic when its
        header is under the MAC: by the class byte, or as an object of its own (89).
        """
        protection = class_byte.protection
        if protection is Protection.PROPRIETARY:
            raise CardError(SW.SECURE_MESSAGING_NOT_SUPPORTED)
        data = command.data
        objects, end = _objects(data)
        if TAG_MAC not in objects:
            raise CardError(SW.SM_OBJECTS_MISSING)
        cipher, keys, counter, grants, ends = self
        header = b""
        if protection is Protection.HEADER_AUTHENTICATED:
            header = pad(command.header, cipher.block_size)
        if not self._is_mac(objects[TAG_MAC], counter + 1, header, data[:end]):
            raise CardError(SW.SM_OBJECTS_INCORRECT)
        cla = without_protection(command)
        if TAG_HEADER in objects:
            header = _encapsulated_header(objects[TAG_HEADER], command, cla)
        odd = bool(command.ins & 1)
        plain, confidential = self._data(counter + 1, objects, odd=odd)
        expected, extended = _expected(objects.get(TAG_LE))
        after = DataObjectChannel(cipher, keys, counter + 2, grants, ends)
        return Unwrapped(
            Command(cla, command.ins, command.p1, command.p2, plain, expected, extended),
            bool(header),
            confidential,
            DataObjectSeal(after, odd),
            after,
        )

    def _is_mac(self, received: bytes, counter: int, header: bytes, objects: bytes) -> bool:
        """Whether *received* is the MAC of a command.

        A command without objects ends with its header, which is padded already: terminals differ on
        whether padding is added once more. Both are taken; no other command has the same bytes.
        """
        if compare_digest(self.mac(counter, header + objects), received):
            return True
        return not objects and compare_digest(self.mac(counter, header, Padding.NONE), received)

    def _data(self, counter: int, objects: dict[int, bytes], *, odd: bool) -> tuple[bytes, bool]:
        """The plain data field, and whether nobody could read it; 6988 for a bad cryptogram."""
        if _DATA_TAGS.isdisjoint(objects):
            return b"", True
        tag, *others = _DATA_TAGS & objects.keys()
        if others:
            raise CardError(SW.SM_OBJECTS_INCORRECT)
        if tag == TAG_PLAIN:
            return objects[TAG_PLAIN], False
        if tag == TAG_CRYPTOGRAM and objects[tag][:1] == _PADDING_INDICATOR:
            cryptogram = objects[tag][1:]
        elif tag == TAG_CRYPTOGRAM_TLV and odd:
            cryptogram = objects[tag]
        else:
            raise CardError(SW.SM_OBJECTS_INCORRECT)
        try:
            suite = block_suite(self.cipher, self.keys.enc)
            padded = suite.decrypt_cbc(cryptogram, self._iv(suite, counter))
            return unpad(padded, suite.block_size), True
        except ValueError:
            raise CardError(SW.SM_OBJECTS_INCORRECT) from None

    def encipher(self, counter: int, data: bytes) -> bytes:
        """*data*, padded, under the session key and *counter*."""
        suite = block_suite(self.cipher, self.keys.enc)
        return suite.encrypt_cbc(pad(data, suite.block_size), self._iv(suite, counter))

    def mac(self, counter: int, data: bytes, padding: int = Padding.METHOD_2) -> bytes:
        """Eight bytes of MAC over *counter* and *data*, padded."""
        cipher = self.cipher
        size = cipher.block_size
        message = (counter % (1 << 8 * size)).to_bytes(size, "big") + data
        if cipher is BlockCipher.TDES:
            return retail_mac(self.keys.mac, message, padding=padding)
        return block_suite(cipher, self.keys.mac).cmac(pad(message, size, padding))[:_MAC_SIZE]

    def _iv(self, suite: BlockSuite, counter: int) -> bytes:
        if self.cipher is BlockCipher.TDES:
            return b""
        size = suite.block_size
        return suite.encrypt_ecb((counter % (1 << 8 * size)).to_bytes(size, "big"))


def _objects(data: bytes) -> tuple[dict[int, bytes], int]:
    """The objects by tag, and the offset of the last one; 6988 unless each is known and there once.

    When there is a MAC it is the last one, so the bytes before that offset are what it covers.
    """
    objects: dict[int, bytes] = {}
    offset = start = 0
    size = len(data)
    tag = 0
    try:
        while offset < size:
            start = offset
            tag = data[offset]
            length, offset = decode_length(data, offset + 1)
            end = offset + length
            if tag not in _KNOWN_TAGS or tag in objects or end > size:
                raise CardError(SW.SM_OBJECTS_INCORRECT)
            objects[tag] = data[offset:end]
            offset = end
    except TlvError:
        raise CardError(SW.SM_OBJECTS_INCORRECT) from None
    if TAG_MAC in objects and tag != TAG_MAC:
        raise CardError(SW.SM_OBJECTS_INCORRECT)
    return objects, start


def _encapsulated_header(value: bytes, command: Command, cla: int) -> bytes:
    """A header (89) that says the same as the one outside, secure messaging aside; else 6988."""
    if value not in (command.header, bytes([cla]) + command.header[1:]):
        raise CardError(SW.SM_OBJECTS_INCORRECT)
    return value


def _expected(value: bytes | None) -> tuple[int | None, bool]:
    """Ne and the mark "extended" that the Le object (97) of one or two bytes says; else 6988."""
    if value is None:
        return None, False
    size = len(value)
    if size == 1:
        return value[0] or SHORT_NE_MAX, False
    if size != 2:
        raise CardError(SW.SM_OBJECTS_INCORRECT)
    return int.from_bytes(value, "big") or EXTENDED_NE_MAX, True


class DataObjectSeal(NamedTuple):
    """Protects the one answer whose counter *channel* already shows."""

    channel: DataObjectChannel
    odd: bool

    def wrap(self, data: bytes, sw: StatusWord) -> bytes:
        """Cryptogram (if there is data), status word and MAC as data objects."""
        channel = self.channel
        objects = _STATUS_HEAD + sw.encoded
        if data:
            cryptogram = channel.encipher(channel.counter, data)
            if self.odd:
                objects = b"\x85" + encode_length(len(cryptogram)) + cryptogram + objects
            else:
                head = b"\x87" + encode_length(len(cryptogram) + 1) + _PADDING_INDICATOR
                objects = head + cryptogram + objects
        return objects + _MAC_HEAD + channel.mac(channel.counter, objects)
