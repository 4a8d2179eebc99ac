"""The shape of every value of a network, as formulas in the input's sizes.

Convolutions, poolings and the like have rules; the formulas of all other operators are read off
passes at a few other sizes. Every formula gives the right number at all of those sizes; what has
none is said to be unknown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hubel.analysis.recording.graph import Graph, Operator, Value
from hubel.analysis.recording.trace import Traceable
from hubel.analysis.shapes.alignment import aligned_shapes
from hubel.analysis.shapes.expressions import Expression, constant, symbol
from hubel.analysis.shapes.matching import Column, Matcher
from hubel.analysis.shapes.probes import Axes, Granularity, Probe, Probes
from hubel.analysis.shapes.shape_rules import Shape, ruled_shape

__all__ = ["Formulas", "shape_formulas"]

_FEW = 3  # passes that settle a network all of whose operators have rules
_MORE = 3  # passes that decide between expressions that fit all others


@dataclass(frozen=True, slots=True)
class Formulas:
    """Shapes in symbols.

    Attributes:
        shapes: of every value of the graph, by its id; None where no formula is known.
        symbols: that occur, in the order of the input's axes.
        probes: sizes by symbol of every pass that the formulas were made from.
        notes: what the formulas take for granted.
    """

    shapes: dict[int, Shape]
    symbols: tuple[str, ...]
    probes: tuple[dict[str, int], ...]
    notes: tuple[str, ...] = ()

    def text(self, value: Value) -> str:
        """The shape as people write it; a question mark for what is unknown."""
        return " x ".join("?" if dim is None else str(dim) for dim in self.shapes[value.id])

    def evaluate(self, value: Value, **sizes: int) -> tuple[int | None, ...]:
        """The shape at given sizes of the input.

        An axis is None where it is unknown, and where its formula gives less than 1: a network
        that takes such a size does something else there than at the size of the graph.
        """
        found = (None if dim is None else dim.evaluate(sizes) for dim in self.shapes[value.id])
        return tuple(size if size and size > 0 else None for size in found)

    @property
    def unknown(self) -> int:
        """How many values have an axis without a formula."""
        return sum(1 for shape in self.shapes.values() if None in shape)

    def product(self, *values: Value) -> Expression | None:
        """How many elements the values have together, multiplied."""
        dims = [dim for value in values for dim in self.shapes[value.id]]
        return None if None in dims else math.prod((d for d in dims if d), start=constant(1))


def shape_formulas(network: Traceable, graph: Graph, probes: Probes | None = None) -> Formulas:
    """Formulas in N (batch) and the input's axes for the shape of every value.

    Args:
        network: that the graph was made from.
        graph: of one pass.
        probes: passes at other sizes that were made already.

    Returns:
        Formulas; a network that takes squares only has W = H, one that takes a single size has
        numbers in the place of H and W, and `notes` say so.

    Example:
        >>> from torch import nn
        >>> from hubel.analysis.recording.trace import trace
        >>> network = Traceable.of(nn.Conv2d(3, 64, 7, stride=2, padding=3))
        >>> graph, _ = trace(network, (1, 3, 224, 224))
        >>> formulas = shape_formulas(network, graph)
        >>> formulas.text(graph.outputs[0])
        'N x 64 x ceil(H/2) x ceil(W/2)'
        >>> formulas.evaluate(graph.outputs[0], N=2, H=225, W=33)
        (2, 64, 113, 17)
    """
    probes = probes or Probes(network, graph)
    passes = probes.some()
    taken = [probe for probe, _ in zip(passes, range(_FEW), strict=False)]
    solved = _Solver(probes, taken)
    if solved.matcher.has_fitted or solved.has_varied or probes.granularity.reach:
        taken += passes
        solved = _Solver(probes, taken)
    for _ in range(_MORE):
        deciding = [probes.at(point) for point in solved.matcher.undecided[:1]]
        if not deciding or deciding[0] is None:
            break
        taken.append(deciding[0])
        solved = _Solver(probes, taken)
    points = tuple(probe.sizes for probe in taken)
    names = tuple(name for name, x in solved.symbols.items() if x.value is None)
    return Formulas(solved.shapes, names, points, _notes(probes))


def _notes(probes: Probes) -> tuple[str, ...]:
    known, axes = probes.granularity, probes.axes
    notes = [
        f"{name} is fixed at {size}: it is a number in the formulas"
        for name, size in probes.fixed.items()
    ]
    spatial = axes.spatial
    size = " x ".join(str(axes.sizes[name]) for name in spatial)
    if spatial and known.step is None:
        notes.append(f"only {size} was found to be taken: its sizes are numbers in the formulas")
    if known.is_square:
        notes.append(f"unequal sides are not taken: {' = '.join(spatial)}")
    if known.step and known.step > 1:
        notes.append(f"sides are taken that differ from {size} by multiples of {known.step}")
    if known.reach and known.step:
        low, high = (known.step * move for move in (-known.reach[0], known.reach[1]))
        ends = [" x ".join(str(axes.sizes[n] + move) for n in spatial) for move in (low, high)]
        notes.append(f"sizes are taken from {ends[0]} to {ends[1]}")
    if probes.stopped:
        notes.append(
            f"the larger the input, the more operators run (a loop over positions), so sizes far "
            f"from {size} were not run to their end: the formulas hold at those that were"
        )
    if known.is_batch_fixed:
        notes.append(f"only batches of {axes.sizes['N']} are taken")
    return tuple(notes)


def _symbols(axes: Axes, known: Granularity) -> dict[str, Expression]:
    """An expression for every axis that varies, a number for one that does not."""
    made: dict[str, Expression] = {}
    for name, size in axes.sizes.items():
        if name == "N":
            made[name] = constant(size) if known.is_batch_fixed else symbol("N")
        elif known.step is None:
            made[name] = constant(size)
        else:
            shown = axes.spatial[0] if known.is_square else name
            made[name] = symbol(shown, known.step, size)
    return made


class _Solver:
    """Goes through the operators in order and names the size of every axis."""

    def __init__(self, probes: Probes, passes: Sequence[Probe]) -> None:
        base = probes.base.graph
        self.symbols = _symbols(probes.axes, probes.granularity)
        self.matcher = Matcher([probe.sizes for probe in passes], list(probes.elsewhere()))
        self.others = [aligned_shapes(base, probe.graph) for probe in passes[1:]]
        self.has_varied = any(len(probe.graph.operators) != len(base.operators) for probe in passes)
        self.constants = base.constants
        self.shapes: dict[int, Shape] = {}
        for value, names in zip(base.inputs, probes.axes.names, strict=True):
            pairs = zip(names, value.shape, strict=True)
            self._keep(value, tuple(self.symbols[n] if n else constant(s) for n, s in pairs))
        for op in base.operators:
            self._operator(op)
        for value in base.outputs:
            self._of(value)

    def _keep(self, value: Value, shape: Shape) -> None:
        self.shapes[value.id] = shape
        for dim in shape:
            if dim is not None:
                self.matcher.learn(dim)

    def _columns(self, value: Value) -> list[Column]:
        rank = len(value.shape)
        shapes: list[Any] = [value.shape, *(other.get(value.id) for other in self.others)]
        if () in shapes:  # one value here and two elsewhere: no formula is true of both
            return [(None,) * len(shapes)] * rank
        fitting = [s if s is not None and len(s) == rank else (None,) * rank for s in shapes]
        return list(zip(*fitting, strict=True))

    def _of(self, value: Value) -> Shape:
        """The shape of a value; one that no operator made is a constant or told from its sizes."""
        if value.id not in self.shapes:
            dims = [self._size(column, [], 0, None) for column in self._columns(value)]
            is_fixed = value.id in self.constants
            self._keep(value, tuple(map(constant, value.shape)) if is_fixed else tuple(dims))
        return self.shapes[value.id]

    def _operator(self, op: Operator) -> None:
        if not op.outputs:
            return
        inputs = [self._of(value) for value in op.inputs]
        ruled = ruled_shape(op, self._of)
        for value in op.outputs:
            rank = len(value.shape)
            rules = ruled if len(ruled) == rank else (None,) * rank
            dims = [
                self._size(column, inputs, place - rank, rule)
                for place, (column, rule) in enumerate(
                    zip(self._columns(value), rules, strict=True)
                )
            ]
            self._keep(value, self._completed(op, value, inputs, dims))
        if op.name == "constant_pad_nd":
            self.matcher.has_fitted = True

    def _size(
        self, column: Column, inputs: list[Shape], place: int, rule: Expression | None
    ) -> Expression | None:
        sizes = [size for size in column if size is not None]
        if sizes and rule is not None and self.matcher.agrees(rule, column):
            return rule
        if len(sizes) <= len(column) // 2:
            return None
        if len(set(sizes)) == 1:
            return constant(sizes[0])
        beside = self.matcher.beside(column, inputs, place) if inputs else None
        return beside or self.matcher.fitted(column, inputs)

    def _completed(
        self, op: Operator, value: Value, inputs: list[Shape], dims: list[Expression | None]
    ) -> Shape:
        """A view keeps the number of elements, so one unknown axis follows from the others."""
        if op.name not in {"view", "_unsafe_view"} or dims.count(None) != 1 or None in inputs[0]:
            return tuple(dims)
        whole = math.prod((d for d in inputs[0] if d), start=constant(1))
        rest = math.prod((d for d in dims if d), start=constant(1))
        left = whole.divided(rest)
        agrees = left is not None and self.matcher.agrees(
            left, self._columns(value)[dims.index(None)]
        )
        return tuple(left if d is None and agrees else d for d in dims)
