"""The index of the vectors: complete, exact, and what the judge refuses to read without."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from make_index import index_text, row_of
from vector_files import ROOM, family_files, index_rows

from conformance import resources, vectors


def test_every_family_and_the_status_words_have_a_line() -> None:
    indexed = {row["file"] for row in index_rows()}
    assert {path.name for path in family_files()} | {"status_words.toml"} <= indexed


@pytest.mark.parametrize("row", index_rows(), ids=lambda row: row["file"])
def test_a_line_says_what_the_file_is(row: dict[str, object]) -> None:
    path = ROOM / str(row["file"])
    assert row == row_of(path), "the file has changed: run tests/vectors/make_index.py"


def test_the_index_is_written_one_line_a_file() -> None:
    assert (ROOM / "INDEX.toml").read_text("utf-8") == index_text(index_rows())


def test_a_family_is_called_as_its_file() -> None:
    for path in family_files():
        assert f'"family": "{path.stem}"' in path.read_text("utf-8")


def test_no_program_lives_among_the_vectors() -> None:
    assert not list(ROOM.rglob("*.py"))


def _copied_room(tmp_path: Path) -> Path:
    room = tmp_path / "vectors"
    room.mkdir()
    for name in ("INDEX.toml", "sm3.json"):
        (room / name).write_bytes((ROOM / name).read_bytes())
    return room


def test_the_judge_refuses_a_changed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = _copied_room(tmp_path)
    monkeypatch.setattr(vectors, "resource_root", lambda _: room)
    assert len(vectors.family("sm3")) == 7
    (room / "sm3.json").write_bytes((room / "sm3.json").read_bytes().replace(b"66C7", b"67C7"))
    with pytest.raises(vectors.VectorError, match=r"sm3\.json: the SHA-256 is not the one"):
        vectors.family("sm3")


def test_the_judge_refuses_a_file_that_the_index_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = _copied_room(tmp_path)
    (room / "more.json").write_text("{}")
    monkeypatch.setattr(vectors, "resource_root", lambda _: room)
    with pytest.raises(vectors.VectorError, match=r"more\.json: not in INDEX\.toml"):
        vectors.family("more")


def test_the_data_room_is_found_in_a_wheel_before_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "_data" / "vectors"
    shipped.mkdir(parents=True)
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    assert resources.resource_root("vectors") == shipped
    monkeypatch.setattr(resources, "files", lambda _: tmp_path / "elsewhere")
    assert resources.resource_root("vectors") == ROOM


def test_a_room_that_is_nowhere_is_named_in_the_error() -> None:
    with pytest.raises(FileNotFoundError, match="no data room 'attic'"):
        resources.resource_root("attic")


def test_the_digest_is_that_of_the_bytes() -> None:
    row = vectors.index()["sm3.json"]
    assert row.sha256 == hashlib.sha256((ROOM / "sm3.json").read_bytes()).hexdigest()
    assert row.count == 7
