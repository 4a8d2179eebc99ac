"""Nodes gathered into the blocks that they stand in, and blocks that repeat drawn once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from hubel.analysis.drawing.nodes import INPUT, Edges, Node
from hubel.analysis.recording.graph import Graph

__all__ = ["Block", "Unit", "blocks_of", "closed", "leaves"]


@dataclass(frozen=True, slots=True)
class Block:
    """Units drawn within one outline.

    Attributes:
        kind: class of the module, or empty where the units only repeat together.
        names: paths of its modules, one each time that it stands there.
        units: within it; of the first one, where it repeats.
        times: how often it stands in a row.
    """

    kind: str
    names: tuple[str, ...]
    units: tuple[Unit, ...]
    times: int = 1


Unit = int | Block
"""A node, by its place in the list of nodes, or a block."""


def leaves(units: Iterable[Unit]) -> Iterator[int]:
    """The nodes of units, in order."""
    for unit in units:
        if isinstance(unit, Block):
            yield from leaves(unit.units)
        else:
            yield unit


def blocks_of(graph: Graph, nodes: Sequence[Node], edges: Edges) -> tuple[Unit, ...]:
    """Nodes by the modules that they stand in; modules that are only a chain have no outline."""
    outlined = _outlined(graph, nodes, edges)
    members = [
        (i, tuple(call for call in nodes[i].calls if call in outlined)) for i in range(len(nodes))
    ]
    return _gathered(graph, members, 0)


def _gathered(
    graph: Graph, members: Sequence[tuple[int, tuple[int, ...]]], depth: int
) -> tuple[Unit, ...]:
    units: list[Unit] = []
    for call, group in groupby(members, lambda member: member[1][depth : depth + 1]):
        within = list(group)
        if not call:
            units.extend(i for i, _ in within)
        else:
            inner = _gathered(graph, within, depth + 1)
            found = graph.calls[call[0]]
            is_block = len(inner) > 1
            units.extend([Block(found.kind, (found.path,), inner)] if is_block else inner)
    return tuple(units)


def _outlined(graph: Graph, nodes: Sequence[Node], edges: Edges) -> set[int]:
    """The calls of the kinds of module in which results fork or come together."""
    kinds: set[str] = set()
    for i, node in enumerate(nodes):
        if node.calls and len(edges[i]) > 1:
            kinds.add(graph.calls[node.calls[-1]].kind)
    return {call for node in nodes for call in node.calls if graph.calls[call].kind in kinds}


def closed(
    units: Sequence[Unit], nodes: Sequence[Node], edges: Edges
) -> tuple[tuple[Unit, ...], list[Node], Edges]:
    """The innermost blocks as one box each."""
    kept: list[Node] = []
    place: dict[int, int] = {INPUT: INPUT}

    def close(unit: Unit) -> Unit:
        if isinstance(unit, Block) and any(isinstance(inner, Block) for inner in unit.units):
            return replace(unit, units=tuple(map(close, unit.units)))
        members = list(leaves([unit]))
        place.update(dict.fromkeys(members, len(kept)))
        first = nodes[members[0]]
        kept.append(
            _as_one(unit, [nodes[i] for i in members]) if isinstance(unit, Block) else first
        )
        return len(kept) - 1

    found = tuple(map(close, units))
    read: dict[int, set[int]] = {i: set() for i in range(len(kept))}
    for i, sources in edges.items():
        read[place[i]] |= {place[source] for source in sources} - {place[i]}
    return found, kept, {i: tuple(sorted(sources)) for i, sources in read.items()}


def _as_one(block: Block, nodes: Sequence[Node]) -> Node:
    layers = tuple(name for node in nodes for name in node.names)
    return replace(
        nodes[-1],
        title=block.kind,
        tags=(f"{len(layers)} layers",),
        names=(*block.names, *layers),
        parameters=sum(node.parameters for node in nodes),
        multiply_adds=sum(node.multiply_adds for node in nodes),
        is_join=False,
    )
