"""Small programs of one kind of operator each, which a machine's ceilings are found with."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from hubel.analysis.budget.machine import Kind

__all__ = [
    "ARITHMETIC",
    "SELDOM",
    "STREAMING",
    "Make",
    "Program",
    "matrix_product",
    "tiny_operators",
]


@dataclass(frozen=True, slots=True)
class Program:
    """One call of an operator at some size.

    Attributes:
        call: the operator.
        given: its tensors.
        products: multiply-adds for each element of what it gives first.
    """

    call: Callable[..., Tensor | tuple[Tensor, ...]]
    given: tuple[Tensor, ...]
    products: int = 0

    def run(self) -> Tensor | tuple[Tensor, ...]:
        """Call it."""
        return self.call(*self.given)

    def copy(self) -> Program:
        """The same on other memory."""
        return replace(self, given=tuple(x.clone() for x in self.given))

    def work(self) -> tuple[int, int]:
        """Its multiply-adds, and the bytes it moves if every tensor travels once."""
        out = self.run()
        made = out if isinstance(out, tuple) else (out,)
        return made[0].numel() * self.products, sum(x.nbytes for x in (*self.given, *made))


# Of so many times the least size, on a device.
Make = Callable[[int, torch.device], Program]


def matrix_product(n: int, device: torch.device, dtype: torch.dtype = torch.float32) -> Program:
    """A linear layer over 512 n rows, 384 wide as in ViT-S; wider where there is much to do."""
    side = 384 if n < 64 else 4096
    x, weight = _draw(512 * n, side, device=device), _draw(side, side, device=device)
    x, weight = x.to(dtype), weight.to(dtype)
    return Program(F.linear, (x, weight), side)


def tiny_operators(device: torch.device) -> dict[Kind, Callable[[], Any]]:
    """One operator of each kind with next to nothing to do."""
    x, row = torch.ones(1, 8, 4, 4, device=device), torch.ones(1, 8, device=device)
    heads, ones = torch.ones(1, 1, 4, 8, device=device), torch.ones(8, device=device)
    square = torch.ones(8, 8, device=device)
    dense, grouped, depthwise = (torch.ones(8, n, 1, 1, device=device) for n in (8, 2, 1))
    return {
        Kind.MATRIX_PRODUCT: lambda: F.linear(row, square),
        Kind.ATTENTION: lambda: F.scaled_dot_product_attention(heads, heads, heads),
        Kind.CONVOLUTION: lambda: F.conv2d(x, dense),
        Kind.GROUPED: lambda: F.conv2d(x, grouped, groups=4),
        Kind.DEPTHWISE: lambda: F.conv2d(x, depthwise, groups=8),
        Kind.BATCH_NORM: lambda: F.batch_norm(x, ones, ones, ones, ones),
        Kind.LAYER_NORM: lambda: F.layer_norm(row, (8,), ones, ones),
        Kind.ACTIVATION: lambda: F.gelu(row),
        Kind.MAX_POOLING: lambda: F.max_pool2d(x, 2),
        Kind.MEAN: lambda: x.mean((2, 3)),
        Kind.ELEMENTWISE: lambda: torch.relu(row),
        Kind.VIEW: lambda: row.view(8),
    }


def _draw(*shape: int, device: torch.device) -> Tensor:
    """Numbers as in a network: a maximum of equal ones, say, is found faster."""
    numel = torch.Size(shape).numel()
    few = torch.randn(min(numel, 1 << 18), device=device)
    return few.repeat(-(-numel // few.numel()))[:numel].view(shape).clone()


def _attention(n: int, device: torch.device) -> Program:
    """Heads as in ViT: 196 positions, 64 wide."""
    x = _draw(n, 6, 196, 64, device=device)
    return Program(F.scaled_dot_product_attention, (x, x.clone(), x.clone()), 2 * 196)


def _convolution(x: Tensor, made: int, kernel: int, groups: int = 1) -> Program:
    weight = _draw(made, x.shape[1] // groups, kernel, kernel, device=x.device)
    call = partial(F.conv2d, padding=kernel // 2, groups=groups)
    return Program(call, (x, weight), x.shape[1] // groups * kernel * kernel)


def _dense(n: int, device: torch.device) -> Program:
    """As ResNet's first stage has it."""
    return _convolution(_draw(n, 64, 56, 56, device=device), 64, 3)


def _thin(n: int, device: torch.device) -> Program:
    """Few channels, as where MobileNet widens."""
    return _convolution(_draw(n, 16, 56, 56, device=device), 64, 1)


def _rows(uses: int, device: torch.device) -> Program:
    """A linear layer with many weights, each used so many times, as in ConvNeXt's last stage."""
    x, weight = _draw(uses, 768, device=device), _draw(3072, 768, device=device)
    return Program(F.linear, (x, weight), 768)


def _positions(uses: int, device: torch.device) -> Program:
    """A convolution with many weights, each used so many times, as in ResNet's last stage."""
    side = math.isqrt(uses)
    return _convolution(_draw(1, 512, side, side, device=device), 512, 3)


def _grouped(n: int, device: torch.device) -> Program:
    """32 groups, as ResNeXt has them."""
    return _convolution(_draw(n, 128, 28, 28, device=device), 128, 3, groups=32)


def _depthwise(n: int, device: torch.device) -> Program:
    """As ConvNeXt has it: channels last, 7 x 7."""
    x = _draw(n, 28, 28, 128, device=device).permute(0, 3, 1, 2)
    return _convolution(x, 128, 7, groups=128)


def _small_depthwise(n: int, device: torch.device) -> Program:
    """As MobileNet has it: 3 x 3."""
    return _convolution(_draw(n, 128, 28, 28, device=device), 128, 3, groups=128)


def _on_map(call: Callable[[Tensor], Tensor | tuple[Tensor, ...]]) -> Make:
    """On a map as a rectifier leaves it."""

    def make(n: int, device: torch.device) -> Program:
        return Program(call, (_draw(n, 64, 56, 56, device=device).relu_(),))

    return make


def _batch_norm(x: Tensor) -> Tensor:
    ones = x.new_ones(x.shape[1])
    return F.batch_norm(x, ones, ones, ones, ones)


def _layer_norm(x: Tensor) -> Tensor:
    ones = x.new_ones(256)
    return F.layer_norm(x.view(-1, 256), (256,), ones, ones)


def _max_pooling(x: Tensor) -> tuple[Tensor, Tensor]:
    return torch.ops.aten.max_pool2d_with_indices(x, [3, 3], [2, 2], [1, 1])


def _mean(x: Tensor) -> Tensor:
    return x.mean((2, 3))


# Where weights are many and used seldom: the programs, and how often each weight is used.
SELDOM: dict[Kind, tuple[Make, tuple[int, ...]]] = {
    Kind.MATRIX_PRODUCT: (_rows, (1, 8, 49, 196)),
    Kind.CONVOLUTION: (_positions, (1, 49, 196)),
}
# What tells the multiply-adds a second, and what the bytes a second.
ARITHMETIC: dict[Kind, Make] = {
    Kind.MATRIX_PRODUCT: matrix_product,
    Kind.ATTENTION: _attention,
    Kind.CONVOLUTION: _dense,
    Kind.GROUPED: _grouped,
    Kind.DEPTHWISE: _depthwise,
}
STREAMING: dict[Kind, Make] = {
    Kind.CONVOLUTION: _thin,
    Kind.DEPTHWISE: _small_depthwise,
    Kind.BATCH_NORM: _on_map(_batch_norm),
    Kind.LAYER_NORM: _on_map(_layer_norm),
    Kind.ACTIVATION: _on_map(F.gelu),
    Kind.MAX_POOLING: _on_map(_max_pooling),
    Kind.MEAN: _on_map(_mean),
}
