"""CREATE and DELETE FILE, and what access rules, given in each of their forms, let through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import tlv
from conformance.apdu import CommandAPDU
from conformance.case import NotRun, case, not_applicable
from conformance.commands import (
    ALL,
    FCP,
    read_binary,
    read_record,
    select_fid,
    select_name,
    select_path,
    update_binary,
    verify,
)
from conformance.editing import Plan, append_record, create_file, delete_file, put_data
from conformance.layout import DedicatedFile, Kind, Reference
from conformance.model.templates import COMPACT, EXPANDED, REFERENCED
from conformance.model.templates import FCP as TEMPLATE
from conformance.suite.finding import OK, REFUSED
from conformance.suite.scratch import home, made, new, plan, scratch_of
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

NOT_FOUND = 0x6A82
SFI = 22
ALL_OF, ONE_OF = 0xAF, 0xA0
NAME = bytes.fromhex("F04A55444745")
KINDS = [kind for kind in Kind if kind is not Kind.DF]
_CREATE, _DELETE, _RULES = "7816-9/create", "7816-9/delete", "7816-9/rules"


@case(
    "file/create",
    covers=[
        *(f"7816-9/create/{kind.value}" for kind in KINDS),
        "7816-9/create/becomes-current",
        "7816-9/create/found-afterwards",
    ],
    risk=Risk.RESTORE,
)
def test_create(terminal: Terminal) -> None:
    """An EF of each structure is created, is current and empty, and found by its identifier."""
    for kind in scratch_of(terminal).kinds:
        if kind is Kind.DF:
            continue
        ef = new(terminal, kind)
        because = f"{_CREATE}/becomes-current"
        if kind is Kind.TRANSPARENT:
            terminal.send(read_binary(0, ef.size), expect=OK, because=because)
        elif kind.has_records:
            terminal.send(append_record(b"12345678"[: ef.size].ljust(ef.size)))
            terminal.send(read_record(1, ALL), expect=OK, because=because)
        else:
            terminal.send(put_data(0xC1, b"one"), expect=OK, because=because)
        because = f"{_CREATE}/found-afterwards"
        terminal.send(select_path(ef.parent))
        terminal.send(select_fid(ef.fid, 0x02, FCP, ALL), expect=OK, because=because)


@case("file/create-df", covers=["7816-9/create/df", "7816-9/delete/df"], risk=Risk.RESTORE)
def test_create_df(terminal: Terminal) -> None:
    """A DF with a name is created, files in it too, and all go with it."""
    home(terminal)
    wanted = plan(terminal, Kind.DF, 1, name=NAME)
    terminal.send(create_file(wanted.template()), expect=OK, because=f"{_CREATE}/df")
    made(terminal, plan(terminal, Kind.TRANSPARENT, 0))
    terminal.send(select_name(NAME), expect=OK, because=f"{_CREATE}/df")
    inner = scratch_of(terminal).identifiers[0]
    terminal.send(select_fid(inner, 0x02), expect=OK, because=f"{_CREATE}/df")
    home(terminal)
    because = f"{_DELETE}/df"
    terminal.send(select_name(NAME), expect=NOT_FOUND, because=because)
    terminal.send(select_fid(wanted.fid, 0x01), expect=NOT_FOUND, because=because)


@case("file/create-sfi", covers=["7816-9/create/short-identifier"], risk=Risk.RESTORE)
def test_create_sfi(terminal: Terminal) -> None:
    """The short identifier in the template names the new EF."""
    because = f"{_CREATE}/short-identifier"
    ef = new(terminal, Kind.TRANSPARENT, sfi=SFI)
    terminal.send(update_binary(0, b"here"))
    terminal.send(select_path(ef.parent))
    command = read_binary(0, 4, sfi=SFI)
    terminal.send(command, expect=OK, because=because, wholly=True)


@case(
    "file/create-refused",
    covers=[
        "7816-9/create/identifier-taken",
        "7816-9/create/sfi-taken",
        "7816-9/create/name-taken",
        "7816-9/create/reserved-identifier",
        "7816-9/create/malformed",
        "7816-9/create/refused-creates-nothing",
    ],
    risk=Risk.RESTORE,
)
def test_create_refused(terminal: Terminal) -> None:
    """What is there already, is reserved or contradicts itself is not created."""
    df = home(terminal)
    children = terminal.layout.children(df)
    base = plan(terminal, Kind.TRANSPARENT)
    taken = [ef for ef in children if not isinstance(ef, DedicatedFile)]
    tries: list[bytes] = [Plan(Kind.TRANSPARENT, 0x3F00).template(), b"\x62\x05\x82", b"\x62\x00"]
    tries += [Plan(Kind.TRANSPARENT, file.fid).template() for file in children]
    tries += [Plan(Kind.TRANSPARENT, base.fid, sfi=ef.sfi).template() for ef in taken if ef.sfi]
    named = [one.name for one in terminal.layout.dedicated() if one.name]
    if named and Kind.DF in scratch_of(terminal).kinds:
        tries.append(Plan(Kind.DF, base.fid, name=named[0]).template())
    tries.append(tlv.encode(TEMPLATE, tlv.encode(0x83, base.fid.to_bytes(2, "big"))))
    for template in tries:
        terminal.send(create_file(template))
        because = f"{_CREATE}/refused-creates-nothing"
        terminal.send(select_fid(base.fid, 0x02), expect=NOT_FOUND, because=because)


@case("file/create-survives-reset", covers=["7816-9/create/survives-reset"], risk=Risk.RESTORE)
def test_create_survives_reset(terminal: Terminal) -> None:
    """A file that was created is there after a reset, with what was written to it."""
    because = f"{_CREATE}/survives-reset"
    ef = new(terminal, Kind.TRANSPARENT)
    terminal.send(update_binary(3, b"kept"))
    terminal.reset()
    terminal.send(select_path(ef), expect=OK, because=because)
    terminal.send(read_binary(3, 4), expect=OK, because=because, wholly=True)


@case(
    "file/delete",
    covers=["7816-9/delete/ef", "7816-9/delete/leaves-no-current", "7816-9/delete/survives-reset"],
    risk=Risk.RESTORE,
)
def test_delete(terminal: Terminal) -> None:
    """A file that was deleted, as the current one or by its identifier, is not found any more."""
    for by_identifier in (False, True):
        ef = new(terminal, Kind.TRANSPARENT)
        command = delete_file(ef.fid) if by_identifier else delete_file()
        terminal.send(command, expect=OK, because=f"{_DELETE}/ef")
        because = f"{_DELETE}/leaves-no-current"
        terminal.send(read_binary(0, 1), expect=0x6986, because=because)
        absent = select_fid(ef.fid, 0x02)
        terminal.send(absent, expect=NOT_FOUND, because=f"{_DELETE}/ef")
        terminal.reset()
        because = f"{_DELETE}/survives-reset"
        terminal.send(select_path(ef), expect=NOT_FOUND, because=because)


@case(
    "file/delete-others-stay",
    covers=["7816-9/delete/others-stay", "7816-9/delete/identifier-free", "7816-9/delete/missing"],
    risk=Risk.RESTORE,
)
def test_delete_others_stay(terminal: Terminal) -> None:
    """A file beside the deleted one keeps its content, and the identifier is free again."""
    one = new(terminal, Kind.TRANSPARENT, 0)
    two = made(terminal, plan(terminal, Kind.TRANSPARENT, 1))
    terminal.send(update_binary(0, b"beside"))
    terminal.send(delete_file(one.fid))
    terminal.send(delete_file(one.fid), expect=NOT_FOUND, because=f"{_DELETE}/missing")
    terminal.send(select_path(two))
    because = f"{_DELETE}/others-stay"
    terminal.send(read_binary(0, 6), expect=OK, because=because, wholly=True)
    again = create_file(plan(terminal, Kind.TRANSPARENT, 0).template())
    terminal.send(again, expect=OK, because=f"{_DELETE}/identifier-free")


@case("file/delete-in-use", covers=["7816-9/delete/in-use"], risk=Risk.RESTORE)
def test_delete_in_use(terminal: Terminal) -> None:
    """A file that another logical channel works with is not deleted."""
    ef = new(terminal, Kind.TRANSPARENT)
    number = terminal.send(CommandAPDU(0x00, 0x70, 0x00, 0x00, ne=1), expect=OK).data[0]
    command = select_path(ef)
    terminal.send(CommandAPDU(number, command.ins, command.p1, command.p2, command.data))
    terminal.send(delete_file())
    terminal.send(read_binary(0, 1))


def _guards(terminal: Terminal) -> list[Reference]:
    """The references that may guard a new file: known, and verified from the DF of new files."""
    known = [one for one in terminal.layout.references if terminal.keys.right(one) is not None]
    found = [reference for reference in known if not reference.local]
    if not found:
        raise NotRun("no value of a global reference is known")
    return found


def _guard(terminal: Terminal) -> Reference:
    return _guards(terminal)[0]


def _form(terminal: Terminal, form: str) -> None:
    if form not in scratch_of(terminal).security:
        not_applicable(f"security attributes in {form} form are not declared")


def _asked(reference: Reference) -> bytes:
    """The condition data object that *reference* was verified (A4)."""
    number = tlv.encode(0x83, bytes((reference.number,)))
    return tlv.encode(0xA4, number + tlv.encode(0x95, b"\x08"))


def _rule(condition: bytes) -> bytes:
    """Updating under *condition*, reading and the rest always: expanded."""
    always = tlv.encode(0x80, b"\x7d") + tlv.encode(0x90, b"")
    return always + tlv.encode(0x80, b"\x02") + condition


def _tried(terminal: Terminal, form: str, security: bytes) -> None:
    """A file with the rule of `_rule`, tried before and after the verification."""
    reference = _guard(terminal)
    index = 1 if form == "referenced" else 0
    ef = made(terminal, plan(terminal, Kind.TRANSPARENT, index, security=security))
    terminal.send(read_binary(0, 1), expect=OK, because=f"{_RULES}/{form}-grants")
    update = update_binary(0, b"guarded")
    terminal.send(update, expect=REFUSED, because=f"{_RULES}/{form}-refuses")
    terminal.send(verify(terminal.keys, "pin", reference))
    terminal.send(update, expect=OK, because=f"{_RULES}/{form}-grants")
    terminal.reset()
    terminal.send(select_path(ef))
    terminal.send(update, expect=REFUSED, because=f"{_RULES}/{form}-refuses")
    terminal.send(read_binary(0, 7))


@case(
    "file/rules-compact",
    covers=["7816-9/rules/compact-refuses", "7816-9/rules/compact-grants"],
    risk=Risk.RESTORE,
)
def test_rules_compact(terminal: Terminal) -> None:
    """A compact security attribute guards the new file."""
    _form(terminal, "compact")
    home(terminal)
    _tried(terminal, "compact", tlv.encode(COMPACT, b"\x7f\0\0\0\0\0\x10\0"))


@case("file/rules-never", covers=["7816-9/rules/compact-never"], risk=Risk.RESTORE)
def test_rules_never(terminal: Terminal) -> None:
    """What a compact security attribute never allows stays refused after a verification."""
    _form(terminal, "compact")
    home(terminal)
    security = tlv.encode(COMPACT, b"\x7f\0\0\0\0\0\xff\0")
    made(terminal, plan(terminal, Kind.TRANSPARENT, security=security))
    terminal.send(verify(terminal.keys, "pin", _guard(terminal)))
    because = f"{_RULES}/compact-never"
    terminal.send(update_binary(0, b"never"), expect=REFUSED, because=because)
    terminal.send(read_binary(0, 5))


@case(
    "file/rules-expanded",
    covers=["7816-9/rules/expanded-refuses", "7816-9/rules/expanded-grants"],
    risk=Risk.RESTORE,
)
def test_rules_expanded(terminal: Terminal) -> None:
    """An expanded security attribute guards the new file."""
    _form(terminal, "expanded")
    home(terminal)
    _tried(terminal, "expanded", tlv.encode(EXPANDED, _rule(_asked(_guard(terminal)))))


@case("file/rules-reference", covers=["7816-9/rules/expanded-right-reference"], risk=Risk.RESTORE)
def test_rules_reference(terminal: Terminal) -> None:
    """An expanded rule that names a reference is not met by another one."""
    _form(terminal, "expanded")
    reference = _guard(terminal)
    others = [
        one
        for one in terminal.layout.references
        if one is not reference and not one.local and terminal.keys.right(one) is not None
    ]
    home(terminal)
    security = tlv.encode(EXPANDED, _rule(_asked(reference)))
    made(terminal, plan(terminal, Kind.TRANSPARENT, security=security))
    because = f"{_RULES}/expanded-right-reference"
    for other in others or not_applicable("no second global reference is known"):
        terminal.send(verify(terminal.keys, "pin", other))
        terminal.send(update_binary(0, b"other"), expect=REFUSED, because=because)


@case(
    "file/rules-combined",
    covers=["7816-9/rules/expanded-refuses", "7816-9/rules/expanded-grants"],
    risk=Risk.RESTORE,
)
def test_rules_combined(terminal: Terminal) -> None:
    """An AND template asks for all its conditions, an OR template for one of them."""
    _form(terminal, "expanded")
    pair = _guards(terminal)[:2]
    if len(pair) < 2:
        not_applicable("no two global references are known")
    conditions = b"".join(_asked(reference) for reference in pair)
    for template in (ALL_OF, ONE_OF):
        home(terminal)
        security = tlv.encode(EXPANDED, _rule(tlv.encode(template, conditions)))
        ef = made(terminal, plan(terminal, Kind.TRANSPARENT, security=security))
        for verified in ((), pair[:1], pair[1:], pair):
            terminal.reset()
            for reference in verified:
                terminal.send(select_path(reference.df))
                terminal.send(verify(terminal.keys, "pin", reference))
            terminal.send(select_path(ef))
            enough = len(verified) == 2 or (template == ONE_OF and verified)
            rule = "grants" if enough else "refuses"
            update = update_binary(0, bytes((0x40 + len(verified),)))
            expected = OK if enough else REFUSED
            terminal.send(update, expect=expected, because=f"{_RULES}/expanded-{rule}")
            terminal.send(read_binary(0, 1))


@case(
    "file/rules-referenced",
    covers=["7816-9/rules/referenced-refuses", "7816-9/rules/referenced-grants"],
    risk=Risk.RESTORE,
)
def test_rules_referenced(terminal: Terminal) -> None:
    """A security attribute that refers to a record of an EF.ARR guards the new file."""
    _form(terminal, "referenced")
    rules = new(terminal, Kind.LINEAR_VARIABLE, size=40)
    terminal.send(append_record(tlv.encode(0x80, b"\x7f") + tlv.encode(0x90, b"")))
    terminal.send(append_record(_rule(_asked(_guard(terminal)))))
    pointing = tlv.encode(REFERENCED, rules.fid.to_bytes(2, "big") + b"\x02")
    _tried(terminal, "referenced", pointing)
