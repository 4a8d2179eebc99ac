"""A damaged file is named, or gives the whole picture: never zeros, a part, or its neighbour."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from hubel.data.decode import Decoded, decode
from hubel.data.warned import quiet_decoders
from hubel.errors import PictureError
from tests.conftest import picture


def encoded(form: str, mode: str = "RGB", **options: Any) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of formats that Pillow will drop
        picture(3, 20).convert(mode).save(stream, form, **options)
    return stream.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


# Every format that Pillow writes, and JPEG on each of its ways through the decoders.
FILES: dict[str, bytes] = {
    "jpeg": encoded("JPEG"),
    "progressive jpeg": encoded("JPEG", progressive=True),
    "grey jpeg": encoded("JPEG", "L"),
    "turned jpeg": encoded("JPEG", exif=turned()),
    "turned progressive jpeg": encoded("JPEG", progressive=True, exif=turned()),
    "cmyk jpeg": encoded("JPEG", "CMYK"),
    "png": encoded("PNG"),
    "webp": encoded("WEBP"),
    "lossless webp": encoded("WEBP", lossless=True),
    "gif": encoded("GIF", "P"),
    "bmp": encoded("BMP"),
    "tiff": encoded("TIFF"),
    "tiff lzw": encoded("TIFF", compression="tiff_lzw"),
    "tiff deflate": encoded("TIFF", compression="tiff_deflate"),
    "tiff jpeg": encoded("TIFF", compression="jpeg"),
    "tiff packbits": encoded("TIFF", compression="packbits"),
    "avif": encoded("AVIF"),
    "ppm": encoded("PPM"),
    "jpeg 2000": encoded("JPEG2000"),
    "ico": encoded("ICO"),
    "pcx": encoded("PCX"),
    "qoi": encoded("QOI"),
    "sgi": encoded("SGI"),
    "xbm": encoded("XBM", "1"),
    "dds": encoded("DDS"),
    "icns": encoded("ICNS"),
    "im": encoded("IM"),
    "msp": encoded("MSP", "1"),
    "spider": encoded("SPIDER", "F"),
    "tga": encoded("TGA"),
}
JPEGS = [name for name in FILES if "jpeg" in name and "tiff" not in name and "2000" not in name]


def opened(content: bytes) -> Decoded | None:
    """None for a file that is named with a reason."""
    with quiet_decoders():
        try:
            return decode(content)
        except PictureError:
            return None


WHOLE = {name: opened(content) for name, content in FILES.items()}


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_read_while_it_is_whole(name: str) -> None:
    assert WHOLE[name] is not None


def expect_whole_or_named(name: str, content: bytes) -> None:
    found, whole = opened(content), WHOLE[name]
    assert whole is not None
    if found is not None:
        np.testing.assert_array_equal(found.pixels, whole.pixels)


@given(st.sampled_from(list(FILES)), st.floats(0, 1, exclude_max=True))
def test_a_file_that_is_cut_anywhere_is_named_or_whole(name: str, place: float) -> None:
    expect_whole_or_named(name, FILES[name][: int(place * len(FILES[name]))])


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_at_any_byte_is_named_or_whole(name: str) -> None:
    for end in range(len(FILES[name])):
        expect_whole_or_named(name, FILES[name][:end])


@given(st.sampled_from([n for n in JPEGS if "progressive" not in n]), st.floats(0, 1))
def test_a_jpeg_whose_middle_is_missing_is_no_grey_picture(name: str, place: float) -> None:
    """An end mark after the cut makes the file formally complete; Pillow alone takes it."""
    content = FILES[name]
    expect_whole_or_named(name, content[: int(place * len(content))] + b"\xff\xd9")


@pytest.mark.parametrize("exif", [Image.Exif(), turned()], ids=["upright", "turned"])
def test_a_progressive_jpeg_that_ends_within_a_scan_is_named(exif: Image.Exif) -> None:
    """Between two scans it is a valid file of a coarser picture, and nobody can tell."""
    stream = io.BytesIO()
    picture(3, 96).save(stream, "JPEG", progressive=True, exif=exif)
    content = stream.getvalue()
    scans = [match.span() for match in re.finditer(rb"\xff\xda(?:[^\xff]|\xff\0)+", content)]
    long = [(begin, end) for begin, end in scans if end - begin > 100]
    assert len(long) >= 3
    for begin, end in long:
        assert opened(content[: (begin + end) // 2] + b"\xff\xd9") is None


@given(st.sampled_from(list(FILES)), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_changed_byte_never_raises_anything_else(name: str, place: float, change: int) -> None:
    content = bytearray(FILES[name])
    content[int(place * len(content))] ^= change
    found = opened(bytes(content))
    assert found is None or found.pixels.dtype == np.uint8


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_changed_byte_of_a_png_changes_no_pixel(place: float, change: int) -> None:
    """It has checksums; other formats can't tell a changed byte from another picture."""
    content = bytearray(FILES["png"])
    content[int(place * len(content))] ^= change
    expect_whole_or_named("png", bytes(content))


@pytest.mark.parametrize("name", ["png", "turned jpeg", "tiff", "bmp", "jpeg 2000"])
def test_a_program_that_lets_pillow_load_cut_files_does_not_get_them_from_here(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert opened(FILES[name][: len(FILES[name]) * 2 // 3]) is None
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


PROGRAMS = {
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    b"(%pipe%touch MARK) (w) file closefile\nshowpage\n",
    "pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/Launch/F(touch MARK)>>>>endobj\n",
    "postscript in a tiff's clothes": b"II*\0" + b"%!PS (%pipe%touch MARK) (w) file",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>touch('MARK')</script></svg>",
    "wmf": b"\xd7\xcd\xc6\x9a\0\0" + bytes(400),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_file_that_is_a_program_is_refused_and_not_run(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import subprocess

    def ran(*words: Any, **_: Any) -> None:
        raise AssertionError(f"a program was started: {words}")

    for owner, function in ((subprocess, "Popen"), (os, "system"), (os, "posix_spawn")):
        monkeypatch.setattr(owner, function, ran)
    monkeypatch.chdir(tmp_path)
    assert opened(PROGRAMS[name].replace(b"MARK", bytes(tmp_path / "mark"))) is None
    assert list(tmp_path.iterdir()) == []
