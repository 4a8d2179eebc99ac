"""What every chart is drawn with: escaped elements, scales, and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from hubel.reports.formats import visible


def element(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """An element with its children; text and attribute values are escaped.

    An attribute's trailing underscore is dropped, others become dashes; None leaves it out.

    Example:
        >>> element("line", x1=1.234567, class_="axis")
        Markup('<line x1="1.23" class="axis"></line>')
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_attribute(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(
        child if isinstance(child, Markup) else escape(visible(child)) for child in children
    )
    return Markup(f"<{name}{written}>{inside}</{name}>")


def _attribute(value: str | float) -> str:
    return visible(value) if isinstance(value, str) else f"{round(value, 2):g}"


def title(text: str) -> Markup:
    """What hovering shows, and what a screen reader says."""
    return element("title", text)


@dataclass(frozen=True)
class Scale:
    """From values to pixels, straight or logarithmic; `whole` allows ticks at integers only.

    Example:
        >>> Scale(0, 10, 100, 200)(5)
        150.0
    """

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool = False
    whole: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = self.low, self.high, value
        if self.logarithmic:
            low, high, at = (math.log10(max(x, 1e-300)) for x in (low, high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.stop - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round values inside the scale, at most about `most` of them."""
        if self.logarithmic:
            return _decades(self.low, self.high, most)
        step = max(round_step(self.high - self.low, most), 1.0 if self.whole else 0.0)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(k * step, 10) for k in range(first, last + 1)]


def round_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts a span into at most `most` parts."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(power * unit for unit in (1, 2, 5, 10) if span / (power * unit) <= most + 1e-9)


def _decades(low: float, high: float, most: int) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, math.ceil((last - first + 1) / most))
    return [10.0**power for power in range(first, last + 1, every)]


def fitted(
    values: Sequence[float],
    start: float,
    stop: float,
    *,
    decades: bool = False,
    most: float = math.inf,
) -> Scale:
    """A scale over finite values whose ends are round.

    With `decades` it is logarithmic where the values span more than a factor of 100; it does
    not go beyond `most`.
    """
    low, high = min(values), max(values)
    if decades and low > 0 and high / low > 100:
        decade = (10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high)))
        return Scale(*decade, start, stop, logarithmic=True)
    low = min(low, 0.0) if low < 0.3 * high else low
    if high <= low:
        low, high = low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1)
    step = round_step(high - low, 4)
    top = min(math.ceil(high / step - 1e-9) * step, most)
    return Scale(math.floor(low / step + 1e-9) * step, top, start, stop)


@dataclass(frozen=True)
class Frame:
    """The plotting area of a chart, in pixels of its view box."""

    width: float = 350
    height: float = 220
    left: float = 44
    right: float = 66
    top: float = 26
    bottom: float = 36

    @property
    def x(self) -> tuple[float, float]:
        return self.left, self.width - self.right

    @property
    def y(self) -> tuple[float, float]:
        return self.height - self.bottom, self.top

    def axes(
        self,
        x: Scale,
        y: Scale,
        labels: tuple[str, str],
        shown: tuple[Callable[[float], str], Callable[[float], str]],
        ticks: Sequence[float] | None = None,
    ) -> Markup:
        """Gridlines, tick labels, and the two titles; `shown` writes x and y values.

        Ticks of x are those of its scale unless others are given.
        """
        rows = [
            element("line", x1=self.x[0], x2=self.x[1], y1=y(at), y2=y(at), class_="rule")
            + element("text", shown[1](at), x=self.left - 6, y=y(at) + 4, class_="tick end")
            for at in y.ticks()
        ]
        columns = [
            element("line", x1=x(at), x2=x(at), y1=self.y[0], y2=self.y[0] + 4, class_="axis")
            + element("text", shown[0](at), x=x(at), y=self.y[0] + 16, class_="tick middle")
            for at in (x.ticks() if ticks is None else ticks)
        ]
        base = element(
            "line", x1=self.x[0], x2=self.x[1], y1=self.y[0], y2=self.y[0], class_="axis"
        )
        titles = element(
            "text", labels[0], x=sum(self.x) / 2, y=self.height - 4, class_="tick middle"
        ) + element("text", labels[1], x=2, y=12, class_="tick")
        return Markup("").join([*rows, *columns, base, titles])

    def svg(self, name: str, *children: str) -> Markup:
        """The chart; `name` says what it shows to those who can't see it."""
        return element(
            "svg",
            *children,
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            class_="chart",
            role="img",
            aria_label=name,
        )
