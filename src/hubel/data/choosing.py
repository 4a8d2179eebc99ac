"""The way to network input, chosen from what is known of the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hubel.data.form import Seen
from hubel.data.jpeg import reduction
from hubel.data.kinds import fitting_way
from hubel.data.preprocess import Preprocess
from hubel.data.wish import Wish

__all__ = ["choose_preprocess"]

_LARGEST_SIDE = 128
_SAME_RATIO, _MOST = 0.05, 0.9


def choose_preprocess(seen: Sequence[Sequence[Any]], wish: Wish) -> Preprocess | None:
    """The way to network input, by rule where the user has no wish.

    The longer side is the median one, at most 128 px. The input has the ratio that nine in ten
    pictures share, where there is such a one, and is a square otherwise. It is grey where every
    picture is grey. JPEGs are reduced while they are decoded where the median one has four times
    the input's sides. What holds for depth, for other channels, and for signals and volumes, is in
    `kinds`.

    Args:
        seen: as `Seen`, of some samples, or of all; what follows the mode may be absent.
        wish: what the user asked for.

    Returns:
        None when nothing was seen.
    """
    if not seen:
        return None
    samples = [Seen(*one) for one in seen]
    sides = _size(samples) if samples[0].form.kind == "picture" else (1, 1)
    way = fitting_way(samples, sides, wish.size, wish.channels, wish.shape)
    return replace(way, reduced=_large(samples, way) if wish.reduced is None else wish.reduced)


def _large(seen: list[Seen], way: Preprocess) -> bool:
    """Whether there are JPEGs, and the median one is large enough to be reduced."""
    sides = np.array([one[:2] for one in seen if one.format in ("JPEG", "MPO")], np.int64)
    if not len(sides) or not way.plain:
        return False
    width, height = (int(side) for side in np.median(sides, axis=0))
    # In buckets no picture is reduced, but the same ones are squashed for what needs one size.
    one_size = replace(way, reduced=True, shape="squash" if way.shape == "bucket" else way.shape)
    return reduction(height, width, one_size.enough) > 1


def _size(seen: list[Seen]) -> tuple[int, int]:
    widths, heights = (np.array([one[axis] for one in seen], np.float64) for axis in (0, 1))
    side = min(_LARGEST_SIDE, int(np.median(np.maximum(widths, heights))))
    ratio = float(np.median(widths / heights))
    if np.mean(np.abs(widths / heights / ratio - 1) < _SAME_RATIO) < _MOST:
        return side, side
    other = max(1, round(side * min(ratio, 1 / ratio)))
    return (other, side) if ratio > 1 else (side, other)
