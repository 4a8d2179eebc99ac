"""Which samples are for training, for validation and for the one final test.

Stratified by class, drawn by content and seed alone (adding pictures moves few of the others),
and the same picture, or the same group, never stands in two splits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hubel.data.keyed import uniform
from hubel.errors import DataError

__all__ = ["Samples", "Shares", "assign", "contradictions", "leaks", "settle_given"]

_ORDER = ("test", "val", "train")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """How much of the data is held out, where the user gave no split.

    `val_limit` bounds validation: beyond it more pictures teach more than they measure.
    """

    test: float = 0.20
    val: float = 0.10
    val_limit: int = 2_000


@dataclass(frozen=True, slots=True)
class Samples:
    """The columns that splitting looks at, one value a sample."""

    labels: list[str]
    digests: list[bytes]
    groups: list[str | None]
    splits: list[str | None]
    clusters: list[int | None] | None = None

    def with_clusters(self, numbers: NDArray[np.int64]) -> Samples:
        """The same samples, of which near-duplicates are to be kept together.

        Args:
            numbers: (n,), equal in a cluster; -1 for a sample that is like no other.
        """
        return replace(self, clusters=[n if n >= 0 else None for n in numbers.tolist()])

    def units(self) -> NDArray[np.int64]:
        """A number for each set of samples that must stay together: equal content, group, cluster.

        Where one picture is in two groups, these are one unit.
        """
        contents = _numbered(self.digests)
        joins = [(contents[places], numbers) for places, numbers in map(_named, self._ties())]
        if not joins:
            return contents
        from scipy import sparse

        size = len(contents)
        starts = size * np.arange(1, len(joins) + 1)
        rows = np.concatenate([places for places, _ in joins])
        ends = np.concatenate(
            [at + numbers for at, (_, numbers) in zip(starts, joins, strict=True)]
        )
        total = size * (len(joins) + 1)
        links = sparse.coo_array((np.ones(len(ends)), (rows, ends)), (total, total))
        _, units = sparse.csgraph.connected_components(links, directed=False)
        return units[contents].astype(np.int64)

    def _ties(self) -> list[Sequence[str | int | None]]:
        """Names that tie samples together, of each kind that there is."""
        kinds: list[Sequence[str | int | None]] = [self.groups, self.clusters or []]
        return [names for names in kinds if any(name is not None for name in names)]


def _named(names: Sequence[str | int | None]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the names that are there, and a number for each."""
    places = [place for place, name in enumerate(names) if name is not None]
    return np.array(places, np.int64), _numbered([names[place] for place in places])


def _numbered(names: Sequence[str | bytes | int | None]) -> NDArray[np.int64]:
    """Equal names get equal numbers, from 0, in sorted order."""
    _, numbers = np.unique(np.array(names, dtype=object), return_inverse=True)
    return numbers.astype(np.int64)


def contradictions(samples: Samples) -> dict[int, str]:
    """Samples whose very bytes also stand under another label, with that label."""
    if len(set(samples.digests)) == len(samples.digests):
        return {}
    labels: dict[bytes, set[str]] = {}
    for digest, label in zip(samples.digests, samples.labels, strict=True):
        labels.setdefault(digest, set()).add(label)
    return {
        place: min(labels[digest] - {label})
        for place, (digest, label) in enumerate(zip(samples.digests, samples.labels, strict=True))
        if len(labels[digest]) > 1
    }


def leaks(samples: Samples) -> dict[int, tuple[str, str]]:
    """Samples whose bytes, or whose group, the user also put in a more sacred split.

    The test split keeps its own, then validation; the other sample is named with what it shares
    ("picture" or "group") and with that split.
    """
    found: dict[int, tuple[str, str]] = {}
    for what, keys in (("group", samples.groups), ("picture", samples.digests)):
        held: dict[str | bytes, str] = {}
        for split in ("val", "test"):
            pairs = zip(keys, samples.splits, strict=True)
            held |= {key: split for key, given in pairs if given == split and key is not None}
        for place, (key, split) in enumerate(zip(keys, samples.splits, strict=True)):
            if key is not None and held.get(key, split) != split:
                found[place] = (what, held[key])
    return found


def assign(samples: Samples, seed: int, shares: Shares) -> tuple[list[str], list[str]]:
    """Give every sample a split; given ones are kept.

    Args:
        samples: those that are usable.
        seed: of the run.
        shares: what to hold out.

    Returns:
        A split for each sample, and notes for the user.

    Raises:
        DataError: a class has too few different pictures to be in every split that is drawn.
    """
    given = {split for split in samples.splits if split is not None}
    splits = list(samples.splits)
    notes: list[str] = []
    open_ = [place for place, split in enumerate(splits) if split in (None, "train")]
    wanted = _wanted(len(open_), given, shares)
    if wanted:
        drawn = _draw(samples, np.array(open_, np.int64), seed, wanted)
        for place, split in zip(open_, drawn, strict=True):
            splits[place] = split
        notes.append(" and ".join(f"{share:.0%} for {split}" for split, share in wanted.items())
                     + f" drawn by class with seed {seed}")  # fmt: skip
    return [split or "train" for split in splits], notes


def settle_given(splits: list[str | None]) -> tuple[list[str | None], list[str]]:
    """Where validation is given and no test, the given validation becomes the test.

    What the user holds out is what the final figure should be about; validation is then drawn
    from the training pictures.
    """
    given = set(splits)
    if "val" not in given or "test" in given:
        return splits, []
    note = "no test split is given: the given validation split is scored once as the test, and \
validation is drawn from the training pictures"
    return ["test" if split == "val" else split for split in splits], [note]


def _wanted(count: int, given: set[str], shares: Shares) -> dict[str, float]:
    wanted: dict[str, float] = {}
    if "test" not in given:
        wanted["test"] = shares.test
    if "val" not in given:
        wanted["val"] = min(shares.val, shares.val_limit / max(count, 1))
    return wanted


def _draw(
    samples: Samples, places: NDArray[np.int64], seed: int, wanted: dict[str, float]
) -> list[str]:
    labels = np.array([samples.labels[place] for place in places], dtype=object)
    units = samples.units()[places]
    heads = np.array([samples.digests[place][:8] for place in places], dtype="S8")
    numbers = np.frombuffer(heads.tobytes(), "<i8")
    rank = uniform(seed, "split", 0, numbers)
    if any(group is not None for group in samples.groups):
        return _draw_groups(labels, units, rank, wanted)
    splits = np.full(len(places), "train", dtype=object)
    names, codes = np.unique(labels, return_inverse=True)
    for code, label in enumerate(names.tolist()):
        here = np.flatnonzero(codes == code)
        here = here[np.lexsort((units[here], rank[here]))]
        first = np.r_[True, np.diff(units[here]) != 0]
        number = np.cumsum(first) - 1  # of the unit, in drawn order
        count = int(number[-1]) + 1
        _refuse_small(label, count, wanted, "different picture")
        start = 0
        for split, share in wanted.items():
            size = max(1, round(share * count))
            splits[here[(number >= start) & (number < start + size)]] = split
            start += size
    return _rejoined(splits, units, rank).tolist()


def _rejoined(
    splits: NDArray[np.object_], units: NDArray[np.int64], rank: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Near-duplicates of several classes, drawn apart, go where the first drawn is."""
    order = np.lexsort((rank, units))
    first = np.r_[True, np.diff(units[order]) != 0]
    heads = order[first][np.cumsum(first) - 1]
    found = splits.copy()
    found[order] = splits[heads]
    return found


def _refuse_small(label: str, count: int, wanted: dict[str, float], what: str) -> None:
    if count <= len(wanted):
        raise DataError(
            f"class {label!r} has {count} {what}{'s' * (count != 1)}; at least "
            f"{len(wanted) + 1} are needed, one each for train, {' and '.join(wanted)}: add "
            "pictures, or take the class out"
        )


def _draw_groups(
    labels: NDArray[np.object_],
    units: NDArray[np.int64],
    rank: NDArray[np.float64],
    wanted: dict[str, float],
) -> list[str]:
    """Whole groups, one after another, each to the split that lacks its classes most."""
    totals = Counter(labels.tolist())
    names_, codes = np.unique(labels, return_inverse=True)
    for code, label in enumerate(names_.tolist()):
        _refuse_small(label, len(np.unique(units[codes == code])), wanted, "group")
    share = {**wanted, "train": 1 - sum(wanted.values())}
    names = [split for split in _ORDER if split in share]
    held = {split: Counter[str]() for split in names}
    members: dict[int, list[int]] = {}
    for place in np.argsort(rank, kind="stable").tolist():
        members.setdefault(int(units[place]), []).append(place)
    splits = np.full(len(labels), "train", dtype=object)
    # The largest groups first: later ones even out what these could not.
    for unit in sorted(members, key=lambda unit: -len(members[unit])):
        has = Counter(labels[members[unit]].tolist())

        def lack(split: str, has: Counter[str] = has) -> float:
            return sum(
                n * (1 - held[split][label] / (share[split] * totals[label]))
                for label, n in has.items()
            )

        best = max(names, key=lack)
        held[best].update(has)
        splits[members[unit]] = best
    for label in sorted(totals):
        missing = [split for split in names if not held[split][label]]
        if missing:
            raise DataError(
                f"class {label!r} has too few groups to be in {' and '.join(missing)}: its "
                f"{totals[label]} pictures are in groups that went elsewhere; give a split column"
            )
    return splits.tolist()
