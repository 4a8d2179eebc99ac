"""Three textbook surfaces over a plane, with their slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SURFACES", "Surface"]

Array = NDArray[np.float64]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Surface:
    """A function of two coordinates.

    Attributes:
        name: what people call it.
        text: what is hard about it.
        source: where it is from.
        value: at coordinates of any one shape.
        slope: both parts of the gradient at a point.
        start: where walks begin.
        minimum: where the value is 0.
        window: the part to draw: left, right, bottom, top.
    """

    name: str
    text: str
    source: str
    value: Callable[[Array, Array], Array]
    slope: Callable[[float, float], Pair]
    start: Pair
    minimum: Pair
    window: tuple[float, float, float, float]


def _bowl(x: Array, y: Array) -> Array:
    return (x**2 + 50 * y**2) / 2


def _bowl_slope(x: float, y: float) -> Pair:
    return x, 50 * y


def _rosenbrock(x: Array, y: Array) -> Array:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def _rosenbrock_slope(x: float, y: float) -> Pair:
    return -2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)


_BEALE = ((1.5, 1), (2.25, 2), (2.625, 3))


def _beale(x: Array, y: Array) -> Array:
    parts = [(constant - x + x * y**power) ** 2 for constant, power in _BEALE]
    return parts[0] + parts[1] + parts[2]


def _beale_slope(x: float, y: float) -> Pair:
    across = down = 0.0
    for constant, power in _BEALE:
        rest = constant - x + x * y**power
        across += 2 * rest * (y**power - 1)
        down += 2 * rest * x * power * y ** (power - 1)
    return across, down


SURFACES: dict[str, Surface] = {
    "bowl": Surface(
        "ill-conditioned bowl",
        "50 times as steep across as along",
        "(x^2 + 50 y^2) / 2; Nocedal and Wright 2006, section 3.3",
        *(_bowl, _bowl_slope),
        start=(-9.0, 1.5),
        minimum=(0.0, 0.0),
        window=(-10.5, 4.5, -2.2, 2.2),
    ),
    "rosenbrock": Surface(
        "Rosenbrock's banana",
        "a flat valley between steep walls, which bends",
        "Rosenbrock 1960, The Computer Journal 3",
        *(_rosenbrock, _rosenbrock_slope),
        start=(-1.2, 1.0),
        minimum=(1.0, 1.0),
        window=(-1.7, 1.7, -0.7, 2.0),
    ),
    "beale": Surface(
        "Beale's plateau",
        "beginning beside the saddle at (0, 1), where the slope is nearly none",
        "Beale 1958; More, Garbow and Hillstrom 1981, ACM TOMS 7, problem 5",
        *(_beale, _beale_slope),
        start=(0.15, 1.1),
        minimum=(3.0, 0.5),
        window=(-0.6, 3.8, -0.9, 1.5),
    ),
}
