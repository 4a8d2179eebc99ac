"""Findings about single files: what can't be used, odd names and formats, odd pixels, odd sizes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubel.data.audit.findings import Finding, make

__all__ = ["file_findings", "format_of_name"]

_NAMES = {
    "JPEG": "jpg jpeg jpe jfif mpo",
    "PNG": "png apng",
    "GIF": "gif",
    "BMP": "bmp",
    "DIB": "dib",
    "TIFF": "tif tiff",
    "WEBP": "webp",
    "AVIF": "avif avifs",
    "PPM": "ppm pgm pbm pnm",
    "JPEG2000": "jp2 j2k jpx j2c jpc jpf",
    "ICO": "ico",
    "TGA": "tga",
    "PCX": "pcx",
    "PSD": "psd",
    "QOI": "qoi",
}
_FORMATS = {suffix: name for name, text in _NAMES.items() for suffix in text.split()}
# BMP files are read as one or the other; MPO is JPEG with more pictures behind the first.
_ALSO = {("BMP", "DIB"), ("DIB", "BMP"), ("JPEG", "MPO"), ("BMP", "ICO")}

_PROBLEMS = {
    "broken or truncated": "broken",
    "empty file": "empty",
    "too many pixels": "oversized",
    "file too large": "oversized",
    "needs too much memory to decode": "oversized",
    "not a picture of a format that Hubel reads": "foreign",
    "hidden or system file": "other-files",
    "not inside a class folder": "other-files",
    "beside the split folders": "other-files",
    "a link to a folder that is read already": "other-files",
}

_DARK, _BRIGHT = 25.0, 245.0
_BLANK_CONTRAST, _BLANK_ENTROPY = 3.0, 1.0
_SHARP, _SHARP_SIDE = 0.10, 64
_SIZE_FACTOR, _TINY, _ASPECT_FACTOR = 4.0, 16, 2.0

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


def file_findings(table: Any) -> Iterator[Finding]:
    """Findings about each file by itself.

    Args:
        table: Arrow, one row a file: file, problem, error, format, frames, width, height, and the
            measures of pixels; null where a file could not be read.
    """
    yield from _problems(table)
    yield _extensions(table)
    frames = _numbers(table, "frames")
    yield make("animated", np.flatnonzero(np.nan_to_num(frames) > 1))
    yield from _pixels(table)
    yield from _sizes(table)


def format_of_name(file: str) -> str | None:
    """The format that a file's name promises; None where it promises none that is known.

    Example:
        >>> format_of_name("a/photo.JPG"), format_of_name("a/photo.7")
        ('JPEG', None)
    """
    return _FORMATS.get(os.path.splitext(file)[1][1:].lower())


def _problems(table: Any) -> Iterator[Finding]:
    rows = np.flatnonzero(table["problem"].is_valid().to_numpy())
    problems: list[str] = table["problem"].take(rows).to_pylist()
    errors: list[str | None] = table["error"].take(rows).to_pylist()
    names = np.array([_PROBLEMS.get(problem, "unreadable") for problem in problems], object)
    for name in dict.fromkeys((*_PROBLEMS.values(), "unreadable")):
        here = np.flatnonzero(names == name)
        why = [": ".join(filter(None, (problems[at], errors[at]))) for at in here]
        yield make(name, rows[here], why)


def _extensions(table: Any) -> Finding:
    names, formats = table["file"].to_pylist(), table["format"].to_pylist()
    wrong = [
        (row, form)
        for row, (name, form) in enumerate(zip(names, formats, strict=True))
        if form is not None
        and (promised := format_of_name(name)) is not None
        and form != promised
        and (promised, form) not in _ALSO
    ]
    return make("extension", [row for row, _ in wrong], [f"is {form}" for _, form in wrong])


def _pixels(table: Any) -> Iterator[Finding]:
    bright, contrast = _numbers(table, "brightness"), _numbers(table, "contrast")
    entropy, sharp = _numbers(table, "entropy"), _numbers(table, "sharpness")
    side = np.fmin(_numbers(table, "width"), _numbers(table, "height"))
    blank = (contrast < _BLANK_CONTRAST) | (entropy < _BLANK_ENTROPY)
    yield _ranked("blank", blank, contrast, "contrast {:.1f}")
    yield _ranked("dark", (bright < _DARK) & ~blank, bright, "brightness {:.0f} of 255")
    yield _ranked("bright", (bright > _BRIGHT) & ~blank, -bright, "brightness {:.0f} of 255")
    blurred = (sharp < _SHARP) & (side >= _SHARP_SIDE) & ~blank
    yield _ranked("blurred", blurred, sharp, "sharpness {:.2f}")


def _sizes(table: Any) -> Iterator[Finding]:
    width, height = _numbers(table, "width"), _numbers(table, "height")
    if not np.isfinite(width).any():
        return
    side = np.sqrt(width * height)
    factor = np.abs(np.log(side / np.nanmedian(side)))
    odd = (factor > np.log(_SIZE_FACTOR)) | (np.fmin(width, height) < _TINY)
    rows = np.flatnonzero(odd)[np.argsort(-factor[odd], kind="stable")]
    yield make("odd-size", rows, [f"{width[row]:.0f} x {height[row]:.0f}" for row in rows])
    ratio = np.log(width / height)
    # Upright and lying pictures of one shape are no oddity: the elongation is compared.
    far = np.abs(np.abs(ratio) - np.nanmedian(np.abs(ratio)))
    odd = far > np.log(_ASPECT_FACTOR)
    rows = np.flatnonzero(odd)[np.argsort(-far[odd], kind="stable")]
    yield make("odd-aspect", rows, [f"{width[row]:.0f} x {height[row]:.0f}" for row in rows])


def _ranked(name: str, chosen: NDArray[np.bool_], values: Floats, text: str) -> Finding:
    rows = np.flatnonzero(chosen)
    rows = rows[np.argsort(values[rows], kind="stable")]
    return make(name, rows, [text.format(abs(values[row])) for row in rows])


def _numbers(table: Any, name: str) -> Floats:
    """A column as numbers, NaN where there is none; comparisons with it are then False."""
    return pc.cast(table[name], "float64").to_numpy().astype(np.float64)
