from __future__ import annotations

import sys
from pathlib import Path

import pytest

from simcard import cli
from simcard.links.image_file import opened_image
from simcard.memory import Flash, ImageError
from simcard.profiles import Profile, build_card, initial_flash, load_profile

UPDATE = bytes.fromhex("00D681000411223344")
READ = bytes.fromhex("00B0810004")
SELECT = bytes.fromhex("00A4040C09F053494D4341524401")


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("iso7816")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "card.img"


def refusal(path: Path, profile: Profile) -> str:
    with pytest.raises(ImageError) as refused, opened_image(path, profile):
        pass
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_a_card_keeps_in_its_image_what_it_has_acknowledged(path: Path, profile: Profile) -> None:
    with opened_image(path, profile) as flash:
        assert flash.image() == initial_flash(profile).image() == path.read_bytes()
        card = build_card(profile, flash=flash)
        card.power_on()
        assert card.transmit(SELECT) == b"\x90\x00"
        assert card.transmit(UPDATE) == b"\x90\x00"
        assert path.read_bytes() == flash.image()
    with opened_image(path, profile) as flash:
        card = build_card(profile, flash=flash)
        card.power_on()
        card.transmit(SELECT)
        assert card.transmit(READ) == bytes.fromhex("112233449000")
    assert [each.name for each in path.parent.iterdir()] == ["card.img"]


def test_an_image_in_use_is_refused_to_a_second_process(path: Path, profile: Profile) -> None:
    with opened_image(path, profile):
        assert refusal(path, profile) == "another process has this card in use"
    with opened_image(path, profile) as flash:
        assert flash.geometry == profile.tables.memory.geometry()


def test_a_card_of_another_profile_is_refused(path: Path, profile: Profile) -> None:
    other = load_profile(str(Path(__file__).parents[1] / "card" / "keyed.toml"))
    with opened_image(path, other):
        pass
    assert refusal(path, profile) == "a card of profile keyed, not iso7816"


def test_a_chip_of_another_shape_is_refused(path: Path, profile: Profile) -> None:
    memory = profile.tables.memory.model_copy(update={"size": 131072})
    tables = profile.tables.model_copy(update={"memory": memory})
    with opened_image(path, Profile(tables, profile.source)):
        pass
    assert refusal(path, profile).startswith(
        "its chip has 512 pages of 256 bytes, 128 of them spare, for 100000 writes each, one of"
        " iso7816 has 256 pages of 256 bytes"
    )


def test_a_chip_without_a_card_on_it_is_refused(path: Path, profile: Profile) -> None:
    path.write_bytes(Flash.blank(profile.tables.memory.geometry()).image())
    assert "the file system's mark is" in refusal(path, profile)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "the file is empty"),
        (b"SIMFLASH", "image: 8 bytes; the header alone has 32"),
        (b"a letter to somebody, and not an image", "no card image"),
    ],
)
def test_another_file_is_refused_and_left_alone(
    path: Path, profile: Profile, content: bytes, rule: str
) -> None:
    path.write_bytes(content)
    assert rule in refusal(path, profile)
    assert path.read_bytes() == content


def test_a_truncated_image_is_refused(path: Path, profile: Profile) -> None:
    image = initial_flash(profile).image()
    path.write_bytes(image[:-1])
    assert (
        refusal(path, profile)
        == f"image: {len(image) - 1} bytes; its header announces {len(image)} bytes"
    )


def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path, profile: Profile) -> None:
    assert refusal(tmp_path, profile) == "Is a directory"
    assert refusal(tmp_path / "nowhere" / "card.img", profile) == "No such file or directory"


def test_a_failure_of_the_program_is_not_blamed_on_the_image(path: Path, profile: Profile) -> None:
    with pytest.raises(OSError, match=r"^port$"), opened_image(path, profile):
        raise OSError("port")


def test_two_who_make_the_same_image_share_the_first(
    path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened_image(path, profile) as flash:
        card = build_card(profile, flash=flash)
        card.power_on()
        card.transmit(SELECT)
        card.transmit(UPDATE)
    before = path.read_bytes()
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with opened_image(path, profile):
        assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["card.img"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--image", "{path}"], "{path}: the file is empty"),
        (["--image", "{path}", "--image", "{path}"], "--image: 2 images for 1 cards"),
    ],
)
def test_a_bad_image_ends_the_command_line_with_exit_code_3(
    path: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path.touch()
    monkeypatch.setattr(
        sys, "argv", ["simcard", "serve", *(a.format(path=path) for a in arguments)]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    assert capsys.readouterr().err == f"simcard: {message.format(path=path)}\n"
