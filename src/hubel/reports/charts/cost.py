"""Accuracy against what it costs to compute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from hubel.reports.charts.labels import Box, Label, place
from hubel.reports.charts.marks import Frame, Scale, element, fitted, title
from hubel.reports.facts import Estimate
from hubel.reports.formats import compact, interval, percent
from hubel.reports.measures import ACCURACY, Measure

_FRAME = Frame(width=380, height=330, right=8)
_GUTTER = 44.0  # beside the logarithmic axis, which has no place for 0 and for what is unknown
_BESIDE = 14.0
_LONGEST = 22


@dataclass(frozen=True)
class Priced:
    """A classifier, how right it is, and its multiply-adds a picture; None is unknown."""

    name: str
    accuracy: Estimate
    multiply_adds: float | None
    main: bool


@dataclass(frozen=True)
class Axis:
    """The costs: free ones, then powers of ten, then unknown ones."""

    scale: Scale
    free: float | None
    unknown: float | None
    priced: bool

    @classmethod
    def over(cls, costs: Sequence[float | None]) -> Axis:
        """An axis that has a place for each of these."""
        start, stop = _FRAME.x
        known = [cost for cost in costs if cost] or [1.0]
        free, unknown = 0.0 in costs, None in costs
        ends = (start + free * _GUTTER + 12, stop - unknown * 1.7 * _GUTTER - 12)
        low = 10.0 ** math.floor(math.log10(min(known)))
        high = max(10.0 ** math.ceil(math.log10(max(known))), 10 * low)
        return cls(
            Scale(low, high, *ends, logarithmic=True),
            start + _GUTTER / 2.5 if free else None,
            stop - _GUTTER * 0.7 if unknown else None,
            any(costs),
        )

    def __call__(self, cost: float | None) -> float:
        at = self.unknown if cost is None else self.free if cost == 0 else self.scale(cost)
        assert at is not None, "the axis was made over this cost"
        return at


def cost_chart(rungs: Sequence[Priced], measure: Measure = ACCURACY) -> Markup:
    """A dot and its interval for each, its name beside it, and the best for each cost joined."""
    axis = Axis.over([rung.multiply_adds for rung in rungs])
    ends = [end for rung in rungs for end in _ends(rung.accuracy)]
    y = fitted(ends, *_FRAME.y, most=1.0)
    at = beside([axis(rung.multiply_adds) for rung in rungs], [_ends(r.accuracy) for r in rungs])
    placed = dict(zip(rungs, at, strict=True))
    front = [(placed[rung], y(rung.accuracy.value or 0.0)) for rung in cheapest_best(rungs)]
    return _FRAME.svg(
        f"{measure.title} against multiply-adds a picture",
        _axes(axis, y, measure.head),
        *([_step_line(front)] if len(front) > 1 else []),
        *(_mark(rung, x, y) for rung, x in zip(rungs, at, strict=True)),
        *(
            _name(label, main=rung.main)
            for label, rung in zip(_names(rungs, at, y, front), rungs, strict=True)
        ),
    )


def cheapest_best(rungs: Sequence[Priced]) -> list[Priced]:
    """Those that no other equals for less or the same cost, the cheapest first."""
    known = [rung for rung in rungs if rung.multiply_adds is not None]
    found: list[Priced] = []
    for rung in sorted(known, key=lambda r: (r.multiply_adds or 0.0, -(r.accuracy.value or 0.0))):
        if not found or (rung.accuracy.value or 0.0) > (found[-1].accuracy.value or 0.0):
            found.append(rung)
    return found


def beside(at: Sequence[float], spans: Sequence[tuple[float, float, float]]) -> list[float]:
    """Positions of dots, moved apart where their intervals would cover each other.

    Half-way between pushing them apart to the right and to the left: as both keep them apart in
    the same order, so does what lies between.

    Args:
        at: x of each, in pixels.
        spans: low, value and high of each.
    """
    order = sorted(range(len(at)), key=lambda k: (at[k], -spans[k][1]))
    right = _pushed(order, at, spans)
    left = _pushed(order[::-1], [-x for x in at], spans)
    return [(one - other) / 2 for one, other in zip(right, left, strict=True)]


def _pushed(
    order: Sequence[int], at: Sequence[float], spans: Sequence[tuple[float, float, float]]
) -> list[float]:
    """No less than `at`, and each past those before it whose intervals meet its own."""
    placed = list(at)
    for rank, k in enumerate(order):
        met = (j for j in order[:rank] if spans[j][0] <= spans[k][2] and spans[k][0] <= spans[j][2])
        placed[k] = max([at[k], *(placed[j] + _BESIDE for j in met)])
    return placed


def _ends(accuracy: Estimate) -> tuple[float, float, float]:
    value = accuracy.value or 0.0
    return (
        value if accuracy.low is None else accuracy.low,
        value,
        value if accuracy.high is None else accuracy.high,
    )


def _axes(axis: Axis, y: Scale, head: str) -> Markup:
    titles = ("multiply-adds a picture", head)
    drawn = _FRAME.axes(axis.scale, y, titles, (_decade, _whole), None if axis.priced else ())
    base = _FRAME.y[0]
    aside = [(axis.free, "none", 1), (axis.unknown, "not known", -1)]
    return drawn + Markup("").join(
        element("text", words, x=at, y=base + 16, class_="tick middle")
        + element("line", x1=at + way * 22, x2=at + way * 29, y1=base, y2=base, class_="gap")
        for at, words, way in aside
        if at is not None
    )


def _whole(value: float) -> str:
    return percent(value, 0)


def _decade(value: float) -> str:
    return compact(value).replace(".00", "").replace(".0", "")


def _step_line(front: Sequence[tuple[float, float]]) -> Markup:
    """Level until the next cost at which more is to be had."""
    steps = [front[0]]
    for x, y in front[1:]:
        steps += [(x, steps[-1][1]), (x, y)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in steps)
    return element("polyline", title("the best for each cost"), points=points, class_="front")


def _mark(rung: Priced, at: float, y: Scale) -> Markup:
    low, value, high = (y(end) for end in _ends(rung.accuracy))
    cost = "unknown" if rung.multiply_adds is None else compact(rung.multiply_adds)
    ends = interval(rung.accuracy)
    told = f"{rung.name}: {percent(rung.accuracy.value)}%{f' ({ends})' if ends else ''}"
    ring = element("circle", cx=at, cy=value, r=8, class_="ring c1")
    return element(
        "g",
        title(f"{told}, {cost} multiply-adds"),
        element("line", x1=at, x2=at, y1=low, y2=high, class_="whisker"),
        element("circle", cx=at, cy=value, r=5, class_=f"dot {'c1' if rung.main else 'c0'}"),
        *([ring] if rung.main else []),
    )


def _names(
    rungs: Sequence[Priced], at: Sequence[float], y: Scale, front: Sequence[tuple[float, float]]
) -> list[Label]:
    ends = [tuple(y(end) for end in _ends(rung.accuracy)) for rung in rungs]
    whiskers = [Box(x - 2, high, x + 2, low) for x, (low, _, high) in zip(at, ends, strict=True)]
    levels = [Box(a[0], a[1] - 1, b[0], a[1] + 1) for a, b in pairwise(front)]
    rises = [Box(b[0] - 1, b[1], b[0] + 1, a[1]) for a, b in pairwise(front)]
    dots = [(_short(rung.name), x, end[1]) for rung, x, end in zip(rungs, at, ends, strict=True)]
    bottom, top = _FRAME.y
    inside = Box(_FRAME.x[0] + 2, top - 6, _FRAME.x[1], bottom - 2)
    return place(dots, inside, [*whiskers, *levels, *rises])


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _name(label: Label, *, main: bool) -> Markup:
    look = f"name halo {'c1' if main else 'c0'}{' end' if label.ends else ''}"
    x = label.box.right if label.ends else label.box.left
    text = element("text", label.text, x=x, y=label.baseline, class_=look)
    if label.line is None:
        return text
    x1, y1, x2, y2 = label.line
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="leader") + text
