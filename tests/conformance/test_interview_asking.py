"""How an interview asks: what it never sends, what it sends once, and what answers it takes."""

from __future__ import annotations

from collections import Counter

import pytest
from interviewing import Watched, drafted, interviewed
from judging import Plastic

from conformance.apdu import CommandAPDU
from conformance.commands import select_fid
from conformance.guard import Refused
from conformance.interview import Interview, Scope
from conformance.interview.asking import Asker
from conformance.interview.candidates import RangeTable, load_candidates
from conformance.interview.draft import draft
from conformance.interview.findings import Fact, Findings, FoundFile, Source
from conformance.layout import MASTER_FILE, Kind

SELECT, GET_RESPONSE = 0xA4, 0xC0
OK = b"\x90\x00"


@pytest.mark.parametrize(
    "command",
    [
        "00D600000100",  # UPDATE BINARY
        "00E4000002 0001",  # DELETE FILE
        "0044000002 0001",  # ACTIVATE FILE
    ],
)
def test_what_would_leave_a_trace_never_reaches_the_card(command: str) -> None:
    card = Watched()
    card.connect()
    with pytest.raises(Refused):
        Asker(card, lambda: 0.0, 100).ask(CommandAPDU.decode(bytes.fromhex(command)))
    assert card.commands == []


def test_a_command_that_silenced_the_card_once_is_not_sent_again() -> None:
    sound = Watched()
    interviewed(sound)
    asked = Counter(one.encode() for one in sound.commands)
    master = {select_fid(MASTER_FILE, p2=p2).encode()[:4] for p2 in (0x00, 0x04, 0x08, 0x0C)}
    deadly, often = next(pair for pair in asked.most_common() if pair[0][:4] not in master)
    assert often > 1, "a sound card is asked it again"
    card = Watched(lambda command: b"" if command == deadly else None)
    interviewed(card)
    assert [one.encode() for one in card.commands].count(deadly) == 1


class InPieces(Plastic):
    """Answers as a card of T=0: 61XX in place of data that was not asked for, and 6CXX."""

    def __init__(self) -> None:
        super().__init__()
        self.told: Counter[int] = Counter()
        self._rest = b""

    def transmit(self, command: bytes) -> bytes:
        asked = CommandAPDU.decode(command)
        answer = self._rest + OK if asked.ins == GET_RESPONSE else super().transmit(command)
        data, self._rest = answer[:-2], b""
        if asked.ins == SELECT and data:
            self._rest, answer = data, bytes((0x61, len(data)))
        elif data and asked.ne not in {None, len(data)}:
            self._rest = data if asked.ins == GET_RESPONSE else b""
            answer = bytes((0x6C, len(data)))
        self.told[answer[-2]] += 1
        return answer


def essence(findings: Findings) -> str:
    """The draft without its head, which tells how long the card took."""
    return draft(findings, "a card", "keys").partition("[features]")[2]


def test_answers_in_pieces_make_the_same_draft() -> None:
    card = InPieces()
    found = interviewed(card)
    assert card.told[0x61]
    assert card.told[0x6C]
    assert essence(found) == essence(interviewed(Watched()))


def test_neighbours_are_not_taken_for_children_where_nothing_tells_them_apart() -> None:
    def loose(command: bytes) -> bytes | None:
        return b"\x6a\x86" if command[1] == SELECT and command[2] in {0x01, 0x02} else None

    def paths(findings: Findings) -> set[str]:
        return {path for path, file in findings.files.items() if not file.doubts}

    doubtful = {"3F00/7F10/5F11/0001"}  # there is a 3F00/7F10/0001, too
    assert paths(interviewed(Watched(loose))) == paths(interviewed(Watched())) - doubtful


def test_applications_of_ef_dir_are_found_by_their_names_alone() -> None:
    directory = RangeTable(first="2F00", last="2F00")
    bare = load_candidates().model_copy(update={"name": (), "range": (directory,)})
    card = Watched()
    found = Interview(card, card.connect(), Scope(bare), lambda *_: None, lambda: 0.0).run()
    dfs = {path: file for path, file in found.files.items() if file.name}
    assert set(dfs) == {"3F00/7F10", "3F00/7F20"}
    assert all("EF.DIR" in file.how for file in dfs.values())


class Saying(Watched):
    """Says *said* in place of *true* when the file 2F01 is selected."""

    def __init__(self, true: str, said: str) -> None:
        super().__init__()
        self._true, self._said = bytes.fromhex(true), bytes.fromhex(said)

    def transmit(self, command: bytes) -> bytes:
        answer = super().transmit(command)
        about = command[1] == SELECT and command[4:7] == b"\x02\x2f\x01"
        return answer.replace(self._true, self._said) if about else answer


def test_a_size_that_reading_does_not_bear_out_is_told() -> None:
    text = draft(interviewed(Saying("80020010", "8002000F")), "a card", "keys")
    sizes = [line for line in text.splitlines() if "does not end there" in line]
    assert len(sizes) == 1
    assert sizes[0].startswith("size = 15  # declared")


def test_a_file_that_calls_itself_another_is_not_taken_for_the_one_asked_for() -> None:
    found = interviewed(Saying("83022F01", "83022F00"))
    assert "3F00/2F01" not in found.files
    assert "3F00/2F00" in found.files


def test_what_contradicts_itself_is_commented_out_and_says_why() -> None:
    findings = Findings(bytes.fromhex("3B00"))
    for path in ("3F00/0001", "3F00/0002"):
        size = Fact(8, Source.DECLARED, "file control parameters")
        findings.add(FoundFile(path, Kind.TRANSPARENT, "found by its identifier", sfi=1, size=size))
    text = draft(findings, "a card", "keys")
    assert "Everything is commented out: the files below contradict each other" in text
    assert '# path = "3F00/0002"' in text
    assert len(drafted(findings).layout.files) == 1
