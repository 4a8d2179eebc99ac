"""Small modules with counts that a hand can check, and what measuring must leave alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Functional(nn.Module):
    """A function with parameters of its own, called without any module."""

    def __init__(self, shape: tuple[int, ...], call: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))
        self.call = call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(x, self.weight)


class Attention(nn.Module):
    """Scaled dot-product attention of a tensor with itself."""

    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(x, x, x)


class SelfAttention(nn.Module):
    """PyTorch's own layer, without the weights that it would average."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class Thrice(nn.Module):
    """One convolution, three times."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.conv(self.conv(x)))


class First(nn.Module):
    """Only the first of what a recurrent layer gives."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


def convolve(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(x, weight, padding=1)


def contract(x: Tensor, weight: Tensor) -> Tensor:
    return torch.einsum("nlc,cd->nld", x, weight)


@dataclass(frozen=True)
class Probe:
    """A module, the shape of its input with the batch, and its multiply-adds by hand."""

    module: Callable[[], nn.Module]
    shape: tuple[int, ...]
    multiply_adds: int


# ruff: noqa: E501 (a table)
# fmt: off
PROBES = {
    "conv 3x3": Probe(lambda: nn.Conv2d(3, 8, 3, padding=1, bias=False), (1, 3, 16, 16), 3 * 8 * 9 * 256),
    "conv with bias": Probe(lambda: nn.Conv2d(3, 8, 3, padding=1), (1, 3, 16, 16), 3 * 8 * 9 * 256),
    "conv in a batch": Probe(lambda: nn.Conv2d(3, 8, 3, padding=1), (4, 3, 16, 16), 4 * 3 * 8 * 9 * 256),
    "grouped conv": Probe(lambda: nn.Conv2d(16, 16, 3, padding=1, groups=4), (1, 16, 16, 16), 16 * 4 * 9 * 256),
    "depthwise conv": Probe(lambda: nn.Conv2d(16, 16, 3, padding=1, groups=16), (1, 16, 16, 16), 16 * 9 * 256),
    "strided conv": Probe(lambda: nn.Conv2d(3, 8, 3, 2), (1, 3, 17, 17), 3 * 8 * 9 * 64),
    "conv 1-d": Probe(lambda: nn.Conv1d(3, 8, 5), (1, 3, 20), 3 * 8 * 5 * 16),
    "conv 3-d": Probe(lambda: nn.Conv3d(2, 4, 3), (1, 2, 5, 6, 7), 2 * 4 * 27 * 3 * 4 * 5),
    "transposed conv": Probe(lambda: nn.ConvTranspose2d(16, 8, 2, 2), (1, 16, 16, 16), 16 * 8 * 4 * 256),
    "grouped transposed conv": Probe(lambda: nn.ConvTranspose2d(16, 8, 2, 2, groups=4), (1, 16, 16, 16), 16 * 2 * 4 * 256),
    "functional conv": Probe(lambda: Functional((8, 3, 3, 3), convolve), (1, 3, 16, 16), 3 * 8 * 9 * 256),
    "matmul with a parameter": Probe(lambda: Functional((64, 64), torch.matmul), (1, 10, 64), 40_960),
    "einsum": Probe(lambda: Functional((64, 64), contract), (1, 10, 64), 40_960),
    "linear on tokens": Probe(lambda: nn.Linear(64, 64), (1, 10, 64), 40_960),
    "linear on a grid": Probe(lambda: nn.Linear(3, 8), (1, 16, 16, 3), 6_144),
    "attention": Probe(Attention, (1, 4, 10, 16), 12_800),
    "multi-head attention": Probe(SelfAttention, (1, 10, 64), 4 * 64 * 64 * 10 + 12_800),
    "the same conv three times": Probe(Thrice, (1, 3, 16, 16), 3 * 3 * 3 * 9 * 256),
    "batch norm": Probe(lambda: nn.BatchNorm2d(16), (2, 16, 16, 16), 0),
    "lstm": Probe(lambda: First(nn.LSTM(64, 64, batch_first=True)), (1, 10, 64), 327_680),
    "bilinear resize": Probe(lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (1, 3, 8, 8), 0),
}
# fmt: on


def traces(module: nn.Module) -> dict[str, Any]:
    """Everything about a module and the process that measuring must not change."""
    torch_names = ("conv2d", "linear", "relu", "matmul", "scaled_dot_product_attention")
    return {
        "keys": list(module.state_dict()),
        "tensors": {name: (id(x), x.clone()) for name, x in module.state_dict(keep_vars=True).items()},
        "gradients": [x.grad for x in module.parameters()],
        "modes": [part.training for part in module.modules()],
        "hooks": [
            len(hooks)
            for part in module.modules()
            for name, hooks in sorted(vars(part).items())
            if name.endswith("_hooks") and name.startswith("_")
        ],
        "attributes": [sorted(vars(part)) for part in module.modules()],
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": np.random.get_state()[1],
        "functions": [getattr(F, name, None) or getattr(torch, name) for name in torch_names],
        "gradient mode": torch.is_grad_enabled(),
        "default dtype": torch.get_default_dtype(),
    }  # fmt: skip


def same(before: Any, after: Any) -> bool:
    """Equality that looks into tensors and arrays."""
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(same(before[k], after[k]) for k in before)
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(same, before, after))
    if isinstance(before, Tensor):
        return torch.equal(before, after)
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after)
    return bool(before == after)
