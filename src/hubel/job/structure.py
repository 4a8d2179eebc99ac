"""What the network of a run is made of, for its ladder and its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hubel.errors import DesignError
from hubel.models.architecture import Architecture

__all__ = ["Structure", "structure_of"]


@dataclass(frozen=True, slots=True)
class Structure:
    """Parameters, multiply-adds for one picture, and the layers as JSON types.

    `multiply_adds` is None, and there are no layers, where the analysis can't follow the code.
    """

    parameters: int
    multiply_adds: int | None
    layers: list[dict[str, Any]]


def structure_of(architecture: Architecture) -> Structure:
    """Count without weights; a network that can't be counted is no reason to lose a run.

    Example:
        >>> linear = Architecture(name="linear", in_channels=3, num_classes=10, image_size=(8, 8))
        >>> found = structure_of(linear)
        >>> found.parameters, found.multiply_adds, found.layers[-1]["op"]
        (1930, 1920, 'Linear')
    """
    from hubel.analysis.assemble import Question, design

    try:
        found = design(architecture, question=Question(formulas=False, sizes=False))
    except DesignError:
        module = architecture.build(fetch=False)
        return Structure(sum(value.numel() for value in module.parameters()), None, [])
    layers = [layer.to_json() for layer in found.layers]
    return Structure(found.total.parameters, found.total.multiply_adds, layers)
