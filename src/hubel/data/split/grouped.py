"""Whole groups, one after another, each to the split that lacks its classes most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubel.errors import DataError

__all__ = ["draw_grouped", "fill", "unit_classes"]

_ORDER = ("test", "val", "train")


@dataclass(frozen=True, slots=True)
class UnitClasses:
    """How many samples of each class each unit holds: one entry a pair that occurs.

    Attributes:
        unit, code, count: of each pair, by unit.
        size: samples of each unit, (units,).
        of_class: units that hold each class, (classes,).
    """

    unit: NDArray[np.int64]
    code: NDArray[np.int64]
    count: NDArray[np.int64]
    size: NDArray[np.int64]
    of_class: NDArray[np.int64]


def unit_classes(
    units: NDArray[np.int64], codes: NDArray[np.int64], num_classes: int
) -> UnitClasses:
    """Count the classes of each unit; units are numbered from 0."""
    pairs, count = np.unique(units * num_classes + codes, return_counts=True)
    unit, code = pairs // num_classes, pairs % num_classes
    return UnitClasses(unit, code, count, np.bincount(units), np.bincount(code))


def draw_grouped(
    labels: list[str],
    codes: NDArray[np.int64],
    units: NDArray[np.int64],
    rank: NDArray[np.float64],
    asked: tuple[dict[str, float], bool],
) -> NDArray[np.int64]:
    """Draw splits of whole units.

    Args:
        labels: names of the classes.
        codes: the class of each sample.
        units: of each sample; equal numbers stay together.
        rank: of each sample, keyed.
        asked: share of each split that is wanted; whether a class may be missing from them.

    Returns:
        (n,), 0 for training, then the wanted splits in order.

    Raises:
        DataError: a class is in too few groups to be in every split.
    """
    wanted, allowed = asked
    units = np.unique(units, return_inverse=True)[1]
    shares = {**wanted, "train": 1 - sum(wanted.values())}
    # What is needed most comes first where all lack alike: with small classes, training.
    names = [s for s in (("train", *wanted) if allowed else _ORDER) if s in shares]
    totals = np.bincount(codes, minlength=len(labels))
    room = np.array([[shares[name] * total for total in totals] for name in names])
    found = unit_classes(units, codes, len(labels))
    placed = _place(found, _first_rank(units, rank), room)
    held = np.zeros((len(names), len(labels)), np.int64)
    np.add.at(held, (placed[found.unit], found.code), found.count)
    for code, label in enumerate(labels):
        missing = [name for row, name in enumerate(names) if not held[row, code]]
        if missing and not (allowed and "train" not in missing):
            raise DataError(
                f"class {label!r} has too few groups to be in {' and '.join(missing)}: its "
                f"{totals[code]} pictures are in groups that went elsewhere; give a split column, "
                "or say --set missing_classes=allow"
            )
    numbers = np.array([("train", *wanted).index(name) for name in names])
    return numbers[placed[units]]


def _first_rank(units: NDArray[np.int64], rank: NDArray[np.float64]) -> NDArray[np.float64]:
    first = np.full(int(units.max()) + 1, np.inf)
    np.minimum.at(first, units, rank)
    return first


def _place(
    found: UnitClasses, rank: NDArray[np.float64], room: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The split of each unit. The largest first: later ones even out what these could not."""
    order = np.lexsort((rank, -found.size))
    placed = np.zeros(len(order), np.int64)
    held = np.zeros(room.shape)
    many = order[found.size[order] > 1]
    ends = np.searchsorted(found.unit, np.arange(len(order) + 1))
    rows: list[list[float]] = held.tolist()  # pyright: ignore[reportAssignmentType] (2-D)
    space: list[list[float]] = room.tolist()  # pyright: ignore[reportAssignmentType] (2-D)
    for unit in many.tolist():
        pairs = range(ends[unit], ends[unit + 1])
        has = [(int(found.code[pair]), int(found.count[pair])) for pair in pairs]
        lacks = [
            sum(n * (1 - row[code] / full[code]) for code, n in has)
            for row, full in zip(rows, space, strict=True)
        ]
        best = max(range(len(lacks)), key=lacks.__getitem__)
        placed[unit] = best
        for code, n in has:
            rows[best][code] += n
    # The rest hold one sample each, so that classes don't touch each other.
    single = order[len(many) :]
    held, code_of = np.array(rows), found.code[ends[single]]
    by_class = np.argsort(code_of, kind="stable")
    bounds = np.searchsorted(code_of[by_class], np.arange(room.shape[1] + 1))
    for code in range(room.shape[1]):
        here = single[by_class[bounds[code] : bounds[code + 1]]]
        full = room[:, code]
        placed[here] = fill(1 - held[:, code] / full, 1 / full, len(here))
    return placed


def fill(lacks: NDArray[np.float64], steps: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Where `count` like things go, each to the place that lacks most, which then lacks less.

    Args:
        lacks: of each place, (k,).
        steps: by how much one thing lowers it, (k,).
        count: of the things.

    Returns:
        (count,), the place of each in turn; the first of places that lack alike.

    Example:
        >>> fill(np.array([3.0, 1.5]), np.array([1.0, 1.0]), 4).tolist()
        [0, 0, 1, 0]
    """
    after = np.arange(count)
    # Rounded, so that what lacks alike does not differ by how it was computed.
    values = np.round(lacks[:, None] - steps[:, None] * after, 9)
    place = np.repeat(np.arange(len(lacks)), count)
    # Each row falls, so the largest of all, in order, are what one choice after another takes.
    order = np.lexsort((place, -values.ravel()))
    return place[order[:count]]
