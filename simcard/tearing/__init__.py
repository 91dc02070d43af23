"""The tearing campaign: take the power at every page write, and see what the card has become."""

from simcard.tearing.command import run_campaign, run_replay
from simcard.tearing.point import TearError, TearPoint

__all__ = ["TearError", "TearPoint", "run_campaign", "run_replay"]
