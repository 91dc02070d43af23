"""`simcard show`: a card in words, without what it keeps secret."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from simcard.description import describe_profile
from simcard.profiles import load_profile, profile_names


def shown(name: str) -> str:
    output = io.StringIO()
    Console(file=output, width=200, soft_wrap=True).print(describe_profile(load_profile(name)))
    return output.getvalue()


@pytest.mark.parametrize("name", profile_names())
def test_keys_and_pins_are_named_and_not_told(name: str) -> None:
    tables, text = load_profile(name).tables, shown(name)
    for key in tables.key:
        assert f"key {key.reference.hex().upper()}  {key.title}" in text
        assert key.value.hex().upper() not in text.upper()
        assert key.text is None or key.text not in text
    for data in tables.reference_data:
        assert data.title in text
        assert data.text is None or f" {data.text} " not in text


def test_a_key_is_told_with_what_it_is_for() -> None:
    text = shown("emrtd")
    assert "key 00  Basic access control  tdes, mutual" in text
    assert "key 81  Active authentication  rsa SHA-1, active" in text
