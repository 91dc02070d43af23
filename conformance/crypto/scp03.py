"""GlobalPlatform SCP03 (Amendment D) for the judge: the host's side of a session, S8 and S16."""

from dataclasses import dataclass, field

from conformance.crypto.blocks import cmac, decrypt_cbc, encrypt_cbc, encrypt_ecb, pad, unpad

C_MAC, C_DECRYPTION, R_MAC, R_ENCRYPTION = 0x01, 0x02, 0x10, 0x20


def derived(key: bytes, constant: int, context: bytes, bits: int) -> bytes:
    """*bits* / 8 bytes from *key* for the purpose *constant* (clause 4.1.5)."""
    out = b""
    for counter in (1, 2):
        label = bytes(11) + bytes([constant, 0])
        out += cmac("AES", key, label + bits.to_bytes(2, "big") + bytes([counter]) + context)
    return out[: bits // 8]


@dataclass
class Session:
    """A session from the challenges on: its keys, the MAC chaining value and the counter."""

    enc: bytes
    mac: bytes
    host_challenge: bytes
    card_challenge: bytes
    level: int
    mac_length: int = 8
    chaining: bytes = field(default=bytes(16), init=False)
    counter: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._context = self.host_challenge + self.card_challenge
        bits = 8 * len(self.enc)
        self.s_enc = derived(self.enc, 4, self._context, bits)
        self.s_mac = derived(self.mac, 6, self._context, bits)
        self.s_rmac = derived(self.mac, 7, self._context, bits)

    @property
    def card_cryptogram(self) -> bytes:
        """What the card must show."""
        return derived(self.s_mac, 0, self._context, 8 * self.mac_length)

    @property
    def host_cryptogram(self) -> bytes:
        """What the host shows."""
        return derived(self.s_mac, 1, self._context, 8 * self.mac_length)

    def external_authenticate(self, cryptogram: bytes | None = None) -> bytes:
        """The EXTERNAL AUTHENTICATE command that opens the session, or one with a wrong proof."""
        given = self.host_cryptogram if cryptogram is None else cryptogram
        return self._authenticated(bytes([0x84, 0x82, self.level, 0]), given)

    def protect(self, header: bytes, data: bytes, le: bytes = b"") -> bytes:
        """A short command under the session: enciphered where the level says so, with its C-MAC."""
        self.counter += 1
        if data and self.level & C_DECRYPTION:
            data = encrypt_cbc("AES", self.s_enc, pad(data, 16), self._icv(0x00))
        return self._authenticated(bytes([header[0] | 0x04]) + header[1:4], data) + le

    def open(self, response: bytes) -> bytes:
        """The plain data of *response* (data, R-MAC, SW1 SW2); ValueError for a wrong R-MAC."""
        data, status = response[:-2], response[-2:]
        if self.level & R_MAC:
            data, received = data[: -self.mac_length], data[-self.mac_length :]
            if self.response_mac(data + status) != received:
                raise ValueError("the R-MAC is wrong")
        if data and self.level & R_ENCRYPTION:
            data = unpad(decrypt_cbc("AES", self.s_enc, data, self._icv(0x80)))
        return data

    def response_mac(self, answer: bytes) -> bytes:
        """The R-MAC over data and status bytes of the answer to the last command."""
        return cmac("AES", self.s_rmac, self.chaining + answer)[: self.mac_length]

    def _authenticated(self, header: bytes, data: bytes) -> bytes:
        command = header + bytes([len(data) + self.mac_length]) + data
        self.chaining = cmac("AES", self.s_mac, self.chaining + command)
        return command + self.chaining[: self.mac_length]

    def _icv(self, first: int) -> bytes:
        return encrypt_ecb("AES", self.s_enc, bytes([first]) + self.counter.to_bytes(15, "big"))
