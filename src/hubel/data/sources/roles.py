"""Which of several named arrays are samples, which are labels, and of which split.

A name is split at `_`, `-`, `.` and `/`. One word may name a split (`train`, `val`, `test` and
their synonyms), one the role (`x`, `images`, `data`, … or `y`, `labels`, `targets`, …):
`train_images`, `x_test`, `train/labels`, `X`. `classes` and `class_names` hold the names of the
classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hubel.data.classmap import ClassMap, class_map
from hubel.data.folders import split_of
from hubel.data.sources.arrays import Arrays, Part
from hubel.errors import DataError

__all__ = ["Role", "arrays_by_role", "role_of"]

_SAMPLES = {"x", "image", "images", "imgs", "data", "samples", "inputs", "features", "signals"}
_TARGETS = {"y", "label", "labels", "target", "targets"}
_FILLERS = {"set", "arr", "split"}
_NAMES = {"classes", "class_names", "label_names", "list_classes"}


@dataclass(frozen=True, slots=True)
class Role:
    """What the name of an array says."""

    samples: bool
    split: str | None


def role_of(name: str) -> Role | None:
    """What a name says; None where it says nothing.

    Example:
        >>> role_of("x_train"), role_of("val_labels"), role_of("weights")
        (Role(samples=True, split='train'), Role(samples=False, split='val'), None)
    """
    words = [word for word in re.split(r"[_\-./\s]+", name.lower()) if word]
    rest = [word for word in words if split_of(word) is None and word not in _FILLERS]
    splits = {split for word in words if (split := split_of(word)) is not None}
    if len(rest) != 1 or len(splits) > 1 or rest[0] not in _SAMPLES | _TARGETS:
        return None
    return Role(rest[0] in _SAMPLES, next(iter(splits), None))


def arrays_by_role(
    arrays: Mapping[str, Any],
    where: str,
    pair: tuple[str | None, str | None] = (None, None),
    names: ClassMap | None = None,
) -> Arrays:
    """Pair samples and labels.

    Args:
        arrays: by name; of samples, only what `ArraySource` needs is asked.
        where: they stand, for messages.
        pair: names of samples and labels, where the user gave them.
        names: of the classes, where they are known.

    Raises:
        DataError: samples or labels are missing, or two arrays have the same role.
    """
    if pair != (None, None):
        return Arrays((_named_pair(arrays, where, *pair),), names)
    roles = {name: role for name in arrays if (role := role_of(name)) is not None}
    given = {role.split for role in roles.values()}
    loose = "train" if given - {None} else None
    notes: list[str] = []
    if loose and None in given and "train" not in given:
        notes.append("arrays whose names say no split are taken for training")
    elif loose and None in given:
        roles = {name: role for name, role in roles.items() if role.split is not None}
    parts = _parts(arrays, roles, where, loose)
    unread = sorted(set(arrays) - set(roles) - _NAMES)
    if unread:
        notes.append(f"arrays that are not read: {', '.join(unread)}")
    own = names or _own_names(arrays, where)
    if own is not None:
        notes.append(f"names of the classes from {own.origin}")
    return Arrays(tuple(parts), own, tuple(notes))


def _parts(
    arrays: Mapping[str, Any], roles: dict[str, Role], where: str, loose: str | None
) -> list[Part]:
    parts: list[Part] = []
    for split in (None, "train", "val", "test"):
        samples = [name for name, role in roles.items() if role == Role(True, split)]
        targets = [name for name, role in roles.items() if role == Role(False, split)]
        for same in (samples, targets):
            if len(same) > 1:
                raise DataError(f"{where}: {' and '.join(sorted(same))} have the same role; say "
                                "which is meant, as ?x=NAME&y=NAME")  # fmt: skip
        if samples:
            labels = np.asarray(arrays[targets[0]][...]) if targets else None
            called = targets[0] if targets else "no labels"
            parts.append(Part(samples[0], arrays[samples[0]], labels, called, split or loose))
        elif targets:
            raise DataError(f"{where}: {targets[0]} has no samples beside it")
    if not parts or all(part.targets is None for part in parts):
        lacks = "labels" if parts else "samples"
        raise DataError(
            f"{where}: no array of {lacks}; expected train_images and train_labels, x_train and "
            f"y_train, or x and y; the arrays are {_listed(list(arrays))}; others are named as "
            "?x=NAME&y=NAME"
        )
    if any(part.targets is None and part.split in (None, "train") for part in parts):
        lone = next(part.name for part in parts if part.targets is None)
        raise DataError(f"{where}: {lone} has no labels; the arrays are {_listed(list(arrays))}")
    return parts


def _named_pair(arrays: Mapping[str, Any], where: str, x: str | None, y: str | None) -> Part:
    if x is None or y is None:
        raise DataError(f"{where}: ?x=NAME and y=NAME go together; got only one of them")
    for name in (x, y):
        if name not in arrays:
            raise DataError(
                f"{where}: there is no array {name!r}; the arrays are {_listed(list(arrays))}"
            )
    return Part(x, arrays[x], np.asarray(arrays[y][...]), y)


def _own_names(arrays: Mapping[str, Any], where: str) -> ClassMap | None:
    for name in _NAMES & set(arrays):
        values: Any = np.asarray(arrays[name][...])
        if values.ndim == 1 and values.dtype.kind in "SUO":
            texts = [
                v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values
            ]
            return class_map(((str(n), text) for n, text in enumerate(texts)), f"{where}, {name}")
    return None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)[:20]) or "none"
