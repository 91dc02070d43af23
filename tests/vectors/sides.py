"""The two implementations of every operation: the card's and the judge's."""

from __future__ import annotations

import card_blocks
import card_payment
import card_protocols
import card_public_key
import card_wire
import judge_blocks
import judge_payment
import judge_protocols
import judge_public_key
import judge_wire

CARD = (
    card_blocks.CHECKS
    | card_public_key.CHECKS
    | card_protocols.CHECKS
    | card_payment.CHECKS
    | card_wire.CHECKS
)
JUDGE = (
    judge_blocks.CHECKS
    | judge_public_key.CHECKS
    | judge_protocols.CHECKS
    | judge_payment.CHECKS
    | judge_wire.CHECKS
)
