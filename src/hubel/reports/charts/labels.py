"""Where names stand beside dots, so that none covers another, a dot, or more lines than it must."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Box", "Label", "place", "width"]

# Above the widest of the system fonts that a page may get, at 12 px.
_CHARACTER, _HEIGHT = 7.0, 14.0
_APART = 11.0
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """Area in common."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(wide, 0.0) * max(high, 0.0)


@dataclass(frozen=True, slots=True)
class Label:
    """A name in its place.

    Args:
        box: that the text may take; a narrower one begins at its left, or ends at its right.
        ends: whether it ends there, because the dot is to the right.
        line: from the dot, where the name stands too far to be told whose it is.
    """

    text: str
    box: Box
    ends: bool
    line: tuple[float, float, float, float] | None

    @property
    def baseline(self) -> float:
        """Of the text."""
        return self.box.bottom - 3.5


def width(text: str) -> float:
    """Pixels that a text may take at 12 px."""
    return _CHARACTER * len(text)


def place(
    dots: Sequence[tuple[str, float, float]], inside: Box, lines: Sequence[Box]
) -> list[Label]:
    """A place for every name, in the order of the dots.

    Near its dot where there is room. Up to as many names as there are half-rows in the height
    never cover each other; nor a dot, as long as any other place is left.

    Args:
        dots: name, x and y of each.
        inside: what no name leaves.
        lines: what a name rather does not cross.
    """
    shapes = [Box(x - 8, y - 8, x + 8, y + 8) for _, x, y in dots]
    found: dict[int, Box] = {}
    crowded = sorted(range(len(dots)), key=lambda k: -_crowd(dots, k))
    for _ in range(_ROUNDS):
        for k in crowded:
            others = [box for other, box in found.items() if other != k]
            found[k] = _best(dots[k], inside, (others, shapes, lines))
    return [_label(dot, found[k]) for k, dot in enumerate(dots)]


def _crowd(dots: Sequence[tuple[str, float, float]], k: int) -> int:
    _, x, y = dots[k]
    return sum(abs(other[1] - x) < 80 and abs(other[2] - y) < 28 for other in dots)


def _best(
    dot: tuple[str, float, float],
    inside: Box,
    taken: tuple[Sequence[Box], Sequence[Box], Sequence[Box]],
) -> Box:
    """The nearest place that is free, or the least bad one."""
    best, least = None, float("inf")
    for box, away in _places(dot, inside):
        if away >= least:
            break
        names, dots, lines = (sum(box.overlap(other) for other in kind) for kind in taken)
        cost = away + 1000 * names + 10 * dots + 0.35 * lines
        if cost < least:
            best, least = box, cost
    assert best is not None, "there is always a first place"
    return best


def _places(dot: tuple[str, float, float], inside: Box) -> Iterator[tuple[Box, float]]:
    """Boxes right of, left of, and over or under a dot, with their distances, the nearest first."""
    name, x, y = dot
    wide = min(width(name), inside.right - inside.left)
    steps = int((inside.bottom - inside.top) / 2)
    found: list[tuple[float, Box]] = []
    for left, penalty in ((x + _APART, 0.0), (x - _APART - wide, 0.5), (x - wide / 2, 1.0)):
        start = min(max(left, inside.left), inside.right - wide)
        for step in range(-steps, steps + 1):
            top = y - _HEIGHT / 2 + 2 * step
            if inside.top <= top and top + _HEIGHT <= inside.bottom:
                box = Box(start, top, start + wide, top + _HEIGHT)
                found.append((_distance(box, x, y) + abs(2 * step) / 4 + penalty, box))
    if not found:  # a height that holds no line of text
        found.append((0.0, Box(x, y - _HEIGHT / 2, x + wide, y + _HEIGHT / 2)))
    for away, box in sorted(found, key=lambda entry: entry[0]):
        yield box, away


def _nearest(box: Box, x: float, y: float) -> tuple[float, float]:
    return min(max(x, box.left), box.right), min(max(y, box.top + 3), box.bottom - 3)


def _distance(box: Box, x: float, y: float) -> float:
    left, top = _nearest(box, x, y)
    return ((left - x) ** 2 + (top - y) ** 2) ** 0.5


def _label(dot: tuple[str, float, float], box: Box) -> Label:
    name, x, y = dot
    far = _distance(box, x, y) > _APART + 5
    return Label(name, box, box.right < x, (x, y, *_nearest(box, x, y)) if far else None)
