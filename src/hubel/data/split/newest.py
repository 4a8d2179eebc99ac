"""The newest samples are held out: what was learned is tested on what came after it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hubel.data.split.samples import Samples
from hubel.errors import DataError

__all__ = ["draw_newest"]


def draw_newest(
    samples: Samples, units: NDArray[np.int64], wanted: dict[str, float]
) -> NDArray[np.int64]:
    """Hold out by time: the newest for the first split that is wanted, the next for the second.

    Samples of one time are never torn apart. A unit (a group, equal pictures) is as new as its
    newest sample, so that nothing is learned from what came after a sample that is held out.

    Args:
        samples: each with its time.
        units: of each.
        wanted: shares, as near as the times allow.

    Returns:
        (n,), 0 for training, then the wanted splits in order.

    Raises:
        DataError: a sample has no time, or there are too few times.
    """
    times = _expect_times(samples)
    newest = np.full(int(units.max()) + 1, -np.inf)
    np.maximum.at(newest, units, times)
    values, moment, counts = np.unique(newest[units], return_inverse=True, return_counts=True)
    if len(values) <= len(wanted):
        raise DataError(
            f"split=time: expected at least {len(wanted) + 1} different times, one each for train, "
            f"{' and '.join(wanted)}, got {len(values)}; samples of one time, group or content "
            "stay together"
        )
    splits = np.zeros(len(times), np.int64)
    after = np.r_[np.cumsum(counts[::-1])[::-1], 0]  # samples at this time or later
    end = len(values)
    for place, share in enumerate(wanted.values(), 1):
        keep = len(wanted) - place + 1  # times for what comes after, and for training
        held = after[keep:end] - after[end]
        begin = keep + int(np.argmin(np.abs(held - share * len(times))))
        splits[(moment >= begin) & (moment < end)] = place
        end = begin
    return splits


def _expect_times(samples: Samples) -> NDArray[np.float64]:
    times = samples.times or [None] * len(samples.labels)
    lacking = sum(time is None or math.isnan(time) for time in times)
    if lacking == len(times):
        raise DataError(
            "split=time: no sample has a time; give a table with a column `time`, or leave "
            "split=time out"
        )
    if lacking:
        raise DataError(
            f"split=time: {lacking:,} of {len(times):,} samples have no time; fill the column "
            "`time`, or leave these samples out"
        )
    return np.array(times, np.float64)
