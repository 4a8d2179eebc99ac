"""Where everything stands: sizes from the inside out, positions from the outside in.

Every part has an axis, its middle: what flows in enters at its top, what flows out leaves at its
bottom. Pixels count to the right and downwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from hubel.analysis.drawing.blocks import Block
from hubel.analysis.drawing.flow import Column, Fork, Part, Single, Tangle
from hubel.analysis.drawing.folds import Box
from hubel.analysis.drawing.words import abridged, shape_words, text_width

__all__ = ["Layout", "Line", "Placed", "laid_out"]

FULL, LEAST, MOST_NARROW = 276.0, 74.0, 140.0  # widths of boxes
ROOMY = 170.0  # from this width on a box says everything
TALL, LOW, JOIN = 50.0, 46.0, 22.0  # heights: of a box, of a narrow one, of a join
LANE, NARROW_LANE = 20.0, 9.0  # widths for edges that pass beside
GAP, FAN, LEAD, BETWEEN = 15.0, 26.0, 8.0, 8.0  # between parts, where branches fan out, ...
SIDE, HEAD, FOOT = 11.0, 30.0, 12.0  # within the outline of a block
MIDDLE, SMALL = 11.5, 11.0  # sizes of text


@dataclass(frozen=True, slots=True)
class Placed:
    """A box or the outline of a block.

    Attributes:
        what: box by its number, or the block.
        x: of the left edge.
        y: of the upper edge.
        width: in pixels.
        height: in pixels.
    """

    what: int | Block
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """An edge as a path.

    Attributes:
        path: in the language of SVG.
        is_skip: whether it passes beside what other edges go through.
        has_head: whether it ends in an arrow head.
    """

    path: str
    is_skip: bool = False
    has_head: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """All that is drawn, in the order of drawing: outlines first."""

    placed: tuple[Placed, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


def laid_out(column: Column, boxes: Mapping[int, Box], room: float, y: float) -> Layout:
    """Give everything its place.

    Args:
        column: what is drawn.
        boxes: by number.
        room: pixels of width to fill, if that is enough.
        y: where it begins; its axis is at 0.
    """
    size = _Sizing(boxes).column(column, room)
    placing = _Placing(boxes)
    placing.column(column, size, 0.0, y)
    blocks = [p for p in placing.placed if isinstance(p.what, Block)]
    others = [p for p in placing.placed if not isinstance(p.what, Block)]
    return Layout((*blocks, *others), tuple(placing.lines), size.width, size.height)


@dataclass(frozen=True, slots=True)
class Size:
    """Of a part, with the sizes of the parts within."""

    width: float
    height: float
    parts: tuple[Size, ...] = ()


def _columns(part: Part | Column) -> int:
    """How many boxes stand beside each other at most."""
    if isinstance(part, Column):
        return max((_columns(inner) for inner in part.parts), default=1)
    if isinstance(part, Fork):
        return sum(_columns(branch) for branch in part.branches)
    if isinstance(part, Tangle):
        return max(_columns(unit) for unit in part.units)
    return 1 if part.inside is None else _columns(part.inside)


class _Sizing:
    """Sizes from the inside out."""

    def __init__(self, boxes: Mapping[int, Box]) -> None:
        self.boxes = boxes

    def column(self, column: Column, room: float) -> Size:
        sizes = tuple(self.part(part, room) for part in column.parts)
        links = sum(_link(a, b) for a, b in pairwise(column.parts))
        width = max((size.width for size in sizes), default=0.0)
        return Size(width, sum(size.height for size in sizes) + links, sizes)

    def part(self, part: Part, room: float) -> Size:
        if isinstance(part, Fork):
            return self.fork(part, room)
        if isinstance(part, Tangle):
            return self.tangle(part, room)
        if part.inside is None:
            return self.box(self.boxes[part.leaf], room)
        inner = self.column(part.inside, room - 2 * SIDE)
        return Size(inner.width + 2 * SIDE, inner.height + HEAD + FOOT, (inner,))

    def box(self, box: Box, room: float) -> Size:
        node = box.first
        if node.is_join:
            beside = max(map(_beside_width, beside_join(box))) if room >= ROOMY else 0.0
            return Size(2 * (join_width(node.title) / 2 + beside), JOIN)
        shape = shape_words([each.output for each in box.nodes])
        title = abridged(node.title)
        said = max(text_width(title, MIDDLE, bold=True), text_width(shape, SMALL)) + 8
        least = min(max(said, LEAST), MOST_NARROW if room > 104 else 104)
        width = min(max(room, least), FULL)
        return Size(width, TALL if width >= ROOMY else LOW)

    def fork(self, fork: Fork, room: float) -> Size:
        lanes = 2 * LANE * fork.has_skip
        left = room - lanes - BETWEEN * (len(fork.branches) - 1)
        counts = [_columns(branch) for branch in fork.branches]
        sizes = tuple(
            self.column(branch, left * count / sum(counts))
            for branch, count in zip(fork.branches, counts, strict=True)
        )
        width = sum(size.width for size in sizes) + BETWEEN * (len(sizes) - 1) + lanes
        return Size(width, max(size.height for size in sizes) + 2 * fan(fork), sizes)

    def tangle(self, tangle: Tangle, room: float) -> Size:
        lanes = 2 * NARROW_LANE * len(set(lanes_of(tangle).values()))
        sizes = tuple(self.column(unit, room - lanes) for unit in tangle.units)
        height = sum(size.height for size in sizes) + GAP * (len(sizes) + 1)
        return Size(max(size.width for size in sizes) + lanes, height, sizes)


def _link(before: Part, after: Part) -> float:
    """Height of what joins two parts of a column."""
    if isinstance(after, Fork):
        return LEAD
    return LEAD + 2 if isinstance(before, Fork) else GAP


def fan(fork: Fork) -> float:
    """Height in which branches fan out, and in again; a lone branch goes straight on."""
    return FAN if len(fork.branches) > 1 else GAP


def join_width(title: str) -> float:
    """A circle around a sign, a pill around a word."""
    return JOIN if len(title) == 1 else text_width(title, SMALL) + 22


def beside_join(box: Box) -> tuple[str, str]:
    """What stands to the left and to the right of a join: its tags, and a word's shape."""
    node = box.first
    shape = shape_words([each.output for each in box.nodes]) if len(node.title) > 1 else ""
    return " · ".join(node.tags), shape


def _beside_width(words: str) -> float:
    return text_width(words, SMALL) + 14 if words else 0.0


def lanes_of(tangle: Tangle) -> dict[tuple[int, int], int]:
    """A lane for each edge that passes a unit; short ones inside, none crossing within a lane."""
    taken: list[list[tuple[int, int]]] = []
    lanes: dict[tuple[int, int], int] = {}
    passing = [(a, b) for a, b in tangle.edges if b - a > 1]
    for a, b in sorted(passing, key=lambda edge: (edge[1] - edge[0], edge)):
        free = (i for i, lane in enumerate(taken) if all(b <= c or d <= a for c, d in lane))
        at = next(free, len(taken))
        if at == len(taken):
            taken.append([])
        taken[at].append((a, b))
        lanes[a, b] = at
    return lanes


class _Placing:
    """Positions from the outside in."""

    def __init__(self, boxes: Mapping[int, Box]) -> None:
        self.boxes = boxes
        self.placed: list[Placed] = []
        self.lines: list[Line] = []

    def column(self, column: Column, size: Size, axis: float, y: float) -> None:
        before: Part | None = None
        for i, (part, own) in enumerate(zip(column.parts, size.parts, strict=True)):
            if before is not None:
                link = _link(before, part)
                self._down(axis, y, y + link, part)
                y += link
            following = column.parts[i + 1] if i + 1 < len(column.parts) else None
            self._part(part, own, (axis, y), following)
            y += own.height
            before = part

    def _part(self, part: Part, size: Size, at: tuple[float, float], after: Part | None) -> None:
        if isinstance(part, Fork):
            self._fork(part, size, at, self._is_circle(after))
        elif isinstance(part, Tangle):
            self._tangle(part, size, at)
        else:
            self._single(part, size, at)

    def _single(self, part: Single, size: Size, at: tuple[float, float]) -> None:
        axis, y = at
        what = part.leaf if part.inside is None else part.unit
        self.placed.append(Placed(what, axis - size.width / 2, y, size.width, size.height))
        if part.inside is not None:
            inner = size.parts[0]
            bottom = y + size.height
            first = part.inside.parts[0]
            self._down(axis, y, y + HEAD, first)
            self.column(part.inside, inner, axis, y + HEAD)
            self.lines.append(Line(_straight(axis, bottom - FOOT, bottom)))

    def _is_circle(self, part: Part | None) -> bool:
        if not isinstance(part, Single) or part.inside is not None:
            return False
        node = self.boxes[part.leaf].first
        return node.is_join and len(node.title) == 1

    def _down(self, axis: float, y: float, to: float, part: Part | None) -> None:
        """A straight line into a part; blocks and forks are entered without a head."""
        has_head = isinstance(part, Single) and part.inside is None
        self.lines.append(Line(_straight(axis, y, to), has_head=has_head))

    def _fork(self, fork: Fork, size: Size, at: tuple[float, float], to_circle: bool) -> None:
        axis, y = at
        bottom, spread = y + size.height, fan(fork)
        x = axis - size.width / 2 + LANE * fork.has_skip
        for branch, own in zip(fork.branches, size.parts, strict=True):
            middle, top = x + own.width / 2, y + spread
            first = branch.parts[0]
            has_head = isinstance(first, Single) and first.inside is None
            self.lines.append(Line(_curve(axis, y, middle, top), has_head=has_head))
            self.column(branch, own, middle, top)
            self.lines.append(Line(_fall(middle, top + own.height, axis, bottom, spread)))
            x += own.width + BETWEEN
        if fork.has_skip:
            lane = axis + size.width / 2 - LANE / 2
            end = bottom + LEAD + 2 + JOIN / 2 if to_circle else bottom
            path = _around((axis, y), lane, (axis + JOIN / 2 if to_circle else axis, end))
            self.lines.append(Line(path, is_skip=True, has_head=to_circle))

    def _tangle(self, tangle: Tangle, size: Size, at: tuple[float, float]) -> None:
        axis, y = at
        top, lanes = y, lanes_of(tangle)
        ports: dict[int, tuple[float, float]] = {-1: (axis, top)}
        ends: dict[int, tuple[float, float]] = {}
        for i, (unit, own) in enumerate(zip(tangle.units, size.parts, strict=True)):
            if (i - 1, i) in tangle.edges:
                self._down(axis, y, y + GAP, unit.parts[0])
            y += GAP
            self.column(unit, own, axis, y)
            ports[i] = (axis + own.width / 2, y + own.height * 0.7)
            ends[i] = (axis + own.width / 2, y + own.height * 0.3)
            y += own.height
        count = len(tangle.units)
        if (count - 1, count) in tangle.edges:
            self.lines.append(Line(_straight(axis, y, y + GAP)))
        ends[count] = (axis, y + GAP)
        widest = max(own.width for own in size.parts)
        for (a, b), lane in sorted(lanes.items()):
            x = axis + widest / 2 + NARROW_LANE * (lane + 1)
            self.lines.append(Line(_around(ports[a], x, ends[b]), True, has_head=b < count))


def _straight(axis: float, y: float, to: float) -> str:
    return f"M{axis:.1f} {y:.1f}V{to:.1f}"


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    if abs(x - to_x) < 0.5:
        return _straight(x, y, to_y)
    bend = (to_y - y) * 0.62
    end = f"{to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}"
    return f"M{x:.1f} {y:.1f}C{x:.1f} {y + bend:.1f} {end}"


def _fall(x: float, y: float, to_x: float, to_y: float, spread: float) -> str:
    """Down along a branch that is shorter than others, then in to the axis."""
    turn = to_y - spread
    bend = spread * 0.62
    if abs(x - to_x) < 0.5:
        return _straight(x, y, to_y)
    return (
        f"M{x:.1f} {y:.1f}V{turn:.1f}C{x:.1f} {turn + bend:.1f} {to_x:.1f} {to_y - bend:.1f} "
        f"{to_x:.1f} {to_y:.1f}"
    )


def _around(start: tuple[float, float], lane: float, end: tuple[float, float]) -> str:
    """Out to a lane, down it, and back in."""
    (x, y), (to_x, to_y) = start, end
    turn = min(10.0, (to_y - y) / 2)
    return (
        f"M{x:.1f} {y:.1f}H{lane - turn:.1f}Q{lane:.1f} {y:.1f} {lane:.1f} {y + turn:.1f}"
        f"V{to_y - turn:.1f}Q{lane:.1f} {to_y:.1f} {lane - turn:.1f} {to_y:.1f}H{to_x:.1f}"
    )
