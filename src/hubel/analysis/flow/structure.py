"""How values flow through a graph: who makes each, who reads it, what depends on the input."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hubel.analysis.flow.windows import Window, window
from hubel.analysis.layers import rows_of
from hubel.analysis.recording.graph import Graph, Operator, Value

__all__ = ["PADDINGS", "Flow"]

PADDINGS = frozenset(
    f"{kind}_pad{axes}" for kind in ("reflection", "replication") for axes in ("1d", "2d", "3d")
) | {"constant_pad_nd"}

Inputs = Sequence[tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Flow:
    """A graph with its edges.

    Attributes:
        graph: the graph.
        producers: index of the operator that made a value, by value id; inputs have none.
        readers: indices of the operators that read a value, by value id.
        fixed: ids of values that do not depend on the input: constants, and what only they make.
        names: name of the layer that each operator belongs to, by operator index.
        live: indices of the operators whose results reach an output.

    Example:
        >>> import torch
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> module = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU())
        >>> flow = Flow.of(trace(Traceable.of(module), (1, 8))[0])
        >>> linear = next(op for op in flow.graph.operators if op.name == "addmm")
        >>> flow.names[linear.index], flow.only_reader(linear.outputs[0]).name
        ('0', 'relu')
    """

    graph: Graph
    producers: dict[int, int]
    readers: dict[int, tuple[int, ...]]
    fixed: frozenset[int]
    names: dict[int, str]
    live: frozenset[int]
    _moving: tuple[tuple[Value, ...], ...]
    _windows: dict[int, Window | None] = field(default_factory=dict[int, Window | None])

    @classmethod
    def of(cls, graph: Graph) -> Flow:
        """The edges of a graph."""
        readers: defaultdict[int, list[int]] = defaultdict(list)
        producers: dict[int, int] = {}
        inputs = [op.inputs for op in graph.operators]
        for op, read in zip(graph.operators, inputs, strict=True):
            producers |= {value.id: op.index for value in op.outputs}
            for key in {value.id for value in read}:
                readers[key].append(op.index)
        fixed = _fixed(graph, inputs)
        return cls(
            graph=graph,
            producers=producers,
            readers={key: tuple(found) for key, found in readers.items()},
            fixed=fixed,
            names={op.index: row.name for row in rows_of(graph) for op in row.operators},
            live=_live(graph, inputs),
            _moving=tuple(tuple(x for x in read if x.id not in fixed) for read in inputs),
        )

    @property
    def batch(self) -> int:
        """Samples in the input."""
        return self.graph.inputs[0].shape[0]

    def moving(self, op: Operator) -> tuple[Value, ...]:
        """The values that an operator reads and that depend on the network's input."""
        return self._moving[op.index]

    def producer(self, value: Value) -> Operator | None:
        """The operator that made a value; None for an input or a parameter."""
        index = self.producers.get(value.id)
        return None if index is None else self.graph.operators[index]

    def only_reader(self, value: Value) -> Operator | None:
        """The one operator that reads a value; None where there are more, or it is an output."""
        found = self.readers.get(value.id, ())
        is_output = any(value.id == output.id for output in self.graph.outputs)
        return None if is_output or len(found) != 1 else self.graph.operators[found[0]]

    def parameter(self, value: Value) -> str | None:
        """The path of the parameter that a value is, or is a view of; None for every other."""
        at: Value | None = value
        while at is not None:
            if at.id in self.graph.parameters:
                return self.graph.parameters[at.id]
            maker = self.producer(at)
            at = maker.inputs[0] if maker and maker.target.is_view and maker.inputs else None
        return None

    def window(self, op: Operator) -> Window | None:
        """The window of an operator, over the map before an operator that only pads it."""
        if op.index not in self._windows:
            self._windows[op.index] = self._window(op)
        return self._windows[op.index]

    def _window(self, op: Operator) -> Window | None:
        found = window(op)
        pad = self.producer(op.inputs[0]) if found else None
        if found is None or pad is None or pad.name not in PADDINGS:
            return found
        pairs = _padding_pairs(pad, len(found.axes))
        is_only = self.only_reader(op.inputs[0]) is not None
        return window(op, pairs) if is_only and min(map(min, pairs)) >= 0 else found


def _padding_pairs(pad: Operator, axes: int) -> list[tuple[int, int]]:
    """What a padding operator adds before and after on each of the last axes."""
    given: Any = pad.arguments[1]
    pairs = list(zip(given[::2], given[1::2], strict=True))[::-1]
    return ([(0, 0)] * (axes - len(pairs)) + pairs)[-axes:]


def _fixed(graph: Graph, inputs: Inputs) -> frozenset[int]:
    """By storage: what is written into a constant's copy later makes the whole of it depend."""
    moving = {value.storage for value in graph.inputs}
    size = 0
    while len(moving) > size:
        size = len(moving)
        for op, read in zip(graph.operators, inputs, strict=True):
            if any(value.storage in moving for value in read):
                moving |= {value.storage for value in op.outputs}
    values = [
        x for op, read in zip(graph.operators, inputs, strict=True) for x in read + op.outputs
    ]
    return graph.constants | {value.id for value in values if value.storage not in moving}


def _live(graph: Graph, inputs: Inputs) -> frozenset[int]:
    """Backwards from the outputs, by storage: a write into what is read later counts as read."""
    wanted = {value.storage for value in graph.outputs}
    live: set[int] = set()
    for op in reversed(graph.operators):
        if any(value.storage in wanted for value in op.outputs):
            live.add(op.index)
            wanted |= {value.storage for value in inputs[op.index]}
    return frozenset(live)
