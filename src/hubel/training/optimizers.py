"""PyTorch's optimizers by name, over groups of parameters that are treated differently.

The steps are PyTorch's own functions (`torch.optim.sgd.sgd`, `torch.optim.adamw.adamw`). Its
classes are not used, because to make one loads the compiler, which takes longer than reading
60,000 pictures from the cache; and their memory has to be taken apart again for a checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from hubel.training.recipe import Recipe

__all__ = ["Group", "Optimizer"]

_NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)  # pyright: ignore[reportPrivateUsage]
_SECOND_MOMENT, _EPSILON = 0.99, 1e-8


@dataclass(slots=True)
class Group:
    """Parameters that are treated alike.

    Attributes:
        parameters: that learn.
        weight_decay: pull towards zero.
        scale: of the learning rate.
        memory: what the optimizer remembers, by name: one tensor a parameter.
    """

    parameters: list[Tensor]
    weight_decay: float
    scale: float = 1.0
    memory: dict[str, list[Tensor]] = field(default_factory=dict[str, list[Tensor]])


class Optimizer:
    """The recipe's optimizer over the trainable parameters of a module.

    Weights decay; biases and normalisation do not. The biases of normalisation learn at
    `norm_lr` times the rate (Jordan 2024, arXiv 2404.00498).

    Args:
        module: whose parameters learn.
        recipe: `optimizer`, `momentum`, `weight_decay` and `norm_lr`.
    """

    def __init__(self, module: nn.Module, recipe: Recipe) -> None:
        assert recipe.weight_decay is not None
        self.name = recipe.optimizer
        self.momentum = 0.0 if recipe.optimizer == "sgd" else recipe.momentum
        weights, others, norm_biases = _sorted(module)
        groups = [
            Group(weights, recipe.weight_decay),
            Group(others, 0.0),
            Group(norm_biases, 0.0, recipe.norm_lr),
        ]
        self.groups = [group for group in groups if group.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for group in self.groups:
            for parameter in group.parameters:
                parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every parameter along its gradient.

        Args:
            rate: the learning rate, before each group's own scale.
        """
        for group in self.groups:
            gradients = [
                torch.zeros_like(p) if p.grad is None else p.grad for p in group.parameters
            ]
            if self.name == "adamw":
                self._adamw(group, gradients, rate * group.scale)
            else:
                self._sgd(group, gradients, rate * group.scale)

    def tensors(self) -> dict[str, Tensor]:
        """What the optimizer remembers, by group, name and parameter."""
        return {
            f"{number}.{name}.{place}": value
            for number, group in enumerate(self.groups)
            for name, values in group.memory.items()
            for place, value in enumerate(values)
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of `tensors`, in the memory layout that each parameter has."""
        for number, group in enumerate(self.groups):
            names = {key.split(".")[1] for key in tensors if key.startswith(f"{number}.")}
            group.memory = {
                name: [
                    _laid_out(tensors[f"{number}.{name}.{place}"], parameter)
                    for place, parameter in enumerate(group.parameters)
                ]
                for name in sorted(names)
            }

    def _sgd(self, group: Group, gradients: list[Tensor], rate: float) -> None:
        kept: list[Tensor | None] = [*group.memory.get("momentum", [None] * len(gradients))]
        sgd(
            group.parameters,
            gradients,
            kept,
            weight_decay=group.weight_decay,
            momentum=self.momentum,
            lr=rate,
            dampening=0.0,
            nesterov=self.name == "nesterov" and self.momentum > 0,
            maximize=False,
        )
        if self.momentum:
            group.memory["momentum"] = [buffer for buffer in kept if buffer is not None]

    def _adamw(self, group: Group, gradients: list[Tensor], rate: float) -> None:
        if not group.memory:
            group.memory = {
                "mean": [torch.zeros_like(p) for p in group.parameters],
                "square": [torch.zeros_like(p) for p in group.parameters],
                "steps": [torch.zeros(()) for _ in group.parameters],
            }
        adamw(
            group.parameters,
            gradients,
            group.memory["mean"],
            group.memory["square"],
            [],
            group.memory["steps"],
            amsgrad=False,
            beta1=self.momentum,
            beta2=_SECOND_MOMENT,
            lr=rate,
            weight_decay=group.weight_decay,
            eps=_EPSILON,
            maximize=False,
        )


def _sorted(module: nn.Module) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Trainable weights, other parameters, and biases of normalisation."""
    fast = {id(norm.bias) for norm in module.modules() if isinstance(norm, _NORMS)}
    weights: list[Tensor] = []
    others: list[Tensor] = []
    norm_biases: list[Tensor] = []
    for parameter in module.parameters():
        if parameter.requires_grad:
            group = norm_biases if id(parameter) in fast else others
            (weights if parameter.ndim > 1 else group).append(parameter)
    return weights, others, norm_biases


def _laid_out(value: Tensor, parameter: Tensor) -> Tensor:
    if value.shape != parameter.shape:
        return value.clone()  # a counter
    # Layout decides which kernel runs, and so the last bit of the next step.
    return torch.empty_like(parameter).copy_(value)
