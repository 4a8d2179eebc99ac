"""Which input size would give a map the size that a layer expects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from hubel.analysis.flow.windows import Axis, window
from hubel.analysis.recording.graph import Operator, Value
from hubel.analysis.shapes.shape_rules import positions, rounds_up

__all__ = ["Backtrack", "nearest_side"]

Step = Callable[[int], int]
_FARTHEST = 512  # pixels from the present side


class Backtrack:
    """The sides of a value as a function of the input's, read off the operators before it.

    Args:
        value: a map, its sides last.
        makers: by value id, the operator that made it.
        axes: how many sides there are.

    Attributes:
        source: the value that the way leads back to; None where some operator is not understood.
    """

    def __init__(self, value: Value, makers: Mapping[int, Operator], axes: int) -> None:
        self.axes = axes
        self.source: Value | None = value
        self._steps: list[tuple[Step, ...]] = []
        while self.source is not None and self.source.id in makers:
            self.source = self._before(makers[self.source.id], self.source)

    def _before(self, op: Operator, value: Value) -> Value | None:
        found = _steps(op, self.axes)
        if found:
            self._steps.append(found)
            return op.inputs[0]
        sides = value.shape[-self.axes :]
        same = (x for x in op.inputs if len(x.shape) >= len(value.shape))
        return next((x for x in same if x.shape[-self.axes :] == sides), None)

    def sides(self, side: int) -> tuple[int, ...]:
        """Sides of the value where every side of the source is this long."""
        sizes = [side] * self.axes
        for steps in reversed(self._steps):
            sizes = [step(size) for step, size in zip(steps, sizes, strict=True)]
        return tuple(sizes)


def nearest_side(now: int, fits: Callable[[int], bool], farthest: int = _FARTHEST) -> int | None:
    """The side nearest to the present one that fits, or None.

    Example:
        >>> nearest_side(30, lambda side: side % 16 == 0)
        32
    """
    return next((side for side in _nearby(now, farthest) if fits(side)), None)


def _nearby(now: int, farthest: int) -> Iterator[int]:
    for distance in range(1, farthest + 1):
        if now > distance:
            yield now - distance
        yield now + distance


def _steps(op: Operator, axes: int) -> tuple[Step, ...]:
    """What an operator does to each side; empty where it is none that changes sides."""
    found = window(op)
    if found and len(found.axes) == axes:
        is_ceil = rounds_up(op)
        return tuple(partial(_slide, axis, is_ceil) for axis in found.axes)
    if op.name == "convolution" and op.arguments[6]:
        return _spread(op, axes)
    if op.name.startswith("upsample") or op.name == "constant_pad_nd":
        pairs = zip(op.inputs[0].shape[-axes:], op.outputs[0].shape[-axes:], strict=True)
        change = _add if op.name == "constant_pad_nd" else _scale
        return tuple(change(before, after) for before, after in pairs)
    return ()


def _slide(axis: Axis, is_ceil: bool, size: int) -> int:
    return positions(axis, size, is_ceil)


def _spread(op: Operator, axes: int) -> tuple[Step, ...]:
    """A transposed convolution adds the same for every position; what remains is constant."""
    strides: Sequence[int] = op.arguments[3]
    pairs = zip(op.inputs[0].shape[-axes:], op.outputs[0].shape[-axes:], strict=True)
    strides = tuple(strides) if len(strides) == axes else (strides[0],) * axes
    return tuple(
        _line(stride, after - stride * before)
        for stride, (before, after) in zip(strides, pairs, strict=True)
    )


def _line(factor: int, added: int) -> Step:
    return lambda size: factor * size + added


def _add(before: int, after: int) -> Step:
    return _line(1, after - before)


def _scale(before: int, after: int) -> Step:
    return lambda size: size * after // before
