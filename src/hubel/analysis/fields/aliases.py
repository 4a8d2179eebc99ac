"""Tensors that share memory: what is written through one is read through the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from hubel.analysis.fields.joins import collapsed
from hubel.analysis.fields.reach import Reach, joined
from hubel.analysis.fields.rules.table import results, rule_of
from hubel.analysis.fields.span import EMPTY, Rows, Span
from hubel.analysis.recording.graph import Operator, Value

__all__ = ["MOST", "Aliases"]

MOST = 2_500_000
"""Elements of a tensor that are told apart when a part of it is written; beyond, a bound."""


@dataclass(slots=True)
class Aliases:
    """The tensors that hold each storage, and how they came about.

    Attributes:
        holders: by storage, the latest value of each tensor.
        views: by value id, the operator that made the view, and which of its outputs it is.
        earlier: by value id, the value that the tensor held before an operator in place.
        later: the other way round.
    """

    holders: defaultdict[int, list[Value]] = field(
        default_factory=lambda: defaultdict[int, list[Value]](list)
    )
    views: dict[int, tuple[Operator, int]] = field(default_factory=dict[int, tuple[Operator, int]])
    earlier: dict[int, Value] = field(default_factory=dict[int, Value])
    later: dict[int, Value] = field(default_factory=dict[int, Value])

    def note(self, op: Operator) -> list[Value]:
        """Take up what an operator gave; those of its outputs that it wrote in place."""
        written: list[Value] = []
        for number, output in enumerate(op.outputs):
            source = _source(op, output)
            if source is None:
                self.holders[output.storage].append(output)
            elif op.target._schema.is_mutable:
                self._replace(source, output)
                written.append(output)
            else:
                self.views[output.id] = op, number
                self.holders[output.storage].append(output)
        return written

    def _replace(self, old: Value, new: Value) -> None:
        self.earlier[new.id], self.later[old.id] = old, new
        holders = self.holders[new.storage]
        holders[:] = [*(x for x in holders if x.id != old.id), new]

    def others(
        self, value: Value, reaches: Mapping[int, Reach], is_read: Callable[[Value], bool]
    ) -> Iterator[tuple[Value, Reach | None]]:
        """What the other holders of a storage see, once a value of it was written.

        Args:
            value: that was written.
            reaches: of all values; the others' are those from before.
            is_read: whether anything reads a value from now on.
        """
        first = self._path(value)[0]
        root = self._now(first)
        holders = [x for x in self.holders[value.storage] if x != root and is_read(x)]
        others = [x for x in (root, *holders) if x.id != value.id]
        memory = None
        if others and root.numel <= MOST and self._is_followed(value):
            memory = self._memory(root, value, reaches)
        for other in others:
            if memory is None or self._path(other)[0] != first or not self._is_followed(other):
                yield other, _bounded(other, value, reaches)
            elif other == root:
                yield other, memory.settled()
            else:
                yield other, _looked_up(memory, self._places(other))

    def _now(self, value: Value) -> Value:
        """What the tensor of a value holds now."""
        while value.id in self.later:
            value = self.later[value.id]
        return value

    def _path(self, value: Value) -> tuple[Value, list[Operator]]:
        """The first value of the tensor that a value is a view of, and the views on the way."""
        path: list[Operator] = []
        while True:
            if value.id in self.earlier:
                value = self.earlier[value.id]
            elif value.id in self.views:
                op = self.views[value.id][0]
                path.append(op)
                value = _source(op, value) or value
            else:
                return value, path

    def _is_followed(self, value: Value) -> bool:
        return all(rule_of(op) is not None for op in self._path(value)[1])

    def _places(self, value: Value) -> Rows:
        """Which elements of its root a view's elements are: run the views on their numbers."""
        if value.id in self.earlier:
            return self._places(self.earlier[value.id])
        if value.id not in self.views:
            return np.arange(value.numel, dtype=np.int32).reshape(value.shape)
        op, number = self.views[value.id]
        source = _source(op, value)
        assert source is not None, "a view has a source"
        places = Reach(source.shape, (Span(self._places(source)[None]),))
        made = results(op, {source.id: places})[number]
        assert made is not None, "a view sees its source"
        return np.broadcast_to(made.spans[0].rows[0], value.shape)

    def _memory(self, root: Value, value: Value, reaches: Mapping[int, Reach]) -> Reach | None:
        """What the elements of the root see, with those written that a view holds."""
        new, old = reaches.get(value.id), reaches.get(root.id)
        known = [reach for reach in (old, new) if reach is not None]
        if not known:
            return None
        places = self._places(value).ravel()
        spans: list[Span] = []
        for number in range(len(known[0].spans)):
            rows = _flat(old, number, root.shape)
            rows[:, places] = _flat(new, number, value.shape)
            spans.append(Span(rows.reshape(2, *root.shape)))
        return Reach(root.shape, tuple(spans), joined(reach.note for reach in known))


def _source(op: Operator, output: Value) -> Value | None:
    """The argument whose memory an output shares."""
    return next((x for x in op.inputs if x.storage == output.storage), None)


def _flat(reach: Reach | None, number: int, shape: tuple[int, ...]) -> Rows:
    """One span, an element a column; what depends on no input sees nothing."""
    if reach is None:
        return np.full((2, int(np.prod(shape))), EMPTY, dtype=np.int32)
    return np.broadcast_to(reach.spans[number].rows[:2], (2, *shape)).reshape(2, -1).copy()


def _looked_up(memory: Reach, places: Rows) -> Reach:
    found = memory.mapped(
        lambda span: Span(span.rows.reshape(2, -1).take(places, axis=1)), places.shape
    )
    return found.settled()


def _bounded(other: Value, value: Value, reaches: Mapping[int, Reach]) -> Reach | None:
    """Any element may see what any written one sees."""
    known = [reaches[x.id] for x in (other, value) if x.id in reaches]
    return collapsed(known, other.shape, "memory written through a view") if known else None
