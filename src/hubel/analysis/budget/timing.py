"""Seconds that something takes, repeated, with what they spread over."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

__all__ = ["Clock", "Spread", "processor", "repeat", "synchronize", "timed"]

# Gives seconds. `time.thread_time` leaves out what other programs took, for one thread.
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Spread:
    """Repeated measurements of one duration.

    Attributes:
        median: seconds.
        low: the lower quartile.
        high: the upper quartile.
        count: how many there were.
    """

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """The quartiles of at least one measurement.

        Example:
            >>> Spread.of([3.0, 1.0, 2.0, 10.0, 4.0])
            Spread(median=3.0, low=2.0, high=4.0, count=5)
        """
        if len(seconds) == 1:
            return cls(seconds[0], seconds[0], seconds[0], 1)
        low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
        return cls(median, low, high, len(seconds))

    @property
    def relative(self) -> float:
        """Half of the middle half's width, as a share of the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0

    def to_json(self) -> dict[str, Any]:
        """The measurement as JSON types."""
        return {"median": self.median, "low": self.low, "high": self.high, "count": self.count}


def timed(run: Callable[[], Any], device: torch.device, clock: Clock) -> float:
    """Seconds of one call, until the device has done what it was given."""
    synchronize(device)
    start = clock()
    run()
    synchronize(device)
    return clock() - start


def repeat(
    run: Callable[[], Any], device: torch.device, clock: Clock, seconds: float, least: int = 5
) -> Spread:
    """Call again and again for some seconds, after two calls that don't count.

    Args:
        run: what to time.
        device: that does the work.
        clock: gives seconds.
        seconds: to go on for.
        least: calls, however long they take.
    """
    run()
    run()
    found: list[float] = []
    end = time.monotonic() + seconds
    while len(found) < least or time.monotonic() < end:
        found.append(timed(run, device, clock))
    return Spread.of(found)


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def processor(device: torch.device) -> str:
    """What the vendor calls the hardware."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    import platform

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
