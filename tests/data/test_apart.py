"""A file that may take very long is decoded by a process that can be stopped."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hubel.data import apart
from hubel.data.decode import FORMATS, Limits, decode
from hubel.errors import PictureError
from tests.conftest import picture


def many_scans(count: int) -> bytes:
    """A progressive JPEG of 9 million pixels that goes over them again and again."""
    stream = io.BytesIO()
    Image.new("L", (3000, 3000)).save(stream, "JPEG", progressive=True)
    content = stream.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * count + content[-2:]


def test_ordinary_files_are_decoded_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_MOST", 0)
    for form in ("PNG", "JPEG", "TIFF", "GIF"):
        stream = io.BytesIO()
        picture(1, 64).save(stream, form)
        assert not apart.may_be_slow(stream.getvalue(), FORMATS)


def test_what_may_be_slow_is_told_from_pixels_passes_and_format() -> None:
    assert not apart.may_be_slow(many_scans(50), FORMATS)
    assert apart.may_be_slow(many_scans(200), FORMATS)
    stream = io.BytesIO()
    Image.new("L", (5000, 5000)).save(stream, "JPEG2000")
    assert apart.may_be_slow(stream.getvalue(), FORMATS)
    assert not apart.may_be_slow(b"\xff\xd8" + b"\xff\xda" * 99, FORMATS)


@pytest.fixture
def suspicious(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_MOST", 1)


@pytest.mark.usefixtures("suspicious")
def test_a_process_of_its_own_gives_the_same_picture() -> None:
    stream = io.BytesIO()
    picture(1, 20).save(stream, "JPEG2000")
    found = decode(stream.getvalue())
    with Image.open(io.BytesIO(stream.getvalue())) as image:
        np.testing.assert_array_equal(found.pixels, np.asarray(image))
    assert (found.mode, found.format, found.frames) == ("RGB", "JPEG2000", 1)
    cut = stream.getvalue()[:300]
    with pytest.raises(PictureError, match="broken or truncated"):
        decode(cut)


@pytest.mark.usefixtures("suspicious")
def test_a_decoder_that_goes_on_for_ever_is_stopped_and_the_file_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apart, "_SERVE", "while True: pass")
    stream = io.BytesIO()
    picture(1, 20).save(stream, "JPEG2000")
    message = r"takes too long to decode \(more than 0\.5 seconds\)"
    with pytest.raises(PictureError, match=message):
        decode(stream.getvalue(), Limits(seconds=0.5))


@pytest.mark.usefixtures("suspicious")
def test_a_decoder_that_dies_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_SERVE", "import os; os.kill(os.getpid(), 11)")
    stream = io.BytesIO()
    picture(1, 20).save(stream, "JPEG2000")
    with pytest.raises(PictureError, match="its decoder ended with -11"):
        decode(stream.getvalue())
