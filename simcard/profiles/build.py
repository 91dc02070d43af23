"""From a profile to a card: the files are written into a blank chip once, and copied from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from simcard.card import Card
from simcard.entropy import Entropy, SeededEntropy
from simcard.files.data_objects import DataObjectContent
from simcard.files.descriptors import (
    DESCRIPTOR_DF,
    TAG_APPLICATION_LABEL,
    TAG_COMPACT,
    TAG_DESCRIPTOR,
    TAG_EXPANDED,
    TAG_ITEM_RIGHTS,
    TAG_NAME,
    TAG_REFERENCED,
    TAG_SFI,
    File,
    FileKind,
    Structure,
)
from simcard.files.layout import body_size, initial_books
from simcard.files.purse import COUNTER_SIZE
from simcard.files.records import RecordContent
from simcard.files.store import CellStore
from simcard.files.tree import write_file
from simcard.memory.flash import Flash
from simcard.memory.journal import Memory, TransactionTooLarge
from simcard.profiles.keys import KeyTable
from simcard.profiles.profile import Profile
from simcard.profiles.schema import (
    STRUCTURES,
    CompactAccess,
    FileTable,
    ReferencedAccess,
    ReferenceTable,
)
from simcard.profiles.soundness import Unsound
from simcard.profiles.tables import AccessTable
from simcard.security.attributes import MODE_BITS, Subject, encode_expanded
from simcard.security.keys import key_body
from simcard.security.pboc import SAM_ATTRIBUTES, KeyType
from simcard.security.reference import NO_REFERENCE, pin_body
from simcard.status import CardError
from simcard.tlv import Tlv, parse


def build_card(
    profile: Profile, seed: int = 0, *, flash: Flash | None = None, entropy: Entropy | None = None
) -> Card:
    """A card of *profile*, powered off.

    *flash* is the memory of a card that was built before; without it the card is a new one. *seed*
    decides its random numbers unless a source of them is handed in.
    """
    memory = initial_flash(profile) if flash is None else flash
    return Card(profile.settings, memory, entropy or SeededEntropy(seed))


def initial_flash(profile: Profile) -> Flash:
    """The memory of a new card of *profile*; `Unsound` when it has no room for its files."""
    return _built(profile).fork()


@lru_cache(maxsize=16)
def _built(profile: Profile) -> Flash:
    tables = profile.tables
    flash = Flash.blank(tables.memory.geometry())
    memory = Memory.format(flash)
    with _room("memory", what="a file system", size=tables.memory.size):
        store = CellStore.format(memory, profile.name)
        memory.commit()
    cells: dict[str, int] = {"": 0}
    for index, table in enumerate(tables.file):
        with _room("file", index, what=table.path, size=tables.memory.size):
            cells[table.path] = _add_file(profile, store, table, cells[table.parent]).cell
    for index, reference in enumerate(tables.reference_data):
        with _room("reference_data", index, what="it", size=tables.memory.size):
            body = _reference_body(reference)
            _add_secret(profile, store, reference, FileKind.REFERENCE_DATA, body, cells)
    for index, key in enumerate(tables.key):
        with _room("key", index, what="it", size=tables.memory.size):
            _add_secret(profile, store, key, FileKind.KEY, _key_body(key), cells)
    _add_family(profile, store, cells)
    return flash


def _add_family(profile: Profile, store: CellStore, cells: dict[str, int]) -> None:
    """What cards of the PBOC family have besides: key files, keys and PINs, purses."""
    tables, rules = profile.tables, profile.tables.pboc.rules
    for index, key in enumerate(tables.pboc_key):
        with _room("pboc_key", index, what="it", size=tables.memory.size):
            kind = FileKind.REFERENCE_DATA if key.key_type is KeyType.PIN else FileKind.KEY
            body = key.header.body(key.hex, rules)
            _add_internal(store, kind, cells[key.df], key.number, key.header.attributes, body)
    for index, module_key in enumerate(tables.sam_key):
        with _room("sam_key", index, what="it", size=tables.memory.size):
            place = FileKind.KEY, cells[module_key.df], module_key.number
            _add_internal(store, *place, SAM_ATTRIBUTES, module_key.body(rules))
    for index, purse in enumerate(tables.purse):
        with _room("purse", index, what="it", size=tables.memory.size):
            access = (Tlv(TAG_EXPANDED, _expanded(profile, purse.access, Subject.EF)),)
            place = FileKind.PURSE, cells[purse.df], purse.number
            _add_internal(store, *place, access, purse.body)


def _add_internal(
    store: CellStore,
    kind: FileKind,
    parent: int,
    identifier: int,
    attributes: tuple[Tlv, ...],
    body: bytes,
) -> None:
    file = write_file(
        store,
        kind=kind,
        parent=parent,
        identifier=identifier,
        attributes=attributes,
        body_size=len(body),
    )
    file.region.write(store.memory, 0, body)
    store.memory.commit()


@contextmanager
def _room(*where: str | int, what: str, size: int) -> Iterator[None]:
    try:
        yield
    except (CardError, TransactionTooLarge, IndexError):
        raise Unsound(where, f"{what} does not fit the memory of {size} bytes") from None


def _add_file(profile: Profile, store: CellStore, table: FileTable, parent: int) -> File:
    attributes = file_attributes(profile, table)
    is_df = table.type == "df"
    size = 0 if is_df else body_size(attributes, size_field(table))
    file = write_file(
        store,
        kind=FileKind.DF if is_df else FileKind.EF,
        parent=parent,
        identifier=table.identifier,
        attributes=attributes,
        body_size=size,
    )
    if not parent:
        store.root = file.cell
    store.memory.commit()
    _fill(store, file, table)
    if table.data_objects:
        _add_data_objects(profile, store, table, file)
    if table.keys is not None:
        attributes = table.keys.attributes
        _add_internal(store, FileKind.KEY_FILE, file.cell, 0, attributes, bytes(COUNTER_SIZE))
    return file


def _add_data_objects(profile: Profile, store: CellStore, table: FileTable, df: File) -> None:
    """The place for the data objects of a DF, under the rules that its table has for content."""
    assert isinstance(table.access, str | AccessTable)
    write_file(
        store,
        kind=FileKind.DATA_OBJECTS,
        parent=df.cell,
        identifier=0,
        attributes=(Tlv(TAG_EXPANDED, _expanded(profile, table.access, Subject.EF)),),
        body_size=2 + table.data_objects,
    )
    store.memory.commit()


def size_field(table: FileTable) -> bytes | None:
    """The value of DO 80 for the EF of *table*, None when its records say the size."""
    return table.size.to_bytes(2, "big") if table.size else None


def file_attributes(profile: Profile, table: FileTable) -> tuple[Tlv, ...]:
    """The control parameters of the file of *table*, but for identifier, size and life cycle."""
    rules = _access_attribute(profile, table)
    structure = STRUCTURES.get(table.type)
    if structure is None:
        objects = [Tlv(TAG_DESCRIPTOR, bytes([DESCRIPTOR_DF]))]
        if table.name:
            objects.append(Tlv(TAG_NAME, table.name))
        if table.label:
            objects.append(Tlv(TAG_APPLICATION_LABEL, table.label.encode()))
        return (*objects, rules)
    descriptor = bytes([structure.value])
    if structure.has_records:
        descriptor += b"\x41" + table.record_size.to_bytes(2, "big") + bytes([table.records])
    sfi = bytes([table.sfi << 3]) if table.sfi else b""
    items = b"".join(item + right for item, right in table.read_items.items())
    own = (Tlv(TAG_ITEM_RIGHTS, items),) if items else ()
    return (Tlv(TAG_DESCRIPTOR, descriptor), Tlv(TAG_SFI, sfi), rules, *own)


def _access_attribute(profile: Profile, table: FileTable) -> Tlv:
    match table.access:
        case CompactAccess(compact=rules):
            return Tlv(TAG_COMPACT, rules)
        case ReferencedAccess(record=number):
            return Tlv(TAG_REFERENCED, bytes([number]))
    subject = Subject.DF if table.type == "df" else Subject.EF
    return Tlv(TAG_EXPANDED, _expanded(profile, table.access, subject))


def _expanded(profile: Profile, access: str | AccessTable, subject: Subject) -> bytes:
    """The expanded form of a table of rules, or of a named one: the rights the subject knows."""
    table = profile.tables.access[access] if isinstance(access, str) else access
    known = MODE_BITS[subject].values()
    rules = {right: condition for right, condition in table.rules().items() if right in known}
    return encode_expanded(rules, subject)


def _fill(store: CellStore, file: File, table: FileTable) -> None:
    """Write the first content, a piece at a time: nobody can see the card yet."""
    structure = file.structure
    if structure is None:
        return
    content = table.content
    books = initial_books(file, full=content is not None and content.fill is not None)
    file.region.write(store.memory, 0, books)
    if content is None:
        store.memory.commit()
        return
    if content.records is not None:
        for row in content.records:
            fixed = row if structure.is_variable else row.ljust(file.record_size, b"\0")
            RecordContent(file, store.memory).append(fixed)
            store.memory.commit()
        return
    data = content.hex or (content.text or "").encode()
    if content.fill is not None:
        data = content.fill * file.size
    if structure is Structure.DATA_OBJECTS:
        DataObjectContent(file, store.memory).append(parse(data))
        store.memory.commit()
    else:
        _write_slowly(store, file, len(books), data)


def _write_slowly(store: CellStore, file: File, offset: int, data: bytes) -> None:
    step = max(1, store.memory.transaction_capacity // 2) * store.cell_size
    for start in range(0, len(data), step):
        file.region.write(store.memory, offset + start, data[start : start + step])
        store.memory.commit()


def _reference_body(table: ReferenceTable) -> bytes:
    return pin_body(
        table.value,
        tries=table.tries,
        encoding=table.pin_encoding,
        lengths=table.lengths,
        unblocked_by=table.unblocked_by[0] if table.unblocked_by else NO_REFERENCE,
        uses=table.uses,
        required=table.required,
    )


def _key_body(table: KeyTable) -> bytes:
    return key_body(
        table.value,
        usage=table.key_usage,
        algorithm=table.key_algorithm,
        version=table.version,
        tries=table.tries,
        uses=table.uses,
        room=table.room,
    )


def _add_secret(
    profile: Profile,
    store: CellStore,
    table: ReferenceTable | KeyTable,
    kind: FileKind,
    body: bytes,
    cells: dict[str, int],
) -> None:
    attributes = (Tlv(TAG_EXPANDED, _expanded(profile, table.access, Subject.EF)),)
    _add_internal(store, kind, cells[table.df], table.reference[0], attributes, body)
