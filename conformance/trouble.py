"""What can go wrong around a run, apart from the card being wrong."""

from __future__ import annotations


class UsageError(ValueError):
    """The judge was asked for something it cannot do; the text is one line for a person. Exit 3."""


class CardLost(Exception):
    """The card does not answer any more: it was pulled, or the service went away. Exit 4."""


class NotCarried(Exception):
    """The reader or its driver would not carry these bytes to the card; the card is still there."""


class NotPutBack(Exception):
    """The card could not be brought back to how it was found; the text names what differs."""


class TimeIsUp(BaseException):
    """The budget, or the share of it for one case, is spent: no handler of a case holds this up."""
