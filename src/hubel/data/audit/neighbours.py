"""Pairs of vectors that are close, among many, in bounded memory.

Up to `EXHAUSTIVE` vectors every pair is looked at, as products of blocks. Beyond that, vectors are
filed under the few of some thousand landmarks (vectors drawn from among them) that they are nearest
to, and only those that share a landmark are compared: the work then grows with n^1.5, not n^2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hubel.data.keyed import permutation

__all__ = ["EXHAUSTIVE", "Close", "close_pairs"]

EXHAUSTIVE = 30_000
_ROWS, _COLUMNS = 512, 4096
_FILED = 4  # landmarks that a vector is filed under
_DENSE = 8  # hits a row, from which the best are chosen before they are listed

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Close:
    """Which pairs are close.

    Attributes:
        least: product of two vectors of length one, from which on they are.
        most: pairs kept for each vector, its closest; bounds memory where all are alike.
        workers: threads.
    """

    least: float
    most: int = 16
    workers: int = 1


def close_pairs(
    vectors: Floats,
    close: Close,
    progress: Callable[[int], None] = lambda _: None,
    exhaustive: int = EXHAUSTIVE,
) -> Places:
    """The pairs of vectors that are close.

    Args:
        vectors: float32, (n, d), of length one; rows of zeros are close to none.
        close: what is close.
        progress: called with the number of vectors whose neighbours were looked for.
        exhaustive: up to how many vectors every pair is looked at.

    Returns:
        (m, 2), the lower place first, sorted, each pair once.

    Example:
        >>> vectors = np.array([[1, 0], [0.6, 0.8], [0.8, 0.6], [-1, 0]], np.float32)
        >>> close_pairs(vectors, Close(least=0.9)).tolist()
        [[1, 2]]
    """
    from threadpoolctl import threadpool_limits

    count = len(vectors)
    few = count <= exhaustive
    lists = _whole(count) if few else _filed(vectors, close.workers)
    found: list[Places] = []
    with threadpool_limits(1), ThreadPoolExecutor(max(1, close.workers)) as pool:
        for size, pairs in pool.map(partial(_within, vectors, close), lists):
            found.append(pairs)
            progress(size)
    if not found:
        return np.empty((0, 2), np.int64)
    joined = np.concatenate(found)
    joined.sort(axis=1)
    codes = np.unique(joined[:, 0] * count + joined[:, 1])
    return np.stack([codes // max(count, 1), codes % max(count, 1)], 1)


@dataclass(frozen=True, slots=True)
class _List:
    """Places of vectors that are compared: each of `rows` with those of `columns` after it."""

    rows: Places
    columns: Places


def _whole(count: int) -> Iterator[_List]:
    places = np.arange(count, dtype=np.int64)
    for start in range(0, count, _ROWS):
        yield _List(places[start : start + _ROWS], places[start:])


def _filed(vectors: Floats, workers: int) -> Iterator[_List]:
    """For each landmark, the vectors that are filed under it."""
    count = len(vectors)
    number = max(64, int(2 * count**0.5))
    drawn = permutation(0, 0, count)[:number]
    landmarks = vectors[np.sort(drawn)]
    starts = range(0, count, _COLUMNS)

    def nearest(start: int) -> Places:
        products = vectors[start : start + _COLUMNS] @ landmarks.T
        return np.argpartition(products, -_FILED, axis=1)[:, -_FILED:].astype(np.int64)

    with ThreadPoolExecutor(max(1, workers)) as pool:
        under = np.concatenate(list(pool.map(nearest, starts))).ravel()
    order = np.argsort(under, kind="stable")
    ends = np.searchsorted(under[order], np.arange(number + 1))
    for first, last in pairwise(ends.tolist()):
        members = np.sort(order[first:last] // _FILED).astype(np.int64)
        for start in range(0, len(members), _ROWS):
            yield _List(members[start : start + _ROWS], members[start:])


def _within(vectors: Floats, close: Close, task: _List) -> tuple[int, Places]:
    """The close pairs of a list: at most `most` a row, the closest."""
    rows, columns = task.rows, task.columns
    mine = vectors[rows]
    kept = np.empty((0, 2), np.int64)
    scores = np.empty(0, np.float32)
    for start in range(0, len(columns), _COLUMNS):
        products = mine @ vectors[columns[start : start + _COLUMNS]].T
        if start == 0:  # the rows themselves come first: each pair once
            products[np.tril_indices(len(rows), 0, products.shape[1])] = -1.0
        across = _hits(products, close)
        found = np.stack([across[0], across[1] + start], 1)
        kept = np.concatenate([kept, found])
        scores = np.concatenate([scores, products[across]])
        if len(kept) > 4 * close.most * len(rows):
            kept, scores = _best(kept, scores, close.most)
    kept, _ = _best(kept, scores, close.most)
    return len(rows), np.stack([rows[kept[:, 0]], columns[kept[:, 1]]], 1)


def _hits(products: Floats, close: Close) -> tuple[Places, Places]:
    """Rows and columns of products that are high enough; of dense rows, their highest."""
    hit = products >= close.least
    if hit.sum() > _DENSE * close.most * len(hit) and hit.shape[1] > close.most:
        top = np.argpartition(products, -close.most, axis=1)[:, -close.most :]
        rows = np.repeat(np.arange(len(hit)), close.most)
        chosen = hit[rows, top.ravel()]
        return rows[chosen], top.ravel()[chosen]
    rows, columns = np.nonzero(hit)
    return rows, columns


def _best(pairs: Places, scores: Floats, most: int) -> tuple[Places, Floats]:
    """The highest of each row."""
    order = np.lexsort((pairs[:, 1], -scores, pairs[:, 0]))
    rows = pairs[order, 0]
    first = np.searchsorted(rows, rows)
    chosen = order[np.arange(len(order)) - first < most]
    return pairs[chosen], scores[chosen]
