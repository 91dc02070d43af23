"""Seals a folder of a run, so that one altered byte in result, trace or report can be named.

A manifest lists each file with its SHA-256 and a short digest for every few lines, by which an
alteration is found again. Every report carries the manifest of the files it was made from, and its
own, in a slot that counts as empty when the report is digested; this shows accidents. A signature
over the manifest shows intent: `seal.json` beside the files holds it (detached), and so does the
slot of each report (embedded).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from conformance.reporting.signing import PrivateKey, PublicKey, load_public, public_of
from conformance.result import RESULT_FILE, TRACE_FILE, write_atomically
from conformance.trouble import UsageError

SEAL_FILE = "seal.json"
OPENING = b'<script type="application/json" id="seal">'
CLOSING = b"</script>"
PIECE = 64
SHORT = 16
SEALED = (RESULT_FILE, TRACE_FILE, "junit.xml", "summary.md")
Manifest = dict[str, Any]


class State(StrEnum):
    """What a seal says of a folder."""

    INTACT = "intact"
    """Signed by the key that was given, and nothing altered."""
    UNKNOWN_SIGNER = "unknown-signer"
    """Nothing altered since somebody signed it; no key was given to compare with."""
    UNSIGNED = "unsigned"
    """Nothing altered as far as the digests in the report tell; nobody signed it."""
    ALTERED = "altered"


@dataclass(frozen=True, slots=True)
class Alteration:
    """One file that is not what was sealed, and where."""

    file: str
    place: str

    def __str__(self) -> str:
        return f"{self.file}: {self.place}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found; `signer` is the fingerprint of the key that signed, or ""."""

    state: State
    alterations: tuple[Alteration, ...]
    checked: tuple[str, ...]
    signer: str = ""


def digest(data: bytes) -> dict[str, Any]:
    """The entry of a file in a manifest."""
    lines = data.split(b"\n")
    pieces = (b"\n".join(lines[start : start + PIECE]) for start in range(0, len(lines), PIECE))
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "pieces": [hashlib.sha256(piece).hexdigest()[:SHORT] for piece in pieces],
    }


def embed(page: bytes, name: str, files: Mapping[str, dict[str, Any]]) -> bytes:
    """*page* with the unsigned manifest of *files* and of itself, called *name*, in its slot."""
    start, end = _slot(page, name)
    empty = page[:start] + page[end:]
    return _filled(empty, start, {"manifest": _manifest({**files, name: digest(empty)})})


def sign(folder: Path, key: PrivateKey) -> tuple[Path, ...]:
    """Signs the files of the run in *folder* with *key*: seal.json, and the slot of each report."""
    files = _digests(folder)
    if RESULT_FILE not in files:
        raise UsageError(f"{folder}: no {RESULT_FILE} to sign")
    written = []
    for path in sorted(folder.glob("report*.html")):
        page = path.read_bytes()
        start, end = _slot(page, str(path))
        empty = page[:start] + page[end:]
        base = {name: entry for name, entry in files.items() if name in {RESULT_FILE, TRACE_FILE}}
        manifest = _manifest({**base, path.name: digest(empty)})
        write_atomically(path, _filled(empty, start, _signed(manifest, key)))
        files[path.name] = digest(empty)
        written.append(path)
    detached = folder / SEAL_FILE
    write_atomically(detached, _canonical(_signed(_manifest(files), key)) + b"\n")
    return (*written, detached)


def verify(folder: Path, key: PublicKey | None = None) -> Verification:
    """Compares the files in *folder* with every seal there is; *key* is whose signature counts."""
    found: dict[Alteration, None] = {}
    checked: dict[str, None] = {}
    signers: dict[str, None] = {}
    seals = list(_seals(folder))
    if not seals:
        raise UsageError(f"{folder}: no {SEAL_FILE} and no report with a seal in it")
    for origin, seal in seals:
        manifest = seal.get("manifest")
        if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
            found[Alteration(origin, "the seal holds no manifest")] = None
            continue
        for name, entry in manifest["files"].items():
            checked[name] = None
            found |= dict.fromkeys(_alterations(folder, str(name), entry))
        signer, fault = _signer(seal, manifest, key)
        if fault:
            found[Alteration(origin, fault)] = None
        if signer:
            signers[signer] = None
    if found:
        state = State.ALTERED
    elif len(signers) != 1 or any("signature" not in seal for _, seal in seals):
        state = State.UNKNOWN_SIGNER if signers else State.UNSIGNED
    else:
        state = State.INTACT if key is not None else State.UNKNOWN_SIGNER
    return Verification(state, tuple(found), tuple(checked), ", ".join(signers))


def integrity(folder: Path) -> State:
    """What the seals in *folder* say, when no key is at hand."""
    try:
        return verify(folder).state
    except UsageError:
        return State.UNSIGNED


def _signer(seal: Mapping[str, Any], manifest: Manifest, key: PublicKey | None) -> tuple[str, str]:
    """The fingerprint of the signer, and what is wrong with the signature."""
    if "signature" not in seal:
        return "", "not signed" if key is not None else ""
    try:
        named = load_public(str(seal["public_key"]).encode())
        signature = bytes.fromhex(str(seal["signature"]))
    except (KeyError, ValueError) as error:
        return "", f"the signature cannot be read: {error}"
    if key is not None and named.fingerprint != key.fingerprint:
        return named.fingerprint, f"signed with another key, {named.fingerprint}"
    if not (key or named).verifies(signature, _canonical(manifest)):
        return named.fingerprint, "the signature does not fit the manifest"
    if seal != _stated(manifest, named, signature):
        return named.fingerprint, "what the seal says beside its signature is not as it was written"
    return named.fingerprint, ""


def _alterations(folder: Path, name: str, entry: Any) -> Iterator[Alteration]:
    file = folder / Path(name).name
    try:
        data = _content(file)
    except OSError:
        yield Alteration(name, "missing")
        return
    except UsageError as error:
        yield Alteration(name, str(error))
        return
    if not isinstance(entry, dict) or entry.get("sha256") == hashlib.sha256(data).hexdigest():
        if not isinstance(entry, dict):
            yield Alteration(name, "the seal does not say what it was")
        return
    yield Alteration(name, _place(data, entry))


def _place(data: bytes, entry: Mapping[str, Any]) -> str:
    """Where *data* differs first from what *entry* describes, by line and by what stands there."""
    then, now = entry.get("pieces", []), digest(data)["pieces"]
    pairs = zip(then, now, strict=False)
    first = next(
        (at for at, (old, new) in enumerate(pairs) if old != new), min(len(then), len(now))
    )
    lines = data.split(b"\n")
    low, high = first * PIECE + 1, min((first + 1) * PIECE, len(lines))
    size = entry.get("bytes")
    grown = f", {len(data)} bytes instead of {size}" if size != len(data) else ""
    return f"altered in lines {low} to {high}{_landmark(lines[:high])}{grown}"


def _landmark(lines: list[bytes]) -> str:
    """The nearest id above, which JSON and HTML both have."""
    for line in reversed(lines):
        for mark in (b'"id": "', b'"id":"', b' id="', b'"case":"'):
            _, found, after = line.partition(mark)
            if found:
                name = after.partition(b'"')[0].decode("utf-8", "replace")
                return f", near {name}"
    return ""


def _seals(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in (folder / SEAL_FILE, *sorted(folder.glob("report*.html"))):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if path.name != SEAL_FILE:
            try:
                start, end = _slot(data, path.name)
            except UsageError:
                yield path.name, {}
                continue
            data = data[start:end]
        try:
            seal = json.loads(data)
        except ValueError:
            seal = {}
        yield path.name, seal if isinstance(seal, dict) else {}


def _digests(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        name: digest((folder / name).read_bytes()) for name in SEALED if (folder / name).is_file()
    }


def _content(path: Path) -> bytes:
    """The bytes of *path*, a report with its slot empty."""
    data = path.read_bytes()
    if path.suffix != ".html":
        return data
    start, end = _slot(data, path.name)
    return data[:start] + data[end:]


def _slot(page: bytes, name: str) -> tuple[int, int]:
    start = page.rfind(OPENING) + len(OPENING)
    end = page.find(CLOSING, start)
    if start < len(OPENING) or end < 0:
        raise UsageError(f"{name}: a report without the slot for a seal")
    return start, end


def _filled(empty: bytes, start: int, seal: Mapping[str, Any]) -> bytes:
    return empty[:start] + _canonical(seal) + empty[start:]


def _manifest(files: Mapping[str, dict[str, Any]]) -> Manifest:
    return {"version": 1, "lines_a_piece": PIECE, "files": dict(files)}


def _signed(manifest: Manifest, key: PrivateKey) -> dict[str, Any]:
    return _stated(manifest, public_of(key), key.sign(_canonical(manifest)))


def _stated(manifest: Manifest, public: PublicKey, signature: bytes) -> dict[str, Any]:
    """The seal as it is written: no field of it can say another thing and still be one."""
    return {
        "algorithm": public.algorithm,
        "manifest": manifest,
        "public_key": public.pem,
        "signature": signature.hex(),
    }


def _canonical(value: object) -> bytes:
    """JSON with sorted keys and nothing in it that could end a script element."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").encode("ascii")
