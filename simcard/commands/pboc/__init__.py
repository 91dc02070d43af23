"""The PBOC dialect: the interindustry commands, and those of the family's purses and issuers."""

from __future__ import annotations

from typing import Final

from simcard.commands.declaration import CommandTable
from simcard.commands.iso import ISO
from simcard.commands.pboc import authentication, blocking, pins
from simcard.commands.pboc.creation import create_file
from simcard.commands.pboc.loading import write_key
from simcard.commands.pboc.purse import enquiry, initialisation, online, purchase
from simcard.commands.pboc.sam import SAM

PBOC_DIALECT: Final[CommandTable] = ISO.overriding(
    pins.verify,  # 20
    authentication.external_authenticate,  # 82
    authentication.internal_authenticate,  # 88
).extended(
    blocking.block_card,  # 16
    blocking.unblock_application,  # 18
    blocking.block_application,  # 1E
    pins.unblock_pin,  # 24
    initialisation.initialize,  # 50
    online.credit,  # 52
    purchase.debit,  # 54
    online.update_overdraw_limit,  # 58
    enquiry.get_transaction_proof,  # 5A
    enquiry.get_balance,  # 5C
    pins.change_or_reload_pin,  # 5E
    write_key,  # D4
    purchase.update_cache,  # DC
    create_file,  # E0
    *SAM,
)
