"""Linear layers as numbers: a kernel, a bias and where the windows stand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Affine", "affine_of", "compose", "is_linear", "is_neutral"]

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A linear layer, in float64. A linear layer on vectors is a convolution on one position.

    Attributes:
        weight: given channels, taken channels of a group, kernel.
        bias: given channels.
        stride: on each axis.
        dilation: on each axis.
        before: padding before the first position, on each axis.
        after: padding after the last.
        groups: within which channels mix.
        pads_zeros: whether what it pads counts as zeros, so that a convolution can pad it too.
        wraps: whether it pads with what stands at the other end.
        ceils: whether a last window may reach beyond the padding.
        is_weighted: whether it has a kernel of its own, not a mean or a normalisation.
        shifts: whether it adds a bias, be it 0.
    """

    weight: Tensor
    bias: Tensor
    stride: Shape
    dilation: Shape
    before: Shape
    after: Shape
    groups: int
    pads_zeros: bool = True
    wraps: bool = False
    ceils: bool = False
    is_weighted: bool = False
    shifts: bool = False

    @property
    def kernel(self) -> Shape:
        """Taps on each axis."""
        return tuple(self.weight.shape[2:])

    @property
    def extent(self) -> Shape:
        """Positions from the first tap to the last, both counted, on each axis."""
        return tuple(
            d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)
        )  # fmt: skip

    @property
    def only_pads(self) -> bool:
        """Whether it gives back what it reads, with zeros around it."""
        is_copy = set(self.kernel + self.stride) == {1} and self.groups == len(self.bias)
        ones = bool((self.weight == 1).all()) and not bool(self.bias.any())
        return is_copy and ones and self.pads_zeros


def affine_of(module: nn.Module, shape: Sequence[int]) -> Affine | None:
    """A module in evaluation as numbers, or None where it is not linear, or not known to be.

    Args:
        module: with weights; a subclass may do anything, so only PyTorch's own classes are known.
        shape: of its input, the batch first.

    Example:
        >>> affine_of(nn.AvgPool2d(2), (1, 3, 8, 8)).weight.shape
        torch.Size([3, 1, 2, 2])
        >>> affine_of(nn.ReLU(), (1, 3, 8, 8)) is None
        True
    """
    if not is_linear(module, shape):
        return None
    with torch.no_grad():
        return _MAKERS[type(module)](module, tuple(shape))


def is_linear(module: nn.Module, shape: Sequence[int]) -> bool:
    """Whether a module, with weights or without, is known to be linear in evaluation."""
    if type(module) not in _MAKERS or _has_hooks(module):
        return False
    if isinstance(module, _Norms):
        return module.running_mean is not None
    if isinstance(module, _AdaptiveMeans):
        outs = _adaptive_sides(module, tuple(shape[2:]))
        return not any(side % out for side, out in zip(shape[2:], outs, strict=True))
    return True


def _has_hooks(module: Any) -> bool:
    """Hooks may change what goes in or comes out; older weight normalisation is one."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def is_neutral(module: nn.Module) -> bool:
    """Whether a module does nothing in evaluation."""
    return type(module) in _NEUTRAL


def compose(layers: Sequence[Affine]) -> Affine:
    """One layer that does the same on an endless map: kernels are composed, strides multiply.

    Padding is left out: it is the same only where no layer but the first one pads.

    Example:
        >>> mean = affine_of(nn.AvgPool1d(2), (1, 1, 8))
        >>> compose([mean, mean]).weight.tolist(), compose([mean, mean]).stride
        ([[[0.25, 0.25, 0.25, 0.25]]], (4,))
    """
    whole = reduce(_composed, map(_dense, layers))
    steps = [_step(layers, axis) for axis in range(len(whole.stride))]
    taps = tuple(slice(None, None, step) for step in steps)
    return Affine(
        whole.weight[(slice(None), slice(None), *taps)].contiguous(),
        whole.bias,
        whole.stride,
        tuple(steps),
        (0,) * len(steps),
        (0,) * len(steps),
        whole.groups,
        shifts=any(layer.shifts for layer in layers),
    )


def _step(layers: Sequence[Affine], axis: int) -> int:
    """What all taps of the whole stand apart by: its dilation."""
    step, stride = 0, 1
    for layer in layers:
        if layer.kernel[axis] > 1:
            step = math.gcd(step, layer.dilation[axis] * stride)
        stride *= layer.stride[axis]
    return step or 1


def _dense(layer: Affine) -> Affine:
    """The same without dilation: zeros stand between the taps."""
    weight = layer.weight.new_zeros(*layer.weight.shape[:2], *layer.extent)
    taps = tuple(slice(None, None, d) for d in layer.dilation)
    weight[(slice(None), slice(None), *taps)] = layer.weight
    none = (0,) * len(layer.stride)
    ones = (1,) * len(layer.stride)
    return Affine(weight, layer.bias, layer.stride, ones, none, none, layer.groups)


def _composed(first: Affine, second: Affine) -> Affine:
    """The second kernel's taps, each a copy of the first kernel, a first stride apart.

    That sum is a transposed convolution of the second kernel with the first.
    """
    groups = math.gcd(first.groups, second.groups)
    inner, outer = _regrouped(first, groups), _regrouped(second, groups)
    given, between = outer.shape[0] // groups, outer.shape[1]
    rows = outer.unflatten(0, (groups, given)).transpose(0, 1)
    rows = rows.reshape(given, groups * between, *outer.shape[2:])
    weight = _TRANSPOSED[outer.dim() - 2](rows, inner, stride=first.stride, groups=groups)
    weight = weight.unflatten(1, (groups, inner.shape[1])).transpose(0, 1).flatten(0, 1)
    sums = second.weight.flatten(2).sum(2)
    carried = sums.unflatten(0, (second.groups, -1)) @ first.bias.view(second.groups, -1, 1)
    stride = tuple(a * b for a, b in zip(first.stride, second.stride, strict=True))
    return Affine(
        weight,
        carried.flatten() + second.bias,
        stride,
        first.dilation,
        first.before,
        first.after,
        groups,
    )


_TRANSPOSED: dict[int, Callable[..., Tensor]] = {
    1: F.conv_transpose1d,
    2: F.conv_transpose2d,
    3: F.conv_transpose3d,
}


def _regrouped(layer: Affine, groups: int) -> Tensor:
    """The weight of the same layer with fewer groups: zeros between channels that do not mix."""
    parts = layer.groups // groups
    weight = layer.weight.unflatten(0, (groups, parts, -1)).unsqueeze(3)
    own = torch.eye(parts, dtype=weight.dtype)
    own = own.view(1, parts, 1, parts, 1, *(1,) * (layer.weight.dim() - 2))
    return (weight * own).flatten(3, 4).flatten(0, 2)


def _double(tensor: Tensor) -> Tensor:
    return tensor.detach().to(device="cpu", dtype=torch.float64)


def _numbers(weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    none = torch.zeros(weight.shape[0], dtype=torch.float64)
    return _double(weight), none if bias is None else _double(bias)


def _convolution(module: Any, _shape: Shape) -> Affine:
    if module.padding == "same":
        total = [d * (k - 1) for k, d in zip(module.kernel_size, module.dilation, strict=True)]
        before = tuple(pad // 2 for pad in total)
        after = tuple(pad - pad // 2 for pad in total)
    else:
        before = after = (0,) * len(module.stride) if module.padding == "valid" else module.padding
    return Affine(
        *_numbers(module.weight, module.bias),
        module.stride,
        module.dilation,
        before,
        after,
        module.groups,
        pads_zeros=module.padding_mode == "zeros",
        wraps=module.padding_mode == "circular",
        is_weighted=True,
        shifts=module.bias is not None,
    )


def _each(kernel: int | Shape, axes: int) -> Shape:
    return (kernel,) * axes if isinstance(kernel, int) else tuple(kernel)


def _mean(module: Any, shape: Shape) -> Affine:
    axes = len(shape) - 2
    kernel, stride, pads = (
        _each(given, axes) for given in (module.kernel_size, module.stride, module.padding)
    )
    divisor = getattr(module, "divisor_override", None) or math.prod(kernel)
    return _pooling(
        torch.full((shape[1], 1, *kernel), 1 / divisor, dtype=torch.float64),
        stride,
        pads,
        pads_zeros=module.count_include_pad or not any(pads),
        ceils=module.ceil_mode,
    )


def _adaptive_sides(module: Any, sides: Shape) -> Shape:
    asked: Any = module.output_size
    wanted: Any = (asked,) * len(sides) if isinstance(asked, int) else asked
    return tuple(side if out is None else out for side, out in zip(sides, wanted, strict=True))


def _adaptive_mean(module: Any, shape: Shape) -> Affine:
    """Windows of one size, since the sides divide; at other sides it is another layer."""
    outs = _adaptive_sides(module, shape[2:])
    kernel = tuple(side // out for side, out in zip(shape[2:], outs, strict=True))
    weight = torch.full((shape[1], 1, *kernel), 1 / math.prod(kernel), dtype=torch.float64)
    return _pooling(weight, kernel, (0,) * len(kernel))


def _pooling(weight: Tensor, stride: Shape, pads: Shape, **traits: bool) -> Affine:
    bias = torch.zeros(weight.shape[0], dtype=torch.float64)
    ones = (1,) * len(stride)
    return Affine(weight, bias, stride, ones, pads, pads, weight.shape[0], **traits)


def _norm(module: Any, shape: Shape) -> Affine:
    scale = (_double(module.running_var) + module.eps).rsqrt()
    shift = -_double(module.running_mean) * scale
    if module.affine:
        scale, shift = scale * _double(module.weight), shift * _double(module.weight)
        shift = shift + _double(module.bias)
    axes = max(len(shape) - 2, 1)
    weight = scale.view(-1, 1, *(1,) * axes)
    none, ones = (0,) * axes, (1,) * axes
    return Affine(weight, shift, ones, ones, none, none, len(shift), shifts=True)


def _linear(module: Any, _shape: Shape) -> Affine:
    weight, bias = _numbers(module.weight, module.bias)
    one = _pooling(weight.unsqueeze(2), (1,), (0,))
    has_bias = module.bias is not None
    return replace(one, bias=bias, groups=1, is_weighted=True, shifts=has_bias)


def _padding(module: Any, shape: Shape) -> Affine:
    axes = len(shape) - 2
    ones = (1,) * axes
    pairs = [module.padding[2 * axis : 2 * axis + 2] for axis in range(axes)][::-1]
    return replace(
        _pooling(torch.ones(shape[1], 1, *ones, dtype=torch.float64), ones, (0,) * axes),
        before=tuple(pair[0] for pair in pairs),
        after=tuple(pair[1] for pair in pairs),
        pads_zeros=getattr(module, "value", None) == 0,
        wraps=type(module).__name__.startswith("Circular"),
    )


_NEUTRAL = {
    nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout,
    nn.FeatureAlphaDropout,
}  # fmt: skip
_Norms = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
_AdaptiveMeans = nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d | nn.AdaptiveAvgPool3d
_MAKERS: dict[type[nn.Module], Callable[[Any, Shape], Affine]] = {
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), _convolution),
    **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), _mean),
    **dict.fromkeys(
        (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), _adaptive_mean
    ),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), _norm),
    **dict.fromkeys(
        (
            nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d,
            nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d,
            nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d,
            nn.ReplicationPad1d, nn.ReplicationPad2d, nn.ReplicationPad3d,
            nn.CircularPad1d, nn.CircularPad2d, nn.CircularPad3d,
        ),
        _padding,
    ),
    nn.Linear: _linear,
}  # fmt: skip
