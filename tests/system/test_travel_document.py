"""The travel document in the virtual reader: the inspection system reads it through PC/SC."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import issuer
import pytest
from inspection import DG1, DG2, DG15, EF_COM, EF_SOD, Inspection, Refused, Transmit
from real_reader import READER, ServedCards, Service, atr_in, wait_until

from conformance.crypto import icao
from conformance.crypto.signatures import active_authentication
from simcard.profiles import load_profile
from simcard.script import parse_script

pytestmark = pytest.mark.pcsc

APPENDIX_D = Path(__file__).parents[2] / "vectors/exchanges/icao-9303-11-appendix-d.apdu"
MRZ_INFORMATION = icao.mrz_information("L898902C", "690806", "940623")


@pytest.fixture
def insert(
    service: Service, serve: Callable[..., ServedCards]
) -> Iterator[Callable[..., Transmit]]:
    """Puts the document into the reader, with these arguments; answers the way to talk to it."""
    system = pytest.importorskip("smartcard.System")
    assert service.answers()
    connections: list[Any] = []

    def start(*arguments: str) -> Transmit:
        serve("--profile", "emrtd", *arguments)
        atr = load_profile("emrtd").settings.atr.hex().upper()
        wait_until("the document is in the reader", lambda: atr_in(READER) == atr)
        reader = next(each for each in system.readers() if str(each) == READER)
        connection: Any = reader.createConnection()
        connection.connect()
        connections.append(connection)

        def transmit(command: bytes) -> bytes:
            data, sw1, sw2 = connection.transmit(list(command))
            return bytes([*data, sw1, sw2])

        return transmit

    yield start
    for connection in connections:
        connection.disconnect()


@pytest.fixture
def inspection(insert: Callable[..., Transmit]) -> Inspection:
    drawn = count()
    return Inspection(
        insert(), lambda n: hashlib.sha512(f"terminal {next(drawn)}".encode()).digest()[:n]
    )


def read_all(inspection: Inspection) -> None:
    inspection.select_application()
    assert inspection.read(EF_COM) == issuer.ef_com()
    assert inspection.read(DG1) == issuer.dg1()
    assert inspection.read(DG2) == issuer.dg2()
    assert inspection.read(DG15) == issuer.dg15()
    assert inspection.read(EF_SOD) == issuer.ef_sod()
    key, challenge = issuer.active_authentication_key(), bytes(range(8))
    signature = inspection.active_authentication(challenge)
    assert active_authentication(key.n, key.e, challenge, signature)


def test_it_is_read_under_basic_access_control(inspection: Inspection) -> None:
    inspection.select_application()
    with pytest.raises(Refused, match="6982"):
        inspection.read(EF_COM)
    inspection.basic_access_control("L898902C", "690806", "940623")
    read_all(inspection)


@pytest.mark.parametrize("suite", [1, 2, 3, 4])
def test_it_is_read_under_pace(inspection: Inspection, suite: int) -> None:
    protocol = inspection.protocols()[suite - 1]
    with pytest.raises(Refused, match="6300"):
        inspection.pace(protocol, b"654321", 2)
    inspection.pace(protocol, icao.mrz_password(MRZ_INFORMATION), 1)
    read_all(inspection)


def test_the_worked_example_of_appendix_d(insert: Callable[..., Transmit]) -> None:
    """Both sides draw the example's random numbers; every byte on the way is the printed one."""
    steps = parse_script(APPENDIX_D.read_text("utf-8").splitlines())
    drawn = iter(map(bytes.fromhex, ("781723860C06C226", "0B795240CB7049B01C19B33E32804F0B")))
    document = insert("--entropy", "4608F919887022120B4F80323EB3191CB04970CB4052790B")
    said: list[tuple[bytes, bytes]] = []

    def transmit(command: bytes) -> bytes:
        said.append((command, document(command)))
        return said[-1][1]

    inspection = Inspection(transmit, lambda _: next(drawn))
    inspection.select_application()
    inspection.basic_access_control("L898902C", "690806", "940623")
    inspection.send(bytes.fromhex("00A4020C"), bytes.fromhex("011E"))
    head = inspection.send(bytes.fromhex("00B00000"), le=4)
    assert head + inspection.send(bytes.fromhex("00B00004"), le=18) == issuer.ef_com()
    assert said == [(step.apdu, step.expected) for step in steps]
