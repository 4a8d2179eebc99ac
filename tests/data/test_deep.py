"""16-bit colour, many samples a pixel, and stacks: held against tifffile and against Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from hubel.data.decode import decode
from hubel.data.deep import turned
from hubel.data.form import Limits
from hubel.data.headers import header_of
from hubel.errors import PictureError


def tiff(values: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


def png(values: NDArray[np.uint16]) -> bytes:
    """A 16-bit PNG by the letter of its specification, which Pillow can't write in colour."""
    height, width, channels = values.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in values)

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))  # fmt: skip


def noise(*shape: int, dtype: Any = np.uint16) -> NDArray[Any]:
    top = 256 if dtype == np.uint8 else 65_536
    return np.random.default_rng(sum(shape)).integers(0, top, shape).astype(dtype)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_of_16_bits_keeps_them(channels: int) -> None:
    values = noise(5, 7, channels)
    content = png(values)
    found = decode(content)
    assert found.values.dtype == np.uint16
    # Grey with alpha is colour with alpha, as Pillow has it in 8 bits.
    expected = values[..., [0, 0, 0, 1]] if channels == 2 else values
    np.testing.assert_array_equal(found.values.reshape(expected.shape), expected)
    mode = {1: "I;16", 3: "RGB;16"}.get(channels, "RGBA;16")
    assert found.mode == header_of(content).mode == mode


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_its_8_bits_are_those_that_pillow_gives(channels: int) -> None:
    content = png(noise(5, 7, channels))
    with Image.open(io.BytesIO(content)) as image:
        eight = image.convert("RGBA")
    white = Image.new("RGBA", eight.size, "white")
    expected = Image.alpha_composite(white, eight).convert("RGB")
    found = decode(content).pixels
    assert found.shape == (5, 7, 3)
    np.testing.assert_array_equal(found, np.asarray(expected))


def test_a_tiff_of_16_bit_colour_keeps_them() -> None:
    values = noise(6, 4, 3)
    found = decode(tiff(values, photometric="rgb"))
    assert (found.mode, found.format) == ("RGB;16", "TIFF")
    np.testing.assert_array_equal(found.values, values)


@pytest.mark.parametrize("samples", [5, 7, 13])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_has_as_many_channels_as_samples(
    samples: int, dtype: Any, planar: str, compression: Any
) -> None:
    values = noise(16, 20, samples, dtype=dtype)
    stored = np.moveaxis(values, -1, 0) if planar == "separate" else values
    content = tiff(stored, photometric="minisblack", planarconfig=planar, compression=compression)
    found = decode(content)
    assert (found.form.kind, found.form.channels) == ("picture", samples)
    assert found.form.depth == np.dtype(dtype).name
    np.testing.assert_array_equal(found.values, values)
    assert header_of(content).mode == found.mode
    assert found.pixels.shape == (16, 20, 3)


def test_its_pixels_are_bounded_before_they_are_read() -> None:
    content = tiff(
        noise(30, 30, 5, dtype=np.uint8), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(PictureError, match="too many pixels"):
        decode(content, Limits(pixels=100))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_stack_is_a_volume_where_volumes_are_asked_for(dtype: Any) -> None:
    values = noise(4, 6, 5, dtype=dtype)
    content = tiff(values, photometric="minisblack")
    found = decode(content, kind="volume")
    assert (found.kind, found.frames, found.height, found.width) == ("volume", 4, 6, 5)
    np.testing.assert_array_equal(found.values[..., 0], values)
    first = decode(content)
    assert (first.kind, first.frames) == ("picture", 4)
    np.testing.assert_array_equal(first.values, values[0])


def test_pages_of_several_sizes_or_colours_are_no_stack() -> None:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for side in (8, 9):
            writer.write(noise(side, side, dtype=np.uint8), photometric="minisblack")
    assert decode(stream.getvalue(), kind="volume").kind == "picture"
    pages = tiff(noise(3, 8, 8, 3, dtype=np.uint8), photometric="rgb")
    assert decode(pages, kind="volume").kind == "picture"


TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize(("orientation", "turn"), TURNS.items())
def test_values_are_turned_as_pillow_turns_pictures(orientation: int, turn: Any) -> None:
    values = noise(4, 6, dtype=np.uint8)
    image = Image.fromarray(values)
    expected = np.asarray(image if turn is None else image.transpose(turn))
    np.testing.assert_array_equal(turned(values, orientation), expected)
