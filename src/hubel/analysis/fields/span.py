"""Spans of input pixels, one for every element of a value, along one axis of the input.

What an element depends on is summed up by its hull, the first and the last pixel. Hulls of unions
are minima of firsts and maxima of lasts; with the last negated, every operator is a minimum, a
gather or a broadcast of one array.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EMPTY",
    "LONGEST_PERIOD",
    "Lattice",
    "Rows",
    "Span",
    "compressed",
    "detect",
    "is_empty",
    "refound",
    "regular",
    "shifted",
]

Rows = NDArray[np.int32]

EMPTY = 1 << 30
"""The first pixel, and the negated last one, of what sees nothing: the neutral of the minimum."""

LONGEST_PERIOD = 64
"""Positions; windows of attention and upsampling repeat sooner, and longer searches take time."""

_SIGNS = np.array([1, -1], dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Lattice:
    """Windows at a constant distance: `period` positions on, they lie `step` pixels on.

    Attributes:
        dim: of the value, along which the input's axis runs; none where a view has scattered it.
        period: positions after which the windows repeat, 1 but for what was upsampled.
        step: pixels between a window and the one a period later.
        home: number of dims and the dim when `dim` was last known.
    """

    dim: int | None
    period: int
    step: int
    home: tuple[int, int]

    def at(self, dim: int | None, ndim: int) -> Lattice:
        """The same along another dim."""
        return replace(self, dim=dim, home=self.home if dim is None else (ndim, dim))


@dataclass(frozen=True, slots=True)
class Span:
    """The hulls of all elements of a value along one axis of the input.

    Attributes:
        rows: first pixel and negated last pixel within the input, and with a lattice the same on
            an endless input; then the value's dims, those of size 1 that don't matter.
        lattice: how the windows repeat on the endless input, where they do.
    """

    rows: Rows
    lattice: Lattice | None = None

    @property
    def varying(self) -> frozenset[int]:
        """The dims along which elements differ."""
        return frozenset(dim for dim, size in enumerate(self.rows.shape[1:]) if size > 1)

    def laid(self, rows: Rows, where: Callable[[int], int | None]) -> Span:
        """Other rows of the same windows, after the dims were moved.

        Args:
            rows: of the windows, in their new places.
            where: the new dim of an old one; none where it is one no more.
        """
        lattice = self.lattice
        if lattice is not None and lattice.dim is not None:
            lattice = lattice.at(where(lattice.dim), rows.ndim - 1)
        return Span(rows, lattice)

    def merged(self, dims: frozenset[int]) -> Span:
        """The hull along some dims; a lattice whose positions were all taken together is gone."""
        changed = self.varying & dims
        rows, lattice = self.rows, self.lattice
        if changed:
            rows = rows.min(axis=tuple(dim + 1 for dim in changed), keepdims=True)
        is_one = lattice is not None and lattice.dim is None and bool(changed) and _is_one(rows)
        if lattice is None or lattice.dim in dims or is_one:
            return Span(rows[:2])
        return Span(rows, lattice)

    def settled(self) -> Span:
        """Without dims along which nothing differs."""
        rows, lattice = compressed(self.rows), self.lattice
        if lattice is not None and lattice.dim is None and _is_one(rows) and self.varying:
            return Span(rows[:2])  # windows that were apart have become one
        return Span(rows, lattice)

    def unordered(self) -> Span:
        """Only what is known within the input."""
        return Span(compressed(self.rows[:2])) if self.lattice else self


def _is_one(rows: Rows) -> bool:
    return max(rows.shape[1:], default=1) == 1


def is_empty(rows: Rows) -> NDArray[np.bool_]:
    """Where nothing is seen."""
    return rows >= EMPTY // 2


def compressed(rows: Rows) -> Rows:
    """Size 1 along every dim along which nothing differs."""
    for axis in range(1, rows.ndim):
        if rows.shape[axis] > 1:
            first = rows[(slice(None),) * axis + (slice(0, 1),)]
            if (rows == first).all():
                rows = first
    return rows


def shifted(rows: Rows, pixels: Rows | int) -> Rows:
    """A pair of rows, so many pixels further; what sees nothing still does."""
    signs = _SIGNS.reshape(2, *(1,) * (rows.ndim - 1))
    moved = rows + signs * pixels
    moved[is_empty(rows)] = EMPTY
    return moved


def _repeats(rows: Rows, axis: int, period: int, step: int) -> bool:
    before = rows[(slice(None),) * axis + (slice(None, -period),)]
    after = rows[(slice(None),) * axis + (slice(period, None),)]
    return bool((shifted(before, step) == after).all())


def detect(rows: Rows, dim: int) -> tuple[int, int] | None:
    """The smallest period along a dim that is seen at least twice, with its step in pixels."""
    axis, ends = dim + 1, np.moveaxis(rows, dim + 1, 0)
    for period in range(1, min(len(ends) // 2, LONGEST_PERIOD) + 1):
        step = int((ends[period, 0] - ends[0, 0]).flat[0])
        if step and abs(step) < EMPTY // 2 and _repeats(rows, axis, period, step):
            return period, step
    return None


def refound(span: Span, shape: tuple[int, ...], taken: frozenset[int]) -> Span:
    """The span with its scattered lattice along the dim that the windows show it to run along.

    Args:
        span: whose lattice a view has scattered, or not.
        shape: of the value.
        taken: dims along which other axes of the input run.
    """
    lattice, varying = span.lattice, span.varying
    if lattice is None or lattice.dim is not None:
        return span
    ndim, dim = lattice.home
    if not varying and ndim == len(shape) and shape[dim] == 1:
        return Span(span.rows, lattice.at(dim, ndim))
    if len(varying) == 1 and not varying & taken:
        (dim,) = varying
        found = detect(span.rows[2:], dim) if span.rows.shape[dim + 1] == shape[dim] else None
        if found is not None:
            return Span(span.rows, Lattice(dim, *found, (len(shape), dim)))
    return span


def regular(span: Span, dim: int, size: int) -> Lattice | None:
    """The lattice along a dim of the value, if the windows do repeat along it.

    Args:
        span: whose.
        dim: of the value.
        size: of the value along the dim.
    """
    lattice = span.lattice
    if lattice is None or lattice.dim != dim or span.rows.shape[dim + 1] != size:
        return None
    if size <= lattice.period or _repeats(span.rows[2:], dim + 1, lattice.period, lattice.step):
        return lattice
    found = detect(span.rows[2:], dim)
    return None if found is None else replace(lattice, period=found[0], step=found[1])
