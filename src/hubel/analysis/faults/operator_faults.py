"""What an operator outside of a layer could not do with the shapes that it got, and the way out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from hubel.analysis.faults.backtrack import Backtrack, nearest_side
from hubel.analysis.faults.layer_faults import window_fault
from hubel.analysis.faults.scene import Scene
from hubel.analysis.recording.graph import Value
from hubel.analysis.units import shape_text

__all__ = ["operator_fault", "values_fault"]

_NEAR = 32  # pixels

# What PyTorch says where a number is asked for that no shape tells.
_VALUES = (
    "cannot be called on meta tensors",
    "torch.nonzero() raises unimplemented",
    "no data!",
    "can't convert meta device",
    "data-dependent",
)


_ASKED = {
    "": "a conversion to Python",
    "_local_scalar_dense": "item",
    "_to_copy": "a conversion to Python",
    "index": "a mask as an index",
}


def values_fault(scene: Scene) -> str | None:
    """A network that looks at the numbers in its tensors, which shapes alone don't have."""
    if not any(words in str(scene.error) for words in _VALUES):
        return None
    name = scene.operator[0]
    asked = _ASKED.get(name, name)
    return (
        f"the network decides by the values in a tensor ({asked}), so what it computes differs "
        "from picture to picture and no shape or cost can be told beforehand; decide by shapes, "
        "use torch.where on whole tensors, or leave this part out of what is analysed"
    )


def operator_fault(scene: Scene) -> str | None:
    """What is wrong between an operator and its inputs, or None for another kind of failure."""
    name, arguments = scene.operator
    base = name.removesuffix("_")
    if base in _RULES:
        return _RULES[base](scene, arguments)
    values = [x for x in arguments if isinstance(x, Value)]
    return _broadcast(scene, base, values) if len(values) > 1 and scene.is_elementwise else None


def _broadcast(scene: Scene, name: str, values: Sequence[Value]) -> str | None:
    first, second = values[:2]
    rank = max(len(first.shape), len(second.shape))
    for back in range(1, min(len(first.shape), len(second.shape)) + 1):
        a, b = first.shape[-back], second.shape[-back]
        if a != b and 1 not in (a, b):
            return _unequal(scene, name, (first, second), rank - back)
    return None


def _unequal(scene: Scene, name: str, pair: tuple[Value, Value], axis: int) -> str:
    """Two values whose sizes differ on an axis (counted in the one with more axes)."""
    first, second = pair
    back = axis - max(len(first.shape), len(second.shape))
    mend = _agreeing(scene, first, second) if axis > 1 else ""
    return (
        f"{name} of unequal shapes: {scene.shown(first)}, and {scene.shown(second)}; "
        f"on axis {axis} the sizes are {first.shape[back]} and {second.shape[back]}"
        + (mend or "; make them equal, or let one of them be 1" * (name not in {"cat", "stack"}))
    )


def _agreeing(scene: Scene, first: Value, second: Value) -> str:
    """An input at which two maps get equal sides, as branches with other strides do."""
    axes = len(first.shape) - 2
    if axes not in (1, 2, 3) or len(second.shape) != len(first.shape):
        return ""
    ways = [Backtrack(value, scene.makers, axes) for value in (first, second)]
    source = ways[0].source
    if source is None or ways[1].source != source or len(set(source.shape[2:])) != 1:
        return ""

    def fits(side: int) -> bool:
        sides = [way.sides(side) for way in ways]
        return sides[0] == sides[1] and min(sides[0]) > 0

    # A side that a power of 2 divides agrees in all branches, not only in these two.
    for divisor in (32, 16, 8, 4, 2, 1):
        side = nearest_side(
            source.shape[2], lambda n, divisor=divisor: n % divisor == 0 and fits(n), _NEAR
        )
        if side:
            return f"; an input of {shape_text([side] * axes)} makes them equal"
    return ""


def _convolution(scene: Scene, arguments: Sequence[Any]) -> str | None:
    value, weight = arguments[:2]
    groups, is_transposed = arguments[8], arguments[6]
    expected = weight.shape[0] if is_transposed else weight.shape[1] * groups
    if value.shape[1] != expected:
        return (
            f"a convolution with a weight of {scene.shown(weight)} expected {expected} channels, "
            f"got {value.shape[1]} (its input is {scene.shown(value)})"
        )
    size, kernel = value.shape[2:], weight.shape[2:]
    padding, dilation = (tuple(x) * (len(size) // len(x)) for x in (arguments[4], arguments[5]))
    return None if is_transposed else window_fault(size, kernel, padding, dilation)


def _matrices(scene: Scene, arguments: Sequence[Any]) -> str | None:
    first, second = [x for x in arguments if isinstance(x, Value)][-2:]
    a, b = first.shape[-1], second.shape[-2]
    if a != b:
        return (
            f"a product of {scene.shown(first)}, and {scene.shown(second)}: the last axis of the "
            f"first is {a} and the axis of the second that it meets is {b}; they must be equal"
        )
    return (
        f"a batched product of {scene.shown(first)}, and {scene.shown(second)}: "
        f"the batches are {first.shape[0]} and {second.shape[0]}; they must be equal"
    )


def _joined(scene: Scene, arguments: Sequence[Any]) -> str | None:
    name = scene.operator[0]
    values = [value for value in arguments[0] if value.shape != (0,)]
    first = values[0]
    axis = (arguments[1] if len(arguments) > 1 else 0) % max(1, len(first.shape))
    for value in values[1:]:
        if len(value.shape) != len(first.shape):
            return (
                f"{name} of {scene.shown(first)}, and {scene.shown(value)}: "
                f"one has {len(first.shape)} axes and the other {len(value.shape)}"
            )
        for place, (a, b) in enumerate(zip(first.shape, value.shape, strict=True)):
            if a != b and (place != axis or name == "stack"):
                return _unequal(scene, name, (first, value), place)
    return None


def _view(scene: Scene, arguments: Sequence[Any]) -> str | None:
    value, shape = arguments[:2]
    known = math.prod(size for size in shape if size != -1)
    asked = f"a view of {scene.shown(value)} as {shape_text(shape).replace('-1', '?')}"
    if "stride" in str(scene.error):
        return f"{asked} would need a copy, since its axes were moved; use reshape"
    if -1 in shape:
        return (
            f"{asked}: {value.numel} elements are no multiple of {known} "
            f"({value.numel} = {value.numel // max(1, known)}*{known} + "
            f"{value.numel % max(1, known)})"
        )
    return f"{asked}: {value.numel} elements can't be {known}" + _split(value.shape, shape)


def _split(sizes: Sequence[int], shape: Sequence[int]) -> str:
    """The axis that is no multiple of the pieces that it should be cut in, if that is wrong."""
    left = list(shape)
    for size in sizes:
        if left and left[0] == size:
            left.pop(0)
        elif len(left) > 1 and size // left[1] == left[0]:
            pieces = f"{left[0]}*{left[1]} = {left[0] * left[1]} is not {size}"
            return f": {pieces}; the side there has to be a multiple of {left[1]}"
    return ""


def _ids(_scene: Scene, arguments: Sequence[Any]) -> str | None:
    ids = arguments[1]
    if ids.dtype in (torch.int64, torch.int32):
        return None
    return (
        f"it takes ids, which are whole numbers, and got {str(ids.dtype).removeprefix('torch.')}; "
        'where they are the input, ask with dtype="int64"'
    )


_RULES: dict[str, Callable[[Scene, Sequence[Any]], str | None]] = {
    "embedding": _ids,
    "_embedding_bag": _ids,
    "_unsafe_view": _view,
    "addmm": _matrices,
    "baddbmm": _matrices,
    "bmm": _matrices,
    "cat": _joined,
    "convolution": _convolution,
    "mm": _matrices,
    "stack": _joined,
    "view": _view,
}
