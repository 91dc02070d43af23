"""All scenarios by name, in the order of a card's life."""

from __future__ import annotations

from typing import Final

from simcard.scenarios import bank, benefits, issuing, medical, public, regions, trouble
from simcard.scenarios.scene import Scenario

_ORDER: Final = (
    issuing.first_issue,
    issuing.newborn,
    issuing.proof_of_card,
    bank.bank_load,
    medical.hospital,
    medical.hospital_in_another_region,
    medical.pharmacy,
    medical.pharmacy_in_another_region,
    benefits.pension,
    benefits.unemployment,
    benefits.maternity,
    public.bus_gate,
    public.park,
    public.library,
    trouble.pin_forgotten,
    trouble.pin_blocked,
    trouble.lost_card,
    trouble.expired_card,
    regions.older_card_at_newer_terminal,
    regions.newer_card_at_older_terminal,
    regions.another_city,
    regions.foreign_root,
)

SCENARIOS: Final[dict[str, Scenario]] = {each.name: each for each in _ORDER}
