"""How many tries references have, asked with VERIFY without a data field, which spends none.

Only where a person asked for it: there are cards that take the question for a wrong guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.commands import query
from conformance.interview.findings import MASTER, FoundReference
from conformance.layout import Kind

if TYPE_CHECKING:
    from conformance.interview.candidates import Candidates
    from conformance.interview.findings import Findings
    from conformance.interview.searching import Progress
    from conformance.interview.selecting import Selector

BLOCKED = 0x6983


@dataclass
class Counting:
    """Asks the references in each DF."""

    selector: Selector
    findings: Findings
    candidates: Candidates
    progress: Progress

    def run(self) -> None:
        """Ask in the MF and in each DF; stop at the first answer that looks like a wrong guess."""
        dfs = [one for one in self.findings.files.values() if one.kind is Kind.DF]
        for done, df in enumerate(dfs):
            self.progress(f"references in {df.path}", done, len(dfs))
            if df.doubts or not self.selector.go(df.path):
                continue
            for number in self.candidates.numbers(master=df.path == MASTER):
                if not self._asked(number, df.path):
                    return

    def _asked(self, number: int, df: str) -> bool:
        """Whether one may go on asking."""
        known = any(
            one.number == number and df.startswith(one.df) for one in self.findings.references
        )
        response = self.selector.asker.ask(query(number))
        told = f"VERIFY {number:02X} without data in {df} answered {response.sw:04X}"
        if response.sw1 == 0x63 and response.sw & 0xF0 != 0xC0:
            self.findings.remarks.append(
                f"{told}: the card may have taken the question for a wrong guess, so no more was"
                " asked. Look after its retry counter."
            )
            return False
        if response.sw & 0xFFF0 == 0x63C0 and response.sw & 0x0F:
            if not known:
                self.findings.references.append(FoundReference(number, df, response.sw & 0x0F))
        elif response.sw in {BLOCKED, 0x63C0}:
            self.findings.remarks.append(f"{told}: it is blocked.")
        elif response.sw == 0x9000:
            self.findings.remarks.append(f"{told}: it is verified, or needs no verification.")
        return True
