"""The album: each picture once, small, bounded, and a word where there is none."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from synthetic_run import thumbnail

from hubel.reports.pictures import LONGEST_SIDE, MOST_BYTES, Album


def encoded(mode: str, size: tuple[int, int], form: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(buffer, form)
    return buffer.getvalue()


def test_a_picture_is_asked_for_and_embedded_once() -> None:
    asked: list[str] = []

    def count(file: str) -> bytes:
        asked.append(file)
        return thumbnail("the same")

    album = Album(count, {})
    first, again, other = album.picture("a"), album.picture("a"), album.picture("copy of a")
    assert first == again
    assert first.symbol == other.symbol
    assert asked == ["a", "copy of a"]
    assert len(album.symbols) == 1


def test_the_aspect_ratio_is_kept() -> None:
    picture = Album(thumbnail, {}).picture("wide")
    assert (picture.width, picture.height) == (1.0, 0.75)


@pytest.mark.parametrize(
    ("mode", "form"),
    [("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("L", "BMP"), ("CMYK", "JPEG")],
)
def test_whatever_comes_is_small_when_it_is_embedded(mode: str, form: str) -> None:
    album = Album(lambda file: encoded(mode, (300, 200), form), {})
    album.picture("x")
    (symbol,) = album.symbols
    assert max(symbol.width, symbol.height) == LONGEST_SIDE
    assert len(symbol.uri) < MOST_BYTES * 4 / 3 + 40
    assert symbol.uri.startswith("data:image/jpeg;base64,")


@pytest.mark.parametrize("content", [None, b"", b"no picture", thumbnail("x")[:200]])
def test_a_picture_that_is_gone_or_broken_is_said(content: bytes | None) -> None:
    album = Album(lambda file: content, {})
    assert album.picture("x").absence == "picture not found"
    assert album.symbols == []


def test_a_full_page_takes_no_more() -> None:
    album = Album(thumbnail, {}, most=3)
    absences = [album.picture(f"{k}").absence for k in range(5)]
    assert absences == ["", "", "", *["left out: page is full"] * 2]
    light = Album(thumbnail, {}, weight=1)
    assert [light.picture(f"{k}").absence for k in range(2)] == ["", "left out: page is full"]


@pytest.mark.parametrize(("side", "pixelated"), [(32, True), (512, False)])
def test_pixels_stay_visible_where_the_original_is_small(side: int, pixelated: bool) -> None:
    assert Album(thumbnail, {"x": (side, side)}).picture("x").pixelated is pixelated
