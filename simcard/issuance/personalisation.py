"""Personalising a blank chip with the APDUs a personalisation machine would send.

The machine proves the transport key, creates the files of the profile, fills them while they are in
the initialisation state and activates them, loads keys derived for this one card, lets it generate
its SM2 pairs, creates the purses empty, and at last puts the issuer's master key in the place of
the transport key. Files are created by CREATE FILE of ISO/IEC 7816-9, which can say every rule of
the profile; key files, keys and purses by the commands of the PBOC family, which alone know them.

A private key never leaves the card, and no machine has ever seen it: what is carried away is a
request for a certificate that the new key has signed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from simcard.apdu import Command
from simcard.commands.environment import TAG_PRIVATE_KEY
from simcard.crypto import sm2
from simcard.crypto.blocks import BlockCipher, block_suite
from simcard.crypto.curves import SM2P256V1
from simcard.files.descriptors import (
    TAG_FCP,
    TAG_IDENTIFIER,
    TAG_LIFE_CYCLE,
    TAG_SIZE,
    LifeCycle,
)
from simcard.issuance.contents import contents_for, misplaced_item
from simcard.issuance.order import Order
from simcard.issuance.purposes import purpose_name
from simcard.issuance.request import CertificateRequest, request_information, signed_request
from simcard.profiles import Profile
from simcard.profiles.build import file_attributes, size_field
from simcard.profiles.keys import KeyTable
from simcard.profiles.pboc import PbocKeyTable, PurseTable
from simcard.profiles.schema import FileTable
from simcard.profiles.tables import Access
from simcard.security.access import ALWAYS, NEVER, Condition, MasterState, Right, StateBetween
from simcard.security.environment import Template
from simcard.security.keys import UNLIMITED
from simcard.security.pboc import KeyType
from simcard.status import SW, meaning_of
from simcard.tlv import Tlv, encode, parse

_OK: Final = SW.OK.encoded
_CHUNK: Final = 240
_MASTER_KEY: Final = 0x00
_ADD_KEY: Final = 0x01
_WHOLE: Final = 256


class PersonalisationError(Exception):
    """The chip refused a step: which one, and its status word. Never what was sent.

    Or the profile has what the machine cannot put on a card.
    """


def check_personalisable(profile: Profile) -> None:
    """PersonalisationError when *profile* has what the commands of its dialect cannot load."""
    tables = profile.tables
    if tables.dialect != "pboc":
        raise PersonalisationError(f"{profile.name}: only cards of the pboc dialect are issued")
    for name in ("reference_data", "sam_key"):
        if getattr(tables, name):
            raise PersonalisationError(f"{profile.name}: {name}: no machine loads that")
    if misplaced := misplaced_item(tables):
        raise PersonalisationError(f"{profile.name}: {misplaced}")
    for key in tables.key:
        is_plain = (key.tries, key.version, key.uses) == (0, 0, UNLIMITED)
        if (key.algorithm, set(key.usage), is_plain) != ("sm2", {"internal", "sign"}, True):
            name = f"{profile.name}: key {key.reference.hex().upper()}"
            rule = "an sm2 key for internal and sign, without tries, uses and version"
            raise PersonalisationError(f"{name}: a pair that a card generates is {rule}")


class Machine:
    """A personalisation machine at the contacts of one chip."""

    def __init__(self, transmit: Callable[[bytes], bytes], profile: Profile) -> None:
        check_personalisable(profile)
        self._transmit = transmit
        self._profile = profile
        self._rules = profile.tables.pboc.rules
        self._current = ""

    def personalise(self, order: Order) -> tuple[CertificateRequest, ...]:
        """Make the blank chip the card of *order*; PersonalisationError when it refuses.

        The requests for certificates of the pairs that the card has generated.
        """
        tables = self._profile.tables
        keys = {purpose.name: key for purpose, key in order.keys.items()}
        contents = contents_for(tables, order)
        self._prove(_MASTER_KEY, tables.pboc.transport_key)
        for file in tables.file[1:]:
            self._create(file)
            self._fill(file, contents.get(file.path, []))
        for key in tables.pboc_key:
            if key.df != "3F00":
                self._load(key, keys)
        requests = tuple(self._generate(pair, order) for pair in tables.key)
        for purse in tables.purse:
            self._create_purse(purse)
        for key in _master_key_last(tables.pboc_key):
            self._load(key, keys)
        return requests

    # Steps

    def _prove(self, identifier: int, key: bytes) -> None:
        cipher = BlockCipher.DES if len(key) == 8 else self._rules.cipher
        size = cipher.block_size
        challenge = self._send("GET CHALLENGE", Command(0x00, 0x84, 0, 0, b"", size))
        if len(challenge) != size:
            raise PersonalisationError(f"GET CHALLENGE: {len(challenge)} bytes, not {size}")
        proof = block_suite(cipher, key).encrypt_ecb(challenge)
        self._send("EXTERNAL AUTHENTICATE", Command(0x00, 0x82, 0, identifier, proof))

    def _stand_at(self, path: str) -> None:
        """Make the DF at *path* current; from the MF on, so that nothing is taken for granted."""
        if path == self._current:
            return
        steps = bytes.fromhex(path.replace("/", ""))[2:]
        command = Command(0x00, 0xA4, 0x08, 0x0C, steps) if steps else Command(0x00, 0xA4, 0, 0x0C)
        self._send(f"SELECT {path}", command)
        self._current = path

    def _create(self, file: FileTable) -> None:
        self._stand_at(file.parent)
        state = LifeCycle.ACTIVATED if file.type == "df" else LifeCycle.INITIALISATION
        objects = [
            Tlv(TAG_IDENTIFIER, file.identifier.to_bytes(2, "big")),
            *file_attributes(self._profile, file),
            Tlv(TAG_LIFE_CYCLE, bytes([state.value])),
        ]
        size = size_field(file)
        if size is not None:
            objects.append(Tlv(TAG_SIZE, size))
        what = f"CREATE FILE {file.path}"
        self._send(what, Command(0x00, 0xE0, 0, 0, encode(TAG_FCP, objects)))
        self._current = file.path if file.type == "df" else file.parent
        if file.keys is not None:
            header = b"\x3f" + file.keys.space.to_bytes(2, "big") + b"\0" + file.keys.add
            line = {"plain": 0x00, "mac": 0x80, "cipher": 0xC0}[file.keys.line]
            data = bytes([header[0] | line]) + header[1:] + b"\xff\xff"
            self._send(f"CREATE FILE {file.path}, key file", Command(0x80, 0xE0, 0, 0, data))

    def _fill(self, file: FileTable, contents: list[bytes]) -> None:
        """Write the content of the EF that has just been created, and activate it."""
        if file.type == "df":
            return
        what = f"content of {file.path}"
        if file.records:
            for record in contents:
                self._send(what, Command(0x00, 0xE2, 0, 0, record))
        else:
            data = b"".join(contents)
            for offset in range(0, len(data), _CHUNK):
                piece = data[offset : offset + _CHUNK]
                self._send(what, Command(0x00, 0xD6, offset >> 8, offset & 0xFF, piece))
        self._send(f"ACTIVATE FILE {file.path}", Command(0x00, 0x44, 0, 0))

    def _load(self, table: PbocKeyTable, keys: Mapping[str, bytes]) -> None:
        """WRITE KEY: add the key, or change the transport key into the issuer's."""
        self._stand_at(table.df)
        header = table.header
        value = table.hex
        if table.key_type is not KeyType.PIN:
            value = keys[purpose_name(table)]
        first = bytes([header.line | header.type, *header[2:]])
        is_transport = table.df == "3F00" and table.number == KeyType.EXTERNAL.numbered(_MASTER_KEY)
        p1 = KeyType.EXTERNAL if is_transport else _ADD_KEY
        what = f"WRITE KEY {purpose_name(table)}"
        self._send(what, Command(0x80, 0xD4, p1, table.id[0], first + value))

    def _generate(self, key: KeyTable, order: Order) -> CertificateRequest:
        """A file for the key, a pair generated in it, and a request that the pair signs."""
        self._stand_at(key.df)
        reference = key.reference[0]
        what = f"key {reference:02X} of {key.df}"
        rights = [self._right_byte(key.access, each) for each in (Right.READ, Right.UPDATE)]
        header = bytes([0x1B, 0xFF, 0xFF, *rights, 0xFF, 0xFF])
        self._send(f"CREATE FILE, {what}", Command(0x80, 0xE0, 0, reference, header))
        chosen = Tlv(TAG_PRIVATE_KEY, key.reference)
        template = encode(Template.SIGNATURE, [chosen])
        generate = Command(0x00, 0x46, 0x80, 0, template, _WHOLE)
        public = _public_point(self._send(f"GENERATE ASYMMETRIC KEY PAIR, {what}", generate))
        information = request_information(order.holder.card_number, order.serial, public)
        setting = Command(0x00, 0x22, 0x41, Template.SIGNATURE, bytes(chosen))
        self._send(f"MANAGE SECURITY ENVIRONMENT, {what}", setting)
        signing = Command(0x00, 0x2A, 0x9E, 0x9A, information, _WHOLE)
        signature = self._send(f"COMPUTE DIGITAL SIGNATURE, {what}", signing)
        if not sm2.verify(public, sm2.message_digest(public, information), signature):
            raise PersonalisationError(f"{what}: the chip's signature is not that of its key")
        return CertificateRequest(key.df, reference, public, signed_request(information, signature))

    def _create_purse(self, purse: PurseTable) -> None:
        self._stand_at(purse.df)
        use = self._right_byte(purse.access, Right.READ)
        data = bytes([0x2F, 0x02, 0x08, use, 0x00, 0xFF, purse.log])
        what = f"CREATE FILE {purse.df}, {purse.kind}"
        self._send(what, Command(0x80, 0xE0, 0, purse.number, data))

    def _right_byte(self, access: Access, right: Right) -> int:
        rules = self._profile.tables.access[access] if isinstance(access, str) else access
        return right_byte(rules.rules().get(right, NEVER))

    def _send(self, what: str, command: Command) -> bytes:
        response = self._transmit(bytes(command))
        if response[-2:] != _OK:
            told = (
                f"{response[-2:].hex().upper()} {meaning_of(response)}" if response else "nothing"
            )
            raise PersonalisationError(f"{what}: the chip answered {told}")
        return response[:-2]


def _public_point(response: bytes) -> bytes:
    """The point of the public key (7F49) in *response*; PersonalisationError without one."""
    try:
        (template,) = parse(response)
        (point,) = (tlv.value for tlv in template.children())
        SM2P256V1.decode(point)
    except ValueError:
        raise PersonalisationError("the chip answered no public key of SM2") from None
    return point


def right_byte(condition: Condition) -> int:
    """*condition* as the right byte XY of the family; PersonalisationError when that cannot be."""
    if condition == ALWAYS:
        return 0xF0
    if condition == NEVER:
        return 0xEF
    if isinstance(condition, StateBetween):
        return condition.high << 4 | condition.low
    if isinstance(condition, MasterState):
        return condition.low
    raise PersonalisationError(f"{condition}: no right byte of the PBOC family says that")


def _master_key_last(keys: list[PbocKeyTable]) -> list[PbocKeyTable]:
    """The keys of the MF, the master key behind all others: with it the transport key is gone."""
    own = [key for key in keys if key.df == "3F00"]
    return sorted(own, key=lambda key: key.number == KeyType.EXTERNAL.numbered(_MASTER_KEY))
