"""Where linear operators stand in a row in a graph."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hubel.analysis.costs import work
from hubel.analysis.flow.stacks import Stage
from hubel.analysis.flow.structure import PADDINGS, Flow
from hubel.analysis.recording.graph import Operator, Value

__all__ = ["linear_stacks"]


def linear_stacks(flow: Flow) -> tuple[tuple[Stage, ...], ...]:
    """Every row of linear operators of which two or more have weights that mix.

    Convolutions, fully connected layers, average poolings, batch normalisations (in evaluation)
    and learned scales are linear; each must be the only reader of the one before it.

    Example:
        >>> from torch import nn
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 3), nn.ReLU())
        >>> stacks = linear_stacks(Flow.of(trace(Traceable.of(module), (1, 3, 9, 9))[0]))
        >>> [[stage.layer for stage in stack] for stack in stacks]
        [['0', '1']]
    """
    taken: set[int] = set()
    stacks: list[tuple[Stage, ...]] = []
    for op in flow.graph.operators:
        if op.index in taken or op.index not in flow.live:
            continue
        stack = _stack_from(flow, op)
        taken |= {stage.operator for stage in stack}
        if sum(stage.mixes for stage in stack) > 1:
            stacks.append(tuple(stack))
    return tuple(stacks)


def _stack_from(flow: Flow, first: Operator) -> list[Stage]:
    stack: list[Stage] = []
    stage, op = _stage(flow, first, None), first
    while stage is not None:
        stack.append(stage)
        route, reader = _onward(flow, op)
        if reader is None:
            break
        stage, op = _stage(flow, reader, _Before(stage, route)), reader
    return stack


def _onward(flow: Flow, op: Operator) -> tuple[tuple[Operator, ...], Operator | None]:
    """An operator with the views after it, and the one operator that reads what they give."""
    route = [op]
    reader = flow.only_reader(op.outputs[0])
    while reader is not None and _only_reshapes(reader):
        route.append(reader)
        reader = flow.only_reader(reader.outputs[0])
    return tuple(route), reader


def _only_reshapes(op: Operator) -> bool:
    if op.name == "constant_pad_nd":
        return len(op.arguments) < 3 or op.arguments[2] == 0
    is_view = op.target.is_view or op.name in {"_unsafe_view", "clone"}
    is_whole = bool(op.inputs) and op.outputs[0].numel == op.inputs[0].numel
    return op.name in PADDINGS or (is_view and is_whole)


@dataclass(frozen=True, slots=True)
class _Before:
    """A stage, and the route from its operator (itself first) to the one that is looked at."""

    stage: Stage
    route: tuple[Operator, ...]

    @property
    def given(self) -> Value:
        return self.route[0].outputs[0]

    @property
    def is_padded(self) -> bool:
        return any(op.name in PADDINGS for op in self.route)

    @property
    def order(self) -> Tensor:
        """Where each element of the value that arrives stood before."""
        order = torch.arange(self.given.numel).view(self.given.shape)
        for op in self.route[1:]:
            order = op.target(order, *op.arguments[1:], **op.keywords)
        return order

    @property
    def is_kept(self) -> bool:
        """Whether the same map arrives, perhaps padded, or with one more axis of size 1."""
        if self.given.shape[:2] != self.route[-1].outputs[0].shape[:2]:
            return False
        if self.is_padded:
            return all(op.name in PADDINGS for op in self.route[1:])
        return len(self.route) == 1 or _is_count(self.order.flatten())


def _is_count(order: Tensor) -> bool:
    return torch.equal(order, torch.arange(order.numel()))


def _stage(flow: Flow, op: Operator, before: _Before | None) -> Stage | None:
    """An operator as a stage, or None where it is not linear or reads another map."""
    moving, name = flow.moving(op), op.name.removesuffix("_")
    if len(moving) != 1 or name not in _MAKERS:
        return None
    if name not in _MATRICES and before is not None and not before.is_kept:
        return None
    stage = _MAKERS[name](flow, op, before)
    if stage is None:
        return None
    own = {value for value in op.inputs if flow.parameter(value) is not None}
    products = work(op).products if stage.mixes else 0
    return replace(
        stage,
        layer=flow.names[op.index],
        operator=op.index,
        parameters=sum(value.numel for value in own),
        multiply_adds=products // flow.batch,
    )


def _bare(channels: tuple[int, int], sides: tuple[int, ...], axes: int) -> Stage:
    """A stage at single positions; its makers fill in the rest."""
    ones = (1,) * axes
    return Stage(
        layer="",
        operator=0,
        mixes=False,
        kernel=ones,
        stride=ones,
        dilation=ones,
        channels=channels,
        groups=1,
        sides=sides,
        out_sides=sides,
    )


def _convolution(flow: Flow, op: Operator, _before: _Before | None) -> Stage | None:
    found = flow.window(op)
    if found is None or flow.moving(op)[0] is not op.inputs[0]:
        return None
    weight, groups = op.inputs[1], op.arguments[8]
    return replace(
        _bare((weight.shape[1] * groups, weight.shape[0]), found.sides, len(found.axes)),
        mixes=True,
        kernel=found.kernel,
        stride=found.stride,
        dilation=tuple(axis.dilation for axis in found.axes),
        groups=groups,
        out_sides=found.out_sides,
        shifts=len(op.inputs) > 2,
    )


def _pooling(flow: Flow, op: Operator, _before: _Before | None) -> Stage | None:
    found = flow.window(op)
    if found is None:
        return None
    # PyTorch pools one axis as two, of which the first has size 1.
    maker = flow.producer(op.inputs[0])
    axes = found.axes[1:] if maker is not None and maker.name == "unsqueeze" else found.axes
    channels = op.inputs[0].shape[1]
    return replace(
        _bare((channels, channels), tuple(axis.size for axis in axes), len(axes)),
        kernel=tuple(axis.kernel for axis in axes),
        stride=tuple(axis.stride for axis in axes),
        groups=channels,
        out_sides=tuple(axis.windows for axis in axes),
    )


def _norm(flow: Flow, op: Operator, before: _Before | None) -> Stage | None:
    uses_the_batch = op.name == "native_batch_norm" and op.arguments[5]
    return None if uses_the_batch else _each_channel(flow, op, before)


def _scale(flow: Flow, op: Operator, before: _Before | None) -> Stage | None:
    """A product with, or a sum with, one number or one number a channel."""
    value = flow.moving(op)[0]
    if op.name.startswith("div") and op.arguments[0] is not value:
        return None
    others = [other for other in op.inputs if other is not value]
    if not all(_is_per_channel(other.shape, value.shape) for other in others):
        return None
    stage = _each_channel(flow, op, before)
    return replace(stage, shifts=op.name.startswith(("add", "sub")))


def _is_per_channel(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    full = (1,) * (len(whole) - len(shape)) + shape
    return len(full) > 1 and math.prod(full) == full[1]


def _each_channel(flow: Flow, op: Operator, before: _Before | None) -> Stage:
    value = flow.moving(op)[0]
    sides = before.stage.out_sides if before else value.shape[2:]
    axes = len(before.stage.kernel) if before else len(sides)
    channels = value.shape[1] if len(value.shape) > 1 else 1
    return replace(_bare((channels, channels), sides, axes), groups=channels, shifts=True)


def _linear(flow: Flow, op: Operator, before: _Before | None) -> Stage | None:
    rows, weight = op.inputs[-2:]
    if flow.moving(op)[0] is not rows:
        return None
    if before is None:
        stage = _bare((rows.shape[1], weight.shape[1]), (rows.shape[0] // flow.batch,), 0)
    else:
        sides = before.stage.out_sides
        stage = _bare((before.stage.channels[1], weight.shape[1]), sides, len(before.stage.kernel))
        if before.is_padded or rows.numel > _MOST_ELEMENTS:
            return None
        if _reads_whole_maps(before):
            stage = replace(stage, kernel=sides, out_sides=(1,) * len(sides))
        elif not _reads_positions(before):
            return None
    return replace(stage, mixes=True, shifts=op.name == "addmm")


_MOST_ELEMENTS = 1 << 23  # a map beyond this is not followed through its views


def _reads_whole_maps(before: _Before) -> bool:
    """Whether each row is a whole map laid flat."""
    given, rows = before.given.shape, before.route[-1].outputs[0].shape
    is_flat = len(given) > 2 and rows == (given[0], math.prod(given[1:]))
    return is_flat and _is_count(before.order.flatten())


def _reads_positions(before: _Before) -> bool:
    """Whether each row is the channels of one position, in their order."""
    given, rows = before.given.shape, before.route[-1].outputs[0].shape
    channels, positions = given[1], math.prod(given[2:])
    if rows != (given[0] * positions, channels):
        return False
    order = before.order
    expected = order[:, :1] + torch.arange(channels) * positions
    begins = order[:, 0] % (channels * positions) < positions
    return torch.equal(order, expected) and bool(begins.all())


_MATRICES = {"addmm", "mm"}
_MAKERS: dict[str, Callable[[Flow, Operator, _Before | None], Stage | None]] = {
    "convolution": _convolution,
    "avg_pool2d": _pooling,
    "avg_pool3d": _pooling,
    "native_batch_norm": _norm,
    "_native_batch_norm_legit_no_training": _norm,
    "mul": _scale,
    "div": _scale,
    "add": _scale,
    "sub": _scale,
    "addmm": _linear,
    "mm": _linear,
}
