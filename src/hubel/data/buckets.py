"""Buckets: a few sizes of about equal area, so that every picture keeps its ratio.

A picture goes to the bucket whose ratio of width to height is nearest to its own. There it is
resized by one factor; what does not fit is cut off, evenly on both sides, but never more than 5% of
the picture. Only where that is not enough is the rest of the bucket filled with the background.

Which buckets there are follows from the pictures. Of all sizes whose sides are multiples of a step
and whose area is within 15% of the one wanted (within one and a half steps of a side, where that
is more), those are taken that waste the fewest pixels. One more is opened where it spares more than
0.2% of all pixels, and more than those of two pictures: so a ratio that only a handful of pictures
have gets no bucket, and they go to the nearest one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubel.errors import RecipeError

__all__ = [
    "AREA_SLACK",
    "MOST_BUCKETS",
    "MOST_CUT",
    "Fit",
    "Size",
    "bucket_of",
    "buckets_of",
    "choose_buckets",
    "place",
    "waste",
]

Size = tuple[int, int]
"""Height and width, in pixels."""

Sizes = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_CUT = 0.05
"""The largest share of a picture that is cut off for its bucket."""

MOST_BUCKETS = 12
AREA_SLACK = 0.15

_PRICE, _PICTURES = 0.002, 2.0
_DIGITS = 12  # of a ratio's logarithm; what follows them is rounding


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture is put into a bucket.

    Attributes:
        box: left, top, right and bottom of what is kept of the picture, in its pixels.
        inner: height and width that this takes in the bucket; the rest is background.
    """

    box: tuple[float, float, float, float]
    inner: Size


def choose_buckets(
    sizes_N2: Sizes, area: int, step: int = 4, smallest: int = 1
) -> tuple[Size, ...]:
    """The buckets that suit some pictures.

    Args:
        sizes_N2: height and width of each picture, (n, 2), in pixels; only the ratios matter.
        area: of a bucket, in pixels, to within 15%, or within one and a half steps of a side.
        step: every side is a multiple of it.
        smallest: no side is shorter.

    Returns:
        At most 12 sizes (height, width), from the highest to the widest.

    Raises:
        RecipeError: no size has such an area and such sides.

    Example:
        >>> pictures = np.array([[384, 512]] * 60 + [[512, 384]] * 30 + [[256, 512]] * 30)
        >>> choose_buckets(pictures, 96 * 96)
        ((112, 84), (84, 112), (68, 136))
    """
    ratios, counts = _ratios(sizes_N2)
    sizes = _candidates(ratios, area, step, smallest)
    if len(sizes) == 0:
        raise RecipeError(
            f"no bucket of about {area:,} pixels has sides that are multiples of {step} and at "
            f"least {smallest}; give a larger --size"
        )
    centers = np.log(sizes[:, 1] / sizes[:, 0])
    price = max(_PRICE * float(counts.sum()), _PICTURES)
    chosen = _cheapest(_Costs.of(ratios, counts, centers), price)
    return tuple((int(sizes[place, 0]), int(sizes[place, 1])) for place in chosen)


def buckets_of(buckets: tuple[Size, ...], sizes_N2: Sizes) -> NDArray[np.int64]:
    """The bucket of each picture: the one whose ratio is nearest, the first of equals.

    Args:
        buckets: heights and widths.
        sizes_N2: height and width of each picture, (n, 2).

    Returns:
        (n,), places in `buckets`.
    """
    misfit = np.abs(_log_ratios(sizes_N2)[:, None] - _log_ratios(np.array(buckets))[None, :])
    return np.round(misfit, _DIGITS).argmin(1).astype(np.int64)


def bucket_of(buckets: tuple[Size, ...], size: Size) -> Size:
    """The bucket of one picture.

    Example:
        >>> bucket_of(((112, 84), (84, 112)), (480, 640))
        (84, 112)
    """
    return buckets[int(buckets_of(buckets, np.array([size]))[0])]


def place(picture: Size, bucket: Size) -> Fit:
    """How a picture is put into a bucket: by one factor, cut by at most 5%, in the middle.

    Args:
        picture: height and width.
        bucket: height and width.

    Example:
        >>> place((96, 100), (96, 96))
        Fit(box=(2.0, 0.0, 98.0, 96.0), inner=(96, 96))
        >>> place((100, 200), (96, 96))
        Fit(box=(5.0, 0.0, 195.0, 100.0), inner=(51, 96))
    """
    height, width = picture
    if width * bucket[0] < height * bucket[1]:
        turned = place((width, height), (bucket[1], bucket[0]))
        left, top, right, bottom = turned.box
        return Fit((top, left, bottom, right), (turned.inner[1], turned.inner[0]))
    fitting = height * bucket[1] / bucket[0]
    kept = max(fitting, (1 - MOST_CUT) * width)
    left = (width - kept) / 2
    box = (left, 0.0, min(left + kept, float(width)), float(height))
    inner = bucket[0] if kept == fitting else max(1, round(bucket[0] * fitting / kept))
    return Fit(box, (inner, bucket[1]))


def waste(buckets: tuple[Size, ...], sizes_N2: Sizes) -> tuple[Floats, Floats]:
    """What each picture loses in its bucket, before sides are rounded to whole pixels.

    Args:
        buckets: heights and widths.
        sizes_N2: height and width of each picture, (n, 2).

    Returns:
        The share of each picture that is cut off, (n,), and the share of its bucket that is
        filled with background, (n,).
    """
    centers = _log_ratios(np.array(buckets))[buckets_of(buckets, sizes_N2)]
    kept = np.exp(-np.abs(_log_ratios(sizes_N2) - centers))
    return np.minimum(1 - kept, MOST_CUT), np.maximum(1 - kept / (1 - MOST_CUT), 0.0)


def _log_ratios(sizes_N2: Sizes) -> Floats:
    return np.log(sizes_N2[:, 1] / sizes_N2[:, 0])


def _ratios(sizes_N2: Sizes) -> tuple[Floats, Floats]:
    """Logarithms of the different ratios, rising, and how many pictures have each."""
    # 640 x 480 and 320 x 240 have the same ratio, whatever their quotients round to.
    found, counts = np.unique(np.round(_log_ratios(sizes_N2), _DIGITS), return_counts=True)
    return found, counts.astype(np.float64)


def _candidates(ratios: Floats, area: int, step: int, smallest: int) -> Sizes:
    """Sizes (m, 2) next to the ratios of the pictures, one a ratio, from the highest on."""
    slack = min(max(AREA_SLACK, 1.5 * step / area**0.5), 0.5)
    low, high = (1 - slack) * area, (1 + slack) * area
    least = step * max(1, -(-smallest // step))
    heights = np.arange(least, high / least + 1, step, dtype=np.int64)
    pairs = [
        np.stack([np.full_like(widths, height), widths], 1)
        for height in heights
        for widths in [_multiples(low / height, high / height, step, least)]
    ]
    if not pairs or not sum(map(len, pairs)):
        return np.empty((0, 2), np.int64)
    sizes = np.concatenate(pairs)
    # Of one ratio, the size whose area is nearest to the one wanted comes first.
    off = np.abs(sizes.prod(1) - area)
    found = np.round(_log_ratios(sizes), _DIGITS)
    sizes = sizes[np.lexsort((off, found))]
    centers, first = np.unique(np.round(_log_ratios(sizes), _DIGITS), return_index=True)
    after = np.searchsorted(centers, ratios)
    near = np.unique(np.clip(np.concatenate([after - 1, after]), 0, len(centers) - 1))
    return sizes[first[near]]


def _multiples(low: float, high: float, step: int, least: int) -> Sizes:
    first = max(least, step * int(np.ceil(low / step)))
    return np.arange(first, high + 1e-9, step, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Costs:
    """Pixels wasted, counted in pictures, of the pictures between neighbouring buckets.

    Attributes:
        first: (m,), of those before each bucket, if it is the first.
        between: (m, m), of those between two, if none lies between these.
        last: (m,), of those after each, if it is the last.
    """

    first: Floats
    between: Floats
    last: Floats

    @classmethod
    def of(cls, ratios: Floats, counts: Floats, centers: Floats) -> _Costs:
        """Of ratios (n,) that rise, how many pictures have each, and buckets (m,) that rise."""
        num, up, down = (
            np.concatenate([[0.0], np.cumsum(counts * factor)])
            for factor in (np.ones_like(ratios), np.exp(ratios), np.exp(-ratios))
        )

        def above(start: Sizes, end: Sizes, at: Floats) -> Floats:
            return num[end] - num[start] - np.exp(at) * (down[end] - down[start])

        def below(start: Sizes, end: Sizes, at: Floats) -> Floats:
            return num[end] - num[start] - np.exp(-at) * (up[end] - up[start])

        here = np.searchsorted(ratios, centers)
        middle = np.searchsorted(ratios, (centers[:, None] + centers[None, :]) / 2)
        left, right = (
            above(here[:, None], middle, centers[:, None]),
            below(middle, here[None, :], centers[None, :]),
        )
        ordered = np.triu(np.ones_like(left, dtype=bool), 1)
        between = np.where(ordered, left + right, np.inf)
        zero, all_ = np.zeros_like(here), np.full_like(here, len(ratios))
        return cls(below(zero, here, centers), between, above(here, all_, centers))


def _cheapest(costs: _Costs, price: float) -> list[int]:
    """The places of the buckets that waste the least, each of which has its price."""
    best = costs.first
    came_from: list[NDArray[np.int64]] = []
    found: tuple[float, list[int]] = (np.inf, [])
    for count in range(1, MOST_BUCKETS + 1):
        totals = best + costs.last
        end = int(totals.argmin())
        # Rounding must not open a bucket that spares nothing.
        if totals[end] + count * price < found[0] - 1e-9:
            chosen = [end]
            for before in reversed(came_from):
                chosen.append(int(before[chosen[-1]]))
            found = (float(totals[end] + count * price), chosen[::-1])
        options = best[:, None] + costs.between
        came_from.append(options.argmin(0).astype(np.int64))
        best = options.min(0)
    return found[1]
