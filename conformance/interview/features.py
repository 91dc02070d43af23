"""The options that a card takes up: as its ATR declares them, and as it shows when it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import atr, tlv
from conformance.apdu import SHORT_NE, CommandAPDU
from conformance.commands import (
    ALL,
    get_challenge,
    read_binary,
    read_record,
    select_fid,
)
from conformance.interview.findings import MASTER, Fact, Source
from conformance.layout import MASTER_FILE, Kind

if TYPE_CHECKING:
    from conformance.interview.candidates import Candidates
    from conformance.interview.findings import Findings, FoundFile
    from conformance.interview.selecting import Selector

CAPABILITIES, CAPABILITIES_OBJECT, LENGTHS = 7, 0x47, 0x7F66
INFORMATION = f"{MASTER}/2F01"
CHAINING, EXTENDED, SHORT_IDENTIFIER = 0x80, 0x40, 0x04
MOST_CHANNELS = 4
PATH, PATH_FROM_DF, CHILD_DF, EF_UNDER_DF = 0x08, 0x09, 0x01, 0x02
FREE_CHANNEL, CLOSE = 0x00, 0x80


def read_atr(findings: Findings) -> None:
    """What the Answer-to-Reset declares, for the features and for the head of the draft."""
    try:
        answer = atr.parse(findings.atr)
    except atr.MalformedATR as error:
        findings.remarks.append(f"ATR: {error}")
        return
    protocols = ", ".join(f"T={number}" for number in answer.offered)
    ifsc = f", IFSC {answer.ifsc}" if answer.ifsc is not None else ""
    shown = answer.historical.hex().upper() or "none"
    findings.remarks.append(f"ATR: {answer.convention} convention, {protocols}{ifsc}.")
    findings.remarks.append(f"Historical bytes: {shown}.")
    findings.remarks += [f"ATR, {rule}: {what}." for rule, what in answer.faults]
    historical = atr.parse_historical(answer.historical)
    if historical.fault is not None:
        text = f"they begin with {answer.historical[0]:02X}, but: {historical.fault}"
        findings.features["proprietary_historical_bytes"] = Fact(
            value=True, source=Source.ASSUMED, text=text
        )
        return
    where = "card capabilities in the historical bytes"
    _capabilities(findings, historical.find(CAPABILITIES) or b"", where)


def read_information(findings: Findings, selector: Selector) -> None:
    """What EF.ATR/INFO declares beyond the ATR (ISO/IEC 7816-4:2020, 12.2.2)."""
    file = findings.files.get(INFORMATION)
    if file is None or file.size is None or file.read.value != "always":
        return
    if not selector.open(file):
        return
    data = selector.asker.ask(read_binary(0, min(file.size.number, SHORT_NE))).data
    try:
        objects = tlv.parse(data, b"\x00\xff")
        lengths = [child.value for one in objects if one.tag == LENGTHS for child in one.children]
    except tlv.MalformedTLV as error:
        findings.remarks.append(f"EF.ATR/INFO holds no data objects: {error}.")
        return
    where = "card capabilities in EF.ATR/INFO"
    _capabilities(findings, tlv.find(objects, CAPABILITIES_OBJECT) or b"", where)
    if len(lengths) == 2:
        command, response = (int.from_bytes(one, "big") for one in lengths)
        findings.remarks.append(
            f"EF.ATR/INFO: commands of up to {command} bytes, responses of up to {response}."
        )


def _capabilities(findings: Findings, value: bytes, where: str) -> None:
    """Card capabilities (ISO/IEC 7816-4:2020, 12.1.1.9): one to three bytes."""
    declared: dict[str, bool | int] = {}
    if value:
        declared["short_ef_identifier"] = bool(value[0] & SHORT_IDENTIFIER)
    if len(value) > 2:
        last = value[2]
        declared["command_chaining"] = bool(last & CHAINING)
        declared["extended_length"] = bool(last & EXTENDED)
        count = min(MOST_CHANNELS, (last & 0x07) + 1) if last & 0x18 else 1
        declared["channels"] = count
    for name, said in declared.items():
        findings.features.setdefault(name, Fact(said, Source.DECLARED, where))


@dataclass
class Trial:
    """Tries out what costs nothing to try."""

    selector: Selector
    findings: Findings
    candidates: Candidates

    def run(self) -> None:
        """Each question stands alone: what is not seen is left out."""
        for question in (
            self._selection,
            self._paths,
            self._short_identifiers,
            self._records,
            self._extended,
            self._challenge,
            self._channels,
            self._objects,
        ):
            question()

    def _see(self, feature: str, seen: object, text: str = "") -> None:
        if seen:
            self.findings.see(feature, text)

    def _files(self, *, df: bool) -> list[FoundFile]:
        return [
            one
            for one in self.findings.files.values()
            if (one.kind is Kind.DF) == df and one.path != MASTER and not one.doubts
        ]

    def _selection(self) -> None:
        """By file identifier, by name, and the parent, each with a file that is there."""
        selector = self.selector
        self._see("select:mf", selector.has_master and selector.select(MASTER_FILE) is not None)
        selector.left()
        for file in (*self._files(df=True), *self._files(df=False)):
            form = "child-df" if file.kind is Kind.DF else "ef-under-df"
            if f"select:{form}" in self.findings.features or not selector.go(file.parent):
                continue
            selector.left()
            self._see("select:file-identifier", selector.select(file.fid) is not None)
            p1 = CHILD_DF if file.kind is Kind.DF else EF_UNDER_DF
            if selector.go(file.parent):
                selector.left()
                self._see(f"select:{form}", selector.select(file.fid, p1) is not None)
        for df in self._files(df=True):
            if df.name:
                self._see("select:name", selector.select_name(df.name) is not None)
            if "select:parent" not in self.findings.features and selector.go(df.path):
                above = selector.select_parent()
                fid = int(df.parent[-4:], 16)
                self._see("select:parent", above is not None and above.fid in {None, fid})

    def _paths(self) -> None:
        selector = self.selector
        for file in (*self._files(df=True), *self._files(df=False)):
            if {"select:path", "select:path-from-df"} <= self.findings.features.keys():
                return
            data = bytes.fromhex(file.path.replace("/", "")[4:])
            if selector.go(MASTER):
                self._see("select:path", self._path(PATH, data))
            if selector.go(MASTER):
                self._see("select:path-from-df", self._path(PATH_FROM_DF, data))

    def _path(self, p1: int, data: bytes) -> bool:
        self.selector.left()
        command = select_fid(0, p1, self.selector.p2, None if self.selector.p2 == 0x0C else ALL)
        by_path = CommandAPDU(command.cla, command.ins, p1, command.p2, data, command.ne)
        response = self.selector.asker.ask(by_path)
        return response.sw == 0x9000

    def _short_identifiers(self) -> None:
        declared = self.findings.features.pop("short_ef_identifier", None)
        for file in self._files(df=False):
            if file.sfi is None or file.read.value != "always":
                continue
            if not self.selector.go(file.parent):
                continue
            self.selector.left()
            if file.kind is Kind.TRANSPARENT:
                command = read_binary(0, 1, sfi=file.sfi)
            elif file.kind is not None and file.kind.has_records:
                command = read_record(1, ALL, sfi=file.sfi)
            else:
                continue
            if self.selector.asker.ask(command).sw == 0x9000:
                text = f"{file.path} was read by its short identifier"
                self.findings.see("short_ef_identifier", text)
                return
        if declared is not None:
            self.findings.features["short_ef_identifier"] = declared

    def _records(self) -> None:
        for file in self._files(df=False):
            if {"read_record", "read_records_from"} <= self.findings.features.keys():
                return
            if file.kind is None or not file.kind.has_records or file.read.value != "always":
                continue
            if not self.selector.open(file):
                continue
            one = self.selector.asker.ask(read_record(1, ALL))
            self._see("read_record", one.sw == 0x9000, f"{file.path} was read")
            several = self.selector.asker.ask(read_record(1, ALL, mode=5))
            longer = several.sw == 0x9000 and len(several.data) > len(one.data)
            self._see("read_records_from", longer, f"{file.path} was read with P2 = 05")

    def _extended(self) -> None:
        declared = self.findings.features.get("extended_length")
        if declared is None or not declared.value:
            return
        for file in self._files(df=False):
            plain = file.kind is Kind.TRANSPARENT and file.read.value == "always"
            if not plain or not self.selector.open(file):
                continue
            response = self.selector.asker.ask(read_binary(0, 1, extended=True))
            seen = response.sw == 0x9000
            text = "the ATR declares it, and READ BINARY with an extended Le was answered"
            if not seen:
                text = "the ATR declares it, but the card or the reader refused an extended Le"
            source = Source.OBSERVED
            self.findings.features["extended_length"] = Fact(value=seen, source=source, text=text)
            return

    def _challenge(self) -> None:
        whole = self.selector.asker.ask(get_challenge(ALL))
        eight = self.selector.asker.ask(get_challenge(8))
        if eight.sw != 0x9000 or not eight.data:
            return
        length = len(whole.data) if whole.sw == 0x9000 and 0 < len(whole.data) < 256 else 8
        text = f"GET CHALLENGE gave {len(eight.data)} bytes for Le = 08"
        if length != 8 or len(eight.data) != 8:
            text += f" and {len(whole.data)} for Le = 00"
        self.findings.features["challenge_length"] = Fact(length, Source.OBSERVED, text)
        any_length = all(
            len(self.selector.asker.ask(get_challenge(number)).data) == number
            for number in (1, 4, 16, 255)
        )
        self._see("challenge_any_length", any_length, "Le = 01, 04, 10 and FF were given")

    def _channels(self) -> None:
        """Open logical channels until the card refuses, and close them again."""
        declared = self.findings.features.get("channels")
        if declared is None or declared.number < 2:
            return
        opened: list[int] = []
        try:
            while len(opened) < MOST_CHANNELS - 1:
                response = self.selector.asker.ask(_manage(FREE_CHANNEL, 0, 1))
                number = response.data[0] if response.sw == 0x9000 and response.data else 0
                if not 1 <= number < MOST_CHANNELS or number in opened:
                    break
                opened.append(number)
        finally:
            for number in opened:
                self.selector.asker.ask(_manage(CLOSE, number, None))
        text = f"declared {declared.value}, opened and closed {len(opened)} beside the basic one"
        self.findings.features["channels"] = Fact(1 + len(opened), Source.OBSERVED, text)

    def _objects(self) -> None:
        """GET DATA is told in a remark: which files hold data objects is for a person to say."""
        self.selector.go(MASTER)
        for one in self.candidates.object:
            tag = bytes.fromhex(one.tag).rjust(2, b"\x00")
            response = self.selector.asker.ask(CommandAPDU(0x00, 0xCA, tag[0], tag[1], b"", ALL))
            if response.sw == 0x9000:
                told = f"GET DATA {one.tag} ({one.why}) gave {len(response.data)} bytes."
                self.findings.remarks.append(told)


def _manage(p1: int, number: int, ne: int | None) -> CommandAPDU:
    """MANAGE CHANNEL."""
    return CommandAPDU(0x00, 0x70, p1, number, b"", ne)
