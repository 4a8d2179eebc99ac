"""Random numbers that are a function of what they are for, never of when they were drawn.

A draw is keyed on (seed, stream, epoch, sample). It does not matter how many workers there are,
in which order they run, or whether the run was stopped half-way: the number is the same.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["generator", "permutation", "uniform"]

_MASK = (1 << 64) - 1


def uniform(
    seed: int, stream: str, epoch: NDArray[np.int64] | int, sample: NDArray[np.int64]
) -> NDArray[np.float64]:
    """One number in [0, 1) for each sample.

    Args:
        seed: of the run.
        stream: what the draw is for ("flip", "shift", ...); streams are independent.
        epoch: of each sample, or one for all.
        sample: the sample's index, any shape.

    Returns:
        Numbers of the shape of `sample`, with 53 random bits each.

    Example:
        >>> uniform(0, "flip", 1, np.array([5, 6])).round(4)
        array([0.7612, 0.6731])

    Source: the finaliser of SplitMix64 (Steele, Lea and Flood 2014), chained over the key.
    """
    state = np.uint64(_start(seed, stream))
    epochs = np.asarray(epoch, dtype=np.int64).astype(np.uint64)
    samples = np.asarray(sample, dtype=np.int64).astype(np.uint64)
    with np.errstate(over="ignore"):
        bits = _mix(_mix(epochs ^ state) ^ samples)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The order of `count` samples in one epoch: a pure function of its arguments."""
    draws = uniform(seed, "order", epoch, np.arange(count, dtype=np.int64))
    return np.argsort(draws, kind="stable").astype(np.int64)


def generator(seed: int, stream: str, position: int) -> np.random.Generator:
    """A NumPy generator for draws that `uniform` has no shape for (Beta, integers)."""
    return np.random.Generator(np.random.Philox(key=_start(seed, stream), counter=position))


def _start(seed: int, stream: str) -> int:
    word = (seed & _MASK) ^ (zlib.crc32(stream.encode()) << 32)
    with np.errstate(over="ignore"):
        return int(_mix(np.array([word], dtype=np.uint64))[0])


def _mix(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    word = word + np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
