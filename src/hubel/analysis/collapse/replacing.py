"""Put the one equivalent in the place of each linear stack of a network."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from hubel.analysis.collapse.agreeing import Agreement
from hubel.analysis.collapse.building import collapse_stack
from hubel.analysis.collapse.finding import LinearStack, find_linear_stacks
from hubel.errors import DesignError

__all__ = ["Collapse", "collapse"]


@dataclass(frozen=True, slots=True)
class Collapse:
    """A network with its linear stacks collapsed.

    Attributes:
        module: a copy in evaluation; `Collapsed` stands where a stack's first layer stood, and
            `nn.Identity` where its others did.
        stacks: what was collapsed, each measured.
        difference: largest absolute difference of the whole network's outputs.
        largest: largest absolute output, which the difference is set against.
    """

    module: nn.Module
    stacks: tuple[Agreement, ...]
    difference: float
    largest: float

    def to_json(self) -> dict[str, Any]:
        """What was collapsed, as JSON types."""
        return {
            "stacks": [stack.to_json() for stack in self.stacks],
            "difference": self.difference,
            "largest": self.largest,
        }


def collapse(
    module: nn.Module, input: Sequence[int], stacks: Sequence[LinearStack] | None = None
) -> Collapse:
    """Build the one equivalent of each linear stack, in evaluation; the module is left as it is.

    Args:
        module: with weights.
        input: shape of one sample: channels, then sides.
        stacks: which ones, from `find_linear_stacks`; all if not given.

    Raises:
        DesignError: the module has no weights, fails at that input, or an equivalent would be
            too large.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 3), nn.ReLU())
        >>> done = collapse(network, (3, 9, 9))
        >>> done.stacks[0].one, done.difference < 1e-6
        ('Conv2d 5x5, 3→4', True)
    """
    if any(x.is_meta for x in (*module.parameters(), *module.buffers())):
        raise DesignError(
            "the network has no weights (it is on the meta device), so there is nothing to "
            "compose; build it with weights, or load them"
        )
    original = copy.deepcopy(module).eval()
    made = copy.deepcopy(original)
    chosen = find_linear_stacks(original, input) if stacks is None else tuple(stacks)
    agreements = tuple(_replace(made, stack) for stack in chosen)
    difference, largest = _compared(original, made, tuple(input))
    return Collapse(made, agreements, difference, largest)


def _replace(network: nn.Module, stack: LinearStack) -> Agreement:
    layers = nn.Sequential()
    for path in stack.paths:
        layers.add_module(path.replace(".", "/"), network.get_submodule(path))
    one = collapse_stack(layers, stack.input)
    one.agreement = replace(one.agreement, layers=stack.paths)
    network.set_submodule(stack.paths[0], one)
    for path in stack.paths[1:]:
        network.set_submodule(path, nn.Identity())
    return one.agreement


def _compared(original: nn.Module, made: nn.Module, shape: tuple[int, ...]) -> tuple[float, float]:
    like = next(original.parameters(), torch.empty(()))
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0)).to(like)
    with torch.no_grad():
        before, after = (_tensors(network(x)) for network in (original, made))
    pairs = zip(before, after, strict=True)
    difference = max(((a - b).abs().max().item() for a, b in pairs), default=0.0)
    return difference, max((a.abs().max().item() for a in before), default=0.0)


def _tensors(nested: Any) -> list[Tensor]:
    return [x for x in pytree.tree_leaves(nested) if isinstance(x, Tensor)]
