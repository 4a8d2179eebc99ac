"""What every element of a value sees of the input, and how that passes through operators."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hubel.analysis.fields.span import Lattice, Span, is_empty, refound

__all__ = ["LIMIT", "TOO_MANY", "Reach", "crowded_dims", "joined", "of_input"]

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
        """Whether no element sees a pixel: all windows lie in padding, or are of class tokens."""
        return bool(is_empty(self.spans[0].rows[0]).all())

    @property
    def is_void(self) -> bool:
        """Whether no element would see a pixel of any input, however large."""
        return self.is_blind and bool(is_empty(self.spans[0].rows[-2]).all())

    def noted(self, note: str) -> Reach:
        """The same, as an upper bound for one more reason."""
        return replace(self, note=joined((self.note, note)))

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
        spans = [span.settled() for span in self.spans]
        for number, span in enumerate(spans):
            others = (*spans[:number], *spans[number + 1 :])
            taken = frozenset(dim for other in others for dim in other.varying)
            spans[number] = refound(span, self.shape, taken)
        return Reach(self.shape, tuple(spans), self.note)

    def permuted(self, order: Sequence[int]) -> Reach:
        """The dims in another order."""
        axes = (0, *(dim + 1 for dim in order))
        return self.mapped(
            lambda span: span.laid(span.rows.transpose(axes), order.index),
            (self.shape[dim] for dim in order),
        )

    def reduced(self, dims: Iterable[int]) -> Reach:
        """Each element sees what all elements along the dims see; the dims have size 1 then."""
        given = frozenset(dims)
        shape = [1 if dim in given else size for dim, size in enumerate(self.shape)]
        return self.mapped(lambda span: span.merged(given), shape).settled()

    def mixed(self, dims: Iterable[int]) -> Reach:
        """Each element sees what all elements along the dims see; the shape stays."""
        return replace(self.reduced(dims), shape=self.shape)

    def without(self, dims: Iterable[int]) -> Reach:
        """Dims of size 1 dropped."""
        given = frozenset(dims)
        kept = [dim for dim in range(self.ndim) if dim not in given]

        def change(span: Span) -> Span:
            rows = span.rows.reshape(-1, *(span.rows.shape[dim + 1] for dim in kept))
            return span.laid(rows, lambda dim: kept.index(dim) if dim in kept else None)

        return self.mapped(change, (self.shape[dim] for dim in kept))

    def with_ones(self, shape: Sequence[int]) -> Reach:
        """Dims of size 1 put before, until there are as many as in a shape."""
        more = len(shape) - self.ndim

        def change(span: Span) -> Span:
            rows = span.rows.reshape(len(span.rows), *(1,) * more, *span.rows.shape[1:])
            return span.laid(rows, lambda dim: dim + more)

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


def joined(notes: Iterable[str]) -> str:
    """Notes as one, each once."""
    return "; ".join(dict.fromkeys(part for note in notes if note for part in note.split("; ")))
