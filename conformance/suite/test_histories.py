"""Generated histories: commands in any order, the model and the card side by side.

Hypothesis finds a history that breaks a requirement; `conformance.minimise` makes it short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import case
from conformance.strategies.machine import explore
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.bench import Bench

FILES = [
    "7816-4/select/by-file-identifier",
    "7816-4/select/path-from-mf",
    "7816-4/select/parent",
    "7816-4/select/refusal-keeps-selection",
    "7816-4/binary/read-content",
    "7816-4/binary/read-offset",
    "7816-4/binary/update-writes",
    "7816-4/binary/update-only-there",
    "7816-4/record/read-content",
    "7816-4/record/update-writes",
    "7816-4/record/update-only-there",
    "7816-4/laws/refused-changes-nothing",
]
SECURITY = [
    "7816-4/access/read-refused",
    "7816-4/access/read-granted",
    "7816-4/access/update-refused",
    "7816-4/access/update-granted",
    "7816-4/access/reset-clears-status",
    "7816-4/verify/right-value",
    "7816-4/verify/wrong-value",
    "7816-4/verify/counter-decreases",
    "7816-4/verify/query-counter",
]


@case("histories/files", covers=FILES, risk=Risk.RESTORE)
def test_files(bench: Bench) -> None:
    """However files are selected, read and written, every answer is one that the model allows."""
    explore(bench, "select", "binary", "record", "reset")


@case("histories/security", covers=SECURITY, risk=Risk.RESTORE)
def test_security(bench: Bench) -> None:
    """However PINs are verified between reads and writes, access is what the status allows."""
    explore(bench, "select", "binary", "record", "verify", "reset")


@case("histories/selection", covers=FILES[:4], risk=Risk.OBSERVE)
def test_selection(bench: Bench) -> None:
    """However one moves about the tree, the right file is current."""
    explore(bench, "select", "read", "reset")


CREATED = [
    "7816-4/record/append-adds",
    "7816-4/record/next",
    "7816-4/record/own-length",
    "7816-4/record/cyclic-newest-first",
    "7816-9/create/found-afterwards",
    "7816-9/delete/ef",
    "7816-9/life-cycle/deactivated-closed",
]
PARTS = [
    "7816-4/binary/write-or",
    "7816-4/binary/erase-range",
    "7816-4/object/get-value",
    "7816-4/object/next-order",
]
APART = [
    "7816-4/channel/selection-apart",
    "7816-4/channel/status-apart",
    "7816-4/channel/close",
]
CHAINED = ["7816-4/chaining/joined", "7816-4/chaining/other-command", "7816-4/response/in-pieces"]
CHANGED = [
    "7816-4/reference/change",
    "7816-4/reference/change-counts",
    "7816-4/reference/disable",
    "7816-4/reference/enable",
]


@case("histories/records", covers=CREATED, risk=Risk.RESTORE)
def test_records(bench: Bench) -> None:
    """However files of records are made, filled, searched and closed, every answer is allowed."""
    explore(bench, "files", "records", "reset")


@case("histories/parts", covers=PARTS, risk=Risk.RESTORE)
def test_parts(bench: Bench) -> None:
    """However bytes and data objects of new files are changed, every answer is allowed."""
    explore(bench, "files", "parts", "reset")


@case("histories/channels", covers=APART, risk=Risk.RESTORE)
def test_channels(bench: Bench) -> None:
    """However commands are spread over logical channels, each keeps its selection and status."""
    explore(bench, "select", "read", "verify", "channels", "reset")


@case("histories/chains", covers=CHAINED, risk=Risk.RESTORE)
def test_chains(bench: Bench) -> None:
    """However chains are begun, broken off and ended, what is written is what was sent whole."""
    explore(bench, "select", "binary", "chains", "reset")


@case("histories/changes", covers=CHANGED, risk=Risk.CONSUME)
def test_changes(bench: Bench) -> None:
    """However values are changed and their requirement switched, the right one alone opens."""
    explore(bench, "select", "read", "verify", "changes", "reset")
