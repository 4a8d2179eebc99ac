"""What a layer of PyTorch expected, what it got, and what would mend it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from hubel.analysis.faults.backtrack import Backtrack, nearest_side
from hubel.analysis.faults.scene import Scene
from hubel.analysis.recording.graph import Value
from hubel.analysis.units import shape_text

__all__ = ["channels_fault", "layer_fault", "window_fault"]

Shape = Sequence[int]


def layer_fault(scene: Scene) -> str | None:
    """What is wrong between a layer and its input, or None for another kind of failure."""
    if not scene.received:
        return None
    for kinds, rule in _RULES:
        if isinstance(scene.part, kinds):
            return rule(scene, scene.received[0])
    return None


def channels_fault(scene: Scene, value: Value, expected: int, mend: str) -> str:
    """A layer made for another number of channels, with the two ways out."""
    got = value.shape[1]
    return (
        f"expected {expected} channels, got {got} (its input is {scene.shown(value)}); "
        f"use {mend} here, or {_have(scene, value, expected)}"
    )


def _have(scene: Scene, value: Value, expected: int) -> str:
    """The other way out: to change what comes in."""
    origin = scene.origin(value)
    if origin == "the input":
        return f"an input of {expected} channel{'s' * (expected != 1)}"
    return f"have {origin} give {expected}"


def _rank_fault(value: Value, axes: int) -> str | None:
    if len(value.shape) == axes + 2:
        return None
    named = {1: "N x C x L", 2: "N x C x H x W", 3: "N x C x D x H x W"}[axes]
    return f"expected {axes + 2} axes ({named}), got {len(value.shape)}: {shape_text(value.shape)}"


def window_fault(size: Shape, kernel: Shape, padding: Shape, dilation: Shape) -> str | None:
    """The arithmetic of a kernel that does not fit, and what would."""
    for n, k, p, d in zip(size, kernel, padding, dilation, strict=True):
        extent, room = d * (k - 1) + 1, n + 2 * p
        if room >= extent:
            continue
        padded = f"{n} + 2*{p}" if p else str(n)
        reach = f"({d}*({k} - 1) + 1)" if d > 1 else str(k)
        return (
            f"a kernel of {shape_text(kernel)} on {shape_text(size)}: "
            f"{padded} - {reach} + 1 = {room - extent + 1}; pad by "
            f"{p + math.ceil((extent - room) / 2)} or use a kernel of at most "
            f"{(room - 1) // d + 1}, or a larger input"
        )
    return None


def _convolution(scene: Scene, value: Value) -> str | None:
    part: Any = scene.part
    axes = len(part.kernel_size)
    if len(value.shape) != axes + 2:
        return _rank_fault(value, axes)
    got = value.shape[1]
    if got != part.in_channels:
        kind = type(part).__name__
        fits = got % part.groups == 0
        mend = f"{kind}({got}, {part.out_channels}, ...)"
        return channels_fault(
            scene,
            value,
            part.in_channels,
            mend if fits else f"a number of groups that divides {got}",
        )
    if part.transposed or isinstance(part.padding, str):
        return None
    return window_fault(value.shape[2:], part.kernel_size, part.padding, part.dilation)


def _linear(scene: Scene, value: Value) -> str | None:
    part: Any = scene.part
    expected, got = part.in_features, value.shape[-1] if value.shape else 0
    if got == expected:
        return None
    flat = _flattened(scene, value)
    whence = f"{shape_text(flat.shape[1:])} flattened = {got}" if flat else scene.shown(value)
    mends = [f"use {type(part).__name__}({got}, {part.out_features})"]
    if len(value.shape) > 2 and value.shape[1] == expected:
        mends = ["move the axis of the channels to the end, or flatten before it"]
    side = _side_for(scene, flat, expected) if flat else None
    if side:
        mends.append(f"an input of {side}, which gives {expected}")
    return f"expected {expected} features, got {got} ({whence}); {', or '.join(mends)}"


def _flattened(scene: Scene, value: Value) -> Value | None:
    """The map that a vector was made of by flattening."""
    maker = scene.makers.get(value.id)
    while maker is not None and maker.name in {"view", "_unsafe_view", "clone", "alias", "dropout"}:
        before = maker.inputs[0]
        if len(before.shape) > 2 and math.prod(before.shape[1:]) == value.shape[-1]:
            return before
        maker = scene.makers.get(before.id)
    return None


def _side_for(scene: Scene, flat: Value, expected: int) -> str | None:
    """The nearest input that gives the features, if sides of the input are equal."""
    axes = len(flat.shape) - 2
    way = Backtrack(flat, scene.makers, axes)
    if way.source is None or len(set(way.source.shape[2:])) != 1:
        return None
    channels = flat.shape[1]

    def fits(side: int) -> bool:
        sides = way.sides(side)
        return min(sides) > 0 and channels * math.prod(sides) == expected

    side = nearest_side(way.source.shape[2], fits)
    return shape_text([side] * axes) if side else None


def _batch_norm(scene: Scene, value: Value) -> str | None:
    part: Any = scene.part
    axes = {"1d": 1, "2d": 2, "3d": 3}.get(type(part).__name__[-2:])
    if axes and len(value.shape) != axes + 2 and not (axes == 1 and len(value.shape) == 2):
        return _rank_fault(value, axes)
    if len(value.shape) > 1 and value.shape[1] != part.num_features:
        mend = f"{type(part).__name__}({value.shape[1]})"
        return channels_fault(scene, value, part.num_features, mend)
    values = math.prod(value.shape) // part.num_features
    if part.training and values == 1:
        return (
            f"in training it needs more than 1 value for each channel, and {scene.shown(value)} "
            "has 1; use a batch of 2 or more, a larger input, or GroupNorm"
        )
    return None


def _group_norm(scene: Scene, value: Value) -> str | None:
    part: Any = scene.part
    got = value.shape[1] if len(value.shape) > 1 else None
    if got in (None, part.num_channels):
        return None
    groups = math.gcd(part.num_groups, got)
    return channels_fault(scene, value, part.num_channels, f"GroupNorm({groups}, {got})")


def _layer_norm(scene: Scene, value: Value) -> str | None:
    expected: tuple[int, ...] = tuple(scene.part.normalized_shape)
    got = value.shape[-len(expected) :]
    if got == expected:
        return None
    mend = f"use LayerNorm({got[0] if len(got) == 1 else list(got)})"
    if len(expected) == 1 and len(value.shape) > 2 and value.shape[1] == expected[0]:
        mend = (
            "it normalises the last axis and the channels are on axis 1: permute before and "
            f"after, or use GroupNorm(1, {expected[0]})"
        )
    return (
        f"expected {shape_text(expected)} at the end, got {shape_text(got)} "
        f"(its input is {scene.shown(value)}); {mend}"
    )


def _pool(scene: Scene, value: Value) -> str | None:
    part: Any = scene.part
    axes = int(type(part).__name__[-2])
    if len(value.shape) != axes + 2:
        return _rank_fault(value, axes)
    columns = (part.kernel_size, part.padding, getattr(part, "dilation", 1))
    kernel, padding, dilation = (_each(x, axes) for x in columns)
    for k, p, d in zip(kernel, padding, dilation, strict=True):
        if p > (d * (k - 1) + 1) // 2:
            return (
                f"padding {p} is more than half of its kernel {k}: windows would lie in padding "
                f"alone; use at most {(d * (k - 1) + 1) // 2}"
            )
    return window_fault(value.shape[2:], kernel, padding, dilation)


def _each(given: Any, axes: int) -> tuple[int, ...]:
    return (given,) * axes if isinstance(given, int) else tuple(given)


def _pad(scene: Scene, value: Value) -> str | None:
    part: Any = scene.part
    axes = min(len(part.padding) // 2, len(value.shape))
    for place in range(axes):
        most, size = max(part.padding[2 * place : 2 * place + 2]), value.shape[-1 - place]
        if most >= size and isinstance(part, nn.ReflectionPad1d | nn.ReflectionPad2d):
            return (
                f"a reflection of {most} needs more than {most} positions, and "
                f"{scene.shown(value)} has {size}; "
                f"pad by at most {size - 1}, or use another kind of padding"
            )
    return None


_CONVOLUTIONS = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
_NORMS = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
)
_POOLS = (
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d),
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
)
_RULES: tuple[tuple[Any, Callable[[Scene, Value], str | None]], ...] = (
    (_CONVOLUTIONS, _convolution),
    (nn.Linear, _linear),
    (_NORMS, _batch_norm),
    (nn.GroupNorm, _group_norm),
    (nn.LayerNorm, _layer_norm),
    (_POOLS, _pool),
    ((nn.ReflectionPad1d, nn.ReflectionPad2d), _pad),
)
