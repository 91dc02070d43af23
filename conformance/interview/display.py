"""What a person sees of an interview: one line of progress, apart from the draft."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from conformance.progress import ProgressLine


class Display(ProgressLine):
    """The progress of an interview on standard error, when that is a terminal."""

    def __init__(self) -> None:
        super().__init__(Console(stderr=True, highlight=False))

    def __call__(self, what: str, done: int, of: int) -> None:
        """The progress of an interview."""
        self._progress.update(
            self._task, description=f"{escape(what):<38.38}", completed=done, total=of
        )
