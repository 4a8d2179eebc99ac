"""What Pillow reads in part alone: 16-bit colour, TIFF of any number of samples, TIFF stacks."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hubel.data.arrays import sample_of
from hubel.data.form import Decoded, Limits
from hubel.errors import PictureError

__all__ = [
    "TIFF",
    "decode_samples",
    "decode_stack",
    "is_many",
    "is_sixteen_bit",
    "sixteen_bit",
    "turned",
]

TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

_BITS, _SAMPLES, _EXTRA, _ASSOCIATED = 258, 277, 338, 1
_GREY_AND_ALPHA = 4
_LOW = {2: "RGB;16L", _GREY_AND_ALPHA: "RGBA", 6: "RGBA;16L"}  # by the colour type of a PNG
_PILLOWS = (1, 2, 3, 4)
_TURNS: dict[int, tuple[int, bool]] = {  # quarter turns against the clock, after a mirroring
    2: (0, True), 3: (2, False), 4: (2, True), 5: (1, True), 6: (3, False), 7: (3, True),
    8: (1, False),
}  # fmt: skip


def is_sixteen_bit(image: Image.Image, content: bytes) -> bool:
    """Whether a picture that Pillow opened in 8 bits a channel has 16."""
    if image.format == "PNG":
        return content[24] == 16
    if image.format == "TIFF":
        tags: Any = getattr(image, "tag_v2", {})
        bits: Any = tags.get(_BITS, ())
        # Colour that its alpha has been multiplied into stays as Pillow divides it, in 8 bits.
        multiplied = _ASSOCIATED in tags.get(_EXTRA, ())
        return len(bits) > 0 and all(one == 16 for one in bits) and not multiplied
    return False


def sixteen_bit(image: Image.Image, content: bytes) -> NDArray[Any]:
    """The values of such a picture, not yet turned: uint16, (h, w, channels)."""
    if image.format == "TIFF":
        return _page(content, Limits()).astype(np.uint16)
    colour = content[25]
    with Image.open(io.BytesIO(content), formats=("PNG",)) as other:
        # Pillow unpacks the upper byte of each number; told that the bytes stand the other way
        # round, it unpacks the lower one. Grey with alpha is four bytes, which it can give as is.
        other.tile = [tile._replace(args=_LOW[colour]) for tile in other.tile]
        found = np.asarray(other).astype(np.uint16)
    if colour == _GREY_AND_ALPHA:
        grey, alpha = ((found[..., at] << 8) | found[..., at + 1] for at in (0, 2))
        return np.stack([grey, grey, grey, alpha], -1)
    return (np.asarray(image).astype(np.uint16) << 8) | found


def turned(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Values upright, by the EXIF orientation of their file.

    Example:
        >>> turned(np.array([[1, 2], [3, 4]]), 6).tolist()
        [[3, 1], [4, 2]]
    """
    turns, mirrored = _TURNS.get(orientation, (0, False))
    found = np.fliplr(values) if mirrored else values
    return np.ascontiguousarray(np.rot90(found, turns))


def decode_samples(content: bytes, limits: Limits) -> Decoded | None:
    """A TIFF of a number of samples a pixel that Pillow has no mode for; None for all others."""
    if not is_many(content):
        return None
    return sample_of(_page(content, limits), "picture", "TIFF")


def is_many(content: bytes) -> bool:
    """Whether a TIFF has a number of samples a pixel that Pillow has no mode for."""
    samples = _samples(content)
    return samples is not None and samples not in _PILLOWS


def decode_stack(content: bytes, limits: Limits) -> Decoded | None:
    """A TIFF whose pages are the planes of a volume; None where they are no such pages.

    There are at least two, grey, of one size and depth.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("TIFF",)) as image:
            count = int(getattr(image, "n_frames", 1))
            width, height = image.size
            if count < 2 or width * height * count > limits.pixels:
                return None
            planes: list[NDArray[Any]] = []
            for number in range(count):
                image.seek(number)
                planes.append(np.asarray(image))
    except Exception:  # foreign bytes: Pillow says what is wrong with the first page
        return None
    alike = {(plane.shape, plane.dtype.str) for plane in planes}
    if len(alike) > 1 or planes[0].ndim != 2:
        return None
    return sample_of(np.stack(planes), "volume", "TIFF")


def _samples(content: bytes) -> int | None:
    """Samples a pixel of the first page; None where they can't be told."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    try:
        if content[2] in (43, 0) and content[:4] in (TIFF[2], TIFF[3]):
            return None  # BigTIFF: Pillow's
        stream = io.BytesIO(content)
        directory = ImageFileDirectory_v2(stream.read(8))
        stream.seek(directory.next)
        directory.load(stream)
        return int(directory.get(_SAMPLES, 1))
    except Exception:  # foreign bytes
        return None


def _page(content: bytes, limits: Limits) -> NDArray[Any]:
    """The first page, (h, w, samples), held against the limits before its pixels are read."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page: Any = file.pages[0]
        pixels = int(page.imagewidth) * int(page.imagelength)
        bytes_ = math.prod(page.shape) * page.dtype.itemsize
        if pixels > limits.pixels or bytes_ > limits.bytes:
            raise PictureError("too many pixels", f"{page.shape}, at most {limits.pixels:,}")
        values: NDArray[Any] = page.asarray()
        separate = int(page.planarconfig) == 2 and values.ndim == 3
    return np.moveaxis(values, 0, -1) if separate else values
