"""APPLICATION BLOCK and UNBLOCK, CARD BLOCK: commands of the issuer, under a MAC.

They come with class 84 and a MAC under the line protection key, and nothing else in the data field.
"""

from __future__ import annotations

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.pboc.proof import check_application, check_p1p2
from simcard.files.descriptors import LifeCycle
from simcard.status import PBOC, SW, CardError


@command("APPLICATION BLOCK", ins=0x1E, cases="1", clause="PBOC 2.0 part 1", proprietary=True)
def block_application(call: Call) -> Reply:
    """Block the current application: P2 00 until it is unblocked, 01 for good.

    6985 when it is blocked already or the current DF is the MF, 9303 when for good, 6982 without a
    MAC.
    """
    check_application(call)
    if call.command.p1 or call.command.p2 > 1:
        raise CardError(SW.INCORRECT_P1_P2)
    _demand_mac(call)
    if call.df.cell == call.tree.root:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    for_good = call.command.p2 == 1
    call.transition(call.df, LifeCycle.TERMINATED if for_good else LifeCycle.DEACTIVATED)
    return Reply()


@command("APPLICATION UNBLOCK", ins=0x18, cases="1", clause="PBOC 2.0 part 1", proprietary=True)
def unblock_application(call: Call) -> Reply:
    """Take the block off the current application; 9303 when it is for good, 6985 without one."""
    check_p1p2(call)
    if call.df.life_cycle is LifeCycle.TERMINATED:
        raise CardError(PBOC.APPLICATION_LOCKED)
    _demand_mac(call)
    if call.df.life_cycle is not LifeCycle.DEACTIVATED:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    call.transition(call.df, LifeCycle.ACTIVATED)
    return Reply()


@command("CARD BLOCK", ins=0x16, cases="1", clause="PBOC 2.0 part 1", proprietary=True)
def block_card(call: Call) -> Reply:
    """Block the card for good: every command from now on is 6985. 6982 without a MAC."""
    check_p1p2(call)
    _demand_mac(call)
    call.terminate_card()
    return Reply()


def _demand_mac(call: Call) -> None:
    if not call.secured(authentic=True, confidential=False):
        raise CardError(SW.SECURITY_STATUS_NOT_SATISFIED)
