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
