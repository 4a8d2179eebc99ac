"""What splits must not do: share pictures, contradict themselves, or lack a class unsaid."""

from __future__ import annotations

import numpy as np

from hubel.data.folders import split_of
from hubel.data.sources import Listing
from hubel.data.split.samples import Samples, numbered
from hubel.errors import DataError

__all__ = [
    "contradictions",
    "expect_apart",
    "expect_classes",
    "expect_no_link_between_splits",
    "leaks",
]

_SACRED = {"val": 1, "test": 2}
_SHOWN = 5


def contradictions(samples: Samples) -> dict[int, str]:
    """Samples whose very bytes also stand under another label, with that label."""
    contents, labels = samples.contents(), numbered(samples.labels)
    width = int(labels.max(initial=0)) + 1
    pairs = np.unique(contents * width + labels)
    if len(pairs) == int(contents.max(initial=-1)) + 1:
        return {}
    clashing = np.bincount(pairs // width) > 1
    places = np.flatnonzero(clashing[contents]).tolist()
    under: dict[bytes, set[str]] = {}
    for place in places:
        under.setdefault(samples.digests[place], set()).add(samples.labels[place])
    return {place: min(under[samples.digests[place]] - {samples.labels[place]}) for place in places}


def leaks(samples: Samples) -> dict[int, tuple[str, str]]:
    """Samples whose bytes, or whose group, the user also put in a more sacred split.

    The test split keeps its own, then validation; the other sample is named with what it shares
    ("picture" or "group") and with that split.
    """
    own = np.array([_SACRED.get(split or "", 0) for split in samples.splits], np.int64)
    if not own.any():
        return {}
    names = {level: split for split, level in _SACRED.items()}
    found: dict[int, tuple[str, str]] = {}
    for what, keys in (("group", numbered(samples.groups)), ("picture", samples.contents())):
        held = np.zeros(int(keys.max()) + 2, np.int64)  # the last is for samples without a key
        np.maximum.at(held, keys, own)
        held[-1] = 0
        for place in np.flatnonzero(own < held[keys]).tolist():
            found[place] = (what, names[int(held[keys[place]])])
    return found


def expect_apart(samples: Samples, leaked: dict[int, tuple[str, str]], name: str) -> None:
    """Refuse splits of which one holds nothing of its own: the same pictures given twice.

    Args:
        samples: with the splits that the user gave.
        leaked: as `leaks` gives them.
        name: of the source, for messages.

    Raises:
        DataError: every sample of training, or of validation, is one of a more sacred split.
    """
    for split in ("train", "val"):
        places = [place for place, given in enumerate(samples.splits) if given == split]
        if places and all(place in leaked for place in places):
            what, other = leaked[places[0]]
            raise DataError(
                f"{name}: {split} and {other} are the same: each of the {len(places):,} pictures "
                f"of {split} shares its {what} with one of {other}; give {split} pictures of its "
                "own, or leave it out, and it is drawn"
            )


def expect_no_link_between_splits(listing: Listing, name: str) -> None:
    """Refuse a split whose folder is a link to what another split holds: train = test.

    Raises:
        DataError: with the folder.
    """
    for entry in listing.entries:
        split = split_of(entry.path.rpartition("/")[2])
        if split and (entry.problem or "").startswith("a link to a folder that is read already"):
            raise DataError(
                f"{name}: the folder {entry.path!r} is a link to pictures that are read already; "
                f"the {split} split needs pictures of its own: put them there, or take the link out"
            )


def expect_classes(samples: Samples, splits: list[str], missing: str, name: str) -> None:
    """Refuse a class that a split lacks, but for where the user said that it may.

    Args:
        samples: that are used.
        splits: of each.
        missing: "refuse", or "allow" for test and validation; nothing can be learned of a class
            without training pictures, whatever is allowed.
        name: of the source, for messages.

    Raises:
        DataError: a class is missing, with what to type.
    """
    held = _classes_by_split(samples, splits)
    learned = held.get("train", set())
    unknown = sorted(set[str]().union(*held.values()) - learned)
    if unknown:
        raise DataError(
            f"{name}: {_shown(unknown)} {_has(unknown)} no training pictures; the classes of all "
            f"splits must be among those of train: {_shown(sorted(learned))}"
        )
    for split in ("val", "test"):
        lacking = sorted(learned - held.get(split, learned))
        if lacking and missing != "allow":
            raise DataError(
                f"{name}: {_shown(lacking)} {_has(lacking)} no pictures in the {split} split, so "
                f"nothing can be said of {'it' if len(lacking) == 1 else 'them'} there: add some, "
                f"take {'the class' if len(lacking) == 1 else 'the classes'} out, or say "
                "--set missing_classes=allow"
            )


def _classes_by_split(samples: Samples, splits: list[str]) -> dict[str, set[str]]:
    if samples.several is None:
        pairs = set(zip(splits, samples.labels, strict=True))
    else:
        several = zip(splits, samples.several, strict=True)
        pairs = {(split, label) for split, labels in several for label in labels}
    held: dict[str, set[str]] = {split: set() for split in set(splits)}
    for split, label in pairs:
        held[split].add(label)
    return held


def _shown(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _has(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"
