"""What a picture is like, measured once while its pixels are at hand.

All but sharpness come from a picture of 64 x 64: every cell averages the columns below it and, of
large pictures, an evenly spaced part of the rows (about 100 of them), which is a fifth of the cost
of averaging all. Pictures that are no larger than that are looked at together, by `small`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hubel.data.audit.sharpness import FAR, NEAR, lines_of
from hubel.data.audit.small import look_together
from hubel.data.eye import for_the_eye
from hubel.data.form import Decoded

__all__ = [
    "THUMBNAIL",
    "Look",
    "Measures",
    "is_small",
    "look",
    "look_at_all",
    "measure",
    "shrink",
    "thumbnail",
]

THUMBNAIL = 64
"""Side of the grey pictures in which near-duplicates are looked for, in pixels."""

_ROWS = 96


class Measures(NamedTuple):
    """What one picture is like, on the scale of 0 to 255.

    `brightness` and `contrast` are mean and standard deviation of the luma (ITU-R 601); `entropy`
    is that of its histogram, in bits; `colourfulness` is that of Hasler and Suesstrunk (2003).
    `sharpness` compares second differences of green a pixel and eight pixels apart, root mean
    square: 1 for noise, 0.2 to 0.7 for sharp photographs, 1/64 where all is smooth; None in a
    picture that is too small or too flat to tell.
    """

    brightness: float
    contrast: float
    sharpness: float | None
    entropy: float
    colourfulness: float


class Look(NamedTuple):
    """What is kept of a picture: its thumbnail, and measures where its values are 8-bit light."""

    thumbnail: NDArray[np.uint8]
    measures: Measures | None


def look_at_all(samples: Sequence[Decoded | None]) -> list[Look | None]:
    """Measures and thumbnails of some samples; None of signals, volumes, and of what is None."""
    found: list[Look | None] = [None] * len(samples)
    small: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, sample in enumerate(samples):
        if sample is None:
            continue
        shape = _small(sample)
        if shape is None:
            found[place] = _look(sample)
        else:
            small[shape].append(place)
    for shape, places in small.items():
        stack = np.stack([_values(samples[place]).reshape(shape) for place in places])
        for place, seen in zip(places, _together(stack), strict=True):
            found[place] = seen
    return found


def look(sample: Decoded) -> Look | None:
    """Measures and thumbnail of one sample; None of signals and volumes."""
    return look_at_all([sample])[0]


def is_small(sample: Decoded) -> bool:
    """Whether it is a picture that is quicker looked at together with others of its shape."""
    return _small(sample) is not None


def _small(sample: Decoded) -> tuple[int, ...] | None:
    """The shape (h, w, c) of a plain 8-bit picture that is no larger than a thumbnail."""
    form, shape = sample.form, sample.values.shape
    plain = form.kind == "picture" and form.depth == "uint8" and form.channels in (1, 3)
    return (*shape[:2], form.channels) if plain and max(shape[:2]) <= THUMBNAIL else None


def _values(sample: Decoded | None) -> NDArray[np.uint8]:
    assert sample is not None
    return sample.values


def _together(pixels_NHWC: NDArray[np.uint8]) -> list[Look]:
    thumbnails, numbers = look_together(pixels_NHWC, THUMBNAIL)
    return [
        Look(small, Measures(one[0], one[1], None if one[2] != one[2] else one[2], one[3], one[4]))
        for small, one in zip(thumbnails, numbers.tolist(), strict=True)
    ]


def _look(sample: Decoded) -> Look | None:
    form = sample.form
    if form.kind != "picture":
        return None
    pixels = for_the_eye(sample)
    small = shrink(pixels)
    light = form.depth == "uint8" and (form.alpha or form.channels in (1, 3))
    return Look(thumbnail(small), measure(pixels, small) if light else None)


def measure(pixels: NDArray[np.uint8], small: Image.Image) -> Measures:
    """Measure one picture.

    Args:
        pixels: (h, w) or (h, w, 3), as `decode` gives them.
        small: the same, as `shrink` gives it.

    Example:
        >>> black = np.zeros((200, 300, 3), np.uint8)
        >>> measure(black, shrink(black))
        Measures(brightness=0.0, contrast=0.0, sharpness=None, entropy=0.0, colourfulness=0.0)
    """
    counts = np.array(small.convert("L").histogram(), np.float64) / THUMBNAIL**2
    levels = np.arange(256)
    mean = float(counts @ levels)
    spread = float(counts @ (levels - mean) ** 2) ** 0.5
    seen = counts[counts > 0]
    return Measures(
        brightness=mean,
        contrast=spread,
        sharpness=_sharpness(pixels),
        entropy=abs(float(seen @ np.log2(seen))),
        colourfulness=_colourfulness(small),
    )


def shrink(pixels: NDArray[np.uint8]) -> Image.Image:
    """A picture of 64 x 64, whatever its ratio was, averaged over what it stands for."""
    step = max(1, pixels.shape[0] // _ROWS)
    image = Image.fromarray(np.ascontiguousarray(pixels[::step]))
    return image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)


def thumbnail(small: Image.Image) -> NDArray[np.uint8]:
    """The grey picture in which near-duplicates are looked for: uint8, (64, 64)."""
    return np.asarray(small.convert("L"))


def _colourfulness(small: Image.Image) -> float:
    if small.mode == "L":
        return 0.0
    few = small.reduce(4)
    red, green, blue = np.asarray(few, np.float32).reshape(-1, 3).T
    one, other = red - green, (red + green) / 2 - blue
    spread = (one.var() + other.var()) ** 0.5
    return float(spread + 0.3 * (one.mean() ** 2 + other.mean() ** 2) ** 0.5)


def _sharpness(pixels: NDArray[np.uint8]) -> float | None:
    """Over some whole rows and columns: blur takes away what changes within a pixel or two."""
    grey = pixels if pixels.ndim == 2 else pixels[..., 1]  # green has most of the luma
    near = far = 0.0
    for lines in lines_of(grey):
        if lines.shape[1] > 2 * FAR:
            near += _roughness(lines, NEAR)
            far += _roughness(lines, FAR)
    return (near / far) ** 0.5 if far > 1.0 else None


def _roughness(lines: NDArray[np.int16], step: int) -> float:
    second = lines[:, 2 * step :] + lines[:, : -2 * step] - 2 * lines[:, step:-step]
    flat = second.ravel().astype(np.float32)
    return float(flat @ flat) / len(flat)
