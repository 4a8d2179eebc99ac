"""Accuracy against what it costs to compute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hubel.reports.charts.marks import Frame, Scale, element, title
from hubel.reports.facts import Estimate
from hubel.reports.formats import compact, interval, percent


@dataclass(frozen=True)
class Priced:
    """A classifier, how right it is, and its multiply-adds a picture."""

    name: str
    accuracy: Estimate
    multiply_adds: int
    main: bool


def cost_chart(rungs: Sequence[Priced]) -> Markup:
    """A dot and its interval for each; the axis of costs is logarithmic."""
    frame = Frame(width=400, height=250, right=24)
    costs = [max(rung.multiply_adds, 1) for rung in rungs]
    decades = (
        10.0 ** math.floor(math.log10(min(costs)) - 0.3),
        10.0 ** math.ceil(math.log10(max(costs)) + 0.3),
    )
    x = Scale(*decades, *frame.x, logarithmic=True)
    y = Scale(0, 1, *frame.y)

    def whole(value: float) -> str:
        return percent(value, 0)

    return frame.svg(
        "Accuracy against multiply-adds a picture",
        frame.axes(x, y, ("multiply-adds a picture", "right, %"), (_decade, whole)),
        *(_mark(rung, x, y) for rung in rungs),
        *_names(rungs, x, y),
    )


def _decade(value: float) -> str:
    return "≤ 1" if value <= 1 else compact(value).replace(".00", "").replace(".0", "")


def _mark(rung: Priced, x: Scale, y: Scale) -> Markup:
    at, value = x(max(rung.multiply_adds, 1)), y(rung.accuracy.value or 0.0)
    ends = (rung.accuracy.low, rung.accuracy.high)
    low, high = (value if end is None else y(end) for end in ends)
    told = (
        f"{rung.name}: {percent(rung.accuracy.value)}% ({interval(rung.accuracy)}), "
        f"{compact(rung.multiply_adds)} multiply-adds"
    )
    look = "c1" if rung.main else "c0"
    return element(
        "g",
        title(told),
        element("line", x1=at, x2=at, y1=low, y2=high, class_="whisker"),
        element("circle", cx=at, cy=value, r=5, class_=f"dot {look}"),
    )


def _names(rungs: Sequence[Priced], x: Scale, y: Scale) -> list[Markup]:
    """Names beside the dots, towards the middle, pushed apart so that none covers another."""
    names: list[Markup] = []
    below = -100.0
    for rung in sorted(rungs, key=lambda rung: -(rung.accuracy.value or 0.0)):
        at = x(max(rung.multiply_adds, 1))
        right = at > (x.start + x.stop) / 2
        below = max(y(rung.accuracy.value or 0.0), below + 13)
        look = f"name {'c1' if rung.main else 'c0'}" + (" end" if right else "")
        names.append(
            element("text", rung.name, x=at + (-9 if right else 9), y=below + 4, class_=look)
        )
    return names
