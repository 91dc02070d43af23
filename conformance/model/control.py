"""The data rule of SELECT: file control information that agrees with the statement.

ISO/IEC 7816-4:2020, 7.4: the templates FCI (6F), FCP (62) and FMD (64), and of the control
parameters those that the statement says something about.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance import tlv
from conformance.layout import DedicatedFile, File, Kind, Layout

FCP, FMD, FCI = 0x62, 0x64, 0x6F
TEMPLATES = {0x00: FCI, 0x04: FCP, 0x08: FMD}
"""Which template bits 4 and 3 of P2 ask for; 0C asks for none (ISO/IEC 7816-4:2020, table 63)."""

SIZE, DESCRIPTOR, IDENTIFIER, NAME, SHORT_IDENTIFIER = 0x80, 0x82, 0x83, 0x84, 0x88
_STRUCTURES = {
    Kind.TRANSPARENT: 0x01,
    Kind.LINEAR_FIXED: 0x02,
    Kind.LINEAR_VARIABLE: 0x04,
    Kind.LINEAR_TLV: 0x05,
    Kind.CYCLIC: 0x06,
    Kind.DATA_OBJECTS: 0x39,
}
IS_DF = 0x38
_AREA = "7816-4/select"


Parameters = tuple[tlv.DataObject, ...]


@dataclass(frozen=True, slots=True)
class ControlInformation:
    """The template that bits 4 and 3 of P2 ask for, about *file*."""

    file: File
    layout: Layout
    asked: int

    def fault(self, data: bytes) -> str | None:
        """None, or the requirement on the template or on one of its parameters.

        Parameters that are those of another file show that another file was selected; that is the
        fault of the selection ("").
        """
        if not data and TEMPLATES[self.asked] == FCI:
            return None  # FCI is what the card gives; it need not give any
        try:
            parameters = self._parameters(tlv.parse(data))
        except tlv.MalformedTLV:
            return f"{_AREA}/template"
        if parameters is None:
            return f"{_AREA}/template"
        wrong = _wrong_parameter(self.file, parameters)
        if wrong is None:
            return None
        identified = tlv.find(parameters, IDENTIFIER) is not None
        if identified and any(
            _wrong_parameter(one, parameters) is None for one in self.layout.files
        ):
            return ""
        return f"{_AREA}/{_RULES[wrong]}"

    def _parameters(self, objects: Parameters) -> Parameters | None:
        """The control parameters in the answer; None when it is not the template asked for.

        P2 = 00 makes the tag 6F optional, so FCI may come as 6F, as 62 and 64, or bare.
        """
        template = TEMPLATES[self.asked]
        first = objects[0] if objects else None
        if template == FCI:
            outer = first.children if first is not None and first.tag == FCI else objects
            inner = tlv.find(outer, FCP)
            return outer if inner is None else tlv.parse(inner)
        if first is None or len(objects) != 1 or first.tag != template:
            return None
        return first.children if template == FCP else ()

    def __str__(self) -> str:
        return f"template {TEMPLATES[self.asked]:02X} of {self.file.path}"


def _wrong_parameter(file: File, parameters: Parameters) -> int | None:
    """The tag of the first parameter that is not the one of *file*, or None."""
    for tag, expected in _expected(file).items():
        value = tlv.find(parameters, tag)
        if value is not None and value not in expected:
            return tag
    descriptor = tlv.find(parameters, DESCRIPTOR)
    return DESCRIPTOR if descriptor and _another_structure(file, descriptor[0]) else None


def _expected(file: File) -> dict[int, tuple[bytes, ...]]:
    """What the parameters may be; one that is absent or not listed is not judged."""
    expected: dict[int, tuple[bytes, ...]] = {IDENTIFIER: (file.fid.to_bytes(2, "big"),)}
    if isinstance(file, DedicatedFile):
        return {**expected, NAME: (file.name,)} if file.name else expected
    if file.kind is Kind.TRANSPARENT:
        expected[SIZE] = tuple(file.size.to_bytes(width, "big") for width in (2, 3, 4))
    if file.sfi is not None:
        expected[SHORT_IDENTIFIER] = (bytes((file.sfi << 3,)), b"")
    return expected


def _another_structure(file: File, descriptor: int) -> bool:
    """Whether the file descriptor byte (7.4.5) names another structure than the statement.

    The lowest bit of a structure with records says SIMPLE-TLV, which the statement need not know.
    """
    if isinstance(file, DedicatedFile):
        return descriptor & IS_DF != IS_DF
    structure = _STRUCTURES[file.kind]
    return descriptor & 0x3F not in {structure, structure | file.kind.has_records}


_RULES = {
    IDENTIFIER: "fcp-file-identifier",
    NAME: "fcp-df-name",
    SIZE: "fcp-size",
    SHORT_IDENTIFIER: "fcp-sfi",
    DESCRIPTOR: "fcp-descriptor",
}
