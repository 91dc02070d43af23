from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.crypto.curves import SM2
from conformance.report import write_report
from conformance.reporting import seal
from conformance.reporting.seal import State
from conformance.reporting.signing import public_of, read_private, read_public
from conformance.trouble import UsageError

SM2_SECRET = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")


def _pem(label: str, der: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.b64encode(der).decode()}\n-----END {label}-----\n"


@pytest.fixture
def ed25519(tmp_path: Path) -> Path:
    path = tmp_path / "ed25519.pem"
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture
def sm2(tmp_path: Path) -> Path:
    """PKCS#8 with an ECPrivateKey of the curve sm2p256v1 in it, as OpenSSL writes it."""
    point = SM2.public_key(int.from_bytes(SM2_SECRET, "big"))
    inner = b"\x30\x6b\x02\x01\x01\x04\x20" + SM2_SECRET + b"\xa1\x44\x03\x42\x00" + point
    algorithm = bytes.fromhex("301306072A8648CE3D020106082A811CCF5501822D")
    body = b"\x02\x01\x00" + algorithm + b"\x04" + bytes((len(inner),)) + inner
    path = tmp_path / "sm2.pem"
    path.write_text(_pem("PRIVATE KEY", b"\x30\x81" + bytes((len(body),)) + body))
    return path


@pytest.fixture(params=["ed25519", "sm2"])
def key(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def test_a_signed_folder_is_intact_for_its_key(sample: Path, key: Path) -> None:
    written = seal.sign(sample, read_private(key))
    assert [path.name for path in written] == ["report.html", "seal.json"]
    found = seal.verify(sample, read_public(key))
    assert found.state is State.INTACT, found.alterations
    assert set(found.checked) == {
        *("result.json", "trace.jsonl", "report.html", "junit.xml", "summary.md")
    }
    assert seal.verify(sample).state is State.UNKNOWN_SIGNER


def test_another_key_is_not_accepted(sample: Path, ed25519: Path, sm2: Path) -> None:
    seal.sign(sample, read_private(ed25519))
    found = seal.verify(sample, read_public(sm2))
    assert found.state is State.ALTERED
    assert "signed with another key" in str(found.alterations[0])


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_one_altered_byte_is_found_and_placed(
    sample: Path, ed25519: Path, data: st.DataObject
) -> None:
    if not (sample / "seal.json").exists():
        seal.sign(sample, read_private(ed25519))
    names = ["result.json", "trace.jsonl", "report.html", "junit.xml", "summary.md", "seal.json"]
    path = sample / data.draw(st.sampled_from(names))
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    try:
        found = seal.verify(sample, read_public(ed25519))
    finally:
        path.write_bytes(whole)
    if path.name == "seal.json" and json.loads(whole) == _loads(bytes(changed)):
        assert found.state is State.INTACT
        return
    assert found.state is State.ALTERED
    assert path.name in {alteration.file for alteration in found.alterations}
    inside_seal = path.name == "seal.json" or _within_slot(whole, at)
    if path.name in {"result.json", "trace.jsonl"} and not inside_seal:
        line = whole[:at].count(b"\n") + 1
        (place,) = {one.place for one in found.alterations if one.file == path.name}
        low, high = map(int, re.findall(r"lines (\d+) to (\d+)", place)[0])
        assert low <= line <= high


def _loads(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _within_slot(page: bytes, at: int) -> bool:
    start = page.rfind(seal.OPENING)
    return 0 <= start <= at


def test_an_unsigned_report_still_shows_accidents(sample: Path) -> None:
    assert seal.verify(sample).state is State.UNSIGNED
    path = sample / "trace.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"n":100,', b'"n":101,', 1))
    (found,) = seal.verify(sample).alterations
    assert str(found).startswith("trace.jsonl: altered in lines 65 to 128, near ")


def test_a_signature_is_not_asked_of_nobody(sample: Path, ed25519: Path) -> None:
    found = seal.verify(sample, read_public(ed25519))
    assert [str(one) for one in found.alterations] == ["report.html: not signed"]


def test_a_missing_file_and_a_longer_one_are_named(sample: Path, ed25519: Path) -> None:
    seal.sign(sample, read_private(ed25519))
    (sample / "junit.xml").unlink()
    with (sample / "trace.jsonl").open("a") as file:
        file.write("{}\n")
    places = {one.file: one.place for one in seal.verify(sample, read_public(ed25519)).alterations}
    assert places["junit.xml"] == "missing"
    assert re.search(r", \d+ bytes instead of \d+$", places["trace.jsonl"])


def test_a_new_report_needs_a_new_signature(sample: Path, ed25519: Path) -> None:
    seal.sign(sample, read_private(ed25519))
    write_report(sample, "zh")
    found = seal.verify(sample, read_public(ed25519))
    assert [str(one) for one in found.alterations] == ["report.zh.html: not signed"]
    seal.sign(sample, read_private(ed25519))
    assert seal.verify(sample, read_public(ed25519)).state is State.INTACT


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nothing", "no key in PEM"),
        (_pem("ENCRYPTED PRIVATE KEY", b"\x30\x00"), "the key is encrypted"),
        (_pem("PRIVATE KEY", b"\x30\x00"), "no Ed25519 or SM2 private key"),
        (_pem("RSA PRIVATE KEY", b"\x30\x00"), "a RSA PRIVATE KEY is no PKCS#8 private key"),
    ],
)
def test_what_is_no_key_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(content)
    with pytest.raises(UsageError, match=complaint):
        read_private(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_private(tmp_path / "absent.pem")


def test_a_folder_without_seals_is_refused(tmp_path: Path, ed25519: Path) -> None:
    with pytest.raises(UsageError, match=r"no seal\.json and no report"):
        seal.verify(tmp_path)
    with pytest.raises(UsageError, match=r"no result\.json to sign"):
        seal.sign(tmp_path, read_private(ed25519))


def test_openssl_agrees_on_the_signature(sample: Path, ed25519: Path, tmp_path: Path) -> None:
    key = read_private(ed25519)
    seal.sign(sample, key)
    sealed = json.loads((sample / "seal.json").read_bytes())
    manifest = json.dumps(sealed["manifest"], sort_keys=True, separators=(",", ":"))
    (tmp_path / "manifest").write_text(manifest)
    (tmp_path / "signature").write_bytes(bytes.fromhex(sealed["signature"]))
    (tmp_path / "public.pem").write_text(public_of(key).pem)
    checked = subprocess.run(
        [
            *("openssl", "pkeyutl", "-verify", "-pubin", "-rawin"),
            *("-inkey", tmp_path / "public.pem", "-in", tmp_path / "manifest"),
            *("-sigfile", tmp_path / "signature"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Signature Verified Successfully" in checked.stdout, checked.stderr
