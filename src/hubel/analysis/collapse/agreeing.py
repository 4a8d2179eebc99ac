"""A stack set against what it collapses to: by counting, and by running both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hubel.analysis.collapse.affine import Affine
from hubel.analysis.collapse.borders import Line
from hubel.analysis.collapse.collapsed import Collapsed, cropped, plan
from hubel.analysis.units import shape_text

__all__ = ["Agreement", "Run", "agreement"]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A stack in evaluation, run once on random numbers.

    Attributes:
        names: of its layers, without those that do nothing.
        layers: copies.
        affines: the same as numbers.
        is_vector: whether they are fully connected.
        x: what went in.
        y: what came out.
    """

    names: tuple[str, ...]
    layers: tuple[nn.Module, ...]
    affines: tuple[Affine, ...]
    is_vector: bool
    x: Tensor
    y: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A stack set against the one that it collapses to, run on random numbers.

    Attributes:
        layers: of the stack, in order.
        input: shape, without the batch.
        output: shape, without the batch.
        one: the equivalent in words: `Conv2d 11x11/4, 3→64`.
        parameters: of the stack and of the equivalent.
        multiply_adds: of the stack and of the collapsed one, its border included.
        interior: share of the positions that the one convolution gives by itself.
        interior_difference: largest absolute difference there; None where there is no interior.
        difference: largest absolute difference anywhere.
        padded_once: largest absolute difference, were the border left to the one convolution.
        largest: largest absolute output of the stack, which differences are set against.
    """

    layers: tuple[str, ...]
    input: tuple[int, ...]
    output: tuple[int, ...]
    one: str
    parameters: tuple[int, int]
    multiply_adds: tuple[int, int]
    interior: float
    interior_difference: float | None
    difference: float
    padded_once: float
    largest: float

    def __str__(self) -> str:
        before, after = self.multiply_adds
        border = (
            "it gives the whole output"
            if self.interior == 1
            else f"it gives {100 * self.interior:.0f}% of the output, the stack itself the border "
            f"(which would be off by {self.padded_once:.2g} if the one padded once)"
        )
        return (
            f"{' + '.join(self.layers)} = {self.one}: parameters {self.parameters[0]:,} → "
            f"{self.parameters[1]:,}, multiply-adds {before:,} → {after:,}; {border}; largest "
            f"difference {self.difference:.1e} on outputs up to {self.largest:.3g}"
        )

    def to_json(self) -> dict[str, Any]:
        """The agreement as JSON types."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }


def agreement(made: Collapsed, run: Run) -> Agreement:
    """Run the collapsed stack on what the stack itself was run on."""
    with torch.no_grad():
        off = (made(run.x) - run.y).abs()
        once = (_padded_once(made, run) - run.y).abs()
    interior = None if run.is_vector else _interior(made, run)
    inner = off if run.is_vector else off[interior] if interior else None
    return Agreement(
        layers=run.names,
        input=tuple(run.x.shape[1:]),
        output=tuple(run.y.shape[1:]),
        one=_words(made.conv),
        parameters=(_parameters(run.layers), _parameters([made.conv])),
        multiply_adds=_products(made, run),
        interior=0.0 if inner is None else inner.numel() / off.numel(),
        interior_difference=None if inner is None else inner.max().item(),
        difference=off.max().item(),
        padded_once=once.max().item(),
        largest=run.y.abs().max().item(),
    )


def _interior(made: Collapsed, run: Run) -> tuple[Any, ...] | None:
    """Which outputs the one convolution gives by itself, as an index; None where it gives none."""
    if made.border is None:
        return (...,)
    inside, _ = plan(made.axes, tuple(run.x.shape[2:]))
    return None if inside is None else inside.index


def _padded_once(made: Collapsed, run: Run) -> Tensor:
    """What the one convolution alone gives, with all padding around the input."""
    if made.border is None:
        return made.conv(run.x)
    pairs = zip(made.axes, run.x.shape[2:], strict=True)
    whole = [line.read((0, line.sizes(side)[-1])) for line, side in pairs]
    return made.conv(cropped(run.x, whole))


def _parameters(modules: Sequence[nn.Module]) -> int:
    return sum(parameter.numel() for part in modules for parameter in part.parameters())


def _stack_products(run: Run, axes: Sequence[Line], sides: Sequence[int]) -> int:
    """Multiply-adds of the stack's weights on an input with these sides."""
    sizes = [line.sizes(side) for line, side in zip(axes, sides, strict=True)]
    return sum(
        affine.weight.numel() * math.prod(size[i + 1] for size in sizes)
        for i, affine in enumerate(run.affines)
        if affine.is_weighted
    )


def _products(made: Collapsed, run: Run) -> tuple[int, int]:
    """Multiply-adds of the stack and of the collapsed one."""
    weight: Any = made.conv.weight
    if run.is_vector:
        rows = math.prod(run.x.shape[1:-1])
        before = sum(a.weight.numel() for a in run.affines if a.is_weighted)
        return rows * before, rows * weight.numel()
    sides = tuple(run.x.shape[2:])
    before = _stack_products(run, made.axes, sides)
    if made.border is None:
        return before, weight.numel() * math.prod(run.y.shape[2:])
    inside, strips = plan(made.axes, sides)
    positions = math.prod(last - first for first, last in inside.outputs) if inside else 0
    outer = sum(
        _stack_products(run, made.axes, [last - first for first, last in strip.crop])
        for strip in strips
    )
    return before, weight.numel() * positions + outer


def _words(conv: Any) -> str:
    if isinstance(conv, nn.Linear):
        return f"Linear {conv.in_features}→{conv.out_features}"
    stride = f"/{_sides(conv.stride)}" if max(conv.stride) > 1 else ""
    dilation = f" dilated by {_sides(conv.dilation)}" if max(conv.dilation) > 1 else ""
    groups = f" in {conv.groups} groups" if conv.groups > 1 else ""
    kernel = f"{shape_text(conv.kernel_size)}{stride}{dilation}"
    return f"{type(conv).__name__} {kernel}, {conv.in_channels}→{conv.out_channels}{groups}"


def _sides(sizes: Sequence[int]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else shape_text(sizes)
