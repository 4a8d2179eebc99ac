"""The layers of a network with their output shapes, parameters and multiply-adds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hubel.models.architecture import Architecture

__all__ = ["Layer", "describe_layers"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One module that holds no others.

    Attributes:
        name: its path in the network.
        op: its type.
        output: shape of what it gives for one picture, without the batch.
        parameters: its numbers that are learned or fixed, without buffers.
        multiply_adds: for one picture, by PyTorch's own operator counter.
    """

    name: str
    op: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int

    def to_json(self) -> dict[str, Any]:
        """The layer as JSON types."""
        return asdict(self) | {"output": list(self.output)}


def describe_layers(architecture: Architecture) -> list[Layer]:
    """Run one picture without numbers through a network without weights.

    Args:
        architecture: of the network.

    Returns:
        The layers in the order in which they run.

    Example:
        >>> linear = Architecture(name="linear", in_channels=3, num_classes=10, image_size=(8, 8))
        >>> [(layer.op, layer.parameters, layer.multiply_adds) for layer in describe_layers(linear)]
        [('Linear', 1930, 1920)]
    """
    with torch.device("meta"):
        module = architecture.build().eval()
        picture = torch.empty(1, architecture.in_channels, *architecture.image_size)
    shapes: dict[str, tuple[int, ...]] = {}
    handles = [
        leaf.register_forward_hook(_recorder(name, shapes))
        for name, leaf in module.named_modules()
        if not list(leaf.children())
    ]
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        module(picture)
    for handle in handles:
        handle.remove()
    counts = counter.get_flop_counts()
    root = type(module).__name__
    leaves = dict(module.named_modules())
    return [
        Layer(
            name,
            type(leaves[name]).__name__,
            shape,
            sum(parameter.numel() for parameter in leaves[name].parameters()),
            sum(counts.get(f"{root}.{name}", {}).values()) // 2,
        )
        for name, shape in shapes.items()
    ]


def _recorder(name: str, shapes: dict[str, tuple[int, ...]]) -> Any:
    def record(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        shapes[name] = tuple(output.shape[1:])

    return record
