"""Judges cards under keys that are known, and looks in all that is written for keys and plaintext.

Every key that the judge computes with is collected where it reaches a cipher, so session keys,
process keys, diversified and expanded keys are searched for like those of the keys file; and so is
whatever the judge enciphered for a secure channel or deciphered from one. One kind of run passes,
one has a card with a fault, one a card that tells its keys when it is asked for a file, and one a
card that answers other things inside a secure channel; one card cannot be copied, so that an undo
log is kept of what it holds.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conformance import engine
from conformance.apdu import CommandAPDU, ResponseAPDU
from conformance.cards import Ability, CardUnderTest
from conformance.cards import open_card as open_sound
from conformance.crypto import blocks
from conformance.display import show_result
from conformance.engine import Request, execute, prepare
from conformance.report import write_all
from conformance.result import Result
from conformance.suite import sealing, test_messaging_scp03
from conformance.undolog import UNDO_FILE
from conformance.verdict import Outcome

ROOT = Path(__file__).parents[2]
PROFILES = ROOT / "simcard" / "profiles"
SPECS = (
    *(f"sim:{profile}" for profile in ("emrtd", "globalplatform", "psam", "ssc3", "crypto")),
    *(f"mutant:messaging/{name}" for name in ("icao-plain-errors", "scp03-same-challenge")),
    *("mutant:line/unblock-does-nothing", "mutant:authentication/any-cryptogram"),
    *("mutant:purse/mac1-unmade", "mutant:module/plain-key", "mutant:module/cipher-turned"),
    *(f"tell:{profile}" for profile in ("emrtd", "globalplatform", "psam", "crypto")),
    *(f"lie:{profile}" for profile in ("emrtd", "globalplatform")),
    *(f"plastic:{profile}" for profile in ("psam", "ssc2")),
)
SECRET_FILE = ("持卡人的秘密资料 Kq7#vX9!mB2$ ".encode("gbk") + bytes(range(0xFE, 0xC0, -1)))[:64]
"""What the files hold that only a secure channel opens, where the profile leaves them empty."""
INS_SELECT = 0xA4
READS = frozenset({0xB0, 0xB2, 0xCA, 0x84})
SHORTEST_PLAINTEXT, SHORTEST_IN_BASE64 = 4, 12
ARTEFACTS = {
    *("result.json", "trace.jsonl", "report.html", "report.zh.html", "junit.xml", "summary.md"),
    "printed.txt",
}


class Teller:
    """A card that now and then answers with a key, whatever file it is asked for."""

    reader, known_as = "", None
    abilities = frozenset({Ability.FORK})

    def __init__(self, inner: CardUnderTest, told: Iterator[bytes]) -> None:
        self.inner, self.told = inner, told
        self.spec = inner.spec
        self._asked = 0

    def connect(self) -> bytes:
        return self.inner.connect()

    def reset(self) -> bytes:
        return self.inner.reset()

    def transmit(self, command: bytes) -> bytes:
        self._asked += command[:1] == b"\x00" and command[1] in READS
        if self._asked % 3 == 2:
            self._asked += 1
            return b"\x00" * (self._asked % 20) + next(self.told) + b"\x90\x00"
        return self.inner.transmit(command)

    def fork(self) -> CardUnderTest:
        return Teller(self.inner.fork(), self.told)

    def close(self) -> None:
        self.inner.close()


class Plastic(Teller):
    """A card that tells nothing and cannot be copied, so that an undo log is kept of it."""

    abilities = frozenset()

    def transmit(self, command: bytes) -> bytes:
        return self.inner.transmit(command)


class Watch:
    """The keys that were computed with, and what secure channels carried."""

    def __init__(self, patch: pytest.MonkeyPatch, *, lying: bool) -> None:
        self.keys: set[bytes] = set()
        self.plaintexts: set[bytes] = set()
        self.lying = lying
        # At a lower level answers travel in plain, and are no secret.
        patch.setattr(test_messaging_scp03, "LEVELS", (test_messaging_scp03.LEVELS[1],) * 2)
        algorithm = blocks._algorithm

        def watched(cipher: str, key: bytes) -> object:
            self.keys.add(key)
            return algorithm(cipher, key)

        patch.setattr(blocks, "_algorithm", watched)
        for channel in (sealing.IcaoChannel, sealing.HostChannel):
            patch.setattr(channel, "seal", self._sealing(channel.seal))
            patch.setattr(channel, "open", self._opening(channel.open))

    def _sealing(self, seal: Callable[[Any, CommandAPDU], bytes]) -> Callable[..., bytes]:
        def sealed(channel: sealing.Channel, command: CommandAPDU) -> bytes:
            if command.ins != INS_SELECT:  # names of files are in the statement
                self.plaintexts.add(command.data)
            return seal(channel, command)

        return sealed

    def _opening(self, opener: Callable[[Any, bytes], ResponseAPDU]) -> Callable[..., ResponseAPDU]:
        """The answers as they are; of a lying card those that were read before are others."""

        def opened(channel: sealing.Channel, response: bytes) -> ResponseAPDU:
            answer = opener(channel, response)
            seen = answer.data in self.plaintexts
            self.plaintexts.add(answer.data)
            if not (self.lying and seen and len(answer.data) >= SHORTEST_PLAINTEXT):
                return answer
            other = bytes(byte ^ 0xA5 for byte in answer.data)
            self.plaintexts.add(other)
            return ResponseAPDU(other, answer.sw)

        return opened


def told_keys(secrets: Iterable[bytes]) -> Iterator[bytes]:
    """The keys as they are, expanded to three of triple DES, and in their parts."""
    forms = []
    for value in secrets:
        forms += [value, value + value[:8]] if len(value) == 16 else [value]
        if len(value) == 48:
            forms += [value[:16], value[16:32]]
    return cycle(forms)


def seeded(profile: str, folder: Path) -> str:
    """The `--card` argument of *profile*, its files behind a secure channel not left empty."""
    text = (PROFILES / f"{profile}.toml").read_text("utf-8")
    content = f'size = 64\ncontent.hex = "{SECRET_FILE.hex().upper()}"\naccess = "'
    for access in ("channel", "sealed"):
        text = text.replace(f'size = 64\naccess = "{access}', content + access)
    path = folder / f"{profile}.toml"
    path.write_text(text, "utf-8")
    return f"sim:{path}"


def run(spec: str, folder: Path, patch: pytest.MonkeyPatch) -> tuple[Result, Watch]:
    """Judges the card *spec* and writes everything there is to write of it into *folder*."""
    kind, _, name = spec.partition(":")
    watch = Watch(patch, lying=kind == "lie")
    request = Request(
        card=spec if kind == "mutant" else seeded(name, folder.parent),
        risk="consume" if kind == "plastic" else "destroy",
        seed=7,
        examples=4,
        out=str(folder),
    )
    told: list[bytes] = []
    if kind == "tell":
        endless = (value for _ in iter(int, 1) for value in told)
        patch.setattr(engine, "open_card", lambda asked: Teller(open_sound(asked), endless))
    if kind == "plastic":
        patch.setattr(engine, "open_card", lambda asked: Plastic(open_sound(asked), iter(())))
    judge = prepare(request)
    secrets = judge.bench.keys.secrets
    watch.keys.update(secrets.values())
    forms = told_keys(secrets.values())
    told += [next(forms) for _ in range(4 * len(secrets))]
    result = execute(judge)
    printed = StringIO()
    show_result(Console(file=printed, width=500), result)
    (folder / "printed.txt").write_text(printed.getvalue(), "utf-8")
    for lang in ("en", "zh"):
        write_all(folder, lang)
    return result, watch


def content(path: Path) -> bytes:
    """What is in the file, packed traces unpacked."""
    data = path.read_bytes()
    packed = re.findall(rb'data-block="\d+">([^<]*)<', data)
    return data + b"".join(zlib.decompress(base64.b64decode(block)) for block in packed)


def forms(value: bytes) -> set[bytes]:
    """*value* as bytes, as hexadecimal with and without spaces, as base64, and as text."""
    texts = {value.hex(), value.hex(" "), value.hex(":"), repr(value)[2:-1]}
    for encoding in ("ascii", "gbk"):
        text = value.decode(encoding, "ignore")
        if text.isprintable() and text.encode(encoding) == value:
            texts |= {text}
    found = {form.encode() for text in texts for form in (text, text.upper(), text.lower())}
    if len(value) >= SHORTEST_IN_BASE64:
        for shift in range(3):
            coded = base64.b64encode(bytes(shift) + value + bytes(-(shift + len(value)) % 3))
            found.add(coded[4 * (shift > 0) : -4])
    return found | {value}


def leaks(folder: Path, secrets: Iterable[bytes]) -> list[str]:
    """Which artefact holds which secret in which form."""
    wanted = {form for value in secrets for form in forms(value)}
    return [
        f"{path.name} holds {form!r}"
        for path in sorted(folder.iterdir())
        for held in (content(path),)
        for form in wanted
        if form in held
    ]


@pytest.mark.parametrize("spec", SPECS)
def test_no_artefact_holds_a_key_or_what_was_enciphered(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    result, watch = run(spec, folder, monkeypatch)
    kept = {UNDO_FILE} if spec.startswith("plastic:") else set()
    assert {path.name for path in folder.iterdir()} == ARTEFACTS | kept
    failed = [case for case in result.cases if case.failure]
    sound = spec.startswith(("sim:", "plastic:"))
    assert bool(failed) is not sound, "runs that pass and runs that fail"
    assert (result.run.outcome is Outcome.CONFORMANT) is sound
    keys = {key for key in watch.keys if len(key) >= 2 * SHORTEST_PLAINTEXT}
    assert len(keys) > 3, "keys of the file, and those that follow from them"
    plain = {data for data in watch.plaintexts if len(data) >= SHORTEST_PLAINTEXT and any(data)}
    if not spec.startswith("mutant:"):
        assert bool(plain) is spec.endswith(("emrtd", "globalplatform"))
        assert (SECRET_FILE[:4] in plain) is spec.endswith("globalplatform")
    # The undo log may hold what stands in files: it is there to write it back. Keys it holds none.
    assert [leak for leak in leaks(folder, plain) if not leak.startswith(UNDO_FILE)] == []
    assert leaks(folder, keys) == []
    if spec.startswith("tell:"):
        assert re.search(r"\{(key|expanded|first):", (folder / "trace.jsonl").read_text("utf-8"))


@pytest.mark.parametrize("name", ["line/unblock-does-nothing", "module/plain-key"])
def test_a_script_without_its_secrets_can_be_replayed(name: str, tmp_path: Path) -> None:
    judge = prepare(Request(card=f"mutant:{name}", risk="destroy", examples=4, out=str(tmp_path)))
    keys = judge.bench.keys
    result = execute(judge)
    steps = [step for case in result.cases if case.failure for step in case.failure.script]
    assert steps
    commands = [step.command for step in steps if step.command != "reset"]
    assert any("{" in command for command in commands)
    for command in commands:
        assert keys.redacted(keys.expanded(command)) == command
