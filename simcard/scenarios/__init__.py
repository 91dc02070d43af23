"""What a social security card is used for: sessions of terminals, told and carried out.

Each scenario is a document that runs: what happens in life, and step by step what the terminal does
and what has to come of it. It meets card and security module (PSAM) through `Slot`, two methods, so
that it is the same for the simulator in this process, for a reader of PC/SC, and for a chip in a
test bench::

    outcome = run(SCENARIOS["pharmacy"], card, psam, Setting(load_profile("ssc3")))
    assert outcome.passed, outcome.failure

`cast` makes the cards that a scenario starts from. Nothing here reads a clock or draws a random
number: dates are those of the `Setting`, challenges come from card and module.
"""

from simcard.scenarios.cast import cast, new_module
from simcard.scenarios.catalogue import SCENARIOS
from simcard.scenarios.contact import Exchange, Slot
from simcard.scenarios.scene import Outcome, Role, Scenario, Told, run
from simcard.scenarios.setting import Setting

__all__ = [
    "SCENARIOS",
    "Exchange",
    "Outcome",
    "Role",
    "Scenario",
    "Setting",
    "Slot",
    "Told",
    "cast",
    "new_module",
    "run",
]
