from dataclasses import replace
from itertools import combinations, count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcard.issuance.ceremony import CeremonyError, Component, combine, split


def seeded():  # noqa: ANN201 - a source of bytes for the test
    numbers = count(1)
    return lambda length: bytes((next(numbers) * 73 + n) & 0xFF for n in range(length))


@given(st.binary(min_size=1, max_size=48), st.data())
def test_any_k_of_n_restore_the_secret(secret: bytes, data: st.DataObject) -> None:
    people = data.draw(st.integers(2, 6))
    needed = data.draw(st.integers(2, people))
    parts = split(secret, needed, people, seeded())
    for chosen in combinations(parts, needed):
        assert combine(chosen) == secret
    assert combine(parts) == secret


@given(st.binary(min_size=4, max_size=32))
def test_fewer_do_not(secret: bytes) -> None:
    parts = split(secret, 3, 5, seeded())
    with pytest.raises(CeremonyError, match="3 components are needed"):
        combine(parts[:2])
    forged = [replace(part, needed=2) for part in parts[:2]]
    with pytest.raises(CeremonyError, match="check value"):
        combine(forged)


def test_two_components_fit_every_secret() -> None:
    """With k-1 components each secret is as likely as any other: a polynomial fits each of them."""
    parts = split(b"\x2a", 2, 3, seeded())
    thirds = {combine_byte(parts[0], candidate, 3).value for candidate in range(256)}
    assert len(thirds) == 256


def combine_byte(known: Component, secret: int, number: int) -> Component:
    """The component *number* that *known* and *secret* would imply in a 2-of-n ceremony."""
    from simcard.issuance.ceremony import _inverse, _times  # noqa: PLC0415

    slope = _times(known.value[0] ^ secret, _inverse(known.number))
    return Component(number, 2, bytes([secret ^ _times(slope, number)]), known.check)


def test_a_component_survives_paper() -> None:
    for part in split(b"secret of 16 byt", 2, 3, seeded()):
        assert Component.decode(part.encode()) == part
        assert Component.decode(part.encode().lower() + "\n") == part


@pytest.mark.parametrize(
    "text", ["", "1/2", "1/2-AABBCC", "x/2-AABBCC-00", "1/2-AABBCC-0", "0/2-AABBCC-00"]
)
def test_a_malformed_component_is_refused(text: str) -> None:
    with pytest.raises(CeremonyError):
        Component.decode(text)


def test_components_of_two_secrets_do_not_mix() -> None:
    first, second = split(b"one", 2, 2, seeded()), split(b"two", 2, 2, seeded())
    with pytest.raises(CeremonyError, match="different secrets"):
        combine([first[0], second[1]])
    with pytest.raises(CeremonyError, match="twice"):
        combine([first[0], first[0]])


@pytest.mark.parametrize(("needed", "people"), [(1, 3), (4, 3), (2, 17)])
def test_a_ceremony_has_sensible_numbers(needed: int, people: int) -> None:
    with pytest.raises(CeremonyError):
        split(b"secret", needed, people, seeded())
