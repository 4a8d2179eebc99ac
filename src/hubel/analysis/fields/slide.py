"""Sliding operators: convolution, pooling, padding, interpolation and slices, one dim at a time."""

from __future__ import annotations

from dataclasses import replace
from math import gcd

import numpy as np

from hubel.analysis.fields.reach import Reach
from hubel.analysis.fields.span import EMPTY, Lattice, Rows, Span, regular, shifted
from hubel.analysis.fields.taps import NOTHING, Indices, Taps

__all__ = ["slid", "unfolded"]

_NOTHING_SEEN = np.int32(EMPTY)


def slid(reach: Reach, dim: int, taps: Taps) -> Reach:
    """Each output position sees what its taps see.

    Args:
        reach: of the value.
        dim: of the value, along which the taps lie.
        taps: which positions each output position reads.
    """
    size = reach.shape[dim]
    if taps.is_identity(size):
        return reach

    apart, merged = ((x, _beyond(reach, dim, x)) for x in (taps, taps.merged))

    def change(span: Span) -> Span:
        ready = _ready(span, dim, size, taps)
        is_same = ready.rows.shape[dim + 1] == 1 and not _runs_along(ready, dim)
        read = _read(ready, dim, *(merged if is_same else apart))
        return Span(read.rows.min(axis=dim + 2), read.lattice)

    shape = (*reach.shape[:dim], len(taps.free), *reach.shape[dim + 1 :])
    return reach.mapped(change, shape)


def unfolded(reach: Reach, dim: int, taps: Taps) -> Reach:
    """The taps side by side: the dim becomes two, output positions and taps."""
    size, shape = reach.shape[dim], list(reach.shape)
    shape[dim : dim + 1] = taps.free.shape

    beyond = _beyond(reach, dim, taps)

    def change(span: Span) -> Span:
        read = _read(_ready(span, dim, size, taps), dim, taps, beyond)
        return read.laid(read.rows, lambda old: old + (old > dim))

    return reach.mapped(change, shape).settled()


def _runs_along(span: Span, dim: int) -> bool:
    return span.lattice is not None and span.lattice.dim == dim


def _ready(span: Span, dim: int, size: int, taps: Taps) -> Span:
    """Without its lattice where the windows can't be followed beyond the border."""
    lattice = span.lattice
    if lattice is None:
        return span
    if lattice.dim == dim:
        found = regular(span, dim, size)
        if found is None or (taps.free[taps.free != NOTHING] % found.period >= size).any():
            return span.unordered()
        return Span(span.rows, found)
    is_moved = span.rows.shape[dim + 1] > 1 or size == 1
    return span.unordered() if lattice.dim is None and is_moved and not taps.is_crop else span


def _beyond(reach: Reach, dim: int, taps: Taps) -> Indices:
    """What taps read on an endless input, along a dim that isn't the axis's own.

    If another axis runs along the dim, there are positions beyond the border, which see as much of
    this axis as those within; beyond the channels there is nothing.
    """
    is_endless = any(_runs_along(span, dim) for span in reach.spans)
    return taps.nearest(reach.shape[dim]) if is_endless else taps.seen


def _read(span: Span, dim: int, taps: Taps, beyond: Indices) -> Span:
    """The rows with the dim replaced by two: output positions and taps."""
    axis, lattice = dim + 1, span.lattice
    seen = _taken(span.rows[:2], axis, taps.seen)
    if lattice is None:
        return Span(seen)
    if lattice.dim == dim:
        return Span(
            _stacked(seen, _followed(span.rows[2:], axis, lattice, taps)), _moved(lattice, taps)
        )
    return Span(_stacked(seen, _taken(span.rows[2:], axis, beyond)), lattice)


def _stacked(seen: Rows, free: Rows) -> Rows:
    shape = np.broadcast_shapes(seen.shape, free.shape)
    return np.concatenate([np.broadcast_to(seen, shape), np.broadcast_to(free, shape)])


def _taken(rows: Rows, axis: int, index: Indices) -> Rows:
    """The rows at the indices; nothing where an index is negative."""
    if rows.shape[axis] > 1 or (index == 0).all():
        taken = rows.take(np.maximum(index, 0), axis=axis)
    else:
        taken = np.expand_dims(rows, axis)
    blank = (index < 0).reshape(*index.shape, *(1,) * (rows.ndim - axis - 1))
    return np.where(blank, _NOTHING_SEEN, taken) if blank.any() else taken


def _followed(rows: Rows, axis: int, lattice: Lattice, taps: Taps) -> Rows:
    """The rows at the indices on an endless input."""
    missing = taps.free == NOTHING
    index = np.where(missing, 0, taps.free)
    base = index % lattice.period
    pixels = (lattice.step * (index - base) // lattice.period).astype(np.int32)
    after = (1,) * (rows.ndim - axis - 1)
    found = shifted(rows.take(base, axis=axis), pixels.reshape(*pixels.shape, *after))
    return np.where(missing.reshape(*missing.shape, *after), _NOTHING_SEEN, found)


def _moved(lattice: Lattice, taps: Taps) -> Lattice | None:
    """The lattice of the outputs."""
    if taps.moves == 0:
        return None
    periods = lattice.period // gcd(lattice.period, taps.moves)
    return replace(
        lattice,
        period=taps.every * periods,
        step=lattice.step * taps.moves * periods // lattice.period,
    )
