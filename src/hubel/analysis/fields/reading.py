"""Receptive fields of all values of a graph, operator by operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from hubel.analysis.fields.aliases import Aliases
from hubel.analysis.fields.field import Field
from hubel.analysis.fields.reach import Reach, of_input
from hubel.analysis.fields.rules.table import results
from hubel.analysis.fields.summary import summarise
from hubel.analysis.recording.graph import Graph, Operator, Value

__all__ = ["Fields", "receptive_fields"]


def receptive_fields(graph: Graph) -> Fields:
    """What every value of a network sees of its input.

    The axes are those of the first input after batch and channels; further inputs of the same
    shape count as the same picture.

    Args:
        graph: of one pass, in evaluation mode.

    Returns:
        The field by value id, for the values that depend on the input. Nothing if the input has
        no axes.

    Example:
        >>> from torch import nn
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> stack = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2))
        >>> graph, _ = trace(Traceable.of(stack), (1, 3, 32, 32))
        >>> field = receptive_fields(graph)[graph.outputs[0].id]
        >>> field.size, field.start, field.window((0, 0, 0, 15))
        ((4, 4), (-1, -1), ((0, 2), (29, 31)))

    The size of a stack is the sum of (kernel - 1) times the strides before it, plus 1
    (Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks,
    https://distill.pub/2019/computing-receptive-fields). Here every element's own window is
    followed, so that branches, borders and views are right too.
    """
    sides = graph.inputs[0].shape[2:]
    reading = _Reading(_last_reads(graph))
    for value in graph.inputs if sides else ():
        if value.shape == graph.inputs[0].shape:
            reading.reaches[value.id] = of_input(value.shape)
    for op in graph.operators:
        reading.run(op)
    seeing = {at: reach for at, reach in reading.reaches.items() if not reach.is_blind}
    return Fields(seeing, sides)


class Fields(Mapping[int, Field]):
    """Fields by value id; each is summarised when it is asked for."""

    def __init__(self, reaches: Mapping[int, Reach], sides: tuple[int, ...]) -> None:
        self._reaches = reaches
        self._sides = sides
        self._fields: dict[int, Field] = {}

    def __getitem__(self, value_id: int) -> Field:
        reach = self._reaches[value_id]
        # Operators that change elements one by one hand the reach on as it is.
        if id(reach) not in self._fields:
            self._fields[id(reach)] = summarise(reach, self._sides)
        return self._fields[id(reach)]

    def __iter__(self) -> Iterator[int]:
        return iter(self._reaches)

    def __len__(self) -> int:
        return len(self._reaches)


def _last_reads(graph: Graph) -> dict[int, int]:
    reads = {value.id: op.index for op in graph.operators for value in op.inputs}
    return reads | {value.id: len(graph.operators) for value in graph.outputs}


def _is_same(one: Reach | None, other: Reach | None) -> bool:
    """Whether windows are certainly equal within the input."""
    if one is None or other is None or one is other:
        return one is other
    pairs = zip(one.spans, other.spans, strict=True)
    return all(np.array_equal(a.rows[:2], b.rows[:2]) for a, b in pairs)


@dataclass(slots=True)
class _Reading:
    """Where the reading of a graph has come to.

    Attributes:
        last_reads: by value id, the index of the last operator that reads it.
        reaches: of the values so far, brought up to date when their memory is written to.
        aliases: which values share memory.
    """

    last_reads: dict[int, int]
    reaches: dict[int, Reach] = field(default_factory=dict[int, Reach])
    aliases: Aliases = field(default_factory=Aliases)

    def run(self, op: Operator) -> None:
        """Note what an operator's outputs see, and what other views of their memory then do."""
        for value, reach in zip(op.outputs, results(op, self.reaches), strict=True):
            self._keep(value, reach)
        for value in self.aliases.note(op):
            before = self.reaches.get(self.aliases.earlier[value.id].id)
            if not _is_same(before, self.reaches.get(value.id)):
                is_read = partial(self._is_read_after, op.index)
                for other, reach in list(self.aliases.others(value, self.reaches, is_read)):
                    self._keep(other, reach)

    def _is_read_after(self, index: int, value: Value) -> bool:
        return self.last_reads.get(value.id, -1) > index

    def _keep(self, value: Value, reach: Reach | None) -> None:
        """What would see nothing of any input counts as not depending on it."""
        if reach is None or not value.numel or reach.is_void:
            self.reaches.pop(value.id, None)
        else:
            self.reaches[value.id] = reach
