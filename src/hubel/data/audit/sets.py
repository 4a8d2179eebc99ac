"""Findings about files that belong together: duplicates, groups, names that look like groups."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.audit.alike import Alike
from hubel.data.audit.findings import Finding

__all__ = ["group_findings", "name_groups", "same_findings"]

_SMALL_CLASS = 20
_RUNNING = re.compile(r"^(.*?[0-9]+)[^0-9a-zA-Z]+[a-zA-Z]*0*([0-9]{1,6})[a-zA-Z]?$")
_SERIES, _GROUP, _SHARE = 5, 2, 0.5

Rows = NDArray[np.int64]
Objects = NDArray[np.object_]


def same_findings(table: Any, alike: Alike) -> Iterator[Finding]:
    """Duplicates, equal and nearly equal, within and across classes and splits.

    Args:
        table: Arrow, one row a file: label, and `given`, the split that the user gave.
        alike: near-duplicates among the rows.
    """
    labels, given = (np.array(table[name].to_pylist(), object) for name in ("label", "given"))
    head = alike.first
    copies = np.flatnonzero(np.bincount(head, minlength=len(head)) > 1)
    members = {int(place): [] for place in copies} if len(copies) else dict[int, list[int]]()
    for row in np.flatnonzero(np.isin(head, copies)):
        members[int(head[row])].append(int(row))
    equal = list(members.values())
    yield from _sorted(("two-classes", "leak", "equal"), equal, labels, given)
    pairs: list[list[int]] = alike.pairs.places.tolist()
    yield from _sorted(("near-two-classes", "near-leak", "near"), pairs, labels, given)


def _sorted(
    names: tuple[str, str, str], sets: list[list[int]], labels: Objects, given: Objects
) -> Iterator[Finding]:
    """Sets of several classes, of several splits, and of neither."""
    kinds: dict[str, list[list[int]]] = {name: [] for name in names}
    for rows in sets:
        several = len({labels[row] for row in rows}) > 1
        across = len({given[row] for row in rows}) > 1
        if several:
            kinds[names[0]].append(rows)
        if across:
            kinds[names[1]].append(rows)
        if not several and not across:
            kinds[names[2]].append(rows)
    for name, chosen in kinds.items():
        joined = _joined(chosen)
        rows = np.array([row for one in joined for row in one], np.int64)
        yield Finding(name, rows, sets=joined)


def _joined(sets: list[list[int]]) -> list[list[int]]:
    """Sets that share a row become one, the largest first."""
    above: dict[int, int] = {}

    def head(row: int) -> int:
        while above.setdefault(row, row) != row:
            above[row] = above[above[row]]
            row = above[row]
        return row

    for rows in sets:
        for row in rows[1:]:
            one, other = sorted((head(rows[0]), head(row)))
            above[other] = one
    members: dict[int, list[int]] = defaultdict(list)
    for row in sorted(above):
        members[head(row)].append(row)
    return sorted(members.values(), key=lambda rows: (-len(rows), rows))


def group_findings(table: Any) -> Iterator[Finding]:
    """Groups across splits that the user gave, names that look like groups, and small classes.

    Args:
        table: Arrow, one row a file: file, label, group, given, split, problem.
    """
    columns = ("file", "group", "given", "split")
    files, groups, given, splits = (np.array(table[name].to_pylist(), object) for name in columns)
    usable = table["problem"].is_null().to_numpy()
    torn = _torn(groups, given)
    yield Finding("group-leak", np.array([row for rows in torn for row in rows], np.int64),
                  sets=torn)  # fmt: skip
    if not any(group is not None for group in groups):
        found = name_groups(files[usable].tolist(), splits[usable].tolist())
        places = np.flatnonzero(usable)
        sets = [[int(places[row]) for row in rows] for rows in found]
        rows = np.array([row for rows in sets for row in rows], np.int64)
        yield Finding("name-group", rows, sets=sets)
    yield _small_classes(table["labels"].to_pylist(), usable)


def _small_classes(labels: list[list[str]], usable: NDArray[np.bool_]) -> Finding:
    places = np.flatnonzero(usable).tolist()
    counts = Counter(label for place in places for label in labels[place])
    few = {label for label, count in counts.items() if count < _SMALL_CLASS}
    own = {place: sorted(few.intersection(labels[place])) for place in places} if few else {}
    rows = [place for place, names in own.items() if names]
    why = [f"class {', '.join(map(repr, own[row]))}" for row in rows]
    return Finding("small-class", np.array(rows, np.int64), why)


def _torn(groups: Objects, given: Objects) -> list[list[int]]:
    members: dict[Any, list[int]] = defaultdict(list)
    for row, group in enumerate(groups.tolist()):
        if group is not None:
            members[group].append(row)
    return [rows for rows in members.values() if len({given[row] for row in rows}) > 1]


def name_groups(files: list[str], splits: list[str | None]) -> list[list[int]]:
    """Files that their names put into groups, where groups are torn apart by the splits.

    `patient12_03.jpg` belongs to `patient12`: a prefix that ends in a number of its own, and a
    running number behind it. `glass12.jpg` has no such prefix. That is a hint only where at least
    five prefixes have several files, and half of all files are named so.

    Args:
        files: paths.
        splits: of each.

    Example:
        >>> files = [f"a/p{who}_{shot}.jpg" for who in range(6) for shot in (1, 2)]
        >>> len(name_groups(files, ["train", "test"] * 6))
        6
        >>> name_groups([f"glass/glass{n}.jpg" for n in range(12)], ["train", "test"] * 6)
        []
    """
    members: dict[str, list[int]] = defaultdict(list)
    for row, file in enumerate(files):
        stem = file.rpartition("/")[2].rpartition(".")[0]
        match = _RUNNING.match(stem)
        if match is not None:
            members[match[1]].append(row)
    several = [rows for rows in members.values() if len(rows) >= _GROUP]
    if len(several) < _SERIES or sum(map(len, several)) < _SHARE * len(files):
        return []
    return [rows for rows in several if len({splits[row] for row in rows}) > 1]
