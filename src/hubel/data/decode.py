"""From the bytes of a file to upright values, by one stated rule for every mode.

| Pillow mode | becomes | rule |
|---|---|---|
| `1`, `L` | grey | as they are (0 or 255; 0 to 255) |
| `I;16`, `I;16B`, `I;16L`, `I;16N` | grey, uint16 | as they are |
| `I` | grey, uint16 | clipped to 0 to 65535 |
| `F` | grey, float32 | as they are |
| `RGB`, `RGBX` | colour | as they are |
| `RGB;16`, `RGBA;16` | as they are, uint16 | 16-bit PNG and TIFF, which Pillow cuts |
| `P` | colour | through its palette; transparent entries as alpha |
| `LA`, `La`, `PA`, `RGBA`, `RGBa` | colour (`LA`, `La`: grey) and alpha | as they are |
| `CMYK`, `YCbCr`, `HSV` | colour | Pillow's conversion, without colour profiles |
| `LAB` | colour | to sRGB through LittleCMS |

What these become as 8-bit pictures is in `eight_bit`. EXIF orientation is applied. Of several
frames the first is taken.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from hubel.data import arrays, deep
from hubel.data.apart import decode_apart, may_be_slow
from hubel.data.deep import is_sixteen_bit, sixteen_bit, turned
from hubel.data.form import Decoded, Kind, Limits
from hubel.data.frames import count_frames
from hubel.data.jpeg import decode_jpeg
from hubel.data.others import decode_other, is_other
from hubel.data.wholeness import expect_whole, whole_pictures_only
from hubel.errors import PictureError

__all__ = [
    "FORMATS",
    "Decoded",
    "Limits",
    "decode",
    "read_header",
    "upright",
    "upright_pixels",
]

# Left out: EPS, PDF and WMF (they run programs), FITS, MCIDAS and the stubs (advisories, or no
# decoder), and game and camera formats that nobody labels. JPEG covers MPO.
FORMATS = (
    *("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM", "JPEG2000", "ICO", "DIB"),
    *("PCX", "PSD", "QOI", "SGI", "SUN", "XBM", "XPM", "DDS", "ICNS", "IM", "MSP", "DCX", "CUR"),
    *("FLI", "SPIDER", "TGA"),
)

_SIXTEEN_BIT = {"I;16", "I;16B", "I;16L", "I;16N"}
_ORIENTATION = 0x0112


def decode(
    content: bytes,
    limits: Limits | None = None,
    kind: Kind | None = None,
    enough: tuple[int, int] | None = None,
) -> Decoded:
    """Decode a whole sample.

    Args:
        content: the bytes of the file.
        limits: pixels, bytes, frames and seconds that are allowed.
        kind: what an array of several readings is, and whether the pages of a TIFF are the planes
            of a volume; a rule decides where it is None. Other files are what they are.
        enough: height and width that a JPEG may be reduced to while it is decoded, as
            `Preprocess.enough` says; None decodes every pixel.

    Raises:
        PictureError: the bytes are no sample, or one that is broken, too large, or of a mode
            without a rule. Nothing else is raised, whatever the bytes are.

    Example:
        >>> stream = io.BytesIO()
        >>> Image.new("CMYK", (4, 2)).save(stream, "TIFF")
        >>> picture = decode(stream.getvalue())
        >>> picture.pixels.shape, picture.mode, picture.format
        ((2, 4, 3), 'CMYK', 'TIFF')
    """
    limits = limits or Limits()
    if not content:
        raise PictureError("empty file")
    if len(content) > limits.bytes:
        raise PictureError("file too large", f"{len(content):,} bytes, at most {limits.bytes:,}")
    try:
        other = _decode_other(content, limits, kind)
        if other is not None:
            return other
        if count_frames(content, limits.frames) > limits.frames:
            raise PictureError("too many frames", f"at most {limits.frames:,}")
        if may_be_slow(content, FORMATS):
            return Decoded(*decode_apart(content, limits))
        fast = _decode_jpeg(content, limits, enough)
        return fast if fast is not None else _decode_any(content, limits)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("needs too much memory to decode") from error
    except Exception as error:  # foreign bytes: Pillow's plugins raise nearly anything
        raise _named(error) from error


def read_header(content: bytes) -> tuple[int, int, str]:
    """Width, height and mode of a picture, upright, without decoding its pixels.

    Raises:
        PictureError: no header can be read.
    """
    try:
        if content[:6] == arrays.MAGIC:
            seen = arrays.array_header(content)
            return seen.width, seen.height, seen.mode
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
            width, height = image.size
            return (height, width, image.mode) if turned else (width, height, image.mode)
    except Exception as error:  # foreign bytes
        raise _named(error) from error


def _decode_jpeg(
    content: bytes, limits: Limits, enough: tuple[int, int] | None = None
) -> Decoded | None:
    """The fast path for plain JPEG: the same pixels as Pillow's, or None for Pillow to decide."""
    found = decode_jpeg(content, limits.pixels, enough)
    if found is None:
        return None
    mode = "L" if found.pixels.ndim == 2 else "RGB"
    return Decoded(found.pixels, mode, found.format, found.frames, found.whole)


def _decode_other(content: bytes, limits: Limits, kind: Kind | None) -> Decoded | None:
    """What is no picture file that Pillow reads; None for Pillow to decide."""
    if content[:6] == arrays.MAGIC:
        return arrays.decode_array(content, limits, kind)
    if is_other(content):
        return decode_other(content, limits)
    if kind == "volume" and content[:4] in deep.TIFF:
        return deep.decode_stack(content, limits)
    if content[:4] in deep.TIFF:
        return deep.decode_samples(content, limits)
    return None


def _decode_any(content: bytes, limits: Limits) -> Decoded:
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        width, height = image.size
        if width * height > limits.pixels:
            raise PictureError("too many pixels", f"{width} x {height}, at most {limits.pixels:,}")
        with whole_pictures_only():
            image.load()
        mode, form = image.mode, image.format or "?"
        expect_whole(content, form)
        frames = int(getattr(image, "n_frames", 1))
        if frames > 1:
            image.seek(0)
            image.load()
        if mode in ("RGB", "RGBA") and is_sixteen_bit(image, content):
            values = turned(sixteen_bit(image, content), image.getexif().get(_ORIENTATION, 1))
            return Decoded(values, f"{mode};16", form, frames)
        return Decoded(upright(image).values, mode, form, frames)


def upright_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """An opened picture as an 8-bit one: uint8, (h, w) or (h, w, 3).

    Raises:
        PictureError: the picture is broken, or of a mode without a rule.
    """
    return upright(image).pixels


def upright(image: Image.Image) -> Decoded:
    """An opened picture by the rules above; its format is what Pillow says.

    Raises:
        PictureError: the picture is broken, or of a mode without a rule.
    """
    try:
        with whole_pictures_only():
            image.load()
        upright = ImageOps.exif_transpose(image)
        return Decoded(_values(upright), image.mode, image.format or "?", 1)
    except PictureError:
        raise
    except Exception as error:  # foreign bytes: an opened picture may still have to be decoded
        raise _named(error) from error


def _values(image: Image.Image) -> NDArray[Any]:  # noqa: PLR0911 (one rule a line)
    mode = image.mode
    if mode in ("L", "RGB", "F"):
        return np.asarray(image)
    if mode == "1":
        return np.asarray(image.convert("L"))
    if mode in _SIXTEEN_BIT or mode == "I":
        whole: NDArray[np.int64] = np.asarray(image, dtype=np.int64).clip(0, 65_535)
        return whole.astype(np.uint16)
    if mode == "LAB":
        return np.asarray(_from_lab(image))
    if mode == "La":
        return _values(image.convert("LA"))  # all that Pillow makes of it
    if mode == "LA":
        return np.asarray(image.convert("RGBA"))[..., 2:]
    if mode in ("RGBA", "RGBa", "PA") or (mode == "P" and "transparency" in image.info):
        return np.asarray(image.convert("RGBA"))
    if mode in ("P", "CMYK", "YCbCr", "HSV", "RGBX"):
        return np.asarray(image.convert("RGB"))
    raise PictureError("colour mode without a rule", mode)


def _from_lab(image: Image.Image) -> Image.Image:
    converted = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert converted is not None
    return converted


def _named(error: Exception) -> PictureError:
    detail = f"{type(error).__name__}: {error}".strip()[:300]
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return PictureError("too many pixels", detail)
    if isinstance(error, UnidentifiedImageError):
        return PictureError("not a picture of a format that Hubel reads")
    return PictureError("broken or truncated", detail)
