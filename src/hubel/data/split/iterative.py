"""Iterative stratification: samples that have several classes at once (Sechidis 2011)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.split.grouped import fill
from hubel.data.split.samples import numbered

__all__ = ["stratify_labels"]


def stratify_labels(
    labels: Sequence[Sequence[str]],
    shares: Sequence[float],
    units: NDArray[np.int64],
    rank: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Divide samples of several classes so that each part has its share of each class.

    The rarest class comes first: its samples go one by one to the part that lacks it most, and
    among those that lack it alike to the one that lacks samples most. Samples without a class
    come last, and even out the sizes.

    Args:
        labels: classes of each sample, possibly none.
        shares: of each part, summing to 1. Each but the first is owed one sample of a class that
            has enough for all.
        units: equal numbers stay together.
        rank: keyed; the only thing that order depends on.

    Returns:
        (n,), the part of each sample, from 0.

    Example:
        >>> labels = [("cat",), ("cat", "dog"), ("dog",), ()] * 2
        >>> parts = stratify_labels(labels, [0.5, 0.5], np.arange(8), np.arange(8) / 8)
        >>> np.bincount(parts).tolist()
        [4, 4]

    Source: Sechidis, Tsoumakas, Vlahavas 2011, *On the stratification of multi-label data*, with
    ties by the keyed rank where they draw at random, and with whole units, the largest first.
    """
    state = _State.of(labels, np.array(shares, np.float64), units, rank)
    while state.waiting.any():
        remaining = np.where(state.waiting > 0, state.waiting, np.inf)
        state.place_label(int(np.argmin(remaining)))
    state.place_rest()
    return state.parts[state.unit_of]


@dataclass(slots=True)
class _State:
    """Units in keyed order, what they hold, and what each part still lacks."""

    matrix: Any  # (units, classes), samples of each class in each unit, by row
    columns: Any  # the same by column
    unit_of: NDArray[np.int64]
    sizes: NDArray[np.int64]
    lacks: NDArray[np.float64]  # (parts, classes)
    room: NDArray[np.float64]  # (parts,)
    waiting: NDArray[np.float64]  # samples of each class that have no part yet
    parts: NDArray[np.int64]  # of each unit, -1 for none yet

    @classmethod
    def of(
        cls,
        labels: Sequence[Sequence[str]],
        shares: NDArray[np.float64],
        units: NDArray[np.int64],
        rank: NDArray[np.float64],
    ) -> _State:
        from scipy import sparse

        unit_of, count = _keyed(units, rank)
        lengths = np.fromiter(map(len, labels), np.int64, len(labels))
        codes = numbered(list(chain.from_iterable(labels)))
        num_classes = int(codes.max(initial=-1)) + 1
        held = (np.repeat(unit_of, lengths), codes)
        ones = np.ones(len(codes), np.int64)
        matrix = sparse.coo_array((ones, held), (count, num_classes)).tocsr()
        totals = np.bincount(codes, minlength=num_classes).astype(np.float64)
        sizes = np.bincount(unit_of, minlength=count)
        lacks = shares[:, None] * totals
        owed = np.where(totals >= len(shares), np.maximum(lacks[1:], 1), lacks[1:])
        lacks = np.concatenate([totals - owed.sum(0, keepdims=True), owed])
        room, parts = shares * len(labels), np.full(count, -1, np.int64)
        return cls(matrix, matrix.tocsc(), unit_of, sizes, lacks, room, totals, parts)

    def place_label(self, label: int) -> None:
        """Give every waiting unit that holds a class its part."""
        begin, end = self.columns.indptr[label : label + 2]
        units, weights = self.columns.indices[begin:end], self.columns.data[begin:end]
        open_ = self.parts[units] < 0
        self._place(units[open_], weights[open_], self.lacks[:, label])
        self.waiting[label] = 0

    def place_rest(self) -> None:
        """Units without any class go where there is room."""
        units = np.flatnonzero(self.parts < 0)
        self._place(units, self.sizes[units], self.room)

    def _place(
        self, units: NDArray[np.int64], weights: NDArray[np.int64], lacks: NDArray[np.float64]
    ) -> None:
        order = np.lexsort((units, -weights))
        units, weights = units[order], weights[order]
        # Of parts that lack alike the one with most room comes first.
        ties = np.argsort(-np.round(self.room, 9), kind="stable")
        left = lacks[ties].copy()
        heavy = int(np.count_nonzero(weights > 1))
        chosen = np.empty(len(units), np.int64)
        for place, weight in enumerate(weights[:heavy].tolist()):
            chosen[place] = best = int(np.argmax(np.round(left, 9)))
            left[best] -= weight
        chosen[heavy:] = fill(left, np.ones(len(left)), len(units) - heavy)
        self._settle(units, ties[chosen])

    def _settle(self, units: NDArray[np.int64], parts: NDArray[np.int64]) -> None:
        self.parts[units] = parts
        for part in range(len(self.room)):
            here = units[parts == part]
            gone = np.asarray(self.matrix[here].sum(axis=0)).ravel()
            self.lacks[part] -= gone
            self.waiting -= gone
            self.room[part] -= self.sizes[here].sum()


def _keyed(units: NDArray[np.int64], rank: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Units numbered from 0 in the order of their first rank, and how many there are."""
    order = np.lexsort((units, rank))
    _, first, unit = np.unique(units[order], return_index=True, return_inverse=True)
    place = np.empty(len(first), np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    unit_of = np.empty(len(units), np.int64)
    unit_of[order] = place[unit]
    return unit_of, len(first)
