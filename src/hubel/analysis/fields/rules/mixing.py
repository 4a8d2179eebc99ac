"""Operators that mix positions: products, attention, reductions, norms, sums along a dim."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hubel.analysis.fields.joins import union
from hubel.analysis.fields.reach import Reach
from hubel.analysis.fields.reshape import reshaped
from hubel.analysis.fields.rules.rule import (
    Reaches,
    Result,
    Rule,
    argument,
    dims_of,
    first,
    join,
    known,
    out_shape,
)
from hubel.analysis.fields.span import Span
from hubel.analysis.recording.graph import Operator, Value

__all__ = ["MIXING"]


def _product(op: Operator, reaches: Reaches) -> Reach:
    """Matrix products: each element sees a row of the left and a column of the right."""
    return join(op, _factors(reaches, *op.arguments[:2]))


def _added_product(op: Operator, reaches: Reaches) -> Reach:
    return join(op, known(reaches, op.arguments[:1]) + _factors(reaches, *op.arguments[1:3]))


def _factors(reaches: Reaches, left: Value, right: Value) -> list[Reach]:
    terms = [reach.reduced([reach.ndim - 1]) for reach in known(reaches, [left])]
    terms += [reach.reduced([reach.ndim - 2]) for reach in known(reaches, [right])]
    return terms


def _vector_product(op: Operator, reaches: Reaches) -> Reach:
    """Of a matrix, or a vector, and a vector."""
    terms = [reach.reduced([reach.ndim - 1]) for reach in known(reaches, op.arguments[:2])]
    return join(op, [reach.without([reach.ndim - 1]) for reach in terms])


def _linear(op: Operator, reaches: Reaches) -> Reach:
    x, weight, bias = (*op.arguments, None)[:3]
    terms = [reach.reduced([reach.ndim - 1]) for reach in known(reaches, [x])]
    for reach in known(reaches, [weight]):
        terms.append(reach.reduced([1]).without([1]))
    return join(op, terms + known(reaches, [bias]))


def _attention(op: Operator, reaches: Reaches) -> Reach:
    """Each query's output sees the query, all keys and all values; with a mask that also."""
    query, key, value = op.arguments[:3]
    terms = [reach.reduced([reach.ndim - 1]) for reach in known(reaches, [query])]
    is_causal = bool(argument(op, "is_causal", False))
    for reach in known(reaches, [key]):
        terms.append(_over_keys(reach.reduced([reach.ndim - 1]), out_shape(op), is_causal))
    for reach in known(reaches, [value]):
        terms.append(_over_keys(reach, out_shape(op), is_causal))
    for reach in known(reaches, [argument(op, "attn_mask"), argument(op, "attn_bias")]):
        terms.append(reach.reduced([reach.ndim - 1]))
    return join(op, terms)


def _over_keys(reach: Reach, shape: Sequence[int], is_causal: bool) -> Reach:
    dim = reach.ndim - 2
    if is_causal and reach.shape[dim] == shape[-2]:
        return _accumulated(reach, dim)
    return reach.reduced([dim])


def _self_attention(op: Operator, reaches: Reaches) -> Reach:
    """The fused multi-head layer: tokens are dim 1, channels dim 2."""
    query, *others = op.arguments[:3]
    terms = [reach.mixed([2]) for reach in known(reaches, [query])]
    terms += [reach.reduced([1, 2]) for reach in known(reaches, [*others])]
    return join(op, terms)


def _encoder_layer(op: Operator, reaches: Reaches) -> Reach:
    return first(op, reaches).mixed([1, 2])


def _reduction(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    dims = dims_of(argument(op, "dim"), x.ndim)
    kept = x.reduced(dims)
    return kept if len(out_shape(op)) == x.ndim else kept.without(dims)


def _along_dim(op: Operator, reaches: Reaches) -> Reach:
    """Softmax, sorting: every element sees all along a dim."""
    x = first(op, reaches)
    return x.reduced(dims_of(argument(op, "dim"), x.ndim)).broadcast(out_shape(op))


def _accumulation(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    return _accumulated(x, argument(op, "dim") % x.ndim) if x.ndim else x


def _accumulated(x: Reach, dim: int) -> Reach:
    """Each element sees itself and all before it."""

    def change(span: Span) -> Span:
        if dim not in span.varying:
            return span
        return Span(np.minimum.accumulate(span.rows[:2], axis=dim + 1))

    return x.mapped(change)


def _layer_norm(op: Operator, reaches: Reaches) -> Result:
    """The output, and mean and deviation, which have size 1 where they were taken over."""
    x = first(op, reaches)
    dims = range(x.ndim - len(argument(op, "normalized_shape")), x.ndim)
    moments = x.reduced(dims)
    rest = known(reaches, op.arguments[2:4])
    return [join(op, [moments, *rest]), moments, moments]


def _group_norm(op: Operator, reaches: Reaches) -> Reach:
    x = first(op, reaches)
    groups = argument(op, "group")
    rest = [_column(reach, x.ndim) for reach in known(reaches, op.arguments[1:3])]
    apart = reshaped(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    moments = apart.reduced(range(2, apart.ndim)).broadcast(apart.shape)
    return union([reshaped(moments, x.shape), *rest], x.shape)


def _batch_norm(op: Operator, reaches: Reaches) -> Result:
    """By stored moments each element is on its own; by the batch's it sees its whole channel."""
    x = first(op, reaches)
    is_training = bool(argument(op, "training", "no_training" not in op.name))
    others = [dim for dim in range(x.ndim) if dim != 1]
    moments = x.reduced(others) if is_training else None
    rest = [_column(reach, x.ndim) for reach in known(reaches, op.arguments[1:5])]
    output = union([x if moments is None else moments, *rest], x.shape)
    given = None if moments is None else moments.without(others)
    return [output, *(given for _ in op.outputs[1:])]


def _column(reach: Reach, ndim: int) -> Reach:
    """Of one number a channel: as a picture whose sides are 1."""
    return reshaped(reach, (*reach.shape, *(1,) * (ndim - 2)))


def _recurrent(op: Operator, reaches: Reaches) -> Result:
    """Each step sees all before it, in both directions all; the last states see every step."""
    time = 1 if argument(op, "batch_first") else 0
    kept = 1 - time
    states = [_batch_alone(r, 1, kept) for r in known(reaches, [op.arguments[4], op.arguments[5]])]
    steps = [reach.reduced([2]) for reach in known(reaches, op.arguments[:1])]
    last = [_batch_alone(reach, kept, 1) for reach in steps]
    last += [_batch_alone(reach, kept, 1) for reach in states]
    if argument(op, "bidirectional"):
        steps = [reach.reduced([time]) for reach in steps]
    else:
        steps = [_accumulated(reach, time) for reach in steps]
    given = [
        union(terms, value.shape) if terms and value.numel else None
        for terms, value in zip((steps + states, last, last), op.outputs, strict=False)
    ]
    return [*given, *(None for _ in op.outputs[3:])]


def _batch_alone(reach: Reach, batch: int, place: int) -> Reach:
    """What any element of a sample sees, with the batch at another place of three."""
    others = [dim for dim in range(reach.ndim) if dim != batch]
    shape = [1, 1, 1]
    shape[place] = reach.shape[batch]
    return reshaped(reach.reduced(others).without(others), tuple(shape))


def _halves(op: Operator, reaches: Reaches) -> Reach:
    """A gated unit: the two halves of a dim, multiplied."""
    x = first(op, reaches)
    dim = argument(op, "dim") % x.ndim
    return (
        reshaped(x, (*x.shape[:dim], 2, x.shape[dim] // 2, *x.shape[dim + 1 :]))
        .reduced([dim])
        .without([dim])
    )


MIXING: dict[str, Rule] = {
    **dict.fromkeys(("mm", "bmm", "matmul"), _product),
    **dict.fromkeys(("addmm", "baddbmm", "_addmm_activation"), _added_product),
    **dict.fromkeys(("mv", "dot"), _vector_product),
    "linear": _linear,
    **dict.fromkeys(
        (
            "scaled_dot_product_attention",
            "_scaled_dot_product_attention_math",
            "_scaled_dot_product_cudnn_attention",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_fused_attention_overrideable",
        ),
        _attention,
    ),
    "_native_multi_head_attention": _self_attention,
    "_transformer_encoder_layer_fwd": _encoder_layer,
    **dict.fromkeys(
        (
            "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "linalg_vector_norm",
            "logsumexp", "max", "mean", "median", "min", "mode", "nanmedian", "nansum", "norm",
            "prod", "std", "std_mean", "sum", "var", "var_mean",
        ),
        _reduction,
    ),
    **dict.fromkeys(
        (
            "_fft_c2c", "_fft_c2r", "_fft_r2c", "_log_softmax", "_safe_softmax", "_softmax",
            "argsort", "kthvalue", "log_softmax", "softmax", "sort", "topk",
        ),
        _along_dim,
    ),
    **dict.fromkeys(("cummax", "cummin", "cumprod", "cumsum", "logcumsumexp"), _accumulation),
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    **dict.fromkeys(
        (
            "_native_batch_norm_legit",
            "_native_batch_norm_legit_no_training",
            "native_batch_norm",
        ),
        _batch_norm,
    ),
    "glu": _halves,
    "_cudnn_rnn": _recurrent,
}  # fmt: skip
