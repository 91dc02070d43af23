"""What every command of the PBOC family checks first, and the security state it may lead to.

The security state is one number for each of the MF and the current DF. A right proof sets it to the
next state of the key or PIN, a wrong one sets it to 0.
"""

from __future__ import annotations

from simcard.commands.call import Call
from simcard.files.descriptors import File, LifeCycle
from simcard.security.keys import Key
from simcard.security.pboc import PbocRules, next_state
from simcard.status import PBOC, SW, CardError


def rules_of(call: Call) -> PbocRules:
    """What the profile has chosen for the family."""
    rules = call.settings.pboc
    assert rules is not None, "a dialect of the PBOC family needs its rules"
    return rules


def check_application(call: Call) -> None:
    """6985 when the current application is blocked, 9303 when it is blocked for good."""
    for df in call.tree.lineage(call.df):
        if df.life_cycle is LifeCycle.TERMINATED:
            raise CardError(PBOC.APPLICATION_LOCKED)
        if not df.is_usable:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)


def check_p1p2(call: Call, p1p2: int = 0) -> None:
    """6A86 unless P1-P2 are what they have to be."""
    if call.command.p1p2 != p1p2:
        raise CardError(SW.INCORRECT_P1_P2)


def proven(call: Call, file: File) -> None:
    """The key or PIN in *file* was proven: its cell is satisfied and its next state reached."""
    call.session = call.session._replace(satisfied=call.session.satisfied | {file.cell})
    _enter(call, next_state(file))


def disproven(call: Call, cell: int) -> None:
    """A proof of the key or PIN at *cell* was wrong: back to state 0."""
    call.session = call.session._replace(satisfied=call.session.satisfied - {cell})
    _enter(call, 0)


def file_of(call: Call, key: Key) -> File:
    """The internal EF of *key*."""
    return call.tree.files[key.cell]


def _enter(call: Call, state: int) -> None:
    at_mf = call.session.df == call.tree.root
    session = call.session
    call.session = session._replace(mf_state=state) if at_mf else session._replace(state=state)
