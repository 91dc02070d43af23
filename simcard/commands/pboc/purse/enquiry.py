"""Questions to a purse: its balance, and the proof of a transaction."""

from __future__ import annotations

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.pboc.proof import check_application
from simcard.commands.pboc.purse.kinds import PURSES
from simcard.files.purse import ED, EP
from simcard.status import PBOC, SW, CardError


@command("GET BALANCE", ins=0x5C, cases="2", clause="PBOC 2.0 part 1", proprietary=True)
def get_balance(call: Call) -> Reply:
    """The balance(4) of the ED (P2 01) or EP (02); 6A82 without such a purse, 6982."""
    check_application(call)
    if call.command.p1 or call.command.p2 not in (ED, EP):
        raise CardError(SW.INCORRECT_P1_P2)
    return Reply(call.purse(call.command.p2).holding.balance.to_bytes(4, "big"))


@command("GET TRANSACTION PROOF", ins=0x5A, cases="34", clause="PBOC 2.0 part 1", proprietary=True)
def get_transaction_proof(call: Call) -> Reply:
    """MAC(4) and TAC(4) of the last transaction of kind P2, whose counter is the data field.

    Of a purchase they are MAC2 and TAC; of the others, MAC2 of the host and what the card answered.
    9406 when that transaction has not taken place, or another of its kind after it: so a terminal
    learns which side of a tear the card is on.
    """
    check_application(call)
    number = PURSES.get(call.command.p2)
    if call.command.p1 or number is None:
        raise CardError(SW.INCORRECT_P1_P2)
    if len(call.command.data) != 2:
        raise CardError(SW.WRONG_LENGTH)
    counter = int.from_bytes(call.command.data, "big")
    proof = call.purse(number).proof(call.command.p2, counter)
    if proof is None:
        raise CardError(PBOC.NO_PROOF_AVAILABLE)
    return Reply(proof)
