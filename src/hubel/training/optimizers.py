"""Optimizers by name, over groups of parameters that are treated differently."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hubel.training.recipe import Recipe

__all__ = ["load_state", "make_optimizer", "set_rate", "state_tensors"]

_NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)  # pyright: ignore[reportPrivateUsage]


def make_optimizer(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over the trainable parameters of a module.

    Weights decay; biases and normalisation do not. The biases of normalisation learn at
    `norm_lr` times the rate (Jordan 2024, arXiv 2404.00498).
    """
    assert recipe.lr is not None
    assert recipe.weight_decay is not None
    fast = {id(norm.bias) for norm in module.modules() if isinstance(norm, _NORMS)}
    weights: list[Tensor] = []
    others: list[Tensor] = []
    norm_biases: list[Tensor] = []
    for parameter in module.parameters():
        if parameter.requires_grad:
            group = norm_biases if id(parameter) in fast else others
            (weights if parameter.ndim > 1 else group).append(parameter)
    groups = [
        {"params": weights, "weight_decay": recipe.weight_decay, "scale": 1.0},
        {"params": others, "weight_decay": 0.0, "scale": 1.0},
        {"params": norm_biases, "weight_decay": 0.0, "scale": recipe.norm_lr},
    ]
    filled: list[dict[str, Any]] = [group for group in groups if group["params"]]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(filled, lr=recipe.lr, betas=(recipe.momentum, 0.99))
    momentum = 0.0 if recipe.optimizer == "sgd" else recipe.momentum
    nesterov = recipe.optimizer == "nesterov" and momentum > 0
    return torch.optim.SGD(filled, lr=recipe.lr, momentum=momentum, nesterov=nesterov)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate, in each group by its own scale."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def state_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What the optimizer remembers, as named tensors."""
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": value
        for number, memory in state.items()
        for name, value in memory.items()
        if isinstance(value, Tensor)
    }


def load_state(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """The inverse of `state_tensors`, in the memory layout that each parameter has."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        parameter = parameters[int(number)]
        if value.shape == parameter.shape:
            # Layout decides which kernel runs, and so the last bit of the next step.
            optimizer.state[parameter][name] = torch.empty_like(parameter).copy_(value)
        else:
            optimizer.state[parameter][name] = value
