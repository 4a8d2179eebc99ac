"""Which samples are for training, for validation and for the one final test.

Drawn by content and seed alone (adding pictures moves few of the others), each class by its share,
or the newest; and the same picture, or the same group, never stands in two splits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubel.data.split.grouped import draw_grouped, unit_classes
from hubel.data.split.iterative import stratify_labels
from hubel.data.split.newest import draw_newest
from hubel.data.split.rule import SplitRule
from hubel.data.split.samples import Samples, numbered
from hubel.errors import DataError

__all__ = ["assign"]


def assign(samples: Samples, seed: int, rule: SplitRule) -> tuple[list[str], list[str]]:
    """Give every sample a split; given ones are kept.

    Args:
        samples: those that are usable.
        seed: of the run.
        rule: what to hold out, and how.

    Returns:
        A split for each sample, and notes for the user.

    Raises:
        DataError: a class has too few different pictures to be in every split that is drawn, or
            samples that are split by time have none.
        RecipeError: a setting of the user's would have no effect.

    Example:
        >>> digests = [bytes([number]) * 32 for number in range(10)]
        >>> samples = Samples(["a"] * 10, digests, [None] * 10, [None] * 10)
        >>> splits, notes = assign(samples, 0, SplitRule())
        >>> splits.count("train"), splits.count("val"), splits.count("test")
        (7, 1, 2)
    """
    given = {split for split in samples.splits if split is not None}
    open_ = [place for place, split in enumerate(samples.splits) if split in (None, "train")]
    wanted = rule.wanted(len(open_), given)
    splits = [split or "train" for split in samples.splits]
    if not wanted:
        return splits, []
    places = np.array(open_, np.int64)
    names = ("train", *wanted)
    drawn = _draw(samples, places, seed, rule, wanted)
    for place, number in zip(open_, drawn.tolist(), strict=True):
        splits[place] = names[number]
    shares = " and ".join(f"{share:.0%} for {split}" for split, share in wanted.items())
    if rule.kind == "time":
        return splits, [f"{shares} held out by time, the newest first"]
    return splits, [f"{shares} drawn by class with seed {seed}"]


def _draw(
    samples: Samples,
    places: NDArray[np.int64],
    seed: int,
    rule: SplitRule,
    wanted: dict[str, float],
) -> NDArray[np.int64]:
    """The split of each place: 0 is training, then those wanted, in order."""
    units = samples.units()[places]
    chosen = samples.take(places)
    if rule.kind == "time":
        return draw_newest(chosen, units, wanted)
    rank = chosen.rank(seed, "split")
    if chosen.several is not None:
        held = list(wanted.values())
        return stratify_labels(chosen.several, [1 - sum(held), *held], units, rank)
    names, codes = sorted(set(chosen.labels)), numbered(chosen.labels)
    allowed = rule.missing == "allow"
    if chosen.is_grouped:
        counts = unit_classes(units, codes, len(names)).of_class
        named = any(group is not None for group in chosen.groups)  # else near-duplicates alone
        _refuse_small(names, counts, wanted, "group" if named else "different picture", allowed)
        return draw_grouped(names, codes, units, rank, (wanted, allowed))
    runs = _Runs.of(codes, units, rank)
    _refuse_small(names, runs.counts, wanted, "different picture", allowed)
    return _draw_stratified(runs, wanted)


@dataclass(frozen=True, slots=True)
class _Runs:
    """Samples class after class, in drawn order, and the number of each one's unit in its class."""

    order: NDArray[np.int64]
    codes: NDArray[np.int64]
    number: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(
        cls, codes: NDArray[np.int64], units: NDArray[np.int64], rank: NDArray[np.float64]
    ) -> _Runs:
        order = np.lexsort((units, rank, codes))
        codes, units = codes[order], units[order]
        first = np.r_[True, (np.diff(units) != 0) | (np.diff(codes) != 0)]
        begins = np.searchsorted(codes, np.arange(int(codes[-1]) + 1))
        total = np.cumsum(first) - 1
        number = total - total[begins][codes]
        return cls(order, codes, number, np.bincount(codes[first]))


def _draw_stratified(runs: _Runs, wanted: dict[str, float]) -> NDArray[np.int64]:
    """Of each class the first in drawn order, at least one, and always some to learn from."""
    splits = np.zeros(len(runs.order), np.int64)
    start = np.zeros(len(runs.counts), np.int64)
    enough = runs.counts > len(wanted)
    for place, share in enumerate(wanted.values(), 1):
        # A class too small for every split, where that is allowed, is first of all for training.
        kept = np.where(enough, len(wanted) - place + 1, 1)
        size = np.maximum(1, np.rint(share * runs.counts).astype(np.int64))
        size = np.clip(size, 0, np.maximum(0, runs.counts - start - kept))
        begin, end = start[runs.codes], (start + size)[runs.codes]
        splits[runs.order[(runs.number >= begin) & (runs.number < end)]] = place
        start += size
    return splits


def _refuse_small(
    labels: list[str],
    counts: NDArray[np.int64],
    wanted: dict[str, float],
    what: str,
    allowed: bool,
) -> None:
    if allowed:
        return
    for label, count in zip(labels, counts.tolist(), strict=True):
        if count <= len(wanted):
            raise DataError(
                f"class {label!r} has {count} {what}{'s' * (count != 1)}; at least "
                f"{len(wanted) + 1} are needed, one each for train, {' and '.join(wanted)}: add "
                "pictures, take the class out, or say --set missing_classes=allow"
            )
