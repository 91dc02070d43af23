"""Status words: the table is one to one, and what SW1 promises about memory."""

from __future__ import annotations

import pytest

from simcard.status import PBOC, SW, CardError, StatusWord, meaning_of

NAMED = {
    f"{space.__name__}.{name}": word
    for space in (SW, PBOC)
    for name, word in vars(space).items()
    if isinstance(word, StatusWord)
}


def test_every_value_has_one_name() -> None:
    assert len({word.value for word in NAMED.values()}) == len(NAMED)
    assert len({word.meaning for word in NAMED.values()}) == len(NAMED)


@pytest.mark.parametrize("sw1", [*range(0x60, 0x70), *range(0x90, 0xA0)], ids="{:02X}".format)
def test_sw1_promises_what_has_become_of_memory(sw1: int) -> None:
    word = StatusWord(sw1 << 8, "")
    assert word.memory_may_have_changed == (sw1 in {0x61, 0x63, 0x65, 0x90})
    assert word.is_error == (sw1 not in {0x61, 0x62, 0x63, 0x65, 0x90})


@pytest.mark.parametrize("value", [0x0000, 0x5FFF, 0x7000, 0x8FFF, 0xA000, 0xFFFF, 0x16982, -1])
def test_other_values_are_no_status_words(value: int) -> None:
    with pytest.raises(ValueError, match=f"^{value:04X} is not a status word"):
        StatusWord(value, "")


@pytest.mark.parametrize(
    ("available", "said"),
    [(1, 0x6101), (255, 0x61FF), (256, 0x6100), (257, 0x6100), (5000, 0x6100)],
)
def test_61xx_counts_to_256(available: int, said: int) -> None:
    assert SW.more(available).value == said


@pytest.mark.parametrize(
    ("available", "said"), [(1, 0x6C01), (255, 0x6CFF), (256, 0x6C00), (300, 0x6C00)]
)
def test_6cxx_counts_to_256(available: int, said: int) -> None:
    assert SW.exact_length(available).value == said


@pytest.mark.parametrize(("tries", "said"), [(0, 0x63C0), (3, 0x63C3), (15, 0x63CF), (99, 0x63CF)])
def test_63cx_counts_to_15(tries: int, said: int) -> None:
    assert SW.tries_left(tries).value == said


@pytest.mark.parametrize("name", NAMED)
def test_a_word_says_its_meaning(name: str) -> None:
    word = NAMED[name]
    assert meaning_of(b"\1\2" + bytes(word)) == word.meaning
    assert str(word) == f"{word.value:04X} {word.meaning}"


def test_a_word_nobody_named_has_no_known_meaning() -> None:
    assert meaning_of(bytes.fromhex("6FFF")) == "status word of no known meaning"


@pytest.mark.parametrize("word", [SW.OK, SW.more(3)])
def test_a_success_is_no_refusal(word: StatusWord) -> None:
    with pytest.raises(AssertionError):
        CardError(word)
