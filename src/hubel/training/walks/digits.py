"""The small real problem: scikit-learn's 1,797 handwritten digits and a network of three layers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hubel.data.keyed import permutation
from hubel.training.choices import OPTIMIZERS
from hubel.training.optimizers import Optimizer
from hubel.training.recipe import Recipe
from hubel.training.walks.walking import Walk, best_walk

__all__ = ["DIGIT_RATES", "PROBLEM", "train_digits", "walk_on_digits"]

PROBLEM = "digits"
DIGIT_RATES = tuple(float(f"{10 ** (power / 2):.3g}") for power in range(-6, 1))
_STEPS, _BATCH, _HIDDEN, _EVERY = 200, 64, 64, 5


def train_digits(
    optimizer: str, rate: float, steps: int = _STEPS, data: tuple[Tensor, Tensor] | None = None
) -> Walk:
    """The loss over all digits before the first step, and after every fifth.

    Args:
        optimizer: by name.
        rate: of every step; there is no decay and no schedule.
        steps: of 64 digits each.
        data: pictures and classes, where they are at hand.
    """
    x, y = data or _digits()
    module = _network()
    momentum = OPTIMIZERS[optimizer].momentum or 0.0
    recipe = Recipe(optimizer=optimizer, momentum=momentum, lr=rate, weight_decay=0.0)
    learner = Optimizer(module, recipe)
    order = np.concatenate([permutation(0, e, len(x)) for e in range(steps * _BATCH // len(x) + 1)])
    values = [_loss(module, x, y)]
    for step in range(steps):
        batch = order[step * _BATCH : (step + 1) * _BATCH]
        learner.zero_grad()
        functional.cross_entropy(module(x[batch]), y[batch]).backward()
        learner.step(rate)
        if (step + 1) % _EVERY == 0:
            values.append(_loss(module, x, y))
            if not math.isfinite(values[-1]):
                break
    return Walk(optimizer, PROBLEM, rate, tuple(values), every=_EVERY)


def walk_on_digits(told: Callable[[int], None] = lambda _: None) -> list[Walk]:
    """The best training of every optimizer, at the rate that ends lowest.

    Args:
        told: how many more are done.
    """
    best: list[Walk] = []
    data = _digits()
    for name in OPTIMIZERS:
        best.append(best_walk([train_digits(name, rate, data=data) for rate in DIGIT_RATES]))
        told(1)
    return best


def _digits() -> tuple[Tensor, Tensor]:
    """Pictures on a scale of 0 to 1, (1797, 64), and classes, (1797,)."""
    from sklearn.datasets import load_digits

    pixels, targets = load_digits(return_X_y=True)
    return torch.from_numpy(pixels / 16).float(), torch.from_numpy(targets).long()


def _network() -> nn.Sequential:
    generator = torch.Generator().manual_seed(0)
    module = nn.Sequential(
        nn.Linear(64, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(),
        nn.Linear(_HIDDEN, 10),
    )  # fmt: skip
    for layer in module:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)
    return module


def _loss(module: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return functional.cross_entropy(module(x), y).item()
