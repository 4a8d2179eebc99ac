"""A graph as the boxes that people read: a layer each, with the light ones after it drawn in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from hubel.analysis.costs import is_free, total_work
from hubel.analysis.drawing.words import is_join, title_of
from hubel.analysis.flow.structure import Flow
from hubel.analysis.layers import Row, rows_of
from hubel.analysis.recording.graph import Graph, Operator, Value

__all__ = ["INPUT", "Drawn", "Edges", "Node", "nodes_of"]

INPUT = -1
"""In the place of a node: the network's input."""

Edges = dict[int, tuple[int, ...]]
"""The nodes that each node reads, by position; `INPUT` among them."""


class Drawn(Protocol):
    """A layer with its numbers, as a design has them."""

    @property
    def name(self) -> str: ...

    @property
    def output(self) -> tuple[int, ...]: ...

    @property
    def parameters(self) -> int: ...

    @property
    def multiply_adds(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Node:
    """One box.

    Attributes:
        title: what it does: `conv 3×3/2`.
        tags: what the light layers drawn into it do: `batch norm`, `relu`.
        names: of its layers.
        output: shape of what it gives, without the batch.
        parameters: of its layers together.
        multiply_adds: of its layers together.
        is_join: whether it only brings several results together.
        calls: the calls of modules that it stands in, outermost first.
        times: how many boxes like it stand in a row.
    """

    title: str
    tags: tuple[str, ...]
    names: tuple[str, ...]
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int
    is_join: bool
    calls: tuple[int, ...]
    times: int = 1


def nodes_of(graph: Graph, layers: Sequence[Drawn]) -> tuple[list[Node], Edges]:
    """The boxes of a graph, in the order of running, and what each reads.

    Args:
        graph: of an evaluation pass.
        layers: its layers with their numbers, in the order of `rows_of`.
    """
    rows, flow = rows_of(graph), Flow.of(graph)
    sources = _Sources(flow).by_row(rows)
    nodes = {
        i: _node(flow, row, layer)
        for i, (row, layer) in enumerate(zip(rows, layers, strict=True))
        if i in sources
    }
    return _fused(nodes, sources, {i for i in nodes if _is_light(rows[i], flow)})


def _node(flow: Flow, row: Row, layer: Drawn) -> Node:
    graph = flow.graph
    working = [op for op in row.operators if not is_free(op)] or list(row.operators)
    call = graph.calls[working[0].call]
    chain = _chain(graph, call.index)
    is_module = not any(other.parent == call.index for other in graph.calls)
    return Node(
        title=title_of(row, flow),
        tags=(),
        names=(layer.name,),
        output=tuple(layer.output),
        parameters=layer.parameters,
        multiply_adds=layer.multiply_adds,
        is_join=is_join(row, flow),
        calls=_blocks(graph, chain[:-1] if is_module else chain),
    )


def _blocks(graph: Graph, chain: tuple[int, ...]) -> tuple[int, ...]:
    """The calls of a chain that are blocks: neither the network itself nor plain lists."""
    return tuple(call for call in chain[1:] if graph.calls[call].kind not in _LISTS)


_LISTS = {"Sequential", "ModuleList", "ModuleDict"}


def _chain(graph: Graph, call: int) -> tuple[int, ...]:
    """The calls around a call and itself, the network first."""
    chain: list[int] = []
    while call >= 0:
        chain.append(call)
        call = graph.calls[call].parent
    return tuple(reversed(chain))


class _Sources:
    """Which layers each layer reads, past what only views and copies."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.origins: dict[int, frozenset[int]] = {
            value.id: frozenset([INPUT]) for value in flow.graph.inputs
        }
        self.writes: defaultdict[int, list[tuple[int, frozenset[int]]]] = defaultdict(list)

    def by_row(self, rows: Sequence[Row]) -> Edges:
        """The rows that each row reads; rows that do nothing but move are left out."""
        owner = {op.index: i for i, row in enumerate(rows) for op in row.operators}
        read: dict[int, set[int]] = {}
        for op in self.flow.graph.operators:
            found = frozenset[int]().union(*(self._of(x, op) for x in self.flow.moving(op)))
            row = owner[op.index]
            is_join = op.name in _JOINS and len(op.inputs) > 1
            if (is_join or not is_free(op)) and found:
                read.setdefault(row, set()).update(found - {row})
                found = frozenset([row])
            self._note(op, found)
        return {row: tuple(sorted(found)) for row, found in sorted(read.items())}

    def _of(self, value: Value, reader: Operator) -> frozenset[int]:
        """The layers that a value comes from, with those that wrote into its storage since."""
        maker = self.flow.producers.get(value.id, -1)
        later = [found for index, found in self.writes[value.storage] if index > maker]
        return self.origins.get(value.id, frozenset()).union(*later)

    def _note(self, op: Operator, found: frozenset[int]) -> None:
        read = {value.storage for value in op.inputs}
        for value in op.outputs:
            self.origins[value.id] = found
            if value.storage in read and not op.target.is_view:
                self.writes[value.storage].append((op.index, found))


_JOINS = {"cat", "stack"}


def _is_light(row: Row, flow: Flow) -> bool:
    """Whether a layer only normalises, activates or scales: a word in the box before it."""
    done = total_work(row.operators)
    return not (done.products or done.pooling or done.max_pooling or is_join(row, flow))


def _fused(nodes: dict[int, Node], sources: Edges, light: set[int]) -> tuple[list[Node], Edges]:
    """Draw light layers into the box before them, where that is the only one on either side."""
    readers = Counter(source for found in sources.values() for source in found)
    into: dict[int, int] = {}
    for i in sorted(nodes):
        before = sources[i]
        if i in light and len(before) == 1 and before[0] != INPUT and readers[before[0]] == 1:
            head = into.get(before[0], before[0])
            if _stands_with(nodes[i], nodes[head]):
                into[i] = head
                nodes[head] = _with(nodes[head], nodes[i])
    kept = [i for i in sorted(nodes) if i not in into]
    place = {i: at for at, i in enumerate(kept)} | {INPUT: INPUT}
    edges = {
        place[i]: tuple(sorted({place[into.get(source, source)] for source in sources[i]}))
        for i in kept
    }
    return [nodes[i] for i in kept], edges


def _stands_with(light: Node, head: Node) -> bool:
    """In the same block; or after the block, if it has no parameters of its own."""
    around = head.calls[: len(light.calls)] == light.calls
    return light.calls == head.calls or (around and not light.parameters)


def _with(head: Node, light: Node) -> Node:
    return replace(
        head,
        tags=(*head.tags, light.title),
        names=(*head.names, *light.names),
        output=light.output,
        parameters=head.parameters + light.parameters,
        multiply_adds=head.multiply_adds + light.multiply_adds,
    )
