"""Shapes of the commonest operators on the meta device, without PyTorch's own Python for them.

PyTorch computes them through decompositions in Python, which are slow, and whose first use loads
the compiler: 1.5 s before the first answer. What is here gives tensors of the same shape, strides
and dtype (a test holds it to the real operators); everything else goes to PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from hubel.analysis.recording.recurrent import RECURRENT_KERNELS

__all__ = ["KERNELS", "run"]

aten = torch.ops.aten


def run(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an operator gives for meta tensors; for others, what PyTorch gives."""
    kernel = KERNELS.get(func) or RECURRENT_KERNELS.get(func)
    if kernel is not None:
        result = kernel(*args, **kwargs)
        if result is not None:
            return result
    return func(*args, **kwargs)


def _plain(*tensors: Any) -> bool:
    """Meta tensors of float32, without which strides and dtypes follow rules that are not here."""
    return all(isinstance(x, Tensor) and x.is_meta and x.dtype == torch.float32 for x in tensors)


def _like_first(x: Tensor, *rest: Any, **_keywords: Any) -> Tensor | None:
    """For operators that give a value for each element of their first argument."""
    tensors = [x, *(y for y in rest if isinstance(y, Tensor))]
    if _plain(*tensors) and all(y.shape == x.shape and y.stride() == x.stride() for y in tensors):
        return _dense(x)
    return None


def _dense(x: Tensor) -> Tensor | None:
    """As `empty_like`, where it is sure to keep the strides: for contiguous and channels-last."""
    if x.is_contiguous() or (x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)):
        return torch.empty_strided(x.shape, x.stride(), device="meta")
    return None


def _new(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


def _spread(x: Tensor) -> Tensor | None:
    """What arithmetic makes of an expanded tensor, as the gradient of a mean: a dense one."""
    strides = [stride for stride in x.stride() if stride]
    is_ordered = strides == sorted(strides, reverse=True)
    return _new(*x.shape) if 0 in x.stride() and is_ordered else None


def _broadcast(x: Any, y: Any, *_rest: Any, **_keywords: Any) -> Tensor | None:
    """For sums and products of two tensors, or of a tensor and a number."""
    if isinstance(y, (int, float)):
        return (_dense(x) if 0 not in x.stride() else _spread(x)) if _plain(x) else None
    if not _plain(x, y):
        return None
    if x.shape == y.shape and x.stride() == y.stride():
        return _dense(x)
    # One holds every element and the other is spread over it: the strides are the larger's.
    if (
        x.is_contiguous()
        and y.is_contiguous()
        and torch.broadcast_shapes(x.shape, y.shape) == x.shape
    ):
        return _dense(x)
    return None


def _in_place(x: Tensor, *rest: Any, **_keywords: Any) -> Tensor | None:
    tensors = [y for y in rest if isinstance(y, Tensor)]
    if _plain(x, *tensors) and all(y.shape == x.shape for y in tensors):
        return x
    return None


def _convolution(
    x: Tensor, weight: Tensor, bias: Any, stride: Sequence[int], *rest: Any
) -> Tensor | None:
    padding, dilation, transposed, _, groups = rest
    axes = x.dim() - 2
    moves = [_each(numbers, axes) for numbers in (stride, padding, dilation)]
    fits = x.dim() > 2 and x.dim() == weight.dim() and x.shape[1] == weight.shape[1] * groups
    if transposed or not fits or not _plain(x, weight) or weight.shape[0] % groups:
        return None
    sides = [
        (side + 2 * pad - spread * (kernel - 1) - 1) // step + 1
        for side, kernel, step, pad, spread in zip(
            x.shape[2:], weight.shape[2:], *moves, strict=True
        )
    ]
    if min(sides) < 1 or (bias is not None and bias.shape != weight.shape[:1]):
        return None  # PyTorch has the words for what is wrong
    return _in_format_of(x, (x.shape[0], weight.shape[0], *sides))


def _each(numbers: Sequence[int], axes: int) -> list[int]:
    return list(numbers) * axes if len(numbers) == 1 else list(numbers)


def _in_format_of(x: Tensor, shape: tuple[int, ...]) -> Tensor | None:
    if x.is_contiguous():
        return _new(*shape)
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return torch.empty(shape, device="meta", memory_format=torch.channels_last)
    return None


def _convolution_backward(
    gradient: Tensor, x: Tensor, weight: Tensor, bias_sizes: Any, *rest: Any
) -> Any:
    mask: Sequence[bool] = rest[-1]
    tensors = (gradient, x, weight)
    if not _plain(*tensors) or not all(tensor.is_contiguous() for tensor in tensors):
        return None
    return (
        _dense(x) if mask[0] else None,
        _dense(weight) if mask[1] else None,
        _new(*bias_sizes) if mask[2] else None,
    )


def _max_pool(x: Tensor, kernel: Sequence[int], *rest: Any) -> Any:
    """Without its rarer modes: a kernel for each axis, no dilation, sides rounded down."""
    defaults: tuple[Any, ...] = ((), (0,), (1,), False)
    stride, padding, dilation, ceil = (*rest, *defaults[len(rest) :])
    if ceil or set(dilation) != {1} or not _plain(x) or x.dim() != 4:
        return None
    kernel, padding = _each(kernel, 2), _each(padding, 2)
    steps = _each(stride or kernel, 2)
    if any(2 * pad > size for pad, size in zip(padding, kernel, strict=True)):
        return None  # PyTorch has the words for what is wrong
    sides = [
        (side + 2 * pad - size) // step + 1
        for side, size, step, pad in zip(x.shape[2:], kernel, steps, padding, strict=True)
    ]
    out = _in_format_of(x, (*x.shape[:2], *sides)) if min(sides) > 0 else None
    if out is None:
        return None
    return out, torch.empty_strided(out.shape, out.stride(), dtype=torch.int64, device="meta")


def _max_pool_backward(_gradient: Tensor, x: Tensor, *_rest: Any) -> Tensor | None:
    return _dense(x) if _plain(x) and x.dim() == 4 else None


def _batch_norm(
    x: Tensor, weight: Any, bias: Any, mean: Any, variance: Any, training: bool, *_rest: Any
) -> Any:
    if not _plain(x) or _dense(x) is None:
        return None
    kept = x.shape[1] if training else 0
    return _dense(x), _new(kept), _new(kept)


def _batch_norm_backward(gradient: Tensor, x: Tensor, weight: Any, *rest: Any) -> Any:
    mask: Sequence[bool] = rest[-1]
    if not _plain(gradient, x) or _dense(x) is None:
        return None
    per_channel = [_new(x.shape[1]) if asked else None for asked in mask[1:]]
    return _dense(x) if mask[0] else None, *per_channel


def _layer_norm(x: Tensor, shape: Sequence[int], *_rest: Any) -> Any:
    if not _plain(x) or not x.is_contiguous():
        return None
    kept = [*x.shape[: x.dim() - len(shape)], *(1 for _ in shape)]
    return _dense(x), _new(*kept), _new(*kept)


def _addmm(bias: Tensor, x: Tensor, weight: Tensor, **keywords: Any) -> Tensor | None:
    if keywords or not _plain(bias, x, weight) or bias.dim() != 1:
        return None
    if x.dim() != 2 or weight.dim() != 2 or x.shape[1] != weight.shape[0]:
        return None  # PyTorch has the words for what is wrong
    if bias.shape[0] not in (1, weight.shape[1]):
        return None
    return _new(x.shape[0], weight.shape[1])


def _mean(x: Tensor, dims: Sequence[int] | None, keepdim: bool = False, **keywords: Any) -> Any:
    if keywords or not dims or not _plain(x) or not x.is_contiguous():
        return None
    if not all(-x.dim() <= dim < x.dim() for dim in dims):
        return None  # PyTorch has the words for what is wrong
    over = {dim % x.dim() for dim in dims}
    sizes = [1 if dim in over else size for dim, size in enumerate(x.shape)]
    return _new(*(size for dim, size in enumerate(sizes) if keepdim or dim not in over))


def _cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor | None:
    if not _plain(*tensors) or not all(x.is_contiguous() and x.dim() > 0 for x in tensors):
        return None
    dim %= tensors[0].dim()
    rest = {(*x.shape[:dim], *x.shape[dim + 1 :]) for x in tensors}
    if len(rest) != 1 or len({x.dim() for x in tensors}) != 1:
        return None
    shape = list(tensors[0].shape)
    shape[dim] = sum(x.shape[dim] for x in tensors)
    return _new(*shape)


def _softmax(x: Tensor, _dim: int, half_to_float: bool = False) -> Tensor | None:
    return _like_first(x) if not half_to_float and x.is_contiguous() else None


def _roll(x: Tensor, *_rest: Any) -> Tensor | None:
    return _like_first(x) if x.is_contiguous() else None


_SAME = (
    aten.relu, aten.gelu, aten.silu, aten.sigmoid, aten.tanh, aten.hardtanh, aten.hardswish,
    aten.hardsigmoid, aten.threshold_backward, aten.gelu_backward, aten.hardswish_backward,
    aten.hardtanh_backward, aten.hardsigmoid_backward, aten.silu_backward,
    aten.sigmoid_backward, aten.tanh_backward,
)  # fmt: skip
_SAME_IN_PLACE = (
    aten.relu_, aten.silu_, aten.hardtanh_, aten.hardswish_, aten.hardsigmoid_, aten.sigmoid_,
    aten.tanh_, aten.gelu_,
)  # fmt: skip

KERNELS: dict[Any, Callable[..., Any]] = {
    **{op.default: _like_first for op in _SAME},
    **{op.default: _in_place for op in _SAME_IN_PLACE},
    aten.add.Tensor: _broadcast,
    aten.sub.Tensor: _broadcast,
    aten.mul.Tensor: _broadcast,
    aten.mul.Scalar: _broadcast,
    aten.div.Scalar: _broadcast,
    aten.add_.Tensor: _in_place,
    aten.mul_.Tensor: _in_place,
    aten.convolution.default: _convolution,
    aten.convolution_backward.default: _convolution_backward,
    aten.max_pool2d_with_indices.default: _max_pool,
    aten.max_pool2d_with_indices_backward.default: _max_pool_backward,
    aten.native_batch_norm.default: _batch_norm,
    aten.native_batch_norm_backward.default: _batch_norm_backward,
    aten.native_layer_norm.default: _layer_norm,
    aten.addmm.default: _addmm,
    aten.mean.dim: _mean,
    aten.cat.default: _cat,
    aten._softmax.default: _softmax,
    aten._safe_softmax.default: _softmax,
    aten.roll.default: _roll,
}
