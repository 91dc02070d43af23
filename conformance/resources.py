"""Finds the data rooms `vectors` and `reports`, in a wheel and in a checkout alike."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def resource_root(room: str) -> Traversable:
    """The data room called *room*: shipped inside the wheel, beside us in a checkout.

    FileNotFoundError where neither has it.
    """
    shipped = files("conformance") / "_data" / room
    if shipped.is_dir():
        return shipped
    beside = Path(__file__).resolve().parents[1] / room
    if not beside.is_dir():
        raise FileNotFoundError(f"no data room {room!r}: neither shipped nor at {beside}")
    return beside
