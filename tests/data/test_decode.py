"""One stated rule for every mode, and nothing but `PictureError` for anything else."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hubel.data import decode as module
from hubel.data.decode import FORMATS, Limits, decode, read_header, upright_pixels
from hubel.errors import PictureError
from tests.conftest import picture


def encode(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


RAMP = np.array([[0, 1, 128, 255]], np.uint8)

GOLDEN = [
    ("L", Image.fromarray(RAMP), "PNG", [[0, 1, 128, 255]]),
    ("1", Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1"), "PNG", [[0, 255]]),
    (
        "I;16",
        Image.fromarray(np.array([[0, 257, 32_896, 65_535]], np.uint16)),
        "PNG",
        [[0, 1, 128, 255]],
    ),
    ("I", Image.fromarray(np.array([[-5, 257, 70_000]], np.int32)), "TIFF", [[0, 1, 255]]),
    (
        "F",
        Image.fromarray(np.array([[-1.0, 0.0, 1.0, np.nan]], np.float32)),
        "TIFF",
        [[0, 128, 255, 0]],
    ),
    ("RGB", Image.new("RGB", (1, 1), (10, 20, 30)), "PNG", [[[10, 20, 30]]]),
    ("RGBA", Image.new("RGBA", (1, 1), (10, 20, 30, 0)), "PNG", [[[255, 255, 255]]]),
    ("RGBA", Image.new("RGBA", (1, 1), (0, 0, 0, 128)), "PNG", [[[127, 127, 127]]]),
    ("LA", Image.new("LA", (1, 1), (0, 0)), "PNG", [[255]]),
    ("CMYK", Image.new("CMYK", (1, 1), (255, 0, 0, 0)), "TIFF", [[[0, 255, 255]]]),
    ("LAB", Image.new("LAB", (1, 1), (255, 128, 128)), "TIFF", [[[255, 255, 255]]]),
]


@pytest.mark.parametrize(("mode", "image", "form", "expected"), GOLDEN)
def test_every_mode_has_its_rule(mode: str, image: Image.Image, form: str, expected: Any) -> None:
    found = decode(encode(image, form))
    assert found.mode == mode
    assert found.pixels.dtype == np.uint8
    np.testing.assert_allclose(found.pixels.astype(int), expected, atol=1 if mode == "LAB" else 0)


def test_a_palette_is_looked_up_and_its_transparency_is_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([9, 8, 7, 100, 0, 0])
    image.putpixel((1, 0), 1)
    assert decode(encode(image, "PNG")).pixels.tolist() == [[[9, 8, 7], [100, 0, 0]]]
    clear = decode(encode(image, "PNG", transparency=0)).pixels
    assert clear.tolist() == [[[255, 255, 255], [100, 0, 0]]]


def test_of_several_frames_the_first_is_taken() -> None:
    frames = [Image.new("RGB", (2, 2), (shade, 0, 0)) for shade in (10, 200)]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    found = decode(content)
    assert found.frames == 2
    assert found.pixels[0, 0, 0] == 10


def test_eight_orientations_are_one_picture() -> None:
    upright = picture(1, 8).resize((6, 8))
    turns = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation, turn in turns.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = upright if turn is None else upright.transpose(turn)
        content = encode(stored, "PNG", exif=exif)
        found = decode(content)
        np.testing.assert_array_equal(found.pixels, np.asarray(upright), str(orientation))
        assert read_header(content) == (6, 8, "RGB")


def test_the_eight_photographs_agree(shared: Callable[[str], Path], tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(shared("odd-images.tar.xz")) as archive:
        members = [m for m in archive if "/Landscape_" in f"/{m.name}" and m.name.endswith(".jpg")]
        archive.extractall(tmp_path, members, filter="data")
    files = sorted(tmp_path.rglob("Landscape_[1-8].jpg"))
    assert len(files) == 8
    found = [decode(path.read_bytes()).pixels.astype(float) for path in files]
    for other in found[1:]:
        assert other.shape == found[0].shape
        assert abs(other - found[0]).mean() < 4  # each was compressed on its own


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_the_fast_path_gives_pillows_pixels(mode: str, subsampling: int) -> None:
    image = picture(3, 67).convert(mode)
    options = {"subsampling": subsampling} if mode == "RGB" else {}
    content = encode(image, "JPEG", quality=70, **options)
    fast = module._decode_jpeg(content, Limits())  # pyright: ignore[reportPrivateUsage]
    assert fast is not None
    slow = module._decode_any(content, Limits())  # pyright: ignore[reportPrivateUsage]
    np.testing.assert_array_equal(fast.pixels, slow.pixels)
    assert (fast.mode, fast.format) == (slow.mode, slow.format)


BROKEN = {
    "nothing": (b"", "empty file"),
    "text": (b"hello, I am not a picture" * 9, "not a picture"),
    "html": (b"<html><body>404</body></html>", "not a picture"),
    "half a png": (encode(picture(1, 64), "PNG")[:2000], "broken or truncated"),
    "half a jpeg": (encode(picture(1, 64), "JPEG")[:900], "broken or truncated"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
}


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_picture_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode(content)


def test_pixels_are_bounded_by_the_header() -> None:
    content = encode(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(content) < 100_000
    with pytest.raises(PictureError, match="too many pixels"):
        decode(content)
    with pytest.raises(PictureError, match="too many pixels"):
        decode(encode(Image.new("RGB", (30, 30)), "JPEG"), Limits(pixels=100))
    with pytest.raises(PictureError, match="file too large"):
        decode(b"x" * 11, Limits(bytes=10))


@given(st.binary(max_size=300), st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]))
def test_any_bytes_give_pixels_or_a_picture_error(noise: bytes, form: str) -> None:
    content = encode(picture(2), form)
    for candidate in (noise, content[: len(noise) * 2] + noise, noise + content):
        try:
            found = decode(candidate)
        except PictureError:
            continue
        assert found.pixels.dtype == np.uint8
        assert found.pixels.ndim in (2, 3)


def test_formats_that_run_programs_are_not_read() -> None:
    assert not {"EPS", "PDF", "WMF", "FPX", "MIC"} & set(FORMATS)


def test_an_opened_picture_follows_the_same_rules() -> None:
    image = Image.new("RGBA", (1, 1), (0, 0, 0, 0))
    assert upright_pixels(image).tolist() == [[[255, 255, 255]]]
