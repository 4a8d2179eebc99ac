"""Plain JPEG several times as fast as Pillow, with Pillow's very pixels; large ones reduced.

A reduced picture is decoded at 1/2, 1/4 or 1/8 of its sides: libjpeg then leaves out the finest
frequencies of each 8 x 8 block, which the resize to working size would throw away anyhow. It is
part of the rule that makes pixels (`Preprocess.reduced`), so that everyone who reads the file
gets the same.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hubel.data.deep import turned

__all__ = ["Jpeg", "decode_jpeg", "reduction"]

_ORIENTATION = 0x0112
# What may turn a JPEG or hold another one: Pillow tells what it means.
_MARKS = (b"Exif\x00", b"http://ns.adobe.com/xap/1.0/", b"MPF\x00")
_START_OF_SCAN, _APP1, _APP2, _FILL = 0xDA, 0xE1, 0xE2, 0xFF


class Jpeg(NamedTuple):
    """A decoded JPEG: upright pixels, (h, w) or (h, w, 3), and what the file says of itself.

    `whole` is width and height of the whole upright picture where fewer pixels were decoded.
    """

    pixels: NDArray[np.uint8]
    format: str
    frames: int
    whole: tuple[int, int] | None


def reduction(height: int, width: int, enough: tuple[int, int] | None) -> int:
    """By how much the sides may be divided: 1, 2, 4 or 8.

    Args:
        height, width: of the whole picture.
        enough: height and width that must be left; None leaves the picture whole.

    Example:
        >>> reduction(384, 512, (192, 256)), reduction(383, 512, (192, 256))
        (2, 1)
    """
    if enough is None:
        return 1
    return next((by for by in (8, 4, 2) if height >= by * enough[0] and width >= by * enough[1]), 1)


def decode_jpeg(
    content: bytes, max_pixels: int, enough: tuple[int, int] | None = None
) -> Jpeg | None:
    """Decode a JPEG in grey or YCbCr, or leave it to Pillow.

    Args:
        content: the bytes of the file.
        max_pixels: of the whole picture.
        enough: upright height and width that are wanted at least, as for `reduction`.

    Returns:
        None where the file is no such JPEG, is damaged, or too large.
    """
    if content[:2] != b"\xff\xd8":
        return None
    import simplejpeg

    try:
        said = _said(content)
        header: tuple[int, int, str, str] = simplejpeg.decode_jpeg_header(content)  # pyright: ignore
        height, width, colour, _ = header
        if said is None or colour not in ("YCbCr", "Gray") or width * height > max_pixels:
            return None
        form, frames, orientation = said
        sideways = orientation > 4
        stored = (enough[1], enough[0]) if enough and sideways else enough
        by = reduction(height, width, stored)
        least: dict[str, Any] = (
            {} if by == 1 else {"min_height": -(-height // by), "min_width": -(-width // by)}
        )
        space = "Gray" if colour == "Gray" else "RGB"
        pixels: Any = simplejpeg.decode_jpeg(content, colorspace=space, **least)
    except ValueError:
        return None
    if space == "Gray":
        pixels = pixels[..., 0]
    if orientation != 1:
        pixels = turned(pixels, orientation)
    upright = (height, width) if sideways else (width, height)
    return Jpeg(pixels, form, frames, None if by == 1 else upright)


def _said(content: bytes) -> tuple[str, int, int] | None:
    """Format, frames and orientation by the segments before the first scan; None: ask Pillow."""
    try:
        at = 2
        while True:
            if content[at] != _FILL:
                return None
            marker = content[at + 1]
            if marker == _FILL:
                at += 1
                continue
            if marker == _START_OF_SCAN:
                return "JPEG", 1, 1
            if marker in (_APP1, _APP2) and content.startswith(_MARKS, at + 4):
                return _said_to_pillow(content)
            at += 2 + (content[at + 2] << 8 | content[at + 3])
    except IndexError:
        return None


def _said_to_pillow(content: bytes) -> tuple[str, int, int] | None:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            orientation = image.getexif().get(_ORIENTATION, 1)
            orientation = orientation if orientation in range(1, 9) else 1
            return image.format or "JPEG", int(getattr(image, "n_frames", 1)), orientation
    except Exception:  # foreign bytes: the slow path names what is wrong with them
        return None
