"""Where reaches meet: sums, concatenations, and what can only be bounded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hubel.analysis.fields.reach import TOO_MANY, Reach, crowded_dims, joined
from hubel.analysis.fields.span import EMPTY, Lattice, Rows, Span

__all__ = ["collapsed", "concatenated", "union"]


def union(reaches: Sequence[Reach], shape: Sequence[int]) -> Reach:
    """Each element sees what the elements at its place see, as far as operators broadcast."""
    terms = [reach.broadcast(shape) for reach in reaches]
    if all(term is terms[0] for term in terms):
        return terms[0]
    spans: list[Span] = []
    note = joined(term.note for term in terms)
    for group in zip(*(term.spans for term in terms), strict=True):
        sizes = np.broadcast_shapes(*(span.rows.shape[1:] for span in group))
        crowded = crowded_dims(sizes, range(len(sizes)))
        note = joined((note, TOO_MANY if crowded else ""))
        spans.append(_union([span.merged(crowded) for span in group] if crowded else group))
    return Reach(tuple(shape), tuple(spans), note)


def concatenated(parts: Sequence[Reach | tuple[int, ...]], dim: int) -> Reach:
    """One after the other along a dim; what doesn't see the input is given by its shape."""
    known = [part for part in parts if isinstance(part, Reach)]
    shapes = [part.shape if isinstance(part, Reach) else part for part in parts]
    shape = list(shapes[0])
    shape[dim] = sum(size[dim] for size in shapes)
    spans: list[Span] = []
    for number, first in enumerate(known[0].spans):
        own = [part.spans[number] if isinstance(part, Reach) else None for part in parts]
        lattice = _common([span for span in own if span is not None])
        keep = 2 if lattice is None else 4
        blank = np.full((keep, *(1,) * (first.rows.ndim - 1)), EMPTY, dtype=np.int32)
        rows = [blank if span is None else span.rows[:keep] for span in own]
        spans.append(Span(_concatenated(rows, [size[dim] for size in shapes], dim), lattice))
    return Reach(tuple(shape), tuple(spans), joined(part.note for part in known)).settled()


def collapsed(reaches: Sequence[Reach], shape: tuple[int, ...], note: str = "") -> Reach:
    """Each element may see whatever any element of any of the reaches sees."""
    spans: list[Span] = []
    for group in zip(*(reach.spans for reach in reaches), strict=True):
        ends = np.stack([span.rows[:2].reshape(2, -1).min(axis=1) for span in group])
        spans.append(Span(ends.min(axis=0).reshape(2, *(1,) * len(shape))))
    return Reach(shape, tuple(spans), joined((*(reach.note for reach in reaches), note)))


def _union(spans: Sequence[Span]) -> Span:
    lattice = _common(spans)
    keep = 2 if lattice is None else 4
    rows = spans[0].rows[:keep]
    for span in spans[1:]:
        if span.rows is not rows:
            rows = np.minimum(rows, span.rows[:keep])
    return Span(rows, lattice)


def _common(spans: Sequence[Span]) -> Lattice | None:
    """The lattice that all spans lie on: equal strides along one dim."""
    lattices = [span.lattice for span in spans if span.lattice is not None]
    if len(lattices) < len(spans):
        return None
    first = next((x for x in lattices if x.dim is not None), lattices[0])
    if any(x.dim not in (None, first.dim) for x in lattices):
        return None
    if any(x.step * first.period != first.step * x.period for x in lattices):
        return None
    period = math.lcm(*(x.period for x in lattices))
    return replace(first, period=period, step=first.step * period // first.period)


def _concatenated(parts: Sequence[Rows], sizes: Sequence[int], dim: int) -> Rows:
    axis = dim + 1
    others = [(*part.shape[:axis], 1, *part.shape[axis + 1 :]) for part in parts]
    dims = np.broadcast_shapes(*others)
    full = [
        np.broadcast_to(part, (*dims[:axis], size, *dims[axis + 1 :]))
        for part, size in zip(parts, sizes, strict=True)
    ]
    return np.concatenate(full, axis=axis)
