"""From the bytes of a file to upright 8-bit pixels, by one stated rule for every mode.

| Pillow mode | becomes | rule |
|---|---|---|
| `1`, `L` | grey | as they are (0 or 255; 0 to 255) |
| `I;16`, `I;16B`, `I;16L`, `I;16N` | grey | 0 to 65535 scaled to 0 to 255, rounded |
| `I` | grey | clipped to 0 to 65535, then as 16-bit |
| `F` | grey | the picture's own finite range stretched to 0 to 255; not a number is 0 |
| `RGB`, `RGBX` | colour | as they are; 16-bit PNG and TIFF colour keeps its high byte |
| `P` | colour | through its palette; transparent entries as alpha |
| `LA`, `La`, `PA`, `RGBA`, `RGBa` | colour (`LA`, `La`: grey) | laid on white |
| `CMYK`, `YCbCr`, `HSV` | colour | Pillow's conversion, without colour profiles |
| `LAB` | colour | to sRGB through LittleCMS |

EXIF orientation is applied. Of several frames the first is taken.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from hubel.data.apart import decode_apart, may_be_slow
from hubel.data.frames import count_frames
from hubel.data.wholeness import expect_whole, whole_pictures_only
from hubel.errors import PictureError

__all__ = [
    "FORMATS",
    "Decoded",
    "Limits",
    "decode",
    "read_header",
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
# What may turn a JPEG or hold another one; Pillow reads those files.
_MARKS = (b"Exif\x00", b"http://ns.adobe.com/xap/1.0/", b"MPF\x00")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a file may cost; checked against its header before any pixel is decoded.

    `seconds` bounds files that may be slow by their header; all others take a few at most.
    """

    pixels: int = 150_000_000
    bytes: int = 1 << 30
    frames: int = 10_000
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Decoded:
    """Upright pixels and what the file said of itself.

    `pixels` is uint8, (h, w) for grey and (h, w, 3) for colour; `width` and `height` are those of
    the upright picture; `mode` and `format` are Pillow's names.
    """

    pixels: NDArray[np.uint8]
    mode: str
    format: str
    frames: int

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        return self.pixels.shape[0]


def decode(content: bytes, limits: Limits | None = None) -> Decoded:
    """Decode a whole picture.

    Args:
        content: the bytes of the file.
        limits: pixels, bytes, frames and seconds that are allowed.

    Raises:
        PictureError: the bytes are no picture, or one that is broken, too large, or of a mode
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
        if content.startswith(b"\x93NUMPY"):
            return _decode_array(content)
        if count_frames(content, limits.frames) > limits.frames:
            raise PictureError("too many frames", f"at most {limits.frames:,}")
        if may_be_slow(content, FORMATS):
            return Decoded(*decode_apart(content, limits))
        fast = _decode_jpeg(content, limits)
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
        if content.startswith(b"\x93NUMPY"):
            array = _decode_array(content)
            return array.width, array.height, array.mode
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
            width, height = image.size
            return (height, width, image.mode) if turned else (width, height, image.mode)
    except Exception as error:  # foreign bytes
        raise _named(error) from error


def _decode_array(content: bytes) -> Decoded:
    found: Any = np.load(io.BytesIO(content), allow_pickle=False)
    if found.dtype != np.uint8 or not (found.ndim == 2 or found.shape[2:] == (3,)):
        raise PictureError("array without a rule", f"{found.dtype} of shape {found.shape}")
    return Decoded(found, "L" if found.ndim == 2 else "RGB", "NPY", 1)


def _decode_jpeg(content: bytes, limits: Limits) -> Decoded | None:
    """The fast path for plain JPEG: the same pixels as Pillow's, or None for Pillow to decide."""
    if content[:2] != b"\xff\xd8" or any(mark in content for mark in _MARKS):
        return None
    import simplejpeg

    try:
        header: tuple[int, int, str, str] = simplejpeg.decode_jpeg_header(content)  # pyright: ignore
        height, width, colour, _ = header
        if colour not in ("YCbCr", "Gray") or width * height > limits.pixels:
            return None
        grey = colour == "Gray"
        pixels: Any = simplejpeg.decode_jpeg(content, colorspace="Gray" if grey else "RGB")
    except ValueError:
        return None
    return Decoded(pixels[..., 0] if grey else pixels, "L" if grey else "RGB", "JPEG", 1)


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
        return Decoded(upright_pixels(image), mode, form, frames)


def upright_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of an opened picture by the rules above: uint8, (h, w) or (h, w, 3).

    Raises:
        PictureError: the picture is broken, or of a mode without a rule.
    """
    try:
        with whole_pictures_only():
            image.load()
        return _eight_bit(ImageOps.exif_transpose(image))
    except PictureError:
        raise
    except Exception as error:  # foreign bytes: an opened picture may still have to be decoded
        raise _named(error) from error


def _eight_bit(image: Image.Image) -> NDArray[np.uint8]:  # noqa: PLR0911 (one rule a line)
    mode = image.mode
    if mode in ("L", "RGB"):
        return np.asarray(image)
    if mode == "1":
        return np.asarray(image.convert("L"))
    if mode in _SIXTEEN_BIT or mode == "I":
        values: NDArray[np.int64] = np.asarray(image, dtype=np.int64).clip(0, 65_535)
        return ((values + 128) // 257).astype(np.uint8)
    if mode == "F":
        return _stretch(np.asarray(image))
    if mode == "LAB":
        return np.asarray(_from_lab(image))
    if mode == "La":
        return _eight_bit(image.convert("LA"))  # all that Pillow makes of it
    if mode == "LA":
        return np.asarray(_on_white(image).convert("L"))
    if mode in ("RGBA", "RGBa", "PA") or (mode == "P" and "transparency" in image.info):
        return np.asarray(_on_white(image))
    if mode in ("P", "CMYK", "YCbCr", "HSV", "RGBX"):
        return np.asarray(image.convert("RGB"))
    raise PictureError("colour mode without a rule", mode)


def _stretch(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    low, high = float(values[finite].min()), float(values[finite].max())
    if not math.isfinite(high - low) or high == low:
        return np.zeros(values.shape, np.uint8)
    scaled = (np.where(finite, values, low).astype(np.float64) - low) * (255 / (high - low))
    return np.rint(scaled).astype(np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    picture = image.convert("RGBA")
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, picture).convert("RGB")


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
