import json
import os
import stat
from pathlib import Path

import pytest

from simcard.crypto.blocks import BlockCipher
from simcard.issuance import custody
from simcard.issuance.hierarchy import KeySet, Purpose, national

KEYS = national(
    bytes(32),
    [Purpose("DF08/purchase/01", BlockCipher.TDES), Purpose("DF08/load/02", BlockCipher.SM4)],
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "root.keys"
    custody.save(KEYS, path, "correct horse", os.urandom)
    return path


def test_what_was_saved_comes_back(file: Path) -> None:
    loaded = custody.load(file, "correct horse")
    assert isinstance(loaded, KeySet)
    assert (loaded.level, loaded.path, dict(loaded.keys)) == (KEYS.level, (), dict(KEYS.keys))


def test_only_the_owner_can_read_the_file(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_key_stands_in_the_open(file: Path) -> None:
    text = file.read_text().lower()
    assert all(key.hex() not in text for key in KEYS.keys.values())
    names = [name for name, _, _ in custody.inspect(file)[2]]
    assert names == ["DF08/purchase/01", "DF08/load/02"]


def test_another_passphrase_opens_nothing(file: Path) -> None:
    with pytest.raises(custody.CustodyError, match=r"root\.keys: the passphrase is another"):
        custody.load(file, "wrong")


@pytest.mark.parametrize("field", ["level", "path", "keys", "salt", "nonce", "sealed"])
def test_whatever_is_changed_is_noticed(file: Path, field: str) -> None:
    content = json.loads(file.read_text())
    match field:
        case "level":
            content["level"] = "city"
        case "path":
            content["path"] = ["330000"]
        case "keys":
            content["keys"][0]["purpose"] = "DF08/unload/01"
        case _:
            content[field] = ("00" if content[field][:2] != "00" else "01") + content[field][2:]
    file.write_text(json.dumps(content))
    with pytest.raises(custody.CustodyError):
        custody.load(file, "correct horse")


def test_keys_are_not_overwritten(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(custody.CustodyError, match="not overwritten"):
        custody.save(KEYS, file, "x", os.urandom)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "simcard keys 9"}'])
def test_another_file_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.keys"
    path.write_text(content)
    with pytest.raises(custody.CustodyError, match=r"x\.keys"):
        custody.load(path, "x")
    with pytest.raises(custody.CustodyError, match=r"y\.keys"):
        custody.load(tmp_path / "y.keys", "x")
