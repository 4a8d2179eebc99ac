"""The few small layers that `torch.nn` lacks. All else is plain `torch.nn`.

Shapes: n samples, c channels, l tokens, `...` one to three sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = [
    "BlurPool",
    "Branches",
    "ChannelNorm",
    "DropPath",
    "GlobalAverage",
    "GlobalMax",
    "LayerScale",
    "Residual",
    "SqueezeExcite",
]

Children = Mapping[str, nn.Module]
_CONV = (F.conv1d, F.conv2d, F.conv3d)


class Residual(nn.Module):
    """The body's output plus the input, or plus the shortcut's output (He et al. 2015, 1512.03385).

    Args:
        body: its layers, in order; they become children of this module.
        shortcut: what the input goes through before it is added, or None.
    """

    shortcut: nn.Module | None

    def __init__(self, body: Children, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        for name, layer in body.items():
            self.add_module(name, layer)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """(n, ...) to the body's output shape."""
        y = x
        for name, layer in self.named_children():
            if name != "shortcut":
                y = layer(y)
        return y + (x if self.shortcut is None else self.shortcut(x))


class Branches(nn.Module):
    """The outputs of all branches, one after the other along the channels.

    Args:
        branches: each takes the same input; they become children of this module.
        dim: of the channels: 1 on grids and vectors, 2 on tokens.
    """

    def __init__(self, branches: Children, dim: int) -> None:
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, ...) to (n, sum of the branches' channels, ...)."""
        return torch.cat([branch(x) for branch in self.children()], self.dim)


class SqueezeExcite(nn.Module):
    """Each channel times a factor that is found from all channels' means (Hu et al. 2018).

    Args:
        channels: of the input.
        hidden: width between the two products.
        activation: between them.
        gate: after them.
    """

    def __init__(self, channels: int, hidden: int, activation: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.activation = activation
        self.fc2 = nn.Linear(hidden, channels)
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, ...) to (n, c, ...)."""
        means = x.mean(tuple(range(2, x.ndim)))
        factor = self.gate(self.fc2(self.activation(self.fc1(means))))
        return x * factor.reshape(*factor.shape, *[1] * (x.ndim - 2))


class BlurPool(nn.Module):
    """A fixed binomial filter on each channel, then every n-th (Zhang 2019, arXiv 1904.11486).

    The border is mirrored, floor((taps - 1) / 2) rows before and the rest after, as in the paper.

    Args:
        channels: of the input.
        stride: on each axis.
        taps: of the filter, an axis.
    """

    filter: Tensor

    def __init__(self, channels: int, stride: Sequence[int], taps: int = 3) -> None:
        super().__init__()
        self.channels, self.stride, self.taps = channels, tuple(stride), taps
        shape = (channels, 1, *[taps] * len(self.stride))
        self.register_buffer("filter", torch.empty(shape))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the filter: the product over the axes of a row of Pascal's triangle, of sum 1."""
        if self.filter.is_meta:
            return
        row = torch.tensor([float(comb(self.taps - 1, tap)) for tap in range(self.taps)])
        row = (row / 2.0 ** (self.taps - 1)).to(self.filter)
        kernel = row
        for _ in self.stride[1:]:
            kernel = kernel.unsqueeze(-1) * row
        with torch.no_grad():
            self.filter.copy_(kernel.expand_as(self.filter))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, *sides) to (n, c, *ceil(sides / stride))."""
        before, after = (self.taps - 1) // 2, self.taps // 2
        padded = F.pad(x, (before, after) * len(self.stride), mode="reflect")
        convolve = _CONV[len(self.stride) - 1]
        return convolve(padded, self.filter, stride=self.stride, groups=self.channels)

    def extra_repr(self) -> str:
        return f"{self.channels}, stride={self.stride}, taps={self.taps}"


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of a grid, at each position by itself, as in ConvNeXt."""

    def forward(self, input: Tensor) -> Tensor:
        """(n, c, *sides) to (n, c, *sides)."""
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class DropPath(nn.Module):
    """Stochastic depth: sets whole samples to zero in training (Huang et al. 2016, 1603.09382).

    Args:
        p: the share of samples; the others are scaled by 1 / (1 - p).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """(n, ...) to (n, ...)."""
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return torch.zeros_like(x)
        kept = x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * kept / (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class LayerScale(nn.Module):
    """One learned factor a channel (Touvron et al. 2021, arXiv 2103.17239).

    Args:
        channels: of the input.
        start: every factor's value before training.
        axes: sides after the channels: 0 for tokens and vectors, whose channels are last.
    """

    def __init__(self, channels: int, start: float, axes: int = 0) -> None:
        super().__init__()
        self.start = start
        self.factor = nn.Parameter(torch.empty(channels, *[1] * axes))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every factor to its start."""
        nn.init.constant_(self.factor, self.start)

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to itself."""
        return x * self.factor

    def extra_repr(self) -> str:
        return f"{self.factor.shape[0]}, start={self.start}"


class GlobalAverage(nn.Module):
    """The mean over all positions of a grid, or over all tokens.

    Args:
        dims: of the positions.
    """

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, *sides) or (n, l, c) to (n, c)."""
        return x.mean(self.dims)


class GlobalMax(GlobalAverage):
    """The largest over all positions of a grid, or over all tokens."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, *sides) or (n, l, c) to (n, c)."""
        return x.amax(self.dims)
