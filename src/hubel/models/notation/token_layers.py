"""The layers of tokens that `torch.nn` lacks: n samples, l tokens, c channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = [
    "Attention",
    "ClassToken",
    "FirstToken",
    "PatchEmbed",
    "Positions",
    "SequencePool",
    "ToGrid",
    "ToTokens",
]


class Attention(nn.Module):
    """Multi-head self-attention with one product for query, key and value (Vaswani et al. 2017).

    Args:
        channels: of a token.
        heads: they divide the channels.
        bias: of the last product.
        qkv_bias: of the first product.
    """

    def __init__(
        self, channels: int, heads: int, *, bias: bool = True, qkv_bias: bool = True
    ) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels, bias=qkv_bias)
        self.proj = nn.Linear(channels, channels, bias=bias)

    def forward(self, x_NLC: Tensor) -> Tensor:
        """(n, l, c) to (n, l, c)."""
        count, length, channels = x_NLC.shape
        parts = self.qkv(x_NLC).reshape(count, length, 3, self.heads, channels // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return cast(Tensor, self.proj(mixed.transpose(1, 2).reshape(count, length, channels)))

    def extra_repr(self) -> str:
        return f"heads={self.heads}"


class ToTokens(nn.Module):
    """A grid as tokens, one a position, row by row."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, *sides) to (n, l, c)."""
        return x.flatten(2).transpose(1, 2)


class ToGrid(nn.Module):
    """Tokens as the grid that they came from.

    Args:
        sides: of the grid.
    """

    def __init__(self, sides: Sequence[int]) -> None:
        super().__init__()
        self.sides = tuple(sides)

    def forward(self, x_NLC: Tensor) -> Tensor:
        """(n, l, c) to (n, c, *sides)."""
        return x_NLC.transpose(1, 2).reshape(x_NLC.shape[0], x_NLC.shape[2], *self.sides)

    def extra_repr(self) -> str:
        return f"sides={self.sides}"


class PatchEmbed(nn.Module):
    """A convolution whose stride is its kernel, then tokens (Dosovitskiy et al. 2021, 2010.11929).

    Args:
        conv: the convolution.
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, *sides) to (n, l, channels)."""
        return self.conv(x).flatten(2).transpose(1, 2)


class ClassToken(nn.Module):
    """Puts one learned token before the others.

    Args:
        channels: of a token.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, channels))

    def forward(self, x_NLC: Tensor) -> Tensor:
        """(n, l, c) to (n, l + 1, c)."""
        return torch.cat([self.token.expand(x_NLC.shape[0], -1, -1), x_NLC], dim=1)


class Positions(nn.Module):
    """Adds a learned value at each position.

    Args:
        shape: of one sample: (l, c) or (c, *sides).
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.zeros(1, *shape))

    def forward(self, x: Tensor) -> Tensor:
        """(n, *shape) to (n, *shape)."""
        return x + self.values

    def extra_repr(self) -> str:
        return f"shape={tuple(self.values.shape[1:])}"


class FirstToken(nn.Module):
    """The first token."""

    def forward(self, x_NLC: Tensor) -> Tensor:
        """(n, l, c) to (n, c)."""
        return x_NLC[:, 0]


class SequencePool(nn.Module):
    """The mean of all tokens, weighted by a learned softmax over them (Hassani et al. 2021).

    Args:
        channels: of a token.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Linear(channels, 1)

    def forward(self, x_NLC: Tensor) -> Tensor:
        """(n, l, c) to (n, c)."""
        weights_NL1 = self.score(x_NLC).softmax(dim=1)
        return (weights_NL1.transpose(1, 2) @ x_NLC).squeeze(1)
