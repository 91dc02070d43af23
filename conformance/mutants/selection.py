"""Faults of SELECT."""

from __future__ import annotations

from dataclasses import replace

from conformance import tlv
from conformance.apdu import CommandAPDU
from conformance.cards.embedded import EmbeddedCard
from conformance.mutants.hooks import INS_READ_BINARY, INS_SELECT, OK, Puppet, fault

NOT_FOUND = b"\x6a\x82"
SELECT_MF = CommandAPDU(0x00, INS_SELECT, 0x00, 0x0C).encode()


def _with_parameter(answer: bytes, tag: int, value: bytes) -> bytes:
    """The answer to a SELECT with one control parameter changed."""
    data, status = answer[:-2], answer[-2:]
    if not data:
        return answer
    template = tlv.parse(data)[0]
    body = b"".join(
        tlv.encode(item.tag, value if item.tag == tag else item.value) for item in template.children
    )
    return tlv.encode(template.tag, body) + status


@fault("select/path-cut", INS_SELECT, breaks="select/path-from-mf")
def path_cut(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """SELECT by path follows the first file identifier only."""
    if command.p1 == 0x08 and len(command.data) > 2:
        return puppet.send(replace(command, data=command.data[:2]).encode())
    return puppet.send(raw)


@fault("select/relative-path-from-mf", INS_SELECT, breaks="select/path-from-df")
def relative_path_from_mf(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """SELECT by path from the current DF begins at the MF instead."""
    if command.p1 == 0x09:
        return puppet.send(replace(command, p1=0x08).encode())
    return puppet.send(raw)


@fault("select/whole-names-only", INS_SELECT, breaks="select/by-partial-name")
def whole_names_only(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """SELECT by part of a DF name finds nothing."""
    if command.p1 == 0x04 and len(command.data) < 9:
        return NOT_FOUND
    return puppet.send(raw)


@fault("select/next-is-first", INS_SELECT, breaks="select/occurrence")
def next_is_first(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """SELECT of the next occurrence finds the first one again."""
    if command.p1 == 0x04 and command.p2 & 0x03 == 2:
        return puppet.send(replace(command, p2=command.p2 & 0x0C).encode())
    return puppet.send(raw)


@fault("select/parent-is-mf", INS_SELECT, breaks="select/parent")
def parent_is_mf(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """SELECT of the parent DF selects the MF."""
    if command.p1 == 0x03 and not command.data:
        return puppet.send(replace(command, p1=0x00).encode())
    return puppet.send(raw)


@fault("select/mf-from-mf-only", INS_SELECT, breaks="select/master-file")
def mf_from_mf_only(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The MF is not found by its identifier from below."""
    if command.p1 == 0x00 and command.data == b"\x3f\x00":
        found = puppet.trial(CommandAPDU(0x00, INS_SELECT, 0x03, 0x0C).encode())
        return NOT_FOUND if found == OK else puppet.send(raw)
    return puppet.send(raw)


@fault("select/failure-selects-mf", INS_SELECT, breaks="select/refusal-keeps-selection")
def failure_selects_mf(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A SELECT that finds nothing leaves the MF selected."""
    answer = puppet.send(raw)
    if answer == NOT_FOUND:
        puppet.send(SELECT_MF)
    return answer


@fault("select/df-keeps-ef", INS_SELECT, INS_READ_BINARY, breaks="select/df-clears-ef")
def df_keeps_ef(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The EF that was current stays so when a DF is selected."""
    if command.ins == INS_SELECT:
        answer = puppet.send(raw)
        if puppet.trial(CommandAPDU(0x00, INS_READ_BINARY, 0, 0, ne=1).encode()) != b"\x69\x86":
            puppet.notes["ef"] = puppet.card.fork()
        return answer
    answer = puppet.send(raw)
    if answer == b"\x69\x86" and "ef" in puppet.notes:
        kept: EmbeddedCard = puppet.notes["ef"]
        return kept.fork().transmit(raw)
    return answer


@fault("select/identifier-wrong", INS_SELECT, breaks="select/fcp-file-identifier")
def identifier_wrong(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The control information names another file identifier."""
    return _with_parameter(puppet.send(raw), 0x83, b"\x00\x00")


@fault("select/size-wrong", INS_SELECT, breaks="select/fcp-size")
def size_wrong(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The control information names another size."""
    return _with_parameter(puppet.send(raw), 0x80, b"\x00\x01")


@fault("select/name-wrong", INS_SELECT, breaks="select/fcp-df-name")
def name_wrong(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The control information of a DF names another DF name."""
    return _with_parameter(puppet.send(raw), 0x84, b"ANOTHER")


@fault("select/short-identifier-wrong", INS_SELECT, breaks="select/fcp-sfi")
def short_identifier_wrong(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The control information names the short identifier in the lower bits."""
    return _with_parameter(puppet.send(raw), 0x88, b"\x01")


@fault("select/descriptor-wrong", INS_SELECT, breaks="select/fcp-descriptor")
def descriptor_wrong(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The file descriptor byte says DF for every file."""
    return _with_parameter(puppet.send(raw), 0x82, b"\x38")


@fault("select/template-wrong", INS_SELECT, breaks="select/template")
def template_wrong(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """FCI comes where FCP was asked for."""
    if command.p2 & 0x0C == 0x04:
        return puppet.send(replace(command, p2=command.p2 & 0xF3).encode())
    return puppet.send(raw)


@fault("select/reserved-bits-ignored", INS_SELECT, breaks="select/reserved-p2")
def reserved_bits_ignored(puppet: Puppet, command: CommandAPDU, _raw: bytes) -> bytes:
    """The reserved bits of P2 are not looked at."""
    return puppet.send(replace(command, p2=command.p2 & 0x0F).encode())


@fault("select/child-df-finds-ef", INS_SELECT, breaks="select/child-df")
def child_df_finds_ef(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """SELECT of a child DF finds EFs too."""
    answer = puppet.send(raw)
    if command.p1 == 0x01 and answer == NOT_FOUND:
        return puppet.send(replace(command, p1=0x02).encode())
    return answer


@fault("select/not-found-word", INS_SELECT, breaks="select/not-found")
def not_found_word(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A file that is not there is refused with 6A83, the word for records."""
    answer = puppet.send(raw)
    return b"\x6a\x83" if answer == NOT_FOUND and command.p1 == 0x00 else answer


@fault("select/name-answers-without-le", INS_SELECT, breaks="laws/at-most-ne")
def answers_without_le(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Control information comes although there is no Le field."""
    if command.ne is None and command.p1 == 0x04:
        return puppet.send(replace(command, p2=command.p2 & 0xF3, ne=256).encode())
    return puppet.send(raw)
