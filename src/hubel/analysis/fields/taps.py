"""Which positions of its input each position of a sliding operator reads, along one dim."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "NOTHING",
    "Indices",
    "Taps",
    "adaptive_taps",
    "crop_taps",
    "filter_taps",
    "interpolation_taps",
    "nearest_taps",
    "pad_taps",
    "transposed_taps",
    "window_taps",
]

Indices = NDArray[np.int64]

NOTHING = -(1 << 40)
"""In the place of an index: no tap here."""


@dataclass(frozen=True, slots=True, eq=False)
class Taps:
    """Positions that are read, one row an output position.

    Attributes:
        seen: within the input; -1 where a tap reads padding, or nothing.
        free: on an endless input; `NOTHING` where there is no tap.
        every: after so many output positions the taps repeat...
        moves: ...so many input positions further.
    """

    seen: Indices
    free: Indices
    every: int
    moves: int

    @property
    def is_crop(self) -> bool:
        """Whether each position reads one, the next reads the next, and none is beyond."""
        is_single = self.free.shape[1] == self.every == self.moves == 1
        return is_single and bool((self.seen >= 0).all())

    @property
    def merged(self) -> Taps:
        """One tap an output, at any of its own: enough where the input is the same all along."""
        seen, free = self.seen.max(axis=1, keepdims=True), self.free.max(axis=1, keepdims=True)
        return Taps(seen, free, self.every, self.moves)

    def nearest(self, size: int) -> Indices:
        """Where a tap reads padding, the position at the border in its stead."""
        inside = np.where(self.free == NOTHING, -1, np.clip(self.free, 0, size - 1))
        return np.where(self.seen >= 0, self.seen, inside)

    def is_identity(self, size: int) -> bool:
        """Whether each of so many positions reads itself."""
        return self.is_crop and len(self.free) == size > 0 and self.free[0, 0] == 0


def _within(free: Indices, size: int) -> Indices:
    return np.where((free >= 0) & (free < size), free, -1)


def _ragged(rows: list[list[int]]) -> Indices:
    width = max(map(len, rows))
    return np.array([row + [NOTHING] * (width - len(row)) for row in rows], dtype=np.int64)


@lru_cache(maxsize=1024)
def window_taps(size: int, outputs: int, kernel: int, moves: tuple[int, int, int]) -> Taps:
    """Of convolution and pooling.

    Args:
        size: positions of the input.
        outputs: positions of the output.
        kernel: taps.
        moves: stride, padding before the first position, dilation.

    Example:
        >>> window_taps(5, 3, 3, (2, 1, 1)).seen.tolist()
        [[-1, 0, 1], [1, 2, 3], [3, 4, -1]]
    """
    stride, before, dilation = moves
    starts = np.arange(outputs, dtype=np.int64)[:, None] * stride - before
    free = starts + np.arange(kernel, dtype=np.int64) * dilation
    return Taps(_within(free, size), free, 1, stride)


@lru_cache(maxsize=1024)
def transposed_taps(size: int, outputs: int, kernel: int, moves: tuple[int, int, int]) -> Taps:
    """Of transposed convolution: the inputs whose window an output lies in.

    Example:
        >>> transposed_taps(3, 6, 2, (2, 0, 1)).seen.max(axis=1).tolist()
        [0, 0, 1, 1, 2, 2]
    """
    stride, before, dilation = moves
    offsets = np.arange(outputs, dtype=np.int64)[:, None] + before
    offsets = offsets - np.arange(kernel, dtype=np.int64) * dilation
    free = np.where(offsets % stride == 0, offsets // stride, NOTHING)
    return Taps(_within(free, size), free, stride, 1)


@lru_cache(maxsize=256)
def adaptive_taps(size: int, outputs: int) -> Taps:
    """Of adaptive pooling.

    Example:
        >>> adaptive_taps(5, 2).seen.tolist()
        [[0, 1, 2], [2, 3, 4]]
    """
    rows = [list(range(p * size // outputs, -(-(p + 1) * size // outputs))) for p in range(outputs)]
    free, ratio = _ragged(rows), Fraction(size, outputs)
    return Taps(_within(free, size), free, ratio.denominator, ratio.numerator)


@lru_cache(maxsize=1024)
def crop_taps(start: int, outputs: int, stride: int) -> Taps:
    """Of a slice: each position reads one."""
    free = start + stride * np.arange(outputs, dtype=np.int64)[:, None]
    return Taps(free, free, 1, stride)


@lru_cache(maxsize=1024)
def pad_taps(size: int, before: int, after: int, mode: str) -> Taps:
    """Of padding: `constant`, `reflect` or `replicate`; negative padding crops.

    Example:
        >>> pad_taps(4, 2, 1, "reflect").seen.ravel().tolist()
        [2, 1, 0, 1, 2, 3, 2]
    """
    free = np.arange(-before, size + after, dtype=np.int64)[:, None]
    if mode == "reflect":
        turned = np.abs(free)
        seen = np.where(turned < size, turned, 2 * (size - 1) - turned)
    else:
        seen = np.clip(free, 0, size - 1) if mode == "replicate" else _within(free, size)
    return Taps(seen, free, 1, 1)


@lru_cache(maxsize=256)
def nearest_taps(size: int, outputs: int, ratio: Fraction, offset: Fraction) -> Taps:
    """Of upsampling by copies.

    Args:
        size: positions of the input.
        outputs: positions of the output.
        ratio: input positions an output position.
        offset: where in an output position the point to look up lies, 0 or 1/2.
    """
    rows = [[floor((p + offset) * ratio)] for p in range(outputs)]
    free = np.array(rows, dtype=np.int64)
    return Taps(np.clip(free, 0, size - 1), free, ratio.denominator, ratio.numerator)


@lru_cache(maxsize=256)
def interpolation_taps(size: int, outputs: int, ratio: Fraction, kind: tuple[int, bool]) -> Taps:
    """Of interpolation.

    Args:
        size: positions of the input.
        outputs: positions of the output.
        ratio: input positions an output position.
        kind: positions on either side, 1 for linear and 2 for cubic; whether the corners align.

    Returns:
        The taps; a point that falls on a position reads that one alone.

    Example:
        >>> interpolation_taps(2, 4, Fraction(1, 2), (1, False)).seen.tolist()
        [[0, 0], [0, 1], [0, 1], [1, 1]]
    """
    rows: list[list[int]] = []
    reach, corners = kind
    for p in range(outputs):
        point = p * ratio if corners else (p + Fraction(1, 2)) * ratio - Fraction(1, 2)
        low = floor(point)
        rows.append([low] if point == low else list(range(low - reach + 1, low + reach + 1)))
    free = _ragged(rows)
    seen = np.where(free == NOTHING, -1, np.clip(free, 0, size - 1))
    return Taps(seen, free, ratio.denominator, ratio.numerator)


@lru_cache(maxsize=256)
def filter_taps(size: int, outputs: int, ratio: Fraction, reach: int) -> Taps:
    """Of interpolation that is widened against aliasing: linear (reach 1), cubic (reach 2)."""
    support, half = reach * max(Fraction(1), ratio), Fraction(1, 2)
    rows: list[list[int]] = []
    for p in range(outputs):
        first, last = (p + half) * ratio - support - half, (p + half) * ratio + support - half
        rows.append(list(range(floor(first) + 1, ceil(last))))
    free = _ragged(rows)
    return Taps(_within(free, size), free, ratio.denominator, ratio.numerator)
