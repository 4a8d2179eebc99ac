"""A clock that doesn't depend on the machine."""

from __future__ import annotations

from itertools import count


class Ticking:
    """Every look at it is so many seconds later than the one before."""

    def __init__(self, tick: float = 1e-3) -> None:
        self.tick = tick
        self.looks = count()

    def __call__(self) -> float:
        return next(self.looks) * self.tick
