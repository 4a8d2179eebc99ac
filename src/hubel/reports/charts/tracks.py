"""Rows of HTML that a table can hold: a bar, or a dot on its interval, from 0 to 100%."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from hubel.reports.charts.marks import element
from hubel.reports.facts import Estimate
from hubel.reports.formats import interval, percent


def _at(fraction: float) -> str:
    return f"{min(max(fraction, 0.0), 1.0) * 100:.2f}%"


def _span(estimate: Estimate) -> Markup:
    if estimate.low is None or estimate.high is None:
        return Markup("")
    width = max(estimate.high - estimate.low, 0.0)
    return element("i", class_="span", style=f"left:{_at(estimate.low)};width:{_at(width)}")


def bar(estimate: Estimate, look: str = "c1") -> Markup:
    """A bar from 0 with its interval drawn over its end."""
    if estimate.value is None:
        return element("span", class_="track")
    fill = element("i", class_=f"fill {look}", style=f"width:{_at(estimate.value)}")
    return element("span", fill, _span(estimate), class_="track", title=told(estimate))


def dots(lines: Sequence[tuple[str, Estimate, str]]) -> Markup:
    """One line for each (name, estimate, look): a dot on its interval."""
    rows = [
        element(
            "span",
            _span(estimate),
            element("i", class_=f"point {look}", style=f"left:{_at(estimate.value)}")
            if estimate.value is not None
            else Markup(""),
            class_="track dots",
            title=f"{name} {told(estimate)}",
        )
        for name, estimate, look in lines
    ]
    return Markup("").join(rows)


def share(fraction: float, look: str = "c0") -> Markup:
    """A small bar for a part of a whole."""
    fill = element("i", class_=f"fill {look}", style=f"width:{_at(fraction)}")
    return element("span", fill, class_="track thin", title=f"{percent(fraction)}%")


def parts(shares: Sequence[tuple[str, float, str]]) -> Markup:
    """One bar cut into (name, share of the whole, look)."""
    cuts = [
        element("i", class_=f"part {look}", style=f"width:{_at(size)}", title=f"{name}")
        for name, size, look in shares
        if size > 0
    ]
    return element("span", *cuts, class_="track parts")


def told(estimate: Estimate) -> str:
    """The number and its interval, for hovering and for screen readers."""
    ends = interval(estimate)
    return f"{percent(estimate.value)}%" + (f" ({ends})" if ends else "")
