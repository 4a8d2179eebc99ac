"""What flows between units, as columns, forks and, where neither fits, tangles.

Units in the order of running are cut wherever everything must pass: what lies between two cuts
falls apart into branches, each cut in turn. An edge past all branches is a skip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hubel.analysis.drawing.blocks import Block, Unit, leaves
from hubel.analysis.drawing.nodes import Edges

__all__ = ["Column", "Fork", "Part", "Single", "Tangle", "arranged"]


@dataclass(frozen=True, slots=True)
class Column:
    """Parts one after the other, each reading the one before."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """Branches side by side, all reading what comes before and read by what comes after.

    Attributes:
        branches: at least one.
        has_skip: whether what comes after also reads what comes before.
    """

    branches: tuple[Column, ...]
    has_skip: bool


@dataclass(frozen=True, slots=True)
class Tangle:
    """Units below each other that do not fall apart into branches, with their edges.

    Attributes:
        units: in the order of running.
        edges: pairs of places; -1 is what comes before, and their number what comes after.
    """

    units: tuple[Column, ...]
    edges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Single:
    """One box, or a block with what it holds."""

    unit: Unit
    inside: Column | None = None

    @property
    def leaf(self) -> int:
        """The box, where it is one."""
        assert isinstance(self.unit, int), "a block holds boxes and is none"
        return self.unit


Part = Single | Fork | Tangle

Pairs = Sequence[tuple[int, int]]


def arranged(units: Sequence[Unit], edges: Edges) -> Column:
    """The units of a network or a block as a column.

    Args:
        units: in the order of running.
        edges: what each box reads; what stands outside counts as what comes before.
    """
    places = {leaf: i for i, unit in enumerate(units) for leaf in leaves([unit])}
    return _column(list(range(len(units))), _lifted(places, len(units), edges), units, edges)


def _lifted(places: Mapping[int, int], count: int, edges: Edges) -> list[tuple[int, int]]:
    """Edges between units by place, with -1 before them and their count after them."""
    pairs: set[tuple[int, int]] = set()
    for reader, sources in edges.items():
        to = places.get(reader, count)
        for source in sources:
            start = places.get(source, -1)
            if start != to and start < to and (start, to) != (-1, count):
                pairs.add((start, to))
    starts, ends = {start for start, _ in pairs}, {to for _, to in pairs}
    pairs |= {(-1, i) for i in range(count) if i not in ends}
    pairs |= {(i, count) for i in range(count) if i not in starts}
    return sorted(pairs)


def _column(members: list[int], pairs: Pairs, units: Sequence[Unit], edges: Edges) -> Column:
    """Members by place, with pairs among them, from before them and to after them."""
    rank = {member: i for i, member in enumerate(members)}
    count = len(members)
    local = [(rank.get(a, -1), rank.get(b, count)) for a, b in pairs]
    covered = {k for a, b in local for k in range(a + 1, b)}
    cuts = [-1, *(i for i in range(count) if i not in covered), count]
    parts: list[Part] = []
    for a, b in pairwise(cuts):
        between = list(range(a + 1, b))
        if between:
            inner = [(x, y) for x, y in local if a <= x < y <= b]
            parts.append(_between(members, between, inner, units, edges))
        if b < count:
            parts.append(_single(units[members[b]], edges))
    return Column(tuple(parts))


def _single(unit: Unit, edges: Edges) -> Single:
    inside = arranged(unit.units, edges) if isinstance(unit, Block) else None
    return Single(unit, inside)


def _between(
    members: list[int], between: list[int], pairs: Pairs, units: Sequence[Unit], edges: Edges
) -> Part:
    """What lies between two cuts: branches, or a tangle."""
    first, last = between[0] - 1, between[-1] + 1
    groups = _components(between, pairs)
    has_skip = (first, last) in pairs
    if len(groups) == 1 and not has_skip:
        columns = tuple(Column((_single(units[members[i]], edges),)) for i in between)
        shifted = tuple((a - between[0], b - between[0]) for a, b in pairs)
        return Tangle(columns, shifted)
    branches = tuple(_branch(members, group, pairs, units, edges) for group in groups)
    return Fork(branches, has_skip)


def _branch(
    members: list[int], group: list[int], pairs: Pairs, units: Sequence[Unit], edges: Edges
) -> Column:
    """Some of the members as a column, with what is not among them before or after it."""
    before, after = -1, len(units)
    own = [
        (members[a] if a in group else before, members[b] if b in group else after)
        for a, b in pairs
        if a in group or b in group
    ]
    return _column([members[i] for i in group], own, units, edges)


def _components(places: Sequence[int], pairs: Pairs) -> list[list[int]]:
    """Places that hang together by pairs among them, in the order of their first."""
    group = {place: place for place in places}

    def root(place: int) -> int:
        while group[place] != place:
            place = group[place]
        return place

    for a, b in pairs:
        if a in group and b in group:
            low, high = sorted((root(a), root(b)))
            group[high] = low
    found: dict[int, list[int]] = {}
    for place in places:
        found.setdefault(root(place), []).append(place)
    return list(found.values())
