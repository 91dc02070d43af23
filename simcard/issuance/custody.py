"""Key sets at rest: one encrypted file for each place in the hierarchy.

The file is JSON. In the open stand format, level, path, and for each purpose its name, cipher and
key check value (three bytes); the keys themselves are enciphered together with AES-256-GCM under a
key that scrypt makes from a passphrase, and what stands in the open is authenticated with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from simcard.crypto.blocks import BlockCipher
from simcard.issuance.hierarchy import KEY_SIZE, KeySet, Level, Purpose, key_check_value

FORMAT: Final = "simcard keys 1"
_SCRYPT_N: Final = 1 << 15
_SALT_SIZE, _NONCE_SIZE = 16, 12
_OWNER_ONLY: Final = 0o600


class CustodyError(ValueError):
    """A key file that cannot be used; the message names the file and the rule."""


Hex = Annotated[
    bytes,
    BeforeValidator(lambda value: bytes.fromhex(value) if isinstance(value, str) else value),
    PlainSerializer(lambda value: value.hex().upper()),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Entry(_Strict):
    purpose: str
    cipher: Literal["TDES", "SM4"]
    check_value: Hex


class _KeyFile(_Strict):
    format: Literal["simcard keys 1"]
    level: Level
    path: tuple[str, ...]
    keys: tuple[_Entry, ...]
    salt: Hex
    nonce: Hex
    sealed: Hex

    def in_the_open(self) -> bytes:
        """What is authenticated but not enciphered."""
        return self.model_dump_json(exclude={"sealed"}).encode()


def save(keys: KeySet, file: Path, passphrase: str, random: Callable[[int], bytes]) -> None:
    """Write *keys* to *file*, readable by its owner alone; an existing file is a CustodyError."""
    if file.exists():
        raise CustodyError(f"{file}: there is a key file already; keys are not overwritten")
    head = _KeyFile(
        format=FORMAT,
        level=keys.level,
        path=keys.path,
        keys=tuple(
            _Entry(
                purpose=purpose.name,
                cipher="SM4" if purpose.cipher is BlockCipher.SM4 else "TDES",
                check_value=key_check_value(purpose, key),
            )
            for purpose, key in keys.keys.items()
        ),
        salt=random(_SALT_SIZE),
        nonce=random(_NONCE_SIZE),
        sealed=b"",
    )
    secret = b"".join(keys.keys.values())
    sealed = _cipher(passphrase, head.salt).encrypt(head.nonce, secret, head.in_the_open())
    content = head.model_copy(update={"sealed": sealed}).model_dump(mode="json")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=_OWNER_ONLY, exist_ok=False)
    file.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def load(file: Path, passphrase: str) -> KeySet:
    """The keys in *file*; CustodyError for a wrong passphrase or a file that was changed."""
    head = _read(file)
    try:
        secret = _cipher(passphrase, head.salt).decrypt(head.nonce, head.sealed, head.in_the_open())
    except InvalidTag:
        raise CustodyError(f"{file}: the passphrase is another, or the file was changed") from None
    if len(secret) != KEY_SIZE * len(head.keys):
        raise CustodyError(f"{file}: {len(head.keys)} keys are announced, others are there")
    keys = {
        Purpose(entry.purpose, BlockCipher[entry.cipher]): secret[start : start + KEY_SIZE]
        for entry, start in zip(head.keys, range(0, len(secret), KEY_SIZE), strict=True)
    }
    for entry, (purpose, key) in zip(head.keys, keys.items(), strict=True):
        if key_check_value(purpose, key) != entry.check_value:
            raise CustodyError(f"{file}: {entry.purpose}: the key has another check value")
    return KeySet(head.level, head.path, keys)


def inspect(file: Path) -> tuple[Level, tuple[str, ...], list[tuple[str, str, bytes]]]:
    """What stands in the open: level, path, and name, cipher and check value of each key."""
    head = _read(file)
    return head.level, head.path, [(k.purpose, k.cipher, k.check_value) for k in head.keys]


def _read(file: Path) -> _KeyFile:
    try:
        return _KeyFile.model_validate_json(file.read_bytes())
    except OSError as error:
        raise CustodyError(f"{file}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        parts = (str(file), ".".join(map(str, first["loc"])), first["msg"])
        raise CustodyError(": ".join(filter(None, parts))) from None


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=8, p=1).derive(passphrase.encode()))
