"""The Answer-to-Reset: its characters, its check character, and what the historical bytes claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import atr
from conformance.case import Unmet, case, not_applicable, require

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.terminal import Terminal

CARD_CAPABILITIES = 7
# First software function byte of the card capabilities (ISO/IEC 7816-4:2020, 12.1.1.9).
SELECTION_BITS = {"name": 0x80, "partial-name": 0x40, "path": 0x20, "file-identifier": 0x10}
SHORT_IDENTIFIER_BIT = 0x04
EXTENDED_LENGTH_BIT = 0x40


def _decoded(bench: Bench) -> atr.AnswerToReset:
    """The ATR of the card; the case fails when it does not begin like one."""
    try:
        return atr.parse(bench.atr)
    except atr.MalformedATR as error:
        raise Unmet("7816-3/atr/initial-character", str(error)) from error


def _capabilities(bench: Bench) -> bytes:
    """The software function bytes of the card capabilities, or the case ends."""
    historical = atr.parse_historical(_decoded(bench).historical)
    value = historical.find(CARD_CAPABILITIES)
    if value is None:
        not_applicable("the historical bytes hold no card capabilities")
    return value


@case("atr/initial-character", covers=["7816-3/atr/initial-character"])
def test_initial_character(bench: Bench) -> None:
    """The Answer-to-Reset begins with one of the two initial characters."""
    _decoded(bench)


@case("atr/structure", covers=["7816-3/atr/structure"])
def test_structure(bench: Bench) -> None:
    """The Answer-to-Reset has every character it announces and no other."""
    fault = _decoded(bench).has_fault("structure")
    require(fault is None, "7816-3/atr/structure", str(fault))


@case("atr/check-character", covers=["7816-3/atr/check-character"])
def test_check_character(bench: Bench) -> None:
    """The check character is there when it has to be, and is right."""
    fault = _decoded(bench).has_fault("tck")
    require(fault is None, "7816-3/atr/check-character", str(fault))


@case("atr/protocol-order", covers=["7816-3/atr/protocol-order"])
def test_protocol_order(bench: Bench) -> None:
    """The protocols are offered in ascending order."""
    fault = _decoded(bench).has_fault("order")
    require(fault is None, "7816-3/atr/protocol-order", str(fault))


@case("atr/transmission-factors", covers=["7816-3/atr/transmission-factors"])
def test_transmission_factors(bench: Bench) -> None:
    """The transmission factors Fi and Di are not reserved values."""
    decoded = _decoded(bench)
    reserved = decoded.fi is None or decoded.di is None
    require(not reserved, "7816-3/atr/transmission-factors", "TA1 codes a reserved value")


@case("atr/t1-parameters", covers=["7816-3/atr/information-field-size", "7816-3/atr/waiting-times"])
def test_t1_parameters(bench: Bench) -> None:
    """The parameters of T=1 are within their ranges."""
    decoded = _decoded(bench)
    if 1 not in decoded.offered:
        not_applicable("the card does not offer T=1")
    size, waiting = decoded.ifsc, decoded.specific("B", 1)
    require(size not in {0x00, 0xFF}, "7816-3/atr/information-field-size", f"IFSC is {size}")
    integer = (waiting or 0x4D) >> 4
    require(integer <= 9, "7816-3/atr/waiting-times", f"the block waiting integer is {integer}")


@case("atr/same-after-reset", covers=["7816-3/atr/same-after-reset"])
def test_same_after_reset(terminal: Terminal) -> None:
    """Each of three resets is answered with the declared Answer-to-Reset."""
    declared = terminal.statement.atr
    for _ in range(3):
        answered = terminal.reset()
        message = f"answered {answered.hex().upper()}, declared is {declared.hex().upper()}"
        require(answered == declared, "7816-3/atr/same-after-reset", message)


@case("atr/historical-coding", covers=["7816-4/historical/coding"])
def test_historical_coding(bench: Bench) -> None:
    """The historical bytes are coded as their category says."""
    historical = atr.parse_historical(_decoded(bench).historical)
    require(historical.fault is None, "7816-4/historical/coding", str(historical.fault))


@case("atr/historical-selection", covers=["7816-4/historical/selection-methods"])
def test_historical_selection(bench: Bench) -> None:
    """The card capabilities name the selection methods that the statement declares."""
    first = _capabilities(bench)[0]
    for form, bit in SELECTION_BITS.items():
        declared = form in bench.statement.features.select
        message = f"the card capabilities and the statement disagree on selection by {form}"
        require(bool(first & bit) == declared, "7816-4/historical/selection-methods", message)


@case("atr/historical-short-identifiers", covers=["7816-4/historical/short-identifiers"])
def test_historical_short_identifiers(bench: Bench) -> None:
    """The card capabilities claim short EF identifiers when the statement declares them."""
    claimed = bool(_capabilities(bench)[0] & SHORT_IDENTIFIER_BIT)
    declared = bench.statement.features.short_ef_identifier
    message = f"short EF identifiers: the ATR says {claimed}, the statement {declared}"
    require(claimed == declared, "7816-4/historical/short-identifiers", message)


@case("atr/historical-extended-length", covers=["7816-4/historical/extended-length"])
def test_historical_extended_length(bench: Bench) -> None:
    """The card capabilities claim extended length fields when the statement declares them."""
    functions = _capabilities(bench)
    claimed = len(functions) > 2 and bool(functions[2] & EXTENDED_LENGTH_BIT)
    declared = bench.statement.features.extended_length
    message = f"extended length: the ATR says {claimed}, the statement {declared}"
    require(claimed == declared, "7816-4/historical/extended-length", message)
