"""Blocks and boxes that stand several times in a row, drawn once with how often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from hubel.analysis.drawing.blocks import Block, Unit, leaves
from hubel.analysis.drawing.nodes import INPUT, Edges, Node

__all__ = ["Box", "Scene", "exactly", "folded", "loosely"]

_MOST_IN_A_PATTERN = 8

Alike = Callable[[Node], Any]
"""What nodes must agree in for what they make up to be drawn once."""


def exactly(node: Node) -> Any:
    """The same layers with the same sizes."""
    return node.title, node.tags, node.output


def loosely(node: Node) -> Any:
    """The same layers, whatever their widths and sizes."""
    return node.title, node.tags


@dataclass(frozen=True, slots=True)
class Box:
    """What is drawn in the place of one or several nodes.

    Attributes:
        nodes: that it stands for.
        times: how often the box itself stands in a row, outside of any block that repeats.
    """

    nodes: tuple[Node, ...]
    times: int = 1

    @property
    def first(self) -> Node:
        """The first of its nodes."""
        return self.nodes[0]

    @property
    def parameters(self) -> int:
        """Of all its nodes."""
        return sum(node.parameters for node in self.nodes)

    @property
    def multiply_adds(self) -> int:
        """Of all its nodes."""
        return sum(node.multiply_adds for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is drawn: boxes, blocks around them, and what each box reads."""

    units: tuple[Unit, ...]
    boxes: dict[int, Box]
    edges: Edges


def folded(units: Sequence[Unit], nodes: Sequence[Node], edges: Edges, alike: Alike) -> Scene:
    """Draw once what stands several times in a row, alike and each reading the one before.

    Args:
        units: all, in the order of running.
        nodes: of the units.
        edges: what each node reads.
        alike: what nodes must agree in.
    """
    fold = _Fold(nodes, edges, alike)
    found = fold.units(tuple(units))
    members: defaultdict[int, list[Node]] = defaultdict(list)
    for i, node in enumerate(nodes):
        members[fold.drawn(i)].append(node)
    boxes = {i: Box(tuple(group), fold.times.get(i, 1)) for i, group in members.items()}
    read = {
        i: tuple(sorted({fold.drawn(source) for source in edges[i]} - {i})) for i in boxes
    }  # fmt: skip
    return Scene(found, boxes, read)


class _Fold:
    def __init__(self, nodes: Sequence[Node], edges: Edges, alike: Alike) -> None:
        self.nodes = nodes
        self.edges = edges
        self.alike = alike
        self.place: dict[int, int] = {}
        self.times: dict[int, int] = {}
        self.readers: defaultdict[int, set[int]] = defaultdict(set)
        for i, sources in edges.items():
            for source in sources:
                self.readers[source].add(i)

    def drawn(self, node: int) -> int:
        """The node that is drawn in the place of a node."""
        while node in self.place:
            node = self.place[node]
        return node

    def units(self, units: tuple[Unit, ...]) -> tuple[Unit, ...]:
        """Fold among units, then within those that are drawn."""
        signs = [self._sign((unit,)) for unit in units]
        found: list[Unit] = []
        at = 0
        while at < len(units):
            length, times = self._pattern(units, signs, at)
            found.extend(self._folded(units[at : at + length * times], length, times))
            at += length * times
        return tuple(found)

    def _folded(self, span: tuple[Unit, ...], length: int, times: int) -> tuple[Unit, ...]:
        """A pattern and its repeats as what is drawn for them."""
        copies = _copies(span, length)
        originals = list(leaves(copies[0]))
        for copy in copies[1:]:
            self.place.update(zip(leaves(copy), originals, strict=True))
        inner = tuple(
            replace(unit, units=self.units(unit.units)) if isinstance(unit, Block) else unit
            for unit in copies[0]
        )
        if times == 1:
            return inner
        if length > 1:
            return (Block("", (), inner, times),)
        (one,) = inner
        if isinstance(one, Block):
            names = tuple(name for unit in span if isinstance(unit, Block) for name in unit.names)
            return (replace(one, names=names, times=times),)
        self.times[one] = times
        return inner

    def _pattern(self, units: Sequence[Unit], signs: Sequence[Any], at: int) -> tuple[int, int]:
        """Length of the pattern that begins here and saves most, and how often it stands there."""
        best, saved = (1, 1), 0
        for length in range(1, _MOST_IN_A_PATTERN + 1):
            pattern = signs[at : at + length]
            times = 1
            while signs[at + times * length : at + (times + 1) * length] == pattern:
                times += 1
            while times > 1 and not self._repeats(units[at : at + length * times], length):
                times -= 1
            if times > 1 and (times - 1) * length > saved:
                best, saved = (length, times), (times - 1) * length
        return best

    def _repeats(self, span: Sequence[Unit], length: int) -> bool:
        """Whether copies are alike, each reads the one before, and none is read from elsewhere."""
        copies = _copies(span, length)
        if len({self._sign(copy) for copy in copies}) > 1:
            return False
        members = [set(leaves(copy)) for copy in copies]
        whole = set[int]().union(*members)
        for before, after in pairwise(members):
            read = set[int]().union(*(self.readers[i] for i in before))
            if not read & after or (self.alike is exactly and read - whole):
                return False
        return True

    def _sign(self, units: tuple[Unit, ...]) -> Any:
        """What must agree: the blocks, the nodes, and the edges between them."""
        members = list(leaves(units))
        place = {member: at for at, member in enumerate(members)}
        alike = self.alike if isinstance(units[0], Block) else exactly
        inside = tuple(
            (
                alike(self.nodes[i]),
                tuple(sorted({place.get(source, INPUT) for source in self.edges[i]})),
            )
            for i in members
        )
        return tuple(map(_outline, units)), inside


def _outline(unit: Unit) -> Any:
    return (unit.kind, *map(_outline, unit.units)) if isinstance(unit, Block) else 0


def _copies(span: Sequence[Unit], length: int) -> list[tuple[Unit, ...]]:
    return [tuple(span[i : i + length]) for i in range(0, len(span), length)]
