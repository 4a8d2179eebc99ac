"""Operators whose outputs read windows: convolution, pooling, upsampling, patches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from hubel.analysis.fields.reach import Reach
from hubel.analysis.fields.reshape import reshaped
from hubel.analysis.fields.rules.rule import (
    Reaches,
    Rule,
    argument,
    first,
    join,
    known,
    out_shape,
    per_dim,
)
from hubel.analysis.fields.slide import slid, unfolded
from hubel.analysis.fields.span import EMPTY, Span
from hubel.analysis.fields.taps import (
    Taps,
    adaptive_taps,
    filter_taps,
    interpolation_taps,
    nearest_taps,
    transposed_taps,
    window_taps,
)
from hubel.analysis.recording.graph import Operator, Value

__all__ = ["WINDOWS"]


def _convolution(op: Operator, reaches: Reaches) -> Reach:
    x, weight, bias = op.arguments[:3]
    stride, padding, dilation, is_transposed, _, groups = op.arguments[3:9]
    shape = out_shape(op)
    terms: list[Reach] = []
    if x.id in reaches:
        reach = _by_group(reaches[x.id], groups, shape[1])
        make = transposed_taps if is_transposed else window_taps
        count = len(shape) - 2
        numbers = zip(*(per_dim(n, count) for n in (stride, padding, dilation)), strict=True)
        for dim, moves in enumerate(numbers, start=2):
            taps = make(x.shape[dim], shape[dim], weight.shape[dim], moves)
            reach = slid(reach, dim, taps)
        terms.append(reach)
    return join(op, terms + _computed_filters(reaches, weight, bias, shape, is_transposed))


def _by_group(x: Reach, groups: int, channels: int) -> Reach:
    """Each output channel sees all input channels of its group."""

    def change(span: Span) -> Span:
        rows = span.rows
        parts = rows.reshape(*rows.shape[:2], groups, -1, *rows.shape[3:]).min(axis=3)
        return Span(np.repeat(parts, channels // groups, axis=2), span.lattice)

    shape = (x.shape[0], channels, *x.shape[2:])
    if groups == 1:
        return replace(x.reduced([1]) if x.varies([1]) else x, shape=shape)
    return x.mapped(lambda span: change(span) if 1 in span.varying else span, shape)


def _computed_filters(
    reaches: Reaches, weight: Value, bias: Value | None, shape: Sequence[int], transposed: bool
) -> list[Reach]:
    """What filters see that are computed from the input themselves."""
    column = (1, shape[1], *(1,) * (len(shape) - 2))
    terms = [reshaped(reach, column) for reach in known(reaches, [bias])]
    for reach in known(reaches, [weight]):
        if transposed:
            terms.append(reach.reduced(range(reach.ndim)).broadcast(column))
        else:
            filters = reach.reduced(range(1, reach.ndim))
            terms.append(reshaped(filters, column))
    return terms


def _pool(op: Operator, reaches: Reaches) -> Reach:
    x, shape, count = first(op, reaches), out_shape(op), _axes(op)
    kernel = per_dim(argument(op, "kernel_size"), count)
    stride = per_dim(argument(op, "stride") or kernel, count)
    padding = per_dim(argument(op, "padding"), count)
    dilation = per_dim(argument(op, "dilation", (1,)), count)
    for number, moves in enumerate(zip(stride, padding, dilation, strict=True)):
        dim = x.ndim - count + number
        x = slid(x, dim, window_taps(x.shape[dim], shape[dim], kernel[number], moves))
    return x


def _axes(op: Operator) -> int:
    """The number in the operator's name: 2 for `avg_pool2d`."""
    return next(n for n in (1, 2, 3) if f"{n}d" in op.name)


def _adaptive_pool(op: Operator, reaches: Reaches) -> Reach:
    x, shape = first(op, reaches), out_shape(op)
    for dim in range(x.ndim - _axes(op), x.ndim):
        if shape[dim] == 1:
            x = x.reduced([dim])
        else:
            x = slid(x, dim, adaptive_taps(x.shape[dim], shape[dim]))
    return x


def _upsample(op: Operator, reaches: Reaches) -> Reach:
    x, shape, count = first(op, reaches), out_shape(op), _axes(op)
    letters = ("",) if count == 1 else ("_d", "_h", "_w")[-count:]
    corners = bool(argument(op, "align_corners", False))
    for dim, letter in enumerate(letters, start=x.ndim - count):
        size, outputs = x.shape[dim], shape[dim]
        ratio = _ratio(size, outputs, argument(op, f"scales{letter}"), corners)
        x = slid(x, dim, _upsample_taps(op.name, (size, outputs), ratio, corners))
    return x


def _ratio(size: int, outputs: int, scale: float | None, corners: bool) -> Fraction:
    """Input positions an output position."""
    if corners:
        return Fraction(size - 1, outputs - 1) if outputs > 1 else Fraction(0)
    if scale:
        return 1 / Fraction(scale).limit_denominator(1 << 16)
    return Fraction(size, outputs)


def _upsample_taps(name: str, sizes: tuple[int, int], ratio: Fraction, corners: bool) -> Taps:
    if "nearest" in name:
        return nearest_taps(*sizes, ratio, Fraction("exact" in name, 2))
    reach = 2 if "cubic" in name else 1
    if name.endswith("_aa"):
        return filter_taps(*sizes, ratio, reach)
    return interpolation_taps(*sizes, ratio, (reach, corners))


def _im2col(op: Operator, reaches: Reaches) -> Reach:
    """Patches as columns: channels and taps, then positions."""
    x = first(op, reaches)
    x = x.with_ones((1,) * 4)
    for dim, kernel, dilation, padding, stride in _patch_numbers(op, (2, 4)):
        size = x.shape[dim]
        outputs = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        taps = window_taps(size, outputs, kernel, (stride, padding, dilation))
        x = unfolded(x, dim, taps)
    return reshaped(x.permuted([0, 1, 3, 5, 2, 4]), out_shape(op))


def _patch_numbers(op: Operator, dims: tuple[int, int]) -> Iterator[tuple[int, ...]]:
    names = ("kernel_size", "dilation", "padding", "stride")
    return zip(dims, *(per_dim(argument(op, name), 2) for name in names), strict=True)


def _col2im(op: Operator, reaches: Reaches) -> Reach:
    """Patches added up where they lie: each pixel sees all patches that hold it."""
    x, sizes = first(op, reaches), out_shape(op)[-2:]
    numbers = list(_patch_numbers(op, (2, 3)))
    kernel = tuple(side for _, side, *_ in numbers)
    counts = [
        (size + 2 * padding - dilation * (side - 1) - 1) // stride + 1
        for size, (_, side, dilation, padding, stride) in zip(sizes, numbers, strict=True)
    ]
    batch, rows = (1, *x.shape)[-3:-1]
    x = reshaped(x, (batch, rows // (kernel[0] * kernel[1]), *kernel, *counts))
    x = x.permuted([0, 1, 2, 4, 3, 5])
    for size, (dim, side, dilation, padding, stride) in zip(sizes, numbers, strict=True):
        taps = transposed_taps(x.shape[dim + 1], size, side, (stride, padding, dilation))
        x = _folded(x, dim, taps)
    return reshaped(x, out_shape(op))


def _folded(x: Reach, dim: int, taps: Taps) -> Reach:
    """A dim of taps and the next, of positions, become one of pixels."""
    axis, pair = dim + 1, x.shape[dim : dim + 2]

    def change(span: Span) -> Span:
        rows = np.moveaxis(span.rows[:2], (axis, axis + 1), (-2, -1))
        rows = np.broadcast_to(rows, (*rows.shape[:-2], *pair))
        read = rows[..., np.arange(pair[0]), np.maximum(taps.seen, 0)]
        hull = np.where(taps.seen < 0, np.int32(EMPTY), read).min(axis=-1)
        return Span(np.moveaxis(hull, -1, axis))

    shape = (*x.shape[:dim], len(taps.seen), *x.shape[dim + 2 :])
    return x.mapped(change, shape).settled()


def _numbered(*names: str) -> list[str]:
    """Names for 1, 2 and 3 axes."""
    return [name.format(n) for name in names for n in (1, 2, 3)]


WINDOWS: dict[str, Rule] = {
    "convolution": _convolution,
    **dict.fromkeys(_numbered("max_pool{}d", "max_pool{}d_with_indices", "avg_pool{}d"), _pool),
    **dict.fromkeys(
        _numbered("_adaptive_avg_pool{}d", "adaptive_avg_pool{}d", "adaptive_max_pool{}d"),
        _adaptive_pool,
    ),
    **dict.fromkeys(
        (
            *_numbered("upsample_nearest{}d", "_upsample_nearest_exact{}d"),
            "upsample_linear1d",
            "upsample_bilinear2d",
            "upsample_trilinear3d",
            "upsample_bicubic2d",
            "_upsample_bilinear2d_aa",
            "_upsample_bicubic2d_aa",
        ),
        _upsample,
    ),
    "im2col": _im2col,
    "col2im": _col2im,
}
