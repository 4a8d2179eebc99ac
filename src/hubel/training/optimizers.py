"""Optimizers by name, over groups of parameters that are treated differently.

The steps are PyTorch's own functions (`torch.optim.sgd.sgd`, `torch.optim.adamw.adamw`), and
`muon`. Its classes are not used, because to make one loads the compiler, which takes longer than
reading 60,000 pictures from the cache; and their memory has to be taken apart again for a
checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from hubel.errors import RecipeError
from hubel.training.choices import OPTIMIZERS
from hubel.training.muon import hidden_weights, muon
from hubel.training.recipe import Recipe

__all__ = ["STEPS", "Group", "Optimizer"]

_NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)  # pyright: ignore[reportPrivateUsage]
_SECOND_MOMENT, _EPSILON = 0.99, 1e-8
_BESIDE_MUON = 0.9  # the momentum of the parameters that AdamW takes, as its authors have it


@dataclass(slots=True)
class Group:
    """Parameters that are treated alike.

    Attributes:
        parameters: that learn.
        weight_decay: pull towards zero.
        scale: of the learning rate.
        optimizer: by name.
        momentum: share of the last step that is kept.
        l1: penalty on the sizes of the parameters.
        memory: what the optimizer remembers, by name: one tensor a parameter.
    """

    parameters: list[Tensor]
    weight_decay: float
    scale: float = 1.0
    optimizer: str = "sgd"
    momentum: float = 0.0
    l1: float = 0.0
    memory: dict[str, list[Tensor]] = field(default_factory=dict[str, list[Tensor]])


class Optimizer:
    """The recipe's optimizer over the trainable parameters of a module.

    Weights decay; biases and normalisation do not. The biases of normalisation learn at
    `norm_lr` times the rate (Jordan 2024, arXiv 2404.00498).

    Args:
        module: whose parameters learn.
        recipe: `optimizer`, `momentum`, `weight_decay`, `l1` and `norm_lr`.

    Raises:
        RecipeError: the optimizer is Muon, and no weight is for it.
    """

    def __init__(self, module: nn.Module, recipe: Recipe) -> None:
        assert recipe.weight_decay is not None
        self.recipe = recipe
        weights, others, norm_biases = _sorted(module)
        hidden = self._hidden(module)
        weights = [weight for weight in weights if all(weight is not one for one in hidden)]
        groups = [
            self._group(weights, decays=True),
            self._group(others),
            self._group(norm_biases, scale=recipe.norm_lr),
            self._group(hidden, decays=True, matrices=True),
        ]
        self.groups = [group for group in groups if group.parameters]

    def _hidden(self, module: nn.Module) -> list[Tensor]:
        """What Muon takes, where it is the optimizer."""
        if self.recipe.optimizer != "muon":
            return []
        found = hidden_weights(module)
        if not found:
            raise RecipeError(
                "optimizer muon has no effect with this network: it is for the weights between "
                "the first layer and the last, and there are none; take adamw"
            )
        return found

    def _group(
        self,
        parameters: list[Tensor],
        *,
        decays: bool = False,
        matrices: bool = False,
        scale: float = 1.0,
    ) -> Group:
        recipe = self.recipe
        name, momentum = recipe.optimizer, recipe.momentum
        if name == "muon" and not matrices:
            name, momentum = "adamw", _BESIDE_MUON
        if OPTIMIZERS[name].momentum is None:
            momentum = 0.0
        decay = (recipe.weight_decay or 0.0) if decays else 0.0
        return Group(parameters, decay, scale, name, momentum, recipe.l1 if decays else 0.0)

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
            STEPS[group.optimizer](group, gradients, rate * group.scale)
            if group.l1:
                _shrink(group, rate * group.scale)

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


def _sgd(group: Group, gradients: list[Tensor], rate: float) -> None:
    kept: list[Tensor | None] = [*group.memory.get("momentum", [None] * len(gradients))]
    sgd(
        group.parameters,
        gradients,
        kept,
        weight_decay=group.weight_decay,
        momentum=group.momentum,
        lr=rate,
        dampening=0.0,
        nesterov=group.optimizer == "nesterov" and group.momentum > 0,
        maximize=False,
    )
    if group.momentum:
        group.memory["momentum"] = [buffer for buffer in kept if buffer is not None]


def _rmsprop(group: Group, gradients: list[Tensor], rate: float) -> None:
    _remember(group, "square")
    rmsprop(
        group.parameters,
        gradients,
        group.memory["square"],
        [],
        [],
        group.memory["steps"],
        lr=rate,
        alpha=_SECOND_MOMENT,
        eps=_EPSILON,
        weight_decay=group.weight_decay,
        momentum=0.0,
        centered=False,
    )


def _adam(group: Group, gradients: list[Tensor], rate: float) -> None:
    _remember(group, "mean", "square")
    (adamw if group.optimizer == "adamw" else adam)(
        group.parameters,
        gradients,
        group.memory["mean"],
        group.memory["square"],
        [],
        group.memory["steps"],
        amsgrad=False,
        beta1=group.momentum,
        beta2=_SECOND_MOMENT,
        lr=rate,
        weight_decay=group.weight_decay,
        eps=_EPSILON,
        maximize=False,
    )


def _muon(group: Group, gradients: list[Tensor], rate: float) -> None:
    if not group.memory:
        group.memory["momentum"] = [torch.zeros_like(p) for p in group.parameters]
    muon(
        group.parameters,
        gradients,
        group.memory["momentum"],
        rate=rate,
        weight_decay=group.weight_decay,
        momentum=group.momentum,
    )


STEPS: dict[str, Callable[[Group, list[Tensor], float], None]] = {
    "sgd": _sgd,
    "momentum": _sgd,
    "nesterov": _sgd,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adam,
    "muon": _muon,
}


def _remember(group: Group, *names: str) -> None:
    if not group.memory:
        group.memory = {name: [torch.zeros_like(p) for p in group.parameters] for name in names}
        group.memory["steps"] = [torch.zeros(()) for _ in group.parameters]


def _shrink(group: Group, rate: float) -> None:
    """The proximal step of the L1 penalty: towards zero by a fixed length, and no further.

    It makes exact zeros, which a subgradient, whose sign never rests, does not (Parikh and Boyd
    2014, section 6.5.2). Momentum lengthens the steps along the gradient in the long run, so the
    shrinkage of plain descent is lengthened alike: where both balance is then the minimum of loss
    and penalty. Optimizers that rescale gradients keep theirs, as AdamW does its decay.
    """
    plain = not OPTIMIZERS[group.optimizer].adaptive
    length = rate * group.l1 / (1 - group.momentum if plain else 1.0)
    for weight in group.parameters:
        weight.copy_(functional.softshrink(weight, length))


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
