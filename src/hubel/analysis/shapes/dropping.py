"""Rows and columns that a stride leaves unread, at any input size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hubel.analysis.flow.windows import Axis, window
from hubel.analysis.recording.graph import Graph, Operator
from hubel.analysis.shapes.expressions import Expression
from hubel.analysis.shapes.formulas import Formulas
from hubel.analysis.shapes.shape_rules import positions, rounds_up

__all__ = ["Drop", "Sliding", "drops", "slidings"]

_ROWS = {1: ("positions",), 2: ("rows", "columns"), 3: ("slices", "rows", "columns")}


@dataclass(frozen=True, slots=True)
class Drop:
    """A layer that leaves the end of its input unread.

    Attributes:
        layer: path of the module.
        axis: rows, columns, slices or positions.
        dropped: how many of them.
        size: how many there are.
        arithmetic: how it comes about.
    """

    layer: str
    axis: str
    dropped: int
    size: int
    arithmetic: str

    def to_json(self) -> dict[str, Any]:
        """The fact as JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sliding:
    """One axis of an operator that slides with a stride, whatever the size.

    Attributes:
        axis: the window, with the padding that it has at the size of the graph.
        size: of the input as a formula, without padding; None where it has none.
        padded: the same with the padding that an operator before gave it.
        own: padding of the sliding operator itself, before and after together.
        is_ceil: a last window may end beyond the input.
    """

    axis: Axis
    size: Expression | None
    padded: Expression | None
    own: int
    is_ceil: bool

    def at(self, sides: dict[str, int]) -> tuple[int, int] | None:
        """(what is dropped, what is left when the size is divided by the stride) at some sizes."""
        if self.size is None or self.padded is None:
            return None
        size = self.size.evaluate(sides)
        pads = self.padded.evaluate(sides) - size + self.own
        # Padding that depends on the size is as even as can be, with the odd one at the end.
        is_fixed = pads == self.axis.before + self.axis.after
        before = self.axis.before if is_fixed else pads // 2
        axis = replace(self.axis, size=size, before=before, after=pads - before)
        windows = max(0, positions(axis, size, self.is_ceil))
        return replace(axis, windows=windows).dropped, size % axis.stride


def drops(graph: Graph) -> tuple[Drop, ...]:
    """Every layer that leaves rows or columns at the end unread.

    A layer whose stride is larger than its kernel skips some everywhere; the last of those count
    no more than the others, so that it drops none.

    Example:
        >>> from torch import nn
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> graph, _ = trace(Traceable.of(nn.Conv2d(3, 96, 4, stride=4)), (1, 3, 225, 224))
        >>> drops(graph)[0].arithmetic
        '225 = 56 x 4 + 1'
    """
    found: list[Drop] = []
    for op, axes, _ in _sliding(graph):
        names = _ROWS[len(axes)]
        layer = graph.calls[op.call].path or op.name
        found += [
            Drop(layer, name, axis.dropped, axis.size, _arithmetic(axis))
            for name, axis in zip(names, axes, strict=True)
            if axis.dropped
        ]
    return tuple(found)


def slidings(graph: Graph, formulas: Formulas) -> frozenset[Sliding]:
    """Every different way in which a layer slides with a stride."""
    found: set[Sliding] = set()
    for op, axes, maker in _sliding(graph):
        padded = formulas.shapes[op.inputs[0].id][-len(axes) :]
        inner = formulas.shapes[maker.inputs[0].id][-len(axes) :] if maker else padded
        pads = _padding(maker, len(axes))
        for axis, size, outer, pad in zip(axes, inner, padded, pads, strict=True):
            own = axis.before + axis.after - sum(pad)
            any_size = replace(axis, size=0, windows=0)
            found.add(Sliding(any_size, size, outer, own, rounds_up(op)))
    return frozenset(found)


def _sliding(graph: Graph) -> Iterator[tuple[Operator, tuple[Axis, ...], Operator | None]]:
    """Operators with a stride, their axes, and the operator that padded their input if one did."""
    makers = {value.id: op for op in graph.operators for value in op.outputs}
    for op in graph.operators:
        found = window(op)
        if found is None or max(found.stride) == 1:
            continue
        before = makers.get(op.inputs[0].id)
        maker = before if before and before.name == "constant_pad_nd" else None
        padded = window(op, _padding(maker, len(found.axes)))
        assert padded is not None, "it slides with or without padding"
        yield op, padded.axes, maker


def _padding(maker: Operator | None, axes: int) -> list[tuple[int, int]]:
    amounts: Sequence[int] = maker.arguments[1] if maker else ()
    pairs = [(max(a, 0), max(b, 0)) for a, b in zip(amounts[::2], amounts[1::2], strict=True)]
    return [*pairs, *[(0, 0)] * axes][:axes][::-1]


def _arithmetic(axis: Axis) -> str:
    read = axis.size - axis.dropped
    if axis.extent == axis.stride and not axis.before:
        return f"{axis.size} = {axis.windows} x {axis.stride} + {axis.dropped}"
    spread = f"{axis.windows} windows of {axis.extent}, {axis.stride} apart"
    return f"{spread}, end at {read} of {axis.size}"
