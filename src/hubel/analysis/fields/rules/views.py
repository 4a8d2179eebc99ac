"""Operators that move elements: views, copies, joins and rolls. Their reach moves alike."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from hubel.analysis.fields.joins import concatenated, union
from hubel.analysis.fields.reach import Reach
from hubel.analysis.fields.reshape import reshaped
from hubel.analysis.fields.rules.rule import (
    Reaches,
    Result,
    Rule,
    argument,
    dims_of,
    first,
    known,
    out_shape,
)
from hubel.analysis.fields.slide import slid, unfolded
from hubel.analysis.fields.span import Span
from hubel.analysis.fields.taps import crop_taps, pad_taps, window_taps
from hubel.analysis.recording.graph import Operator

__all__ = ["VIEWS"]


def _view(op: Operator, reaches: Reaches) -> Reach:
    return reshaped(first(op, reaches), out_shape(op))


def _permute(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    return x.permuted(dims_of(op.arguments[1], x.ndim))


def _transpose(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    order = list(range(x.ndim))
    one, other = (0, x.ndim - 1) if op.name == "t" else dims_of(op.arguments[1:3], x.ndim)
    order[one], order[other] = order[other], order[one]
    return x.permuted(order)


def _unsqueeze(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    dim = argument(op, "dim") % (x.ndim + 1)
    return x.with_ones((1,) * (x.ndim + 1)).permuted(
        [*range(1, dim + 1), 0, *range(dim + 1, x.ndim + 1)]
    )


def _squeeze(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    dims = dims_of(argument(op, "dim"), x.ndim)
    return x.without(dim for dim in dims if x.shape[dim] == 1)


def _expand(op: Operator, reaches: Reaches) -> Reach:
    return first(op, reaches).broadcast(out_shape(op))


def _repeat(op: Operator, reaches: Reaches) -> Reach:
    repeats = op.arguments[1]
    x = first(op, reaches).with_ones(repeats)
    for dim, count in enumerate(repeats):
        if count > 1:
            x = concatenated([x] * count, dim)
    return x


def _one(x: Reach, dim: int, index: int) -> Reach:
    """One position along a dim, which is gone then."""
    place = slid(x, dim, crop_taps(index % x.shape[dim], 1, 1))
    return place.reduced([dim]).without([dim])


def _select(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    return _one(x, argument(op, "dim") % x.ndim, argument(op, "index"))


def _unbind(op: Operator, reaches: Reaches) -> Result:
    x = first(op, reaches)
    dim = argument(op, "dim") % x.ndim
    return [_one(x, dim, index) for index in range(len(op.outputs))]


def _slice(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    dim, start = argument(op, "dim") % x.ndim, argument(op, "start") or 0
    size = x.shape[dim]
    start = min(max(start + size if start < 0 else start, 0), size)
    return slid(x, dim, crop_taps(start, out_shape(op)[dim], argument(op, "step")))


def _split(op: Operator, reaches: Reaches) -> Result:
    x = first(op, reaches)
    dim = argument(op, "dim") % x.ndim
    sizes = [output.shape[dim] for output in op.outputs]
    starts = accumulate(sizes, initial=0)
    return [slid(x, dim, crop_taps(at, n, 1)) for at, n in zip(starts, sizes, strict=False)]


def _cat(op: Operator, reaches: Reaches) -> Reach:
    values = [x for x in op.arguments[0] if x.shape != (0,)]
    dim = argument(op, "dim") % len(out_shape(op))
    return concatenated([reaches.get(x.id, x.shape) for x in values], dim)


def _stack(op: Operator, reaches: Reaches) -> Reach:
    dim = argument(op, "dim") % len(out_shape(op))
    parts: list[Reach | tuple[int, ...]] = []
    for x in op.arguments[0]:
        shape = (*x.shape[:dim], 1, *x.shape[dim:])
        parts.append(reshaped(reaches[x.id], shape) if x.id in reaches else shape)
    return concatenated(parts, dim)


def _pad(op: Operator, reaches: Reaches) -> Reach:
    """The pairs of a padding start at the last dim."""
    x, pairs = first(op, reaches), op.arguments[1]
    mode = op.name.partition("_")[0].replace("reflection", "reflect").replace("ion", "e")
    for number in range(len(pairs) // 2):
        dim = x.ndim - 1 - number
        before, after = pairs[2 * number : 2 * number + 2]
        x = slid(x, dim, pad_taps(x.shape[dim], before, after, mode))
    return x


def _reordered(x: Reach, dim: int, order: np.ndarray) -> Reach:
    def change(span: Span) -> Span:
        if dim not in span.varying:
            return span
        rows = span.rows.take(order, axis=dim + 1)
        return span.laid(rows, lambda old: None if old == dim else old)

    return x.mapped(change).settled()


def _roll(op: Operator, reaches: Reaches) -> Reach:
    x, dims = first(op, reaches), argument(op, "dims")
    if not dims:
        flat = reshaped(x, (int(np.prod(x.shape)),))
        order = np.roll(np.arange(flat.shape[0]), op.arguments[1])
        return reshaped(_reordered(flat, 0, order), x.shape)
    for shift, dim in zip(op.arguments[1], dims_of(dims, x.ndim), strict=True):
        x = _reordered(x, dim, np.roll(np.arange(x.shape[dim]), shift))
    return x


def _flip(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    for dim in dims_of(op.arguments[1], x.ndim):
        x = _reordered(x, dim, np.arange(x.shape[dim])[::-1])
    return x


def _unfold(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    dim = op.arguments[1] % x.ndim
    size, step = op.arguments[2:4]
    taps = window_taps(x.shape[dim], out_shape(op)[dim], size, (step, 0, 1))
    order = [d for d in range(x.ndim + 1) if d != dim + 1]
    return unfolded(x, dim, taps).permuted([*order, dim + 1]).settled()


def _pixel_shuffle(op: Operator, reaches: Reaches) -> Reach:
    x, factor = first(op, reaches), op.arguments[1]
    *batch, channels, height, width = x.shape
    n = len(batch)
    x = reshaped(x, (*batch, channels // factor**2, factor, factor, height, width))
    x = x.permuted([*range(n + 1), n + 3, n + 1, n + 4, n + 2])
    return reshaped(x, out_shape(op))


def _pixel_unshuffle(op: Operator, reaches: Reaches) -> Reach:
    x, factor = first(op, reaches), op.arguments[1]
    *batch, channels, height, width = x.shape
    n = len(batch)
    x = reshaped(x, (*batch, channels, height // factor, factor, width // factor, factor))
    x = x.permuted([*range(n + 1), n + 2, n + 4, n + 1, n + 3])
    return reshaped(x, out_shape(op))


def _channel_shuffle(op: Operator, reaches: Reaches) -> Reach:
    x, groups = first(op, reaches), op.arguments[1]
    apart = reshaped(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    return reshaped(apart.permuted([0, 2, 1, *range(3, apart.ndim)]), x.shape)


def _as_real(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    return reshaped(x, (*x.shape, 1)).broadcast(out_shape(op))


def _as_complex(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    return x.reduced([x.ndim - 1]).without([x.ndim - 1])


def _copy(op: Operator, reaches: Reaches) -> Reach:
    """Into a tensor, whose own elements are gone."""
    return union(known(reaches, op.arguments[1:2]), out_shape(op))


VIEWS: dict[str, Rule] = {
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "_reshape_alias", "flatten"), _view),
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "permute": _permute,
    **dict.fromkeys(("t", "transpose"), _transpose),
    "expand": _expand,
    "repeat": _repeat,
    "select": _select,
    "unbind": _unbind,
    "slice": _slice,
    **dict.fromkeys(
        ("split", "unsafe_split", "split_with_sizes", "unsafe_split_with_sizes"), _split
    ),
    "cat": _cat,
    "stack": _stack,
    **dict.fromkeys(
        (
            "constant_pad_nd",
            *(f"{mode}_pad{n}d" for mode in ("reflection", "replication") for n in (1, 2, 3)),
        ),
        _pad,
    ),
    "roll": _roll,
    "flip": _flip,
    "unfold": _unfold,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), _channel_shuffle),
    "view_as_real": _as_real,
    "view_as_complex": _as_complex,
    "copy": _copy,
}
