"""Lines against the epoch: losses, accuracy, learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hubel.reports.charts.marks import Frame, Scale, element, fitted, title
from hubel.reports.formats import count

_MOST_HOVERS = 400


@dataclass(frozen=True)
class Series:
    """One line: a value or None at each x, its name, and the class that colours it."""

    name: str
    values: Sequence[float | None]
    look: str


def line_chart(
    name: str,
    epochs: Sequence[float],
    series: Sequence[Series],
    shown: Callable[[float], str],
    best: float | None = None,
    *,
    fraction: bool = False,
) -> Markup | None:
    """Lines over the epochs, named at their right ends.

    Args:
        name: title of the y axis, with its unit.
        epochs: x of each value.
        series: the lines; None in one breaks it.
        shown: writes a value of y.
        best: an epoch to mark on every line.
        fraction: values end at 1; others go logarithmic where they span decades.

    Returns:
        the SVG, or None where no line has a value.
    """
    values = [value for line in series for value in line.values if value is not None]
    if not values or not epochs:
        return None
    frame = Frame()
    x = Scale(min(epochs), max(epochs), *frame.x, whole=True)
    y = fitted(values, *frame.y, decades=not fraction, most=1.0 if fraction else math.inf)
    lines = [_line(line, epochs, x, y) for line in series]
    ends = _ends(series, epochs, x, y)
    return frame.svg(
        f"{name} against epoch",
        frame.axes(x, y, ("epoch", name), (count, shown)),
        *([] if best is None else [_best(best, x, frame)]),
        *lines,
        *ends,
        *_hovers(epochs, series, x, frame, shown),
    )


def _line(line: Series, epochs: Sequence[float], x: Scale, y: Scale) -> Markup:
    """Unbroken stretches as polylines; a lone value, which would draw nothing, as a dot."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for epoch, value in zip(epochs, line.values, strict=True):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append((x(epoch), y(value)))
    return Markup("").join(
        element(
            "polyline",
            points=" ".join(f"{left:.1f},{top:.1f}" for left, top in points),
            class_=f"line {line.look}",
        )
        if len(points) > 1
        else element("circle", cx=points[0][0], cy=points[0][1], r=3.5, class_=f"dot {line.look}")
        for points in stretches
        if points
    )


def _ends(series: Sequence[Series], epochs: Sequence[float], x: Scale, y: Scale) -> list[Markup]:
    """Names beside the last values, pushed apart so that none covers another."""
    last: list[tuple[float, float, Series]] = []
    for line in series:
        known = [k for k, value in enumerate(line.values) if value is not None]
        if known and line.name:
            last.append((y(line.values[known[-1]] or 0.0), x(epochs[known[-1]]), line))
    labels: list[Markup] = []
    below = -100.0
    for top, left, line in sorted(last, key=lambda end: end[0]):
        below = max(top, below + 14)
        labels.append(
            element("text", line.name, x=left + 7, y=below + 4, class_=f"name {line.look}")
        )
    return labels


def _best(epoch: float, x: Scale, frame: Frame) -> Markup:
    at = x(epoch)
    return element("line", x1=at, x2=at, y1=frame.y[0], y2=frame.y[1], class_="marked")


def _hovers(
    epochs: Sequence[float],
    series: Sequence[Series],
    x: Scale,
    frame: Frame,
    shown: Callable[[float], str],
) -> list[Markup]:
    """Unseen strips, one an epoch, whose titles hold the numbers."""
    if len(epochs) > _MOST_HOVERS:
        return []
    width = (frame.x[1] - frame.x[0]) / max(1, len(epochs) - 1)
    return [
        element(
            "rect",
            title(f"epoch {epoch:g}: " + ", ".join(_told(line, row, shown) for line in series)),
            x=x(epoch) - width / 2,
            y=frame.y[1],
            width=width,
            height=frame.y[0] - frame.y[1],
            class_="hover",
        )
        for row, epoch in enumerate(epochs)
    ]


def _told(line: Series, row: int, shown: Callable[[float], str]) -> str:
    value = line.values[row]
    return f"{line.name} {'not a number' if value is None else shown(value)}".strip()
