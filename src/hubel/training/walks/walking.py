"""Each optimizer's walk over each surface, at the rate that serves it best.

The rule is the same for all: the same start, the same number of steps, a constant rate out of the
same few, and the walk that ends lowest is shown, of those on a surface that stay within the part of
it that is drawn (where there are any). That gives each its best, and no more: a rate that was best
for these steps need not be for others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hubel.training.choices import OPTIMIZERS
from hubel.training.optimizers import STEPS, Group
from hubel.training.walks.surfaces import SURFACES, Surface

__all__ = ["RATES", "Walk", "best_walk", "walk", "walk_everywhere"]

RATES = tuple(float(f"{10 ** (power / 4):.3g}") for power in range(-16, 1))
_STEPS = 150


@dataclass(frozen=True, slots=True)
class Walk:
    """One optimizer on one problem.

    Attributes:
        optimizer: by name.
        problem: by name.
        rate: that ended lowest, out of those tried.
        values: before the first step, and along the way to the last.
        every: how many steps are between two values.
        path: the points on a surface; empty where the problem has more than two parameters.
    """

    optimizer: str
    problem: str
    rate: float
    values: tuple[float, ...]
    every: int = 1
    path: tuple[tuple[float, float], ...] = ()

    @property
    def end(self) -> float:
        """The value at the end; infinite where the walk left all numbers."""
        return self.values[-1] if math.isfinite(self.values[-1]) else math.inf

    def to_json(self) -> dict[str, Any]:
        """As JSON types, without the path."""
        return {
            "optimizer": self.optimizer,
            "problem": self.problem,
            "rate": self.rate,
            "steps": self.every * (len(self.values) - 1),
            "start": self.values[0],
            "end": None if math.isinf(self.end) else self.end,
        }


def walk(surface: Surface, problem: str, optimizer: str, rate: float, steps: int = _STEPS) -> Walk:
    """One walk at a constant rate, without decay, that stops where values are no numbers.

    Muon takes the two coordinates as a matrix of one row: its steps have all one length.

    Args:
        surface: to walk on.
        problem: its name.
        optimizer: by name.
        rate: of each step.
        steps: how many.
    """
    momentum = OPTIMIZERS[optimizer].momentum or 0.0
    point = torch.tensor([surface.start], dtype=torch.float64)
    group = Group([point], 0.0, optimizer=optimizer, momentum=momentum)
    places = [surface.start]
    for _ in range(steps):
        STEPS[optimizer](group, [_slope(surface, places[-1], point)], rate)
        x, y = point[0].tolist()
        if not abs(x) + abs(y) < 1e6:
            return Walk(optimizer, problem, rate, (math.inf,), path=tuple(places))
        places.append((x, y))
    values = [float(surface.value(*place)) for place in places]  # pyright: ignore[reportArgumentType]
    return Walk(optimizer, problem, rate, tuple(values), path=tuple(places))


def best_walk(walks: list[Walk], surface: Surface | None = None) -> Walk:
    """The one that ends lowest; the slowest of several that do.

    Args:
        walks: of one optimizer on one problem.
        surface: if it is one; a walk that leaves its window loses to every one that does not.
    """
    return min(walks, key=lambda found: (_leaves(found, surface), found.end, found.rate))


def _leaves(found: Walk, surface: Surface | None) -> bool:
    if surface is None:
        return False
    left, right, bottom, top = surface.window
    return not all(left <= x <= right and bottom <= y <= top for x, y in found.path)


def walk_everywhere(told: Callable[[int], None] = lambda _: None) -> list[Walk]:
    """The best walk of every optimizer on every surface.

    Args:
        told: how many more are done.
    """
    best: list[Walk] = []
    for problem, surface in SURFACES.items():
        for name in OPTIMIZERS:
            walks = [walk(surface, problem, name, rate) for rate in RATES]
            best.append(best_walk(walks, surface))
            told(1)
    return best


def _slope(surface: Surface, place: tuple[float, float], like: Tensor) -> Tensor:
    return torch.tensor([surface.slope(*place)], dtype=like.dtype)
