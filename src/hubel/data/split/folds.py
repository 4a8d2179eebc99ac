"""Folds for cross-validation: stratified by class, keyed by content, never cutting a group."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from hubel.data.split.cover import cover
from hubel.data.split.iterative import stratify_labels
from hubel.data.split.samples import Samples, numbered
from hubel.errors import DataError, RecipeError

__all__ = ["make_folds"]


def make_folds(samples: Samples, count: int, seed: int) -> NDArray[np.int64]:
    """The fold of each sample.

    Every class is spread over all folds as evenly as it goes. Which fold a picture comes to depends
    on its content and the seed alone among the pictures of its class. Equal pictures, and pictures
    of one group or cluster, are in one fold. Samples of several classes are stratified by all of
    them (`stratify_labels`).

    Args:
        samples: those that may be learned from.
        count: of the folds, at least 2.
        seed: of the draw.

    Returns:
        (n,), numbers from 0 to count - 1.

    Raises:
        DataError: a class has fewer pictures (or groups) than there are folds.
        RecipeError: fewer than two folds.

    Example:
        >>> digests = [bytes([number]) * 32 for number in range(4)]
        >>> samples = Samples(["a"] * 4, digests, [None] * 4, [None] * 4)
        >>> np.bincount(make_folds(samples, 2, seed=0))
        array([2, 2])
    """
    if count < 2:
        raise RecipeError(f"folds: expected at least 2, got {count}")
    units, rank = samples.units(), samples.rank(seed, "folds")
    what = "group" if samples.is_grouped else "different picture"
    if samples.several is not None:
        held = [(name, place) for place, names in enumerate(samples.several) for name in names]
        names = np.array([name for name, _ in held], dtype=object)
        _expect_enough(names, units[[place for _, place in held]], count, what)
        return stratify_labels(samples.several, [1 / count] * count, units, rank)
    labels = np.array(samples.labels, dtype=object)
    _expect_enough(labels, units, count, what)
    if samples.is_grouped:
        return _deal_groups(labels, units, rank, count)
    return _deal(numbered(samples.labels), units, rank, count)


def _expect_enough(
    labels: NDArray[np.object_], units: NDArray[np.int64], count: int, what: str
) -> None:
    names, codes = np.unique(labels, return_inverse=True)
    pairs = np.unique(codes * (int(units.max(initial=0)) + 1) + units)
    counts = np.bincount(pairs // (int(units.max(initial=0)) + 1))
    for label, held in zip(names.tolist(), counts.tolist(), strict=True):
        if held < count:
            way = f"give --folds {held}, add pictures" if held > 1 else "add pictures"
            raise DataError(
                f"class {label!r} has {held} {what}{'s' * (held != 1)} to learn from, fewer than "
                f"the {count} folds: {way}, or take the class out"
            )


def _deal(
    codes: NDArray[np.int64], units: NDArray[np.int64], rank: NDArray[np.float64], count: int
) -> NDArray[np.int64]:
    """Each class like cards, one after the other; the next class goes on where this one ended."""
    order = np.lexsort((units, rank, codes))
    first = np.r_[True, (np.diff(units[order]) != 0) | (np.diff(codes[order]) != 0)]
    folds = np.zeros(len(codes), np.int64)
    folds[order] = (np.cumsum(first) - 1) % count
    return folds


def _deal_groups(
    labels: NDArray[np.object_], units: NDArray[np.int64], rank: NDArray[np.float64], count: int
) -> NDArray[np.int64]:
    """Whole groups, so that each class is in each fold."""
    members: dict[int, list[int]] = {}
    for place in np.argsort(rank, kind="stable").tolist():
        members.setdefault(int(units[place]), []).append(place)
    folds = _deal_largest(labels, members, count, {})
    lacking = _lacking(labels, folds, count)
    if not lacking:
        return folds
    has = {unit: frozenset[str](labels[places].tolist()) for unit, places in members.items()}
    placed = cover(has, count)
    if placed is None:
        raise DataError(
            f"class {lacking[0]!r} can't be in each of {count} folds beside the other classes: its "
            f"{int((labels == lacking[0]).sum())} pictures are in groups that are needed "
            "elsewhere; give fewer --folds, or smaller groups"
        )
    return _deal_largest(labels, members, count, placed)


def _lacking(labels: NDArray[np.object_], folds: NDArray[np.int64], count: int) -> list[str]:
    """Classes that are not in every fold."""
    return [
        label
        for label in sorted(set(labels.tolist()))
        if len(np.unique(folds[labels == label])) < count
    ]


def _deal_largest(
    labels: NDArray[np.object_], members: dict[int, list[int]], count: int, placed: dict[int, int]
) -> NDArray[np.int64]:
    """The largest group first, each to the fold that lacks its classes most.

    Args:
        labels: of the samples.
        members: places of each group.
        count: of the folds.
        placed: groups whose fold is settled.
    """
    totals = Counter(labels.tolist())
    held = [Counter[str]() for _ in range(count)]
    folds = np.zeros(len(labels), np.int64)
    for unit in sorted(members, key=lambda unit: (unit not in placed, -len(members[unit]))):
        has = Counter(labels[members[unit]].tolist())

        def lack(fold: int, has: Counter[str] = has) -> float:
            return sum(n * (1 - held[fold][name] * count / totals[name]) for name, n in has.items())

        best = placed[unit] if unit in placed else max(range(count), key=lack)
        held[best].update(has)
        folds[members[unit]] = best
    return folds
