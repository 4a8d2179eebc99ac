"""Operators that look up places which the data decide: the reach is everything they may look at."""

from __future__ import annotations

from collections.abc import Sequence

from hubel.analysis.fields.joins import collapsed, union
from hubel.analysis.fields.reach import Reach
from hubel.analysis.fields.rules.rule import (
    Reaches,
    Rule,
    argument,
    join,
    known,
    out_shape,
)
from hubel.analysis.recording.graph import Operator

__all__ = ["PICKING"]


def _picked(op: Operator, x: Reach, dims: Sequence[int]) -> Reach:
    """Any element along the dims; a bound only where they differ."""
    reason = f"{op.name}: which places it reads depends on data" if x.varies(dims) else ""
    return x.reduced(dims).noted(reason)


def _index(op: Operator, reaches: Reaches) -> Reach:
    """Indexed dims become those of the indices: in place if they are neighbours, else first."""
    indices = op.arguments[1]
    terms = [collapsed(known(reaches, indices), out_shape(op))] if known(reaches, indices) else []
    dims = [dim for dim, index in enumerate(indices) if index is not None]
    for x in known(reaches, op.arguments[:1]):
        rest = [dim for dim in range(x.ndim) if dim not in dims]
        new = len(out_shape(op)) - len(rest)
        at = dims[0] if dims == list(range(dims[0], dims[-1] + 1)) else 0
        terms.append(
            _inserted(_picked(op, x, dims).without(dims), at, new).broadcast(out_shape(op))
        )
    return join(op, terms)


def _inserted(x: Reach, at: int, count: int) -> Reach:
    """So many dims of size 1 at a place."""
    more = x.with_ones((1,) * (x.ndim + count))
    order = [*range(count, count + at), *range(count), *range(count + at, more.ndim)]
    return more.permuted(order)


def _gather(op: Operator, reaches: Reaches) -> Reach:
    """Any element along one dim; along the others the one at the same place."""
    index = argument(op, "index")
    dim = argument(op, "dim")
    terms = [collapsed([reach], out_shape(op)) for reach in known(reaches, [index])]
    for x in known(reaches, op.arguments[:1]):
        picked = _picked(op, x, [dim % x.ndim])
        fits = all(a in (1, b) for a, b in zip(picked.shape, out_shape(op), strict=True))
        terms.append(picked if fits else collapsed([picked], out_shape(op)))
    return join(op, terms)


def _written(op: Operator, reaches: Reaches) -> Reach:
    """Elements of another tensor, put somewhere among its own."""
    values = [x for x in op.inputs if x.id in reaches and x is not op.arguments[0]]
    own = known(reaches, op.arguments[:1])
    others = [collapsed([reaches[x.id]], out_shape(op)) for x in values]
    reach = union([*own, *others], out_shape(op))
    return reach.noted(f"{op.name}: where it writes depends on data" if others else "")


def _sampled(op: Operator, reaches: Reaches) -> Reach:
    """Any pixel of the map, and what the places were computed from."""
    reach = collapsed([reaches[x.id] for x in op.inputs if x.id in reaches], out_shape(op))
    return reach.noted(f"{op.name}: which places it reads depends on data")


PICKING: dict[str, Rule] = {
    "index": _index,
    "_unsafe_index": _index,
    **dict.fromkeys(("gather", "index_select", "take_along_dim"), _gather),
    **dict.fromkeys(
        (
            "index_add", "index_copy", "index_put", "_index_put_impl", "_unsafe_index_put",
            "masked_scatter", "scatter", "scatter_add", "scatter_reduce",
        ),
        _written,
    ),
    **dict.fromkeys(
        ("grid_sampler_2d", "grid_sampler_3d", "torchvision::deform_conv2d", "embedding"), _sampled
    ),
}  # fmt: skip
