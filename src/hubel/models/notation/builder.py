"""A tree built into plain modules: one a word, named as the checker names its steps."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from hubel.models.notation import layers
from hubel.models.notation.checker import Step, check
from hubel.models.notation.initialise import draw
from hubel.models.notation.makers import MAKERS
from hubel.models.notation.names import body_names, named_words
from hubel.models.notation.states import Tokens
from hubel.models.notation.tree import Network
from hubel.models.notation.words import settings_of

__all__ = ["build"]

Children = OrderedDict[str, nn.Module]


def build(
    network: Network | str,
    input: tuple[int, ...],
    num_classes: int = 1000,
    init: str = "kaiming",
    seed: int = 0,
) -> nn.Sequential:
    """The network as a module, on the default device; on meta without a weight.

    Args:
        network: a tree, or a line.
        input: (channels, *sides) of one sample, 1 to 3 sides.
        num_classes: width of an `fc` that gives none.
        init: how weights are drawn where a word doesn't say; one of `INITS`.
        seed: of the draws. Nobody else's random numbers are drawn from.

    Returns:
        Takes (n, channels, *sides); its children are named by word and count: `conv1`, `bn1`.

    Raises:
        NotationError: a word doesn't fit what it is given.
        RecipeError: `init`, `input` or `num_classes` is not one of those allowed.

    Example:
        >>> build("conv3x3(8) relu gap fc", (3, 32, 32), num_classes=10)
        Sequential(
          (conv1): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
          (relu1): ReLU()
          (gap1): GlobalAverage()
          (fc1): Linear(in_features=8, out_features=10, bias=True)
        )
    """
    checked = check(network, input, num_classes, init)
    return nn.Sequential(_Builder(checked.steps, init, seed).children(checked.network, ""))


class _Builder:
    """Makes one module a step, and draws its weights."""

    def __init__(self, steps: tuple[Step, ...], init: str, seed: int) -> None:
        self.steps = {step.path: step for step in steps}
        self.init = init
        self.seed = seed

    def children(self, network: Network, prefix: str) -> Children:
        pairs = ((name, self.module(prefix + name)) for name, _ in named_words(network))
        return OrderedDict(pairs)

    def module(self, path: str) -> nn.Module:
        step = self.steps[path]
        if step.word.bodies:
            return self.container(step)
        device = torch.get_default_device()
        # Made without numbers, then drawn: torch's own start would draw from the global state.
        with torch.device("meta"):
            module = MAKERS[step.word.name](step)
        if device.type != "meta":
            _allocate(module, device)
            draw(module, path, settings_of(step.word).init or self.init, self.seed)
        return module

    def container(self, step: Step) -> nn.Module:
        bodies = zip(step.word.bodies, body_names(step.word), strict=True)
        made = {
            name: self.children(body, f"{step.path}.{name}." if name else f"{step.path}.")
            for body, name in bodies
        }
        if step.word.name == "residual":
            shortcut = nn.Sequential(made["shortcut"]) if "shortcut" in made else None
            return layers.Residual(made[""], shortcut)
        branches = OrderedDict((name, nn.Sequential(inside)) for name, inside in made.items())
        return layers.Branches(branches, dim=2 if isinstance(step.output, Tokens) else 1)


def _allocate(module: nn.Module, device: torch.device) -> None:
    """As `Module.to_empty`, which loads the symbolic engine for it (a second)."""
    for part in module.modules():
        for name, value in list(part.named_parameters(recurse=False)):
            empty = torch.empty(value.shape, dtype=value.dtype, device=device)
            setattr(part, name, nn.Parameter(empty))
        for name, value in list(part.named_buffers(recurse=False)):
            setattr(part, name, torch.empty(value.shape, dtype=value.dtype, device=device))
