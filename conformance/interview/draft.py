"""From findings to a statement in TOML, every line with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

from conformance.interview.findings import MASTER, Fact, Source
from conformance.layout import Kind
from conformance.statement import FeatureTable, SelectForm, parse_statement
from conformance.trouble import UsageError

if TYPE_CHECKING:
    from conformance.interview.findings import Findings, FoundFile, FoundReference

HEAD = """\
# A draft, written by an interview that changed nothing on the card. Behind each line stands where
# it comes from: observed (the card showed it), declared (it says so, nobody tried) or assumed.
#
# For you to decide, before more than `--risk observe` makes sense:
# - Which files may be written and are put back: what opens them (update = "always" or "pin:NAME"),
#   and writable = true. An interview never writes, so it cannot know.
# - Which references there are, how long they are, and their floor: the tries that are never spent.
# - Features that writing would show: they stand as false below.
# - Where files may be created, in a table [scratch] (see the shipped iso7816.toml), if anywhere.
"""
KEYS = """\
# Values of PINs and keys never stand here. They go into {name}, beside this file and
# readable by you alone (chmod 600):     schema = 1
#                                        [pin]
#                                        "01" = "31323334"
# or into the environment, CONFORMANCE_PIN_01=31323334; then say known = true in the reference.
"""
UNASKED = "not asked, since it would write"
ASSUMED: dict[str, str] = {
    "read_binary": "there is hardly a card without it",
    "occurrences": "not seen: it takes two DFs whose names begin alike",
    "short_ef_identifier": "not seen",
    "extended_length": "the ATR does not declare it",
    "read_record": "no record was read",
    "read_records_from": "not seen",
    "verify": "not asked; --ask-tries asks with VERIFY without data",
    "verify_query": "not asked; --ask-tries asks with VERIFY without data",
    "challenge_length": "GET CHALLENGE gave none",
    "challenge_any_length": "not seen",
    "proprietary_historical_bytes": "they read as the standard has them",
    "get_response": "not asked",
    "response_chaining": "not asked",
    "command_chaining": "the ATR does not declare it",
    "channels": "the ATR does not declare more",
    "search_binary": "not asked",
    "odd_binary": UNASKED,
    "record_pointer": "not asked",
    "search_record": "not asked",
    "record_parts": UNASKED,
    "get_data": "not asked of files; see the remarks above",
    "get_data_list": "not asked",
    "get_next_data": "not asked",
}
"""What is said of a feature that the interview did not see."""
LONGEST = 300


def draft(findings: Findings, name: str, keys: str) -> str:
    """The text of the statement; *keys* is the name of its keys file.

    What a card says can be nonsense: a draft that would not pass the check has its files and
    references commented out, and says why.
    """
    text = _text(findings, name, keys)
    try:
        parse_statement(text, "draft")
    except UsageError as error:
        reason = f"the files below contradict each other ({error})"
        return _text(findings, name, keys, broken=reason)
    return text


def _text(findings: Findings, name: str, keys: str, broken: str = "") -> str:
    tree = [file for file in _in_order(findings) if file.path != MASTER]
    parts = [
        HEAD,
        "".join(f"# {_clean(line)}\n" for line in _remarks(findings, broken)),
        KEYS.format(name=keys),
        "schema = 1\n",
        _card(findings, name),
        "[features]\n" + "".join(_features(findings)),
    ]
    parts += [_reference(one, bool(broken)) for one in findings.references]
    parts.append('[[file]]\npath = "3F00"  # the master file\nkind = "df"\n')
    out = {file.path for file in tree if file.doubts or broken}
    for file in tree:
        lost = any(file.path.startswith(f"{path}/") for path in out)
        parts.append(_file(file, out=file.path in out or lost))
    return "\n".join(part for part in parts if part)


def _card(findings: Findings, name: str) -> str:
    return (
        f'[card]\nname = "{_clean(name).translate(ESCAPES)}"\n'
        f'atr = "{findings.atr.hex().upper()}"  # observed\n'
        'risk = "observe"  # assumed: the least, until you allow more\n'
    )


ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})


def _clean(text: str) -> str:
    """*text* on one line, without what a comment must not hold: cards say all kinds of things."""
    return "".join(char if char.isprintable() else "?" for char in text)[:LONGEST]


def _remarks(findings: Findings, broken: str) -> Iterator[str]:
    yield "What the card showed:" if findings.finished else "The interview was NOT finished:"
    yield from (f"- {remark}" for remark in findings.remarks)
    yield from (f"- {timing}" for timing in findings.timings)
    if broken:
        yield f"- Everything is commented out: {broken}."


def _in_order(findings: Findings) -> Iterator[FoundFile]:
    """Each DF before what is below it."""

    def below(path: str) -> Iterator[FoundFile]:
        for file in findings.children(path):
            yield file
            yield from below(file.path)

    yield findings.files[MASTER]
    yield from below(MASTER)
    known = set(findings.files)
    yield from (one for one in findings.files.values() if one.parent and one.parent not in known)


def _features(findings: Findings) -> Iterator[str]:
    forms = [form for form in get_args(SelectForm) if f"select:{form}" in findings.features]
    yield _line("select", Fact(tuple(forms), Source.OBSERVED, "SELECT found a file in these ways"))
    for name, field in FeatureTable.model_fields.items():
        if name == "select":
            continue
        fact = findings.features.get(name)
        if fact is None and name == "answers":
            fact = Fact(("none",), Source.ASSUMED, "SELECT of the MF gave nothing")
        if fact is None:
            default = name == "read_binary" or (
                False if field.annotation is bool else field.default
            )
            fact = Fact(default, Source.ASSUMED, ASSUMED.get(name, UNASKED))
        yield _line(name, fact)


def _line(key: str, fact: Fact) -> str:
    return f"{key} = {_value(fact.value)}  # {_clean(fact.comment)}\n"


def _value(value: bool | int | str | tuple[str, ...]) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{one}"' for one in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def _reference(one: FoundReference, broken: bool) -> str:
    local = one.df != MASTER
    name = f'name = "{one.df[-4:]}-{one.number:02X}"\n' if local else ""
    lines = (
        "[[reference]]\n"
        f'number = "{one.number:02X}"  # observed: VERIFY without data tells its tries\n'
        f'df = "{one.df}"  # assumed: where it was asked\n{name}'
        "length = 4  # assumed: say how long it is\n"
        f"tries = {one.tries}  # observed: as many as were left\n"
        f"floor = {one.tries}  # none of them is spent; a lower one allows wrong values\n"
        "known = false  # true when the keys file or the environment has its value\n"
    )
    out = broken or bool(one.number & 0x80) != local
    why = "bit 8 of its number does not fit its DF: only a card with a [pboc] table has such a one"
    return _commented(lines, [why]) if out else lines


def _file(file: FoundFile, *, out: bool) -> str:
    lines = f'[[file]]\npath = "{file.path}"  # {_clean(file.how)}\n'
    lines += f'kind = "{(file.kind or Kind.TRANSPARENT).value}"\n'
    if file.kind is Kind.DF:
        lines += f'name = "{file.name.hex().upper()}"\n' if file.name else ""
        return _commented(lines, file.doubts) if out else lines
    if file.sfi is not None:
        lines += f"sfi = {file.sfi}  # declared: file control parameters\n"
    if file.size is not None and file.kind is not Kind.DATA_OBJECTS:
        lines += _line("size", file.size)
    if file.records is not None:
        lines += _line("records", file.records)
    lines += _line("read", file.read)
    lines += (
        '# update = "always", "pin:NAME" or "never" (as it stands), and writable = true: decide\n'
    )
    return _commented(lines, file.doubts) if out else lines


def _commented(lines: str, doubts: list[str]) -> str:
    why = "; ".join(doubts) or "what it belongs to is commented out"
    return f"# {_clean(why)}\n" + "".join(f"# {line}\n" for line in lines.splitlines())
