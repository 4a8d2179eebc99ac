"""Frames are counted from headers, as Pillow counts them by walking the file."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hubel.data.decode import Limits, decode
from hubel.data.frames import count_frames
from hubel.errors import PictureError
from tests.conftest import picture

FORMATS = ("GIF", "PNG", "TIFF", "WEBP")


def animated(form: str, count: int) -> bytes:
    stream = io.BytesIO()
    first, *rest = [picture(number, 8) for number in range(count)]
    first.save(stream, form, save_all=True, append_images=rest)
    return stream.getvalue()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_count_is_pillows(form: str, count: int) -> None:
    content = animated(form, count)
    with Image.open(io.BytesIO(content)) as image:
        assert count_frames(content, 100) == getattr(image, "n_frames", 1) == count


@pytest.mark.parametrize("form", FORMATS)
def test_too_many_frames_are_named(form: str) -> None:
    content = animated(form, 4)
    assert decode(content, Limits(frames=4)).frames == 4
    with pytest.raises(PictureError, match=r"too many frames \(at most 3\)"):
        decode(content, Limits(frames=3))


def test_a_hundred_thousand_frames_are_named_by_the_default_limit() -> None:
    frame = b"," + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    content = b"GIF89a" + struct.pack("<2H3B", 1, 1, 0x80, 0, 0) + bytes(6) + frame * 100_000
    with pytest.raises(PictureError, match=r"too many frames \(at most 10,000\)"):
        decode(content + b";")


@given(st.binary(max_size=200), st.sampled_from(FORMATS))
def test_any_bytes_are_counted(noise: bytes, form: str) -> None:
    content = animated(form, 2)
    for candidate in (content[: len(noise) * 3] + noise, noise, content[:16] + noise):
        assert 1 <= count_frames(candidate, 50) <= 51


def test_a_chain_of_directories_that_leads_back_ends() -> None:
    content = bytearray(animated("TIFF", 2))
    (first,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * entries, first)
    assert count_frames(bytes(content), 100) == 1


def test_a_directory_beyond_all_memory_is_no_frame_more() -> None:
    content = b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**64 - 1) + bytes(99)
    assert count_frames(content, 100) == 1


def test_a_png_that_only_says_that_it_has_many_frames_has_one() -> None:
    content = animated("PNG", 1)
    ends = content.index(b"IDAT") - 4
    lie = struct.pack(">I4sII", 8, b"acTL", 2**32 - 1, 0) + bytes(4)
    assert count_frames(content[:ends] + lie + content[ends:], 100) == 1
