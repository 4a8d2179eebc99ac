"""From the spans of a value to the numbers that people read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from hubel.analysis.fields.field import Axis, Field, Kind
from hubel.analysis.fields.reach import Reach
from hubel.analysis.fields.span import Rows, Span, is_empty, regular

__all__ = ["summarise"]


def summarise(reach: Reach, sides: Sequence[int]) -> Field:
    """The field of a value.

    Args:
        reach: of the value.
        sides: of the input, one an axis.
    """
    lined = [_lined(span, reach) for span in reach.spans]
    axes: list[Axis] = []
    for span, line, side in zip(reach.spans, lined, sides, strict=True):
        size, stride, start, kind = _read(line, side)
        kind = "bound" if reach.note and kind == "exact" else kind
        axes.append(Axis(side, size, stride, start, kind, span.rows[0], -span.rows[1]))
    seen = math.prod(
        _middle_width(reach.spans, lined, number) / side for number, side in enumerate(sides)
    )
    return Field(reach.shape, tuple(axes), seen, _cut(lined, sides), reach.note)


def _lined(span: Span, reach: Reach) -> Span:
    """One window a position where positions lie on a lattice: the hull over all other dims."""
    lattice = span.lattice
    if lattice is None:
        return span
    if lattice.dim is None:
        return span if _is_even(span) else span.unordered()
    found = regular(span, lattice.dim, reach.shape[lattice.dim])
    if found is None:
        return span.unordered()
    others = tuple(dim + 1 for dim in span.varying if dim != lattice.dim)
    return Span(span.rows.min(axis=others, keepdims=True) if others else span.rows, found)


def _ends(rows: Rows) -> Rows:
    """First and negated last pixel of all that see something, in order."""
    flat = rows.reshape(2, -1)
    empty = is_empty(flat[0])
    return flat[:, ~empty] if empty.any() else flat


def _read(span: Span, side: int) -> tuple[int, Fraction | None, int, Kind]:
    """Size, stride, start and kind."""
    ends = _ends(span.rows[-2:])
    widths = 1 - ends[1] - ends[0]
    size, low = int(widths.max()), int(ends[0].min())
    kind: Kind = "exact" if widths.min() == size else "bound"
    if span.lattice is not None:
        return size, Fraction(abs(span.lattice.step), span.lattice.period), low, kind
    if widths.min() == side:
        return side, None, 0, "whole"
    return size, None, low, kind


def _is_even(span: Span) -> bool:
    """Whether scattered windows are equal and lie at the lattice's distance."""
    ends = _ends(span.rows[2:])
    starts, widths = np.unique(ends[0]), ends[0] + ends[1]
    if len(starts) < 2 or span.lattice is None or span.lattice.period != 1:
        return False
    return bool((widths == widths[0]).all() and (np.diff(starts) == abs(span.lattice.step)).all())


def _middle_width(spans: Sequence[Span], lined: Sequence[Span], number: int) -> int:
    """Pixels that the middle position sees along one axis."""
    span, lattice = spans[number], lined[number].lattice
    others = (x for x in spans if x is not span)
    is_tangled = any(span.varying & other.varying for other in others)
    if lattice is not None and lattice.dim is not None:
        known = [x.lattice.dim for x in lined if x.lattice is not None]
    elif lattice is None and not is_tangled:
        known = list(span.varying)
    else:
        widths = np.subtract(1, _ends(span.rows[:2]).sum(axis=0))
        # Of equal windows the border cuts the middle one least; others have no order here.
        return int(widths.max() if lattice is not None else np.median(widths))
    middle = [
        slice(size // 2, size // 2 + 1) if dim in known else slice(None)
        for dim, size in enumerate(span.rows.shape[1:])
    ]
    low, far = span.rows[(slice(2), *middle)].reshape(2, -1).min(axis=1)
    return max(0, int(1 - low - far))


def _cut(spans: Sequence[Span], sides: Sequence[int]) -> float | None:
    """Share of positions whose window reaches beyond the input."""
    if any(span.lattice is None for span in spans):
        return None
    inside = [
        is_empty(span.rows[2]) | ((span.rows[2] >= 0) & (-span.rows[3] < side))
        for span, side in zip(spans, sides, strict=True)
    ]
    whole = inside[0]
    for more in inside[1:]:
        whole = whole & more
    return 1 - float(whole.mean())
