"""Build the one equivalent of a linear stack."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hubel.analysis.collapse.affine import Affine, affine_of, compose, is_neutral
from hubel.analysis.collapse.agreeing import Run, agreement
from hubel.analysis.collapse.borders import Line, lines
from hubel.analysis.collapse.collapsed import Collapsed
from hubel.analysis.units import shape_text
from hubel.errors import DesignError

__all__ = ["collapse_stack"]

_CONVOLUTIONS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_MOST_PARAMETERS = 500_000_000


def collapse_stack(layers: nn.Sequential, input_shape: Sequence[int]) -> Collapsed:
    """Build the one convolution that a linear stack is in evaluation, and measure that they agree.

    Convolutions of any stride, dilation, groups and padding, average poolings, batch
    normalisations, paddings; or fully connected layers. Kernels are composed in float64.

    Args:
        layers: with weights; left as they are.
        input_shape: of one sample: channels, then sides. Adaptive pooling fixes the sides;
            otherwise the result takes other sides too.

    Returns:
        The collapsed stack in evaluation, with its `agreement`.

    Raises:
        DesignError: a layer is not linear, or the equivalent would be too large.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> stack = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AvgPool2d(2), nn.Conv2d(8, 4, 3))
        >>> one = collapse_stack(stack, (3, 16, 16))
        >>> one.conv
        Conv2d(3, 4, kernel_size=(8, 8), stride=(2, 2))
        >>> one.agreement.difference < 1e-6
        True
    """
    run = run_stack(layers, tuple(input_shape))
    axes = lines(run.affines)
    _expect_small(run, axes)
    whole = compose(run.affines)
    padding = _plain_padding(axes)
    conv = _linear(whole) if run.is_vector else _convolution(whole, padding)
    border = None if run.is_vector or padding is not None else nn.Sequential(*run.layers)
    made = Collapsed(conv.to(run.x), border, axes).eval()
    made.agreement = agreement(made, run)
    return made


def run_stack(layers: nn.Sequential, shape: tuple[int, ...]) -> Run:
    used = [(name, part) for name, part in layers.named_children() if not is_neutral(part)]
    parameters = [parameter for _, part in used for parameter in part.parameters()]
    kind = parameters[0] if parameters else torch.empty(())
    if kind.is_meta:
        raise DesignError("the stack has no weights (it is on the meta device): load them first")
    draws = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    x = y = draws.to(kind.device, kind.dtype)
    is_vector = any(type(part) is nn.Linear for _, part in used)
    kept: list[nn.Module] = []
    affines: list[Affine] = []
    for name, part in used:
        affine = _affine(name, part, y, is_vector)
        kept.append(_fixed(part, affine))
        affines.append(affine)
        y = _given(name, kept[-1], y)
    if not affines:
        raise DesignError("the stack has no layer that computes; expected at least one")
    names = tuple(name for name, _ in used)
    return Run(names, tuple(kept), tuple(affines), is_vector, x, y)


def _affine(name: str, part: nn.Module, x: Tensor, is_vector: bool) -> Affine:
    affine = affine_of(part, x.shape)
    if affine is None:
        raise DesignError(
            f"layer {name}, {part}, is not linear in evaluation, or has hooks, on "
            f"{shape_text(x.shape[1:])}: only convolutions, average poolings whose windows are "
            "equal, batch normalisations with running statistics, paddings and fully connected "
            "layers collapse; leave it out of the stack"
        )
    is_norm = isinstance(part, nn.BatchNorm1d) and x.dim() == 2
    if is_vector and not (isinstance(part, nn.Linear) or is_norm):
        raise DesignError(
            f"layer {name}, {part}, works on maps, and another on vectors; expected a stack of "
            "one or the other: collapse them apart"
        )
    return affine


def _given(name: str, part: nn.Module, x: Tensor) -> Tensor:
    try:
        with torch.no_grad():
            return part(x)
    except RuntimeError as error:
        raise DesignError(
            f"layer {name}, {part}, does not take {shape_text(x.shape[1:])} ({error}); give the "
            "shape of the stack's own input"
        ) from error


def _fixed(part: nn.Module, affine: Affine) -> nn.Module:
    """A copy in evaluation; adaptive pooling becomes the pooling that it is at these sides."""
    if isinstance(part, nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d | nn.AdaptiveAvgPool3d):
        pools: dict[int, Any] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
        return pools[len(affine.kernel)](affine.kernel).eval()
    return copy.deepcopy(part).eval()


def _expect_small(run: Run, axes: Sequence[Line]) -> None:
    groups = math.gcd(*(affine.groups for affine in run.affines))
    taken = run.affines[0].weight.shape[1] * run.affines[0].groups // groups
    kernel = [1] if run.is_vector else [line.reaches[0] for line in axes]
    count = len(run.affines[-1].bias) * taken * math.prod(kernel)
    if count > _MOST_PARAMETERS:
        raise DesignError(
            f"the one equivalent would hold {count:,} weights ({len(run.affines[-1].bias)} x "
            f"{taken} x {shape_text(kernel)}), more than {_MOST_PARAMETERS:,}; collapse "
            "fewer layers"
        )


def _plain_padding(axes: Sequence[Line]) -> tuple[int, ...] | None:
    """Padding with which one convolution is the whole stack; None where none is."""
    for line in axes:
        pads = zip(line.before, line.after, line.exact, strict=True)
        if any((before or after) and not exact for before, after, exact in pads):
            return None
        if any(line.ceils) or line.before != line.after or line.offsets[0] < 0:
            return None
    return tuple(line.offsets[0] for line in axes)


def _convolution(whole: Affine, padding: tuple[int, ...] | None) -> nn.Module:
    given, taken = whole.weight.shape[:2]
    conv = _CONVOLUTIONS[len(whole.stride)](
        taken * whole.groups,
        given,
        whole.kernel,
        whole.stride,
        padding or 0,
        whole.dilation,
        whole.groups,
        bias=whole.shifts,
    )
    return _filled(conv, whole.weight, whole.bias)


def _linear(whole: Affine) -> nn.Module:
    given, taken = whole.weight.shape[:2]
    linear = nn.Linear(taken, given, bias=whole.shifts)
    return _filled(linear, whole.weight.squeeze(2), whole.bias)


def _filled(module: Any, weight: Tensor, bias: Tensor) -> nn.Module:
    module = module.double()
    with torch.no_grad():
        module.weight.copy_(weight)
        if module.bias is not None:
            module.bias.copy_(bias)
    return module
