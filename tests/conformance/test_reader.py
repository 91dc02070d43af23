"""The card in a PC/SC reader, with a service of our own making: messages, T=0, and a lost card."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from conformance.cards import Ability, open_card
from conformance.cards.recovering import Patience, RecoveringCard
from conformance.trouble import CardLost, NotCarried, UsageError

LOST = 0x80100069


class FakeService:
    """The few functions of pyscard's scard that the judge calls."""

    SCARD_SCOPE_USER = 0
    SCARD_SHARE_EXCLUSIVE = 1
    SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1 = 1, 2
    SCARD_PCI_T0, SCARD_PCI_T1 = "T0", "T1"
    SCARD_UNPOWER_CARD = 2
    SCARD_S_SUCCESS = 0
    SCARD_E_SHARING_VIOLATION = 0x8010000B
    SCARD_E_NO_SMARTCARD, SCARD_W_REMOVED_CARD = 0x8010000C, LOST
    SCARD_E_INVALID_PARAMETER, SCARD_E_INSUFFICIENT_BUFFER = 0x80100004, 0x80100008

    def __init__(self) -> None:
        self.readers = ["Reader A 00 00", "Reader B 00 00"]
        self.service = self.connected = self.sent = 0
        self.protocol = self.SCARD_PROTOCOL_T1
        self.answers: dict[str, str] = {}
        self.commands: list[str] = []
        self.released = self.disconnected = 0

    def SCardEstablishContext(self, _scope: int) -> tuple[int, int]:  # noqa: N802
        return self.service, 7

    def SCardReleaseContext(self, _context: int) -> int:  # noqa: N802
        self.released += 1
        return 0

    def SCardListReaders(self, _context: int, _groups: list[str]) -> tuple[int, list[str]]:  # noqa: N802
        return 0, self.readers

    def SCardConnect(self, *_arguments: object) -> tuple[int, int, int]:  # noqa: N802
        return self.connected, 9, self.protocol

    def SCardReconnect(self, *_arguments: object) -> tuple[int, int]:  # noqa: N802
        return 0, self.protocol

    def SCardStatus(self, _card: int) -> tuple[int, str, int, int, list[int]]:  # noqa: N802
        return 0, "", 0, self.protocol, [0x3B, 0x00]

    def SCardTransmit(self, _card: int, _pci: str, command: list[int]) -> tuple[int, list[int]]:  # noqa: N802
        text = bytes(command).hex().upper()
        self.commands.append(text)
        return self.sent, list(bytes.fromhex(self.answers.get(text, "9000")))

    def SCardDisconnect(self, _card: int, _disposition: int) -> int:  # noqa: N802
        self.disconnected += 1
        return 0

    def SCardGetErrorMessage(self, code: int) -> str:  # noqa: N802
        return f"error {code:08X}"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    fake = FakeService()
    module = ModuleType("smartcard")
    module.scard = fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "smartcard", module)
    return fake


def test_part_of_a_name_is_enough_when_it_fits_one_reader(service: FakeService) -> None:
    card = open_card("pcsc:Reader B")
    assert card.reader == "Reader B 00 00"
    assert card.connect() == b"\x3b\x00"
    assert card.transmit(bytes.fromhex("00A4000C")) == b"\x90\x00"
    card.close()
    assert service.released == 2


def test_a_whole_name_wins_over_longer_ones(service: FakeService) -> None:
    service.readers = ["Reader 0", "Reader 0 twin"]
    assert open_card("pcsc:Reader 0").reader == "Reader 0"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Reader", "several readers fit: 'Reader A 00 00', 'Reader B 00 00'"),
        ("Other", "no such reader; there are: 'Reader A 00 00', 'Reader B 00 00'"),
    ],
)
def test_a_name_that_fits_none_or_several_is_refused(
    service: FakeService, name: str, told: str
) -> None:
    assert service.readers
    with pytest.raises(UsageError, match=told):
        open_card(f"pcsc:{name}")


def test_no_service_says_how_to_start_it(service: FakeService) -> None:
    service.service = 0x8010001D
    with pytest.raises(UsageError, match="pcscd"):
        open_card("pcsc:Reader A")


def test_no_pyscard_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard", None)
    with pytest.raises(UsageError, match="pip install"):
        open_card("pcsc:Reader A")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (FakeService.SCARD_E_NO_SMARTCARD, "no card in the reader"),
        (FakeService.SCARD_E_SHARING_VIOLATION, "another program"),
    ],
)
def test_a_reader_without_a_card_for_us(service: FakeService, code: int, told: str) -> None:
    service.connected = code
    card = open_card("pcsc:Reader A")
    with pytest.raises(UsageError, match=told):
        card.connect()


def test_a_pulled_card_is_lost_and_a_refused_command_is_not(service: FakeService) -> None:
    card = open_card("pcsc:Reader A")
    card.connect()
    service.sent = FakeService.SCARD_E_INVALID_PARAMETER
    with pytest.raises(NotCarried):
        card.transmit(b"\x00")
    service.sent = LOST
    with pytest.raises(CardLost, match="Reader A 00 00"):
        card.transmit(bytes.fromhex("00A4000C"))


def test_a_card_that_was_pulled_is_found_again_when_it_is_back(service: FakeService) -> None:
    def put_back(_seconds: float) -> None:
        service.connected = service.sent = 0

    inner = open_card("pcsc:Reader A")
    assert Ability.RETURN in inner.abilities
    card = RecoveringCard(inner, Patience(5), sleep=put_back)
    card.connect()
    service.sent = LOST
    assert card.transmit(bytes.fromhex("00A4000C")) == b""
    service.sent = 0
    assert card.reset() == b"\x3b\x00"
    assert service.disconnected == 1
    service.sent = LOST
    assert card.transmit(bytes.fromhex("00A4000C")) == b""
    inner.close()
    service.connected = FakeService.SCARD_E_NO_SMARTCARD
    assert card.reset() == b"\x3b\x00"
    assert card.transmit(bytes.fromhex("00A4000C")) == b"\x90\x00"
    assert card.lost == 2
    assert service.disconnected == 2


def test_t0_is_completed(service: FakeService) -> None:
    service.protocol = FakeService.SCARD_PROTOCOL_T0
    service.answers = {
        "00A4000002": "6103",
        "00C0000003": "AABB6101",
        "00C0000001": "CC9000",
        "00B0000010": "6C02",
        "00B0000002": "01029000",
    }
    card = open_card("pcsc:Reader A")
    card.connect()
    assert card.transmit(bytes.fromhex("00A4000002")).hex() == "aabbcc9000"
    assert card.transmit(bytes.fromhex("00B0000010")).hex() == "01029000"
    assert service.commands == [
        "00A4000002",
        "00C0000003",
        "00C0000001",
        "00B0000010",
        "00B0000002",
    ]
