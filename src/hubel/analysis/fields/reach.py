"""What every element of a value sees of the input, and how that passes through operators."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hubel.analysis.fields.span import EMPTY, Lattice, Rows, Span, compressed, detect, is_empty

__all__ = [
    "LIMIT",
    "TOO_MANY",
    "Reach",
    "collapsed",
    "concatenated",
    "crowded_dims",
    "merged",
    "of_input",
    "union",
]

LIMIT = 4_000_000
"""Most windows that are told apart in one value; beyond it some are replaced by their hull."""

TOO_MANY = f"more than {LIMIT:,} windows in one value"


@dataclass(frozen=True, slots=True)
class Reach:
    """The spans of a value.

    Attributes:
        shape: of the value.
        spans: one an axis of the input.
        note: why the spans are only upper bounds; empty where they are exact.
    """

    shape: tuple[int, ...]
    spans: tuple[Span, ...]
    note: str = ""

    @property
    def ndim(self) -> int:
        """Number of dims of the value."""
        return len(self.shape)

    @property
    def is_blind(self) -> bool:
        """Whether no element sees anything, such as a class token before any attention."""
        return bool(is_empty(self.spans[0].rows[0]).all())

    def noted(self, note: str) -> Reach:
        """The same, as an upper bound for one more reason."""
        return replace(self, note=_joined((self.note, note)))

    def mapped(self, change: Callable[[Span], Span], shape: Iterable[int] | None = None) -> Reach:
        """Every span changed, and the shape where one is given."""
        spans = tuple(change(span) for span in self.spans)
        return Reach(self.shape if shape is None else tuple(shape), spans, self.note)

    def varies(self, dims: Iterable[int]) -> bool:
        """Whether elements differ along any of the dims."""
        given = frozenset(dims)
        return any(span.varying & given for span in self.spans)

    def settled(self) -> Reach:
        """Without dims that don't matter, the lattices found again where a view scattered them."""
        spans = [_settled(span) for span in self.spans]
        for number, span in enumerate(spans):
            if span.lattice is not None and span.lattice.dim is None:
                others = spans[:number] + spans[number + 1 :]
                taken = frozenset(dim for other in others for dim in other.varying)
                spans[number] = Span(span.rows, _found(span, span.lattice, self.shape, taken))
        return Reach(self.shape, tuple(spans), self.note)

    def permuted(self, order: Sequence[int]) -> Reach:
        """The dims in another order."""

        def change(span: Span) -> Span:
            lattice = span.lattice
            if lattice is not None and lattice.dim is not None:
                lattice = lattice.at(order.index(lattice.dim), len(order))
            return Span(span.rows.transpose(0, *(dim + 1 for dim in order)), lattice)

        return self.mapped(change, (self.shape[dim] for dim in order))

    def reduced(self, dims: Iterable[int]) -> Reach:
        """Each element sees what all elements along the dims see; the dims have size 1 then."""
        given = frozenset(dims)
        shape = [1 if dim in given else size for dim, size in enumerate(self.shape)]
        return self.mapped(lambda span: merged(span, given), shape).settled()

    def mixed(self, dims: Iterable[int]) -> Reach:
        """Each element sees what all elements along the dims see; the shape stays."""
        return replace(self.reduced(dims), shape=self.shape)

    def without(self, dims: Iterable[int]) -> Reach:
        """Dims of size 1 dropped."""
        given = frozenset(dims)
        kept = [dim for dim in range(self.ndim) if dim not in given]

        def change(span: Span) -> Span:
            lattice = span.lattice
            if lattice is not None and lattice.dim is not None:
                dim = kept.index(lattice.dim) if lattice.dim in kept else None
                lattice = lattice.at(dim, len(kept))
            rows = span.rows.reshape(-1, *(span.rows.shape[dim + 1] for dim in kept))
            return Span(rows, lattice)

        return self.mapped(change, (self.shape[dim] for dim in kept))

    def with_ones(self, shape: Sequence[int]) -> Reach:
        """Dims of size 1 put before, until there are as many as in a shape."""
        more = len(shape) - self.ndim

        def change(span: Span) -> Span:
            lattice = span.lattice
            if lattice is not None and lattice.dim is not None:
                lattice = lattice.at(lattice.dim + more, len(shape))
            rows = span.rows
            return Span(rows.reshape(len(rows), *(1,) * more, *rows.shape[1:]), lattice)

        return self if more == 0 else self.mapped(change, (*(1,) * more, *self.shape))

    def broadcast(self, shape: Sequence[int]) -> Reach:
        """Copied along the dims of size 1 to a shape; what is copied moves no more."""
        if self.shape == tuple(shape):
            return self
        given = self.with_ones(shape)
        grown = {dim for dim in range(len(shape)) if given.shape[dim] != shape[dim]}

        def change(span: Span) -> Span:
            fixed = span.lattice is not None and span.lattice.dim in grown
            return span.unordered() if fixed else span

        return given.mapped(change, shape)


def of_input(shape: tuple[int, ...]) -> Reach:
    """Every element of the input sees the pixel at its own place."""

    def axis(dim: int) -> Span:
        places = np.arange(shape[dim], dtype=np.int32)
        places = places.reshape(*(-1 if other == dim else 1 for other in range(len(shape))))
        return Span(np.stack([places, -places] * 2), Lattice(dim, 1, 1, (len(shape), dim)))

    return Reach(shape, tuple(axis(dim) for dim in range(2, len(shape))))


def union(reaches: Sequence[Reach], shape: Sequence[int]) -> Reach:
    """Each element sees what the elements at its place see, as far as operators broadcast."""
    terms = [reach.broadcast(shape) for reach in reaches]
    if all(term is terms[0] for term in terms):
        return terms[0]
    spans: list[Span] = []
    note = _joined(term.note for term in terms)
    for group in zip(*(term.spans for term in terms), strict=True):
        sizes = np.broadcast_shapes(*(span.rows.shape[1:] for span in group))
        crowded = crowded_dims(sizes, range(len(sizes)))
        note = _joined((note, TOO_MANY if crowded else ""))
        spans.append(_union([merged(span, crowded) for span in group] if crowded else group))
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
    return Reach(tuple(shape), tuple(spans), _joined(part.note for part in known)).settled()


def collapsed(reaches: Sequence[Reach], shape: tuple[int, ...], note: str = "") -> Reach:
    """Each element may see whatever any element of any of the reaches sees."""
    spans: list[Span] = []
    for group in zip(*(reach.spans for reach in reaches), strict=True):
        ends = np.stack([span.rows[:2].reshape(2, -1).min(axis=1) for span in group])
        spans.append(Span(ends.min(axis=0).reshape(2, *(1,) * len(shape))))
    return Reach(shape, tuple(spans), _joined((*(reach.note for reach in reaches), note)))


def crowded_dims(sizes: Sequence[int], among: Iterable[int]) -> frozenset[int]:
    """The last dims, as many as have to go for the rest to stay within the limit.

    Attention's scores are what grows; their last dim is the keys, which are summed over next.
    """
    total, gone = math.prod(sizes), set[int]()
    for dim in sorted(among, reverse=True):
        if total <= LIMIT:
            break
        total //= sizes[dim]
        gone.add(dim)
    return frozenset(gone)


def _joined(notes: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(part for note in notes if note for part in note.split("; ")))


def _settled(span: Span) -> Span:
    rows, lattice = compressed(span.rows), span.lattice
    is_one = max(rows.shape[1:], default=1) == 1
    if lattice is not None and lattice.dim is None and is_one and span.varying:
        return Span(rows[:2])  # windows that were apart have become one
    return Span(rows, lattice)


def merged(span: Span, dims: frozenset[int]) -> Span:
    """The hull along some dims; a lattice whose positions were all taken together is gone."""
    changed = span.varying & dims
    rows, lattice = span.rows, span.lattice
    if changed:
        rows = rows.min(axis=tuple(dim + 1 for dim in changed), keepdims=True)
    if lattice is None:
        return Span(rows)
    scattered = lattice.dim is None and bool(changed) and max(rows.shape[1:], default=1) == 1
    return Span(rows, lattice) if lattice.dim not in dims and not scattered else Span(rows[:2])


def _found(span: Span, lattice: Lattice, shape: tuple[int, ...], taken: frozenset[int]) -> Lattice:
    varying = span.varying
    if len(varying) == 1 and not varying & taken:
        (dim,) = varying
        found = detect(span.rows[2:], dim) if span.rows.shape[dim + 1] == shape[dim] else None
        if found is not None:
            return Lattice(dim, found[0], found[1], (len(shape), dim))
    ndim, dim = lattice.home
    if not varying and ndim == len(shape) and shape[dim] == 1:
        return lattice.at(dim, ndim)
    return lattice


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
