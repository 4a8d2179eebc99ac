"""Accuracy against the number of training pictures, and what twice as many would give."""

from __future__ import annotations

from markupsafe import Markup

from hubel.reports.charts.marks import Frame, Scale, element, fitted, title
from hubel.reports.formats import count, interval, percent
from hubel.reports.ladder import Curve, Law, Point

_FRAME = Frame(width=380, height=330, right=22)
_STEPS = 24
_APART = 44.0  # pixels that two numbers under the axis need


def growth_chart(curve: Curve) -> Markup:
    """Points with intervals; the fitted law dashed, and shaded what it says of twice as many."""
    first, last = curve.points[0].n_train, curve.points[-1].n_train
    top = 2 * last if curve.law else max(last, first + 1)
    x = Scale(max(first, 1) / 1.15, top * 1.05, *_FRAME.x, logarithmic=True)
    y = fitted(_heights(curve), *_FRAME.y, most=1.0)
    law = curve.law
    return _FRAME.svg(
        "Accuracy against training pictures",
        _FRAME.axes(x, y, ("training pictures", "right, %"), (count, _percent), ticks=()),
        *_numbers(curve, x),
        *([_band(curve, law, x, y), _line(law, first, top, x, y)] if law else []),
        *(_mark(point, x, y) for point in curve.points),
        *([_twice(curve, law, x, y)] if law else []),
    )


def _percent(value: float) -> str:
    return percent(value, 0)


def _heights(curve: Curve) -> list[float]:
    """All that is drawn, as fractions."""
    found = [
        end
        for point in curve.points
        for end in (point.accuracy.value, point.accuracy.low, point.accuracy.high)
        if end is not None
    ]
    if curve.law:
        last = curve.points[-1].n_train
        gains = (curve.gain_of_twice.value, curve.gain_of_twice.high)
        found += [min(curve.law.accuracy(last) + gain, 1.0) for gain in gains if gain is not None]
        found.append(max(curve.law.accuracy(curve.points[0].n_train), 0.0))
    return found or [0.0, 1.0]


def _numbers(curve: Curve, x: Scale) -> list[Markup]:
    """The sizes that were measured, and twice the last, as far as they have room."""
    last = curve.points[-1].n_train
    sizes = [last, *([2 * last] if curve.law else []), *(p.n_train for p in curve.points[::-1])]
    base, shown = _FRAME.y[0], list[float]()
    marks: list[Markup] = []
    for size in sizes:
        at = x(size)
        marks.append(element("line", x1=at, x2=at, y1=base, y2=base + 4, class_="axis"))
        if all(abs(at - other) >= _APART for other in shown):
            shown.append(at)
            marks.append(element("text", count(size), x=at, y=base + 16, class_="tick middle"))
    return marks


def _line(law: Law, first: int, top: int, x: Scale, y: Scale) -> Markup:
    sizes = [first * (top / first) ** (k / _STEPS) for k in range(_STEPS + 1)]
    points = " ".join(f"{x(size):.1f},{y(law.accuracy(size)):.1f}" for size in sizes)
    return element(
        "polyline",
        title(f"fitted: error = {law.floor:.3g} + {law.scale:.3g} / n^{law.exponent:.2g}"),
        points=points,
        class_="line c1 fitted",
    )


def _band(curve: Curve, law: Law, x: Scale, y: Scale) -> Markup:
    """From nothing at the largest size to the interval of the gain at twice as many."""
    gain, last = curve.gain_of_twice, curve.points[-1].n_train
    if gain.low is None or gain.high is None:
        return Markup("")
    sizes = [last * 2 ** (k / 8) for k in range(9)]
    edges = [(size, gain.low) for size in sizes] + [(size, gain.high) for size in sizes[::-1]]
    points = [
        f"{x(size):.1f},{y(law.accuracy(last) + by * _share(law, size / last)):.1f}"
        for size, by in edges
    ]
    return element("polygon", points=" ".join(points), class_="band c1")


def _share(law: Law, times: float) -> float:
    """Of the gain of twice as many pictures, what so many times as many give."""
    return (1 - times**-law.exponent) / (1 - 2.0**-law.exponent)


def _mark(point: Point, x: Scale, y: Scale) -> Markup:
    found, at = point.accuracy, x(point.n_train)
    if found.value is None:
        return Markup("")
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    ends = interval(found)
    told = f"{percent(found.value)}%{f' ({ends})' if ends else ''}"
    return element(
        "g",
        title(f"{count(point.n_train, 'training picture')}: {told}"),
        element("line", x1=at, x2=at, y1=y(low), y2=y(high), class_="whisker"),
        element("circle", cx=at, cy=y(found.value), r=5, class_="dot c1"),
    )


def _twice(curve: Curve, law: Law, x: Scale, y: Scale) -> Markup:
    """An open dot: it was not measured."""
    last, gain = curve.points[-1].n_train, curve.gain_of_twice
    at, value = x(2 * last), law.accuracy(2 * last)
    ends = interval(gain)
    more = f", {percent(gain.value)} points more{f' ({ends})' if ends else ''}"
    return element(
        "g",
        title(f"{count(2 * last)}, not measured: {percent(value)}%{more}"),
        element("circle", cx=at, cy=y(value), r=5, class_="open c1"),
    )
