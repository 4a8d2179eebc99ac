"""Folds for cross-validation: stratified by class, keyed by content, never cutting a group."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from hubel.data.keyed import uniform
from hubel.data.split import Samples
from hubel.errors import DataError, RecipeError
from hubel.tuning.cover import cover

__all__ = ["make_folds"]


def make_folds(samples: Samples, count: int, seed: int) -> NDArray[np.int64]:
    """The fold of each sample.

    Every class is spread over all folds as evenly as it goes. Which fold a picture comes to depends
    on its content and the seed alone among the pictures of its class. Equal pictures, and pictures
    of one group, are in one fold.

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
    labels = np.array(samples.labels, dtype=object)
    units = samples.units()
    grouped = any(group is not None for group in samples.groups)
    _expect_enough(labels, units, count, "group" if grouped else "different picture")
    heads = np.array([digest[:8] for digest in samples.digests], dtype="S8")
    rank = uniform(seed, "folds", 0, np.frombuffer(heads.tobytes(), "<i8"))
    if grouped:
        return _deal_groups(labels, units, rank, count)
    return _deal(labels, units, rank, count)


def _expect_enough(
    labels: NDArray[np.object_], units: NDArray[np.int64], count: int, what: str
) -> None:
    for label in sorted(set(labels.tolist())):
        held = len(np.unique(units[labels == label]))
        if held < count:
            way = f"give --folds {held}, add pictures" if held > 1 else "add pictures"
            raise DataError(
                f"class {label!r} has {held} {what}{'s' * (held != 1)} to learn from, fewer than "
                f"the {count} folds: {way}, or take the class out"
            )


def _deal(
    labels: NDArray[np.object_], units: NDArray[np.int64], rank: NDArray[np.float64], count: int
) -> NDArray[np.int64]:
    """Each class like cards, one after the other; the next class goes on where this one ended."""
    folds = np.zeros(len(labels), np.int64)
    begin = 0
    for label in sorted(set(labels.tolist())):
        here = np.flatnonzero(labels == label)
        here = here[np.lexsort((units[here], rank[here]))]
        number = np.cumsum(np.r_[True, np.diff(units[here]) != 0]) - 1
        folds[here] = (begin + number) % count
        begin += int(number[-1]) + 1
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
