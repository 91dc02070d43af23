"""A line of progress at the foot of a terminal, gone when the work is done; elsewhere nothing."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn


class ProgressLine:
    """What is being done, a bar, *columns* of one's own, and the time it has taken.

    *fields* are what the columns show at first.
    """

    def __init__(
        self, console: Console, *columns: ProgressColumn, total: int | None = None, **fields: Any
    ) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}", justify="left"),
            BarColumn(),
            *columns,
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("connecting", total=total, **fields)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
