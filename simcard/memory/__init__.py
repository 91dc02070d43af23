"""The on-chip memory: flash pages that wear out and lose power, and a journal that survives it."""

from simcard.memory.flash import Flash, WornOut
from simcard.memory.image import Geometry, ImageError
from simcard.memory.journal import Memory, TransactionTooLarge
from simcard.memory.power import Moment, PowerCut, PoweredOff, PowerLoss, Tear

__all__ = [
    "Flash",
    "Geometry",
    "ImageError",
    "Memory",
    "Moment",
    "PowerCut",
    "PowerLoss",
    "PoweredOff",
    "Tear",
    "TransactionTooLarge",
    "WornOut",
]
