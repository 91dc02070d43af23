"""How large the body of a new EF is and what its books say at first."""

from __future__ import annotations

from simcard.files.descriptors import File, Structure, bookkeeping, describe, record_books
from simcard.tlv import Tlv


def body_size(attributes: tuple[Tlv, ...], size_field: bytes | None) -> int:
    """Bytes the body of an EF needs: content and books.

    *size_field* is the value of DO 80, bytes of content; a record EF can do without it when its
    descriptor gives the number of records. ValueError when neither says a size, or they disagree.
    """
    fields = describe(attributes, is_df=False)
    structure, limit, length = fields["structure"], fields["record_limit"], fields["record_size"]
    assert isinstance(structure, Structure)
    assert isinstance(limit, int)
    assert isinstance(length, int)
    size = None if size_field is None else int.from_bytes(size_field, "big")
    if size_field is not None and not 1 <= len(size_field) <= 4:
        raise ValueError("the size (80) takes one to four bytes")
    if structure.has_records:
        if not limit:
            raise ValueError("a record EF's descriptor (82) gives the number of records")
        if size is None or not structure.is_variable:
            if size not in (None, limit * length):
                raise ValueError("the size (80) is not that of the records the descriptor asks for")
            size = limit * length
    if size is None:
        raise ValueError("an EF without records needs a size (80)")
    return size + bookkeeping(structure, limit)


def initial_books(file: File, *, full: bool) -> bytes:
    """The first bytes of a new body; *full* lets all records of one length exist at once."""
    structure = file.structure
    if structure is None or not structure.has_records:
        return b""
    exist = full and not structure.is_variable
    numbers = bytes([file.record_limit, file.record_limit - 1] if exist else [0, 0])
    return numbers.ljust(record_books(file.record_limit), b"\0")
