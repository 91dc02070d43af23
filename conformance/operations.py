"""What a statement says of keys that operations use: which, for what, with which algorithms.

`[operations]` and its tables declare the security environment and the keys of ISO/IEC 7816-8 and of
the authentication commands of ISO/IEC 7816-4. Secret values are not here: they stand in the keys
file, under the names that the statement gives the keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from conformance.crypto.curves import CURVES
from conformance.crypto.mechanisms import KEY_LENGTHS, MECHANISMS, fits
from conformance.trouble import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from conformance.layout import Key

AUTHENTICATION, HASH, CHECKSUM, SIGNATURE, CONFIDENTIALITY = 0xA4, 0xAA, 0xB4, 0xB6, 0xB8
TEMPLATES = (AUTHENTICATION, HASH, CHECKSUM, SIGNATURE, CONFIDENTIALITY)
"""The control reference templates that are judged (ISO/IEC 7816-4:2020, 10.3.1)."""
Hex = Annotated[str, Field(pattern=r"^([0-9A-F]{2})+$")]
Path = Annotated[str, Field(pattern=r"^3F00(/[0-9A-F]{4})*$")]
Template = Literal["A4", "AA", "B4", "B6", "B8"]
Algorithm = Literal["TDES", "AES", "SM4", "RSA", "P-256", "SM2"]
Usage = Literal["encipher", "decipher", "checksum", "sign", "verify", "internal", "external"]
Function = Literal["set", "store", "restore", "erase"]
Operation = Literal["hash", "last-round", "odd-instruction", "public-key", "generate"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AlgorithmTable(_Table):
    """`[[operations.algorithm]]`: what an algorithm reference (80) in a template means."""

    template: Template
    reference: Hex
    mechanism: str

    @property
    def tag(self) -> int:
        """The tag of the template."""
        return int(self.template, 16)


class KeyTable(_Table):
    """`[[operations.key]]`: a key of the card."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    df: Path
    reference: Annotated[str, Field(pattern=r"^[0-9A-F]{2}$")]
    algorithm: Algorithm
    usage: tuple[Usage, ...] = Field(min_length=1)
    implied: dict[Template, str] = {}
    """By template, the mechanism that the key has where none is set."""
    access: str = "always"
    """When it may be used, as the rules of a file say it."""
    public: Hex | Literal[""] = ""
    """The modulus of RSA, else the point: 04 and both coordinates. Empty while it may change."""
    exponent: int = Field(default=65537, ge=3, lt=1 << 64)
    private: bool = True
    """Whether the card has more than the public half."""
    tries: int = Field(default=0, ge=0, le=15)
    """Failures that the card counts before it blocks the key, 0 when it counts none."""
    floor: int = Field(default=1, ge=1, le=15)
    """Tries that are never spent below risk level `destroy`."""
    uses: int = Field(default=0, ge=0, le=0xFFFE)
    """How often it may be used in all, 0 without limit."""
    spare: bool = False
    """Whether the judge may put a newly generated pair in its place."""
    generate: str = "never"
    """When a new pair may be generated, as the rules of a file say it."""

    @property
    def number(self) -> int:
        """The reference as a number."""
        return int(self.reference, 16)

    @property
    def symmetric(self) -> bool:
        """Whether it is one of a block cipher."""
        return self.algorithm in KEY_LENGTHS


class OperationsTable(_Table):
    """`[operations]`: the security environment, the operations, the keys of one card."""

    environment: tuple[Function, ...] = ("set",)
    """What MANAGE SECURITY ENVIRONMENT does on this card."""
    missing_key: Literal["set", "use", "either"] = "either"
    """Whether a key that is not there is told when it is set, or when it is used."""
    environment_on_df: Literal["lost", "kept", "either"] = "either"
    """What becomes of the environment when another DF is selected."""
    operations: tuple[Operation, ...] = ()
    stored: tuple[Annotated[str, Field(pattern=r"^[0-9A-F]{2}$")], ...] = ()
    """Numbers of stored environments that are free, in the DF of `[scratch]`."""
    algorithm: tuple[AlgorithmTable, ...] = ()
    key: tuple[KeyTable, ...] = ()

    def mechanism(self, template: int, reference: bytes) -> str | None:
        """What the algorithm *reference* means in *template*, None when the card has none such."""
        tag, digits = f"{template:02X}", reference.hex().upper()
        for one in self.algorithm:
            if one.template == tag and one.reference == digits:
                return one.mechanism
        return None


def check_operations(table: OperationsTable | None) -> Iterator[str]:
    """What contradicts itself in *table*: the key of the file and the rule, one after the other."""
    if table is None:
        return
    for index, one in enumerate(table.algorithm):
        if one.mechanism not in MECHANISMS[one.tag]:
            known = ", ".join(MECHANISMS[one.tag])
            yield f"operations.algorithm[{index}].mechanism: {one.mechanism} is not of {known}"
    for index, key in enumerate(table.key):
        for what in _faults(key):
            yield f"operations.key[{index}].{what}"
        before = table.key[:index]
        if any((one.df, one.number) == (key.df, key.number) for one in before):
            yield f"operations.key[{index}].reference: {key.reference} is declared twice"
        if any(one.name == key.name for one in before):
            yield f"operations.key[{index}].name: {key.name} is declared twice"


def _faults(key: KeyTable) -> Iterator[str]:
    if bool(key.number & 0x80) == (key.df == "3F00"):
        yield f"reference: bit 8 of {key.reference} is set below a DF, clear in the MF"
    if key.floor > key.tries > 0:
        yield f"floor: {key.floor} is more than the {key.tries} tries there are"
    if key.symmetric and (key.public or not key.private or key.spare):
        yield f"public: a key of {key.algorithm} is one secret value"
    if key.public and key.algorithm in CURVES:
        try:
            CURVES[key.algorithm].decode(bytes.fromhex(key.public))
        except ValueError as error:
            yield f"public: {error}"
    if not key.symmetric and not key.spare and not key.public:
        yield "public: the public value is missing; only a spare key goes without"
    for template, mechanism in key.implied.items():
        if mechanism not in MECHANISMS[int(template, 16)] or not fits(mechanism, key.algorithm):
            yield f"implied.{template}: {mechanism} is nothing for a key of {key.algorithm}"


def check_secrets(keys: Iterable[Key], secrets: Mapping[str, bytes], origin: str) -> None:
    """UsageError for a value of a length that the algorithm of its key does not have."""
    for key in keys:
        value, lengths = secrets.get(key.name), KEY_LENGTHS.get(key.algorithm)
        if value is None:
            continue
        if lengths is None:
            raise UsageError(
                f"{origin}: key.{key.name}: the private value of an {key.algorithm} key stays on"
                " the card; nobody asks for it"
            )
        if len(value) not in lengths:
            told = " or ".join(map(str, lengths))
            raise UsageError(
                f"{origin}: key.{key.name}: a key of {key.algorithm} has {told} bytes,"
                f" the value has {len(value)}"
            )
