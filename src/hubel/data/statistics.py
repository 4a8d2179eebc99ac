"""Mean and deviation of each channel, of the training samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.form import FULL_SCALE
from hubel.data.pixels import Pixels

__all__ = ["statistics"]

_FROM = 5_000
_BLOCK = 64

Numbers = tuple[float, ...]


def statistics(pixels: Pixels) -> tuple[Numbers, Numbers]:
    """Mean and standard deviation of each channel.

    From at most 5,000 training samples, evenly spread. Whole numbers are on a scale where the
    largest of their depth is 1; floats are in units of the data. A channel that never changes gets
    a deviation of one.
    """
    step = -(-len(pixels) // _FROM)
    pixels = pixels.select(np.arange(0, len(pixels), step, dtype=np.int64))
    blocks = list(pixels.blocks(_BLOCK))
    if pixels.segments[0].dtype == np.uint8:
        return _by_counting(pixels, blocks)
    return _in_two_passes(pixels, blocks)


def _by_counting(pixels: Pixels, blocks: list[NDArray[np.int64]]) -> tuple[Numbers, Numbers]:
    num_channels = pixels.segments[0].shape[-1]
    counts = np.zeros((num_channels, 256), np.int64)
    for block in blocks:
        taken = pixels.take(block)
        for channel in range(num_channels):
            counts[channel] += np.bincount(taken[..., channel].ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = [float((count * values).sum() / count.sum()) for count in counts]
    variance = [
        float((count * (values - middle) ** 2).sum() / count.sum())
        for count, middle in zip(counts, mean, strict=True)
    ]
    return tuple(mean), tuple(float(np.sqrt(v)) if v > 1e-8 else 1.0 for v in variance)


def _in_two_passes(pixels: Pixels, blocks: list[NDArray[np.int64]]) -> tuple[Numbers, Numbers]:
    """In float64, the mean first: a small spread about a large mean is not lost."""
    depth: Any = str(pixels.segments[0].dtype)

    def taken() -> Iterator[NDArray[np.float64]]:
        for block in blocks:
            values = pixels.take(block).astype(np.float64) / FULL_SCALE[depth]
            yield values.reshape(-1, values.shape[-1])

    count = sum(len(values) for values in taken())
    mean = np.sum([values.sum(0) for values in taken()], axis=0) / count
    variance = np.sum([((values - mean) ** 2).sum(0) for values in taken()], axis=0) / count
    changes = variance > 1e-12 * mean**2
    deviation = np.sqrt(np.where(changes, variance, 1.0))
    return tuple(map(float, mean)), tuple(map(float, deviation))
