"""Output shapes of operators, as rules over the shapes of their inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, TypeVar

import torch

from hubel.analysis.flow.windows import Axis, window
from hubel.analysis.recording.graph import Operator, Value
from hubel.analysis.shapes.expressions import Expression, ceil_div, constant

__all__ = ["Shape", "positions", "rounds_up", "ruled_shape"]

Shape = tuple[Expression | None, ...]
Size = TypeVar("Size", int, Expression)
_ONE = constant(1)
ShapeOf = Callable[[Value], Shape]


def positions(axis: Axis, size: Size, is_ceil: bool = False) -> Size:
    """How many windows there are along an axis of another size.

    Rounding up leaves out a window that would start in the padding at the end; what remains is the
    smaller of two quotients with one divisor.

    Args:
        axis: the window.
        size: of the input, without padding.
        is_ceil: a last window that starts within the input but ends beyond it counts.

    Source: the formulas in PyTorch's documentation of Conv2d and MaxPool2d.

    Example:
        >>> from hubel.analysis.shapes.expressions import symbol
        >>> stem = Axis(kernel=7, stride=2, dilation=1, before=3, after=3, size=8, windows=4)
        >>> print(positions(stem, symbol("H")), positions(stem, 225))
        ceil(H/2) 113
    """
    over = axis.before + axis.after - axis.extent + axis.stride
    if is_ceil:
        over = min(over, axis.before) + axis.stride - 1
    return (size + over) // axis.stride


def rounds_up(op: Operator) -> bool:
    """Whether an operator is a pooling whose last window may end beyond its input."""
    place = {"max": 5, "avg": 4}.get(op.name[:3], 0)
    is_pooling = place > 0 and "_pool" in op.name
    return is_pooling and len(op.arguments) > place and bool(op.arguments[place])


def ruled_shape(op: Operator, shape_of: ShapeOf) -> Shape:
    """The shape of the first output where a rule gives it; else None for each axis.

    Args:
        op: of the graph.
        shape_of: gives the shape of an input.
    """
    rank = len(op.outputs[0].shape)
    is_elementwise = torch.Tag.pointwise in op.target.tags
    rule = _RULES.get(op.name, _broadcast if is_elementwise else None)
    found = rule(op, shape_of) if rule else ()
    return found if len(found) == rank else (None,) * rank


def _convolved(op: Operator, shape_of: ShapeOf) -> Shape:
    batch, _, *sizes = shape_of(op.inputs[0])
    spatial = _transposed(op, sizes) if op.arguments[6] else _slid(op, sizes)
    return (batch, constant(op.outputs[0].shape[1]), *spatial)


def _slid(op: Operator, sizes: Sequence[Expression | None]) -> list[Any]:
    found, is_ceil = window(op), rounds_up(op)
    assert found is not None, "convolutions and poolings slide"
    pairs = zip(found.axes, sizes, strict=True)
    return [None if size is None else positions(axis, size, is_ceil) for axis, size in pairs]


def _transposed(op: Operator, sizes: Sequence[Expression | None]) -> list[Any]:
    """Source: the formula in PyTorch's documentation of ConvTranspose2d."""
    settings = [_each(op.arguments[place], len(sizes)) for place in (3, 4, 5, 7)]
    kernel = op.inputs[1].shape[2:]
    return [
        None if size is None else (size - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for size, k, s, p, d, extra in zip(sizes, kernel, *settings, strict=True)
    ]


def _each(given: Sequence[int], axes: int) -> tuple[int, ...]:
    return tuple(given) if len(given) == axes else (given[0],) * axes


def _pooled(op: Operator, shape_of: ShapeOf) -> Shape:
    shape = shape_of(op.inputs[0])
    kept = len(shape) - (3 if "3d" in op.name else 2)
    return (*shape[:kept], *_slid(op, shape[kept:]))


def _columns(op: Operator, shape_of: ShapeOf) -> Shape:
    batch, channels, *sizes = shape_of(op.inputs[0])
    kernel, dilation, padding, stride = op.arguments[1:5]
    counts: list[Expression] = []
    for k, d, p, s, size in zip(kernel, dilation, padding, stride, sizes, strict=True):
        if size is None or channels is None:
            return ()
        counts.append(positions(Axis(k, s, d, p, p, 0, 0), size))
    read = None if channels is None else channels * math.prod(kernel)
    return (batch, read, math.prod(counts, start=constant(1)))


def _concatenated(op: Operator, shape_of: ShapeOf) -> Shape:
    parts = [shape_of(value) for value in op.inputs if value.shape != (0,)]
    rank = len(parts[0])
    axis = (op.arguments[1] if len(op.arguments) > 1 else op.keywords.get("dim", 0)) % rank
    known = [part[axis] for part in parts if part[axis] is not None]
    total = sum(known, constant(0)) if len(known) == len(parts) else None
    return tuple(total if i == axis else parts[0][i] for i in range(rank))


def _unfolded(op: Operator, shape_of: ShapeOf) -> Shape:
    _, axis, size, step = op.arguments
    shape = list(shape_of(op.inputs[0]))
    length = shape[axis]
    if length is not None:
        shape[axis] = positions(Axis(size, step, 1, 0, 0, 0, 0), length)
    return (*shape, constant(size))


def _sliced(op: Operator, shape_of: ShapeOf) -> Shape:
    """Where a slice runs to the end; one that ends sooner is told from its sizes."""
    defaults: tuple[Any, ...] = (0, None, None, 1)
    value, axis, start, end, step = (*op.arguments, *defaults[len(op.arguments) - 1 :])
    shape, first = list(shape_of(value)), start or 0
    length = shape[axis]
    if length is None or first < 0 or (end is not None and end < value.shape[axis]):
        return ()
    shape[axis] = ceil_div(length - first, step)
    return tuple(shape)


def _permuted(op: Operator, shape_of: ShapeOf) -> Shape:
    shape = shape_of(op.inputs[0])
    return tuple(shape[axis] for axis in op.arguments[1])


def _transposed_axes(op: Operator, shape_of: ShapeOf) -> Shape:
    shape = list(shape_of(op.inputs[0]))
    first, second = op.arguments[1:]
    shape[first], shape[second] = shape[second], shape[first]
    return tuple(shape)


def _unsqueezed(op: Operator, shape_of: ShapeOf) -> Shape:
    shape = list(shape_of(op.inputs[0]))
    shape.insert(op.arguments[1] % (len(shape) + 1), constant(1))
    return tuple(shape)


def _selected(op: Operator, shape_of: ShapeOf) -> Shape:
    shape = list(shape_of(op.inputs[0]))
    del shape[op.arguments[1]]
    return tuple(shape)


def _broadcast(op: Operator, shape_of: ShapeOf) -> Shape:
    """Sizes of 1 are spread over those of the other inputs."""
    shapes = [shape_of(value) for value in op.inputs]
    columns = zip_longest(*(reversed(shape) for shape in shapes), fillvalue=_ONE)
    sizes = [next((size for size in column if size != _ONE), _ONE) for column in columns]
    return tuple(reversed(sizes))


def _same(op: Operator, shape_of: ShapeOf) -> Shape:
    return shape_of(op.inputs[0])


def _turned(op: Operator, shape_of: ShapeOf) -> Shape:
    return shape_of(op.inputs[0])[::-1]


def _multiplied(op: Operator, shape_of: ShapeOf) -> Shape:
    first, second = (shape_of(value) for value in op.inputs[-2:])
    return (*first[:-1], second[-1])


def _recurrent(op: Operator, shape_of: ShapeOf) -> Shape:
    return (*shape_of(op.inputs[0])[:2], constant(op.outputs[0].shape[2]))


_RULES: dict[str, Callable[[Operator, ShapeOf], Shape]] = {
    "_cudnn_rnn": _recurrent,
    "_softmax": _same,
    "addmm": _multiplied,
    "avg_pool2d": _pooled,
    "avg_pool3d": _pooled,
    "bmm": _multiplied,
    "cat": _concatenated,
    "clone": _same,
    "convolution": _convolved,
    "im2col": _columns,
    "max_pool2d_with_indices": _pooled,
    "max_pool3d_with_indices": _pooled,
    "mm": _multiplied,
    "native_batch_norm": _same,
    "native_group_norm": _same,
    "native_layer_norm": _same,
    "permute": _permuted,
    "select": _selected,
    "slice": _sliced,
    "t": _turned,
    "transpose": _transposed_axes,
    "unfold": _unfolded,
    "unsqueeze": _unsqueezed,
}
