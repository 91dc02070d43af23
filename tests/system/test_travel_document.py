"""The travel document in the virtual reader: the inspection system reads it through PC/SC."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import issuer
import pytest
from card_reader import connected
from inspection import DG1, DG2, DG15, EF_COM, EF_SOD, Inspection, Refused
from real_reader import READER, ServedCards, Service, atr_in, wait_until

from conformance.crypto import icao
from conformance.crypto.signatures import active_authentication
from simcard.profiles import load_profile
from simcard.script import parse_script

pytestmark = pytest.mark.pcsc

SUITES = ("1", "2", "3", "4")
TERMINALS = Path(__file__).parents[1] / "emrtd"
APPENDIX_D = Path(__file__).parents[2] / "vectors/exchanges/icao-9303-11-appendix-d.apdu"
MRZ_INFORMATION = icao.mrz_information("L898902C", "690806", "940623")


@pytest.fixture
def insert(service: Service, serve: Callable[..., ServedCards]) -> Callable[..., None]:
    """Puts the document into the reader, served with these arguments."""
    pytest.importorskip("smartcard")
    assert service.answers()

    def start(*arguments: str) -> None:
        serve("--profile", "emrtd", *arguments)
        atr = load_profile("emrtd").settings.atr.hex().upper()
        wait_until("the document is in the reader", lambda: atr_in(READER) == atr)

    return start


@pytest.fixture
def inspection(insert: Callable[..., None]) -> Inspection:
    insert()
    drawn = count()
    return Inspection(
        connected(READER),
        lambda n: hashlib.sha512(f"terminal {next(drawn)}".encode()).digest()[:n],
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


def test_it_is_read_under_pace(inspection: Inspection) -> None:
    for protocol in inspection.protocols():
        inspection.keys = None
        with pytest.raises(Refused, match="6300"):
            inspection.pace(protocol, b"654321", 2)
        inspection.pace(protocol, icao.mrz_password(MRZ_INFORMATION), 1)
        read_all(inspection)


def test_openpace_reads_it(insert: Callable[..., None]) -> None:
    """The terminal's side of PACE and of secure messaging by a library that is not ours."""
    installed("libeac.so.3", "libeac3")
    insert()
    for suite in SUITES:
        read = foreign("openpace.py", READER, "123456", suite, "9E,16", "81,5D", "9D,DF")
        assert read == [issuer.ef_com(), issuer.dg1(), issuer.ef_sod()[:0xDF]]


def test_libmrtd_reads_it(insert: Callable[..., None], tmp_path: Path) -> None:
    """Basic access control and reading by the library of Debian's mrtdreader."""
    installed("libmrtd.so.0", "libmrtd0")
    insert()
    with pytest.raises(subprocess.CalledProcessError):
        foreign("libmrtd.py", READER, str(tmp_path), "L898902D<", "690806", "940623", "0101")
    files = {"011E": "ef_com", "0101": "dg1", "0102": "dg2", "010F": "dg15", "011D": "ef_sod"}
    who = ("L898902C<", "690806", "940623")
    read = foreign("libmrtd.py", READER, str(tmp_path), *who, *files)
    assert read == [getattr(issuer, name)() for name in files.values()]


def foreign(terminal: str, *arguments: str) -> list[bytes]:
    """What a terminal that is not ours has read, run as a program beside these tests."""
    command = [sys.executable, str(TERMINALS / terminal), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [bytes.fromhex(line) for line in done.stdout.splitlines()]


def installed(library: str, package: str) -> None:
    try:
        ctypes.CDLL(library)
    except OSError:
        pytest.skip(f"{library} is not here: Debian's package {package} has it")


def test_the_worked_example_of_appendix_d(insert: Callable[..., None]) -> None:
    """Both sides draw the example's random numbers; every byte on the way is the printed one."""
    steps = parse_script(APPENDIX_D.read_text("utf-8").splitlines())
    drawn = iter(map(bytes.fromhex, ("781723860C06C226", "0B795240CB7049B01C19B33E32804F0B")))
    insert("--entropy", "4608F919887022120B4F80323EB3191CB04970CB4052790B")
    document = connected(READER)
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
