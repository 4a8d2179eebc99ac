"""Sound as signals: WAV by the standard library's means, FLAC and OGG through soundfile.

Whole numbers of n bits become float32 from -1 to 1, divided by 2^(n-1); 8-bit WAV is unsigned and
centred at 128. Floats stay as they are.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.arrays import sample_of
from hubel.data.form import Decoded, Limits
from hubel.errors import PictureError

__all__ = ["COMPRESSED", "decode_compressed", "decode_wav", "is_wav"]

COMPRESSED = (b"fLaC", b"OggS")

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


def is_wav(content: bytes) -> bool:
    """Whether the bytes begin as a WAV file does."""
    return content[:4] in (b"RIFF", b"RF64") and content[8:12] == b"WAVE"


def decode_wav(content: bytes, limits: Limits) -> Decoded:
    """The signal in a WAV file, (t, channels): 8, 16, 24 or 32 bits, or floats of 32 or 64.

    Raises:
        PictureError: it is broken, cut off, compressed, or too large.
    """
    chunks = _chunks(content)
    if "fmt " not in chunks or "data" not in chunks:
        raise PictureError("broken or truncated", "no fmt and data chunks")
    coding, channels, _, _, width, bits = struct.unpack_from("<HHIIHH", content, chunks["fmt "][0])
    if coding == _EXTENSIBLE:
        coding = struct.unpack_from("<H", content, chunks["fmt "][0] + 24)[0]
    start, size = chunks["data"]
    if channels == 0 or width != channels * bits // 8 or size < width:
        raise PictureError("broken or truncated", f"{channels} channels, {size} bytes of sound")
    if start + size > len(content):
        raise PictureError("broken or truncated", f"{size:,} bytes of sound are announced")
    frames = size // width
    if frames > limits.pixels:
        raise PictureError("too many pixels", f"{frames:,} moments, at most {limits.pixels:,}")
    raw = content[start : start + frames * width]
    return sample_of(_floats(raw, coding, bits).reshape(frames, channels), "signal", "WAV")


def decode_compressed(content: bytes, limits: Limits) -> Decoded:
    """The signal in a FLAC or OGG file.

    Raises:
        PictureError: it is broken or too large, or soundfile is not installed.
    """
    try:
        import soundfile
    except ImportError as error:
        raise PictureError(
            "FLAC and OGG need soundfile: pip install 'hubel[audio]'", str(error)
        ) from error
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        if file.frames > limits.pixels or file.frames * file.channels * 4 > limits.bytes:
            raise PictureError("too many pixels", f"{file.frames:,} moments")
        values: Any = file.read(dtype="float32", always_2d=True)
    return sample_of(values, "signal", str(file.format))


def _chunks(content: bytes) -> dict[str, tuple[int, int]]:
    """Begin and size of each chunk by its name; the first of a name counts."""
    found: dict[str, tuple[int, int]] = {}
    place = 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        found.setdefault(name.decode("latin-1"), (place + 8, size))
        place += 8 + size + size % 2
    return found


def _floats(raw: bytes, coding: int, bits: int) -> NDArray[Any]:
    if coding == _FLOAT and bits in (32, 64):
        return np.frombuffer(raw, f"<f{bits // 8}")
    if coding != _PCM or bits not in (8, 16, 24, 32):
        raise PictureError("a WAV file of a coding without a rule", f"{coding}, {bits} bits")
    if bits == 8:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / 128
    if bits == 24:  # the three bytes become the upper ones of four
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return (wide.view("<i4")[:, 0] / 2**31).astype(np.float32)
    return (np.frombuffer(raw, f"<i{bits // 8}") / 2 ** (bits - 1)).astype(np.float32)
