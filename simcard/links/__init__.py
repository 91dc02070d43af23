"""How bytes reach the card: the only room of the package that knows sockets."""

from simcard.links.serving import serve
from simcard.links.slot import ServedCard
from simcard.links.vpcd import DEFAULT_ADDRESS, Address, Event, EventKind, VpcdLink

__all__ = ["DEFAULT_ADDRESS", "Address", "Event", "EventKind", "ServedCard", "VpcdLink", "serve"]
