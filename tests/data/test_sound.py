"""WAV held against the standard library's own writer and against soundfile."""

from __future__ import annotations

import io
import struct
import wave
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hubel.data.decode import decode
from hubel.data.form import Limits
from hubel.data.headers import header_of
from hubel.errors import PictureError

MOMENTS = np.linspace(-1, 1, 41)


def written(width: int, channels: int = 1) -> tuple[bytes, NDArray[np.float64]]:
    """A WAV file of the standard library's, and the values that it stands for."""
    top = 2 ** (8 * width - 1)
    whole = np.clip(np.rint(np.repeat(MOMENTS[:, None], channels, 1) * top), -top, top - 1)
    whole[:, 1:] *= -0.5
    whole = np.rint(whole).astype(np.int64)
    raw = (whole + 128).astype(np.uint8) if width == 1 else whole.astype("<i4")
    if width > 1:
        raw = raw.view(np.uint8).reshape(*whole.shape, 4)[..., :width]
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((channels, width, 8000, 0, "NONE", ""))
        file.writeframes(np.ascontiguousarray(raw).tobytes())
    return stream.getvalue(), whole / top


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_whole_numbers_of_every_width_are_from_minus_one_to_one(width: int, channels: int) -> None:
    content, expected = written(width, channels)
    found = decode(content)
    assert (found.kind, found.format, found.width) == ("signal", "WAV", len(MOMENTS))
    np.testing.assert_allclose(found.values, expected, atol=1e-7)
    assert header_of(content).mode == found.mode == f"signal float32 x{channels}"


CODINGS = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
def test_soundfile_reads_the_same(coding: str, form: str) -> None:
    soundfile: Any = pytest.importorskip("soundfile")
    stream = io.BytesIO()
    values = np.stack([MOMENTS * 0.9, -MOMENTS * 0.5], 1)
    soundfile.write(stream, values, 8000, format=form, subtype=coding)
    content = stream.getvalue()
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    np.testing.assert_allclose(decode(content).values, expected, atol=1e-7)


@pytest.mark.parametrize("form", ["FLAC", "OGG"])
def test_compressed_sound_needs_soundfile_and_then_is_a_signal(form: str, monkeypatch: Any) -> None:
    soundfile: Any = pytest.importorskip("soundfile")
    stream = io.BytesIO()
    soundfile.write(stream, np.sin(np.arange(2000) / 9), 8000, format=form)
    content = stream.getvalue()
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    np.testing.assert_array_equal(decode(content).values, expected)
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(PictureError, match=r"need soundfile: pip install 'hubel\[audio\]'"):
        decode(content)


def chunked(coding: int, bits: int, sound: bytes, announced: int | None = None) -> bytes:
    head = struct.pack("<HHIIHH", coding, 1, 8000, 8000 * bits // 8, bits // 8, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head
    body += b"data" + struct.pack("<I", len(sound) if announced is None else announced) + sound
    return b"RIFF" + struct.pack("<I", len(body)) + body


REFUSED = [
    (chunked(1, 16, b"1234", 400), "broken or truncated"),
    (chunked(1, 16, b""), "broken or truncated"),
    (chunked(2, 16, b"1234"), "a WAV file of a coding without a rule"),
    (chunked(1, 12, b"1234"), "a WAV file of a coding without a rule"),
    (b"RIFF\x00\x00\x00\x00WAVE", "broken or truncated"),
]


@pytest.mark.parametrize(("content", "reason"), REFUSED)
def test_what_is_no_sound_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode(content)


def test_moments_are_bounded_by_the_header() -> None:
    with pytest.raises(PictureError, match="too many pixels"):
        decode(written(2)[0], Limits(pixels=40))


@given(st.binary(max_size=60), st.integers(0, 120))
def test_any_bytes_are_a_signal_or_a_picture_error(noise: bytes, place: int) -> None:
    content = written(2)[0]
    for candidate in (content[:place] + noise, content[:place] + noise + content[place:]):
        try:
            decode(candidate)
        except PictureError:
            continue
