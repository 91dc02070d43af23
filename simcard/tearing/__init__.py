"""The tearing campaign: take the power at every page write, and see what the card has become."""

from simcard.tearing.command import run_campaign, run_replay
from simcard.tearing.point import TearIdError, TearPoint

__all__ = ["TearIdError", "TearPoint", "run_campaign", "run_replay"]
