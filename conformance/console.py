"""What the command line writes: results, errors, and tables made with rich."""

from __future__ import annotations

import sys

from rich.console import Console

WIDTH_OF_A_FILE = 160


def say(text: str) -> None:
    """One line of the result, at once."""
    print(text, flush=True)  # noqa: T201 - standard output is the result


def complain(text: str) -> None:
    """One line that says what went wrong."""
    print(f"conformance: {text}", file=sys.stderr)  # noqa: T201


def new_console() -> Console:
    """A console for tables; in a file they are as wide as they need to be."""
    width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
    return Console(highlight=False, soft_wrap=True, width=width)
