"""An inspection system: the terminal of a travel document, on the judge's own computations.

It knows ICAO 9303-11 and a way to send bytes, nothing of the simulator: BAC, PACE with generic
mapping, secure messaging, reading, active authentication.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vector_files import domain_parameters

from conformance.crypto import icao
from conformance.crypto.blocks import BLOCK_SIZE, decrypt_cbc
from conformance.crypto.curves import Curve, curve_of
from conformance.crypto.icao import Keys

Transmit = Callable[[bytes], bytes]
Random = Callable[[int], bytes]

AID = bytes.fromhex("A0000002471001")
OK = b"\x90\x00"
EF_COM, DG1, DG2, DG14, DG15, EF_SOD = 0x1E, 0x01, 0x02, 0x0E, 0x0F, 0x1D
CHUNK = 0xDF
"""What a short response has room for with every suite: 223 bytes are 224 with their padding."""

CURVES = {
    8: "P-192",
    9: "brainpoolP192r1",
    10: "P-224",
    11: "brainpoolP224r1",
    12: "P-256",
    13: "brainpoolP256r1",
    14: "brainpoolP320r1",
    15: "P-384",
    16: "brainpoolP384r1",
    17: "brainpoolP512r1",
    18: "P-521",
}
"""The standardised domain parameters over elliptic curves (ICAO 9303-11, table 6)."""

PROTOCOLS = {1: ("TDES", 16), 2: ("AES", 16), 3: ("AES", 24), 4: ("AES", 32)}


class Refused(Exception):
    """The card answered another status word than 9000."""

    def __init__(self, sw: bytes) -> None:
        super().__init__(sw.hex().upper())
        self.sw = sw


@dataclass(frozen=True)
class Protocol:
    """One PACEInfo: the object identifier's value, and what it means."""

    identifier: bytes
    number: int

    @property
    def cipher(self) -> str:
        return PROTOCOLS[self.identifier[-1]][0]

    @property
    def key_length(self) -> int:
        return PROTOCOLS[self.identifier[-1]][1]

    @property
    def curve(self) -> Curve:
        group = domain_parameters(CURVES[self.number])
        names = ("p", "a", "b", "n")
        p, a, b, n = (group.number(name) for name in names)
        return curve_of(p, a, b, group("G"), n)


class Inspection:
    """One session with a document; *draw* gives the terminal's random bytes."""

    def __init__(self, transmit: Transmit, draw: Random) -> None:
        self.transmit = transmit
        self.draw = draw
        self.keys: Keys | None = None
        self.counter = 0

    def protect(self, header: bytes, data: bytes = b"", le: int | None = None) -> bytes:
        """The protected command; the counter goes up by the two that an exchange uses."""
        assert self.keys is not None
        self.counter += 2
        return icao.protect(self.keys, self.counter - 1, header, data, le)

    def open(self, response: bytes) -> bytes:
        """The plain data of the answer to the last protected command."""
        assert self.keys is not None
        if len(response) == 2:
            raise Refused(response)
        data, sw = icao.open_response(self.keys, self.counter, response)
        if sw != OK:
            raise Refused(sw)
        return data

    def send(self, header: bytes, data: bytes = b"", le: int | None = None) -> bytes:
        """The answer's data, under secure messaging once there are keys."""
        if self.keys is not None:
            response = self.transmit(self.protect(header, data, le))
            while response[-2] == 0x61:
                rest = self.transmit(bytes.fromhex("00C00000") + response[-1:])
                response = response[:-2] + rest
            return self.open(response)
        lc = bytes([len(data)]) if data else b""
        end = b"" if le is None else bytes([le % 256])
        response = self.transmit(header + lc + data + end)
        if response[-2:] != OK:
            raise Refused(response[-2:])
        return response[:-2]

    def select_application(self) -> None:
        self.send(bytes.fromhex("00A4040C"), AID)

    def basic_access_control(self, number: str, birth: str, expiry: str) -> None:
        seed = icao.mrz_password(icao.mrz_information(number, birth, expiry))[:16]
        self.mutual_authentication(icao.key_pair(seed))

    def mutual_authentication(self, keys: Keys) -> None:
        """BAC with the document's access keys; Refused, or ValueError for a document that lies."""
        chip = self.send(bytes.fromhex("00840000"), le=8)
        own, material = self.draw(8), self.draw(16)
        token = icao.bac_token(keys, own, chip, material)
        answer = self.send(bytes.fromhex("00820000"), token, le=40)
        plain = decrypt_cbc("TDES", keys.enc, answer[:32])
        if (
            icao.bac_token(keys, plain[:8], plain[8:16], plain[16:]) != answer
            or plain[:16] != chip + own
        ):
            raise ValueError("the document does not prove that it knows the access keys")
        self.keys = icao.bac_session(material, plain[16:])
        self.counter = int.from_bytes(chip[4:] + own[4:], "big")

    def protocols(self) -> list[Protocol]:
        """What EF.CardAccess offers; all infos here are 18 bytes of PACEInfo with version 2."""
        content = self.send(bytes.fromhex("00B09C00"), le=0)
        infos = content[2:]
        assert content[:2] == bytes([0x31, len(infos)])
        rows = [infos[start : start + 20] for start in range(0, len(infos), 20)]
        return [Protocol(row[4:14], row[19]) for row in rows]

    def set_pace(self, protocol: Protocol, reference: int) -> None:
        """MANAGE SECURITY ENVIRONMENT: SET for mutual authentication."""
        name = bytes([0x80, len(protocol.identifier)]) + protocol.identifier
        self.send(bytes.fromhex("0022C1A4"), name + bytes([0x83, 1, reference]))

    def pace(self, protocol: Protocol, password: bytes, reference: int) -> None:
        """PACE with generic mapping; ValueError for a document that lies."""
        self.set_pace(protocol, reference)
        cipher, curve = protocol.cipher, protocol.curve
        z = self.step(0x80, 0x80, b"")
        key = icao.derived(password, 3, cipher, protocol.key_length)
        nonce = decrypt_cbc(cipher, key, z, bytes(BLOCK_SIZE[cipher]))
        private = self.scalar(curve)
        chip = curve.decode(self.step(0x81, 0x82, curve.public_key(private)))
        mapped = icao.pace_mapped(curve, nonce, curve.multiply(private, chip))
        private = self.scalar(curve)
        own = mapped.public_key(private)
        peer = self.step(0x83, 0x84, own)
        shared = mapped.encode(mapped.multiply(private, mapped.decode(peer)))
        keys = icao.key_pair(shared[1 : 1 + curve.size], cipher, protocol.key_length)
        token = icao.mac8(keys, icao.token_input(protocol.identifier, peer))
        answer = self.step(0x85, 0x86, token, last=True)
        if answer != icao.mac8(keys, icao.token_input(protocol.identifier, own)):
            raise ValueError("the document does not prove that it knows the password")
        self.keys, self.counter = keys, 0

    def scalar(self, curve: Curve) -> int:
        return int.from_bytes(self.draw(curve.size), "big") % (curve.n - 1) + 1

    def step(self, tag: int, answer_tag: int, value: bytes, *, last: bool = False) -> bytes:
        """One GENERAL AUTHENTICATE of the chain: the value that the chip sends for *value*."""
        inner = icao._tlv(bytes([tag]), value) if value else b""
        header = bytes([0x00 if last else 0x10, 0x86, 0, 0])
        answer = self.send(header, icao._tlv(b"\x7c", inner), le=0)
        ((template, content),) = icao._objects(answer)
        ((found, data),) = icao._objects(content)
        assert (template, found) == (b"\x7c", bytes([answer_tag]))
        return data

    def read(self, short_identifier: int) -> bytes:
        """A whole elementary file: its first four bytes say how long it is."""
        head = self.send(bytes([0x00, 0xB0, 0x80 | short_identifier, 0]), le=4)
        extra = max(0, head[1] - 0x80)
        size = int.from_bytes(head[2 : 2 + extra], "big") if extra else head[1]
        content, total = head, 2 + extra + size
        while len(content) < total:
            offset = len(content).to_bytes(2, "big")
            content += self.send(b"\x00\xb0" + offset, le=min(CHUNK, total - len(content)))
        return content

    def active_authentication(self, challenge: bytes) -> bytes:
        return self.send(bytes.fromhex("00880000"), challenge, le=0)
