"""Where everything stands: sizes from the inside out, positions from the outside in.

Every part has an axis, its middle: what flows in enters at its top, what flows out leaves at its
bottom. Pixels count to the right and downwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hubel.analysis.drawing.blocks import Block
from hubel.analysis.drawing.flow import Column, Fork, Part, Single, Tangle
from hubel.analysis.drawing.folds import Box
from hubel.analysis.drawing.words import text_width

__all__ = ["Layout", "Line", "Placed", "laid_out"]

FULL, LEAST = 268.0, 82.0  # widths of a box that says everything, and of one that says least
ROOMY = 170.0  # from this width on a box says everything
LANE = 20.0  # for an edge that passes beside
GAP, FAN = 15.0, 24.0  # between parts, and where branches fan out or in
BETWEEN = 10.0  # branches


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


def laid_out(column: Column, boxes: Mapping[int, Box], room: float, axis: float, y: float) -> Layout:
    """Give everything its place.

    Args:
        column: what is drawn.
        boxes: by number.
        room: pixels of width to fill, if that is enough.
        axis: of the column.
        y: where it begins.
    """
    placing = _Placing(boxes)
    size = placing.size(column, room)
    placing.column(column, size, axis, y)
    blocks = [p for p in placing.placed if isinstance(p.what, Block)]
    others = [p for p in placing.placed if not isinstance(p.what, Block)]
    return Layout((*blocks, *others), tuple(placing.lines), size.width, size.height)


@dataclass(slots=True)
class _Size:
    width: float
    height: float
    parts: list[_Size]


def columns(part: Part | Column) -> float:
    """How many boxes stand beside each other at most."""
    if isinstance(part, Column):
        return max((columns(inner) for inner in part.parts), default=1)
    if isinstance(part, Fork):
        return sum(columns(branch) for branch in part.branches)
    if isinstance(part, Tangle):
        return max(columns(unit) for unit in part.units)
    return columns(part.inside) if part.inside is not None else 1
