"""Interviews for the tests: with a card that remembers what it was asked, and the draft of it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from judging import Plastic

from conformance import ics_cli
from conformance.apdu import CommandAPDU
from conformance.cards import CardUnderTest
from conformance.interview import Interview, Scope
from conformance.interview.candidates import load_candidates
from conformance.interview.draft import draft
from conformance.interview.findings import Findings
from conformance.statement import Statement, parse_statement


class Watched(Plastic):
    """Remembers what it was asked, and may answer in a way of its own."""

    def __init__(self, answer: Callable[[bytes], bytes | None] = lambda _command: None) -> None:
        super().__init__()
        self.commands: list[CommandAPDU] = []
        self._answer = answer

    def transmit(self, command: bytes) -> bytes:
        self.commands.append(CommandAPDU.decode(command))
        answer = self._answer(command)
        return super().transmit(command) if answer is None else answer


def interviewed(card: CardUnderTest, *, effort: int = 20_000, ask_tries: bool = False) -> Findings:
    scope = Scope(load_candidates(), effort, ask_tries)
    interview = Interview(card, card.connect(), scope, lambda *_: None, time.perf_counter)
    return interview.run()


def drafted(findings: Findings) -> Statement:
    return parse_statement(draft(findings, "a card", "a.keys.toml"), "draft")


def insert(monkeypatch: pytest.MonkeyPatch, card: CardUnderTest) -> None:
    """Puts *card* where `conformance ics new` finds it, whatever --card says."""
    monkeypatch.setattr(ics_cli, "_open", lambda _spec, _seconds: card)
