"""The interindustry dialect: every command of ISO/IEC 7816-4, -8 and -9 that the card serves."""

from __future__ import annotations

from typing import Final

from simcard.commands import (
    authentication,
    binary,
    data,
    environment,
    general_authentication,
    key_pairs,
    records,
    searching,
    security_operation,
    selection,
    transmission,
    verification,
)
from simcard.commands.declaration import CommandTable
from simcard.commands.management import MANAGEMENT

ISO: Final = CommandTable(MANAGEMENT).extended(
    records.erase_record,  # 0C
    binary.erase_binary,  # 0E
    binary.erase_binary_object,  # 0F
    verification.verify,  # 20
    environment.manage_security_environment,  # 22
    verification.change_reference_data,  # 24
    verification.disable_verification_requirement,  # 26
    verification.enable_verification_requirement,  # 28
    security_operation.perform_security_operation,  # 2A
    security_operation.perform_security_operation_object,  # 2B
    verification.reset_retry_counter,  # 2C
    key_pairs.generate_asymmetric_key_pair,  # 46
    key_pairs.generate_asymmetric_key_pair_object,  # 47
    selection.manage_channel,  # 70
    authentication.external_authenticate,  # 82
    authentication.get_challenge,  # 84
    general_authentication.general_authenticate,  # 86
    general_authentication.general_authenticate_object,  # 87
    authentication.internal_authenticate,  # 88
    binary.search_binary,  # A0
    binary.search_binary_object,  # A1
    searching.search_record,  # A2
    selection.select,  # A4
    binary.read_binary,  # B0
    binary.read_binary_object,  # B1
    records.read_record,  # B2
    records.read_record_part,  # B3
    transmission.get_response,  # C0
    data.get_data,  # CA
    data.get_data_objects,  # CB
    data.get_next_data,  # CC
    data.get_next_data_object,  # CD
    binary.write_binary,  # D0
    binary.write_binary_object,  # D1
    records.write_record,  # D2
    binary.update_binary,  # D6
    binary.update_binary_object,  # D7
    data.put_data,  # DA
    data.put_data_objects,  # DB
    records.update_record,  # DC
    records.update_record_part,  # DD
    records.append_record,  # E2
)
