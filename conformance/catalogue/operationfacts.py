"""The facts of operations and of keys for them that conditions may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.crypto.mechanisms import hash_function
from conformance.operations import AUTHENTICATION, SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.layout import Key, Layout
    from conformance.operations import OperationsTable

OPERATION_FACTS = frozenset(
    f"operation.{name}"
    for name in (
        *("set", "store", "restore", "erase", "environment-lost"),
        *("hash", "last-round", "odd-instruction", "public-key", "generate", "spare"),
        *("encipher", "decipher", "encipher-public", "decipher-private", "checksum"),
        *("sign", "sign-hash", "sign-hashed", "sign-curve", "verify"),
        *("unfit", "foreign", "public-only", "guarded", "counted", "limited"),
        *("internal", "internal-block", "external", "external-counted", "external-several"),
        *("proof-opens", "active"),
    )
)
"""Every one of them."""


def operation_facts(table: OperationsTable | None, layout: Layout) -> Iterator[str]:
    """The facts that are true of a card that declares *table*."""
    if table is None:
        return
    lost = table.environment_on_df == "lost" and "set" in table.environment
    names = {*table.environment, *table.operations, *(["environment-lost"] if lost else [])}
    names.update(*(_of_key(key) for key in layout.keys))
    if len({key.symmetric for key in layout.keys}) > 1:
        names |= {"foreign", "unfit"}
    if sum("external" in key.usage for key in layout.keys) > 1:
        names.add("external-several")
    proofs = {key.proof for key in layout.keys if "external" in key.usage}
    asked = {one for ef in layout.elementary() for group in ef.read.alternatives for one in group}
    if proofs & asked:
        names.add("proof-opens")
    yield from sorted(f"operation.{name}" for name in names)


def _of_key(key: Key) -> Iterator[str]:
    if key.symmetric:
        yield from key.usage & {"encipher", "decipher", "checksum", "internal", "external"}
        if "internal" in key.usage:
            yield "internal-block"
    else:
        yield from key.usage & {"sign", "verify", "internal"}
        if "encipher" in key.usage:
            yield "encipher-public"
        if "decipher" in key.usage:
            yield "decipher-private"
    if "sign" in key.usage:
        yield "sign-hash" if hash_function(key.implied.get(SIGNATURE, "")) else "sign-hashed"
        if key.algorithm != "RSA":
            yield "sign-curve"
    holds = {
        "public-only": not key.private and not key.symmetric,
        "guarded": not key.access.always and bool(key.usage - {"internal", "external"}),
        "counted": bool(key.tries) and "checksum" in key.usage,
        "external-counted": bool(key.tries) and "external" in key.usage,
        "limited": bool(key.uses),
        "active": key.implied.get(AUTHENTICATION, "").startswith("9796-2"),
        "spare": key.spare and "sign" in key.usage,
    }
    yield from (name for name, true in holds.items() if true)
