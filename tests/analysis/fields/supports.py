"""Which input pixels an output depends on, found by running the network: the truth for fields."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.analysis.fields import Field, receptive_fields
from hubel.analysis.recording.trace import Traceable, trace

__all__ = [
    "field_of",
    "field_or_none",
    "hulls",
    "read_hulls",
    "supports_by_gradient",
    "supports_of_linear",
]

_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
_CONV = (F.conv1d, F.conv2d, F.conv3d)


def field_of(module: nn.Module, shape: tuple[int, ...]) -> Field:
    """The field of a module's output; shape without the batch."""
    field = field_or_none(module, shape)
    assert field is not None, "the output depends on the input"
    return field


def field_or_none(module: nn.Module, shape: tuple[int, ...]) -> Field | None:
    """The same, none where the output reads nothing but padding."""
    graph, _ = trace(Traceable.of(module), (1, *shape))
    return receptive_fields(graph).get(graph.outputs[0].id)


class _Sum(nn.Module):
    """The sum over the very windows of a largest-of-window pooling, which may pick any of them."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        axes, sides = x.ndim - 2, self.pool(x).shape[2:]
        given = (self.pool.kernel_size, self.pool.stride, self.pool.padding, self.pool.dilation)
        kernel, stride, padding, dilation = (
            (n,) * axes if isinstance(n, int) else tuple(n) for n in given
        )
        # A window of ceil mode may go beyond the border: more zeros than any needs.
        border = [
            n for p, k, d in zip(padding, kernel, dilation, strict=True) for n in (2 * k * d, p)
        ][::-1]
        ones = torch.ones(x.shape[1], 1, *kernel, dtype=x.dtype)
        total = _CONV[axes - 1](F.pad(x, border), ones, None, stride, 0, dilation, x.shape[1])
        return total[(slice(None), slice(None), *(slice(side) for side in sides))]


def _positive(module: nn.Module) -> nn.Module:
    """A linear copy with positive weights: nothing cancels, and nothing is switched off."""
    replica = copy.deepcopy(module).double().eval()
    for parent in list(replica.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReLU):
                setattr(parent, name, nn.Identity())
            elif isinstance(child, _POOLS):
                setattr(parent, name, _Sum(child))
    for name, parameter in replica.named_parameters():
        nn.init.constant_(parameter, 0.0 if name.endswith("bias") else 1.0)
    return replica


def supports_of_linear(module: nn.Module, shape: tuple[int, ...]) -> np.ndarray:
    """Whether each output element depends on each pixel, in any channel.

    The positive replica is linear: its derivative by a pixel is what it makes of that pixel alone.

    Returns:
        (output without the batch..., sides...).
    """
    channels, *sides = shape
    pixels = torch.eye(int(np.prod(sides)), dtype=torch.float64).reshape(-1, 1, *sides)
    with torch.no_grad():
        outputs = _positive(module)(pixels.expand(-1, channels, *[-1] * len(sides)))
    return np.moveaxis(outputs.numpy() > 0, 0, -1).reshape(*outputs.shape[1:], *sides)


def supports_by_gradient(module: nn.Module, x: Tensor, elements: Iterable[int]) -> np.ndarray:
    """Whether output elements depend on each pixel, in any channel, by differentiating.

    Args:
        module: in double precision.
        x: (1, channels, sides...).
        elements: of the flattened output.

    Returns:
        (elements, sides...).
    """
    x = x.clone().requires_grad_()
    outputs = module(x).flatten()
    gradients = [torch.autograd.grad(outputs[at], x, retain_graph=True)[0] for at in elements]
    return np.stack([gradient[0].abs().sum(0).numpy() > 0 for gradient in gradients])


def hulls(supports: np.ndarray, axes: int) -> list[np.ndarray]:
    """First and last pixel along each axis; (side, -1) where there is none.

    Args:
        supports: (elements..., sides...).
        axes: how many sides.

    Returns:
        For each axis (2, elements...).
    """
    found: list[np.ndarray] = []
    first = supports.ndim - axes
    for axis in range(first, supports.ndim):
        others = tuple(a for a in range(first, supports.ndim) if a != axis)
        line = supports.any(axis=others)
        side = line.shape[-1]
        low = np.where(line.any(-1), line.argmax(-1), side)
        high = np.where(line.any(-1), side - 1 - line[..., ::-1].argmax(-1), -1)
        found.append(np.stack([low, high]))
    return found


def read_hulls(field: Field) -> list[np.ndarray]:
    """The same, as a field says it."""
    found: list[np.ndarray] = []
    for axis in field.axes:
        low, high = (np.broadcast_to(ends, field.shape) for ends in (axis.low, axis.high))
        nothing = low > high
        found.append(np.stack([np.where(nothing, axis.side, low), np.where(nothing, -1, high)]))
    return found
