"""The interindustry dialect: every command of ISO/IEC 7816-4, -8 and -9 that the card serves."""

from __future__ import annotations

from typing import Final

from simcard.commands import (
    attributes,
    authentication,
    binary,
    comparing,
    data,
    data_selection,
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
    records.deactivate_record,  # 06
    records.activate_record,  # 08
    records.erase_record,  # 0C
    binary.erase_binary,  # 0E
    binary.erase_binary_object,  # 0F
    verification.verify,  # 20
    verification.verify_object,  # 21
    environment.manage_security_environment,  # 22
    verification.change_reference_data,  # 24
    verification.change_reference_data_objects,  # 25
    verification.disable_verification_requirement,  # 26
    verification.enable_verification_requirement,  # 28
    security_operation.perform_security_operation,  # 2A
    security_operation.perform_security_operation_object,  # 2B
    verification.reset_retry_counter,  # 2C
    verification.reset_retry_counter_objects,  # 2D
    comparing.compare,  # 33
    attributes.get_attribute,  # 34
    attributes.get_attribute_objects,  # 35
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
    data_selection.select_data,  # A5
    binary.read_binary,  # B0
    binary.read_binary_object,  # B1
    records.read_record,  # B2
    records.read_record_part,  # B3
    transmission.get_response,  # C0
    transmission.envelope,  # C2
    transmission.envelope_object,  # C3
    data.get_data,  # CA
    data.get_data_objects,  # CB
    data.get_next_data,  # CC
    data.get_next_data_object,  # CD
    attributes.manage_data,  # CF
    binary.write_binary,  # D0
    binary.write_binary_object,  # D1
    records.write_record,  # D2
    binary.update_binary,  # D6
    binary.update_binary_object,  # D7
    data.put_next_data,  # D8
    data.put_next_data_objects,  # D9
    data.put_data,  # DA
    data.put_data_objects,  # DB
    records.update_record,  # DC
    records.update_record_part,  # DD
    data.update_data,  # DE
    data.update_data_objects,  # DF
    records.append_record,  # E2
    data.delete_data,  # EE
)
