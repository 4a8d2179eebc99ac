"""What the confidence promises against what came true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hubel.reports.charts.marks import Frame, Scale, element, title
from hubel.reports.facts import Estimate
from hubel.reports.formats import count, interval, percent


@dataclass(frozen=True)
class Bin:
    """The pictures whose confidence lies in [low, high): how many, what was said, what came."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: Estimate

    @property
    def told(self) -> str:
        return (
            f"confidence {percent(self.low, 0)} to {percent(self.high, 0)}%: "
            f"{count(self.n, 'picture')}, it says {percent(self.confidence)}%, "
            f"right {percent(self.accuracy.value)}% ({interval(self.accuracy)})"
        )


def reliability_diagram(bins: Sequence[Bin]) -> Markup:
    """Share right against confidence, with intervals, over a histogram of the counts."""
    frame = Frame(width=400, height=400, right=16, bottom=116)
    x, y = Scale(0, 1, *frame.x), Scale(0, 1, *frame.y)
    diagonal = element("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="ideal")

    def whole(value: float) -> str:
        return percent(value, 0)

    return frame.svg(
        "Share of right answers against the confidence that was stated, by bin",
        frame.axes(x, y, ("", "share right, %"), (whole, whole)),
        diagonal,
        *(_dot(found, x, y) for found in bins if found.n),
        _histogram(bins, x, frame),
        element("text", "confidence it states, %", x=sum(frame.x) / 2, y=312, class_="tick middle"),
    )


def _dot(found: Bin, x: Scale, y: Scale) -> Markup:
    estimate = found.accuracy
    at, value = x(found.confidence), y(estimate.value or 0.0)
    low, high = (value if end is None else y(end) for end in (estimate.low, estimate.high))
    return element(
        "g",
        title(found.told),
        element("line", x1=at, x2=at, y1=low, y2=high, class_="whisker"),
        element("circle", cx=at, cy=value, r=5, class_="dot c1"),
    )


def _histogram(bins: Sequence[Bin], x: Scale, frame: Frame) -> Markup:
    bottom, top = frame.height - 16, frame.height - 68
    height = Scale(0, max([1, *(found.n for found in bins)]), 0, bottom - top)
    bars = [
        element(
            "rect",
            title(found.told),
            x=x(found.low) + 0.5,
            width=max(x(found.high) - x(found.low) - 1, 0.5),
            y=bottom - height(found.n),
            height=height(found.n),
            class_="bar",
        )
        for found in bins
        if found.n
    ]
    most = element("text", count(height.high), x=frame.left - 6, y=top + 5, class_="tick end")
    base = element("line", x1=frame.x[0], x2=frame.x[1], y1=bottom, y2=bottom, class_="axis")
    name = element("text", "pictures", x=2, y=top - 12, class_="tick")
    return Markup("").join([*bars, most, base, name])
