"""What the network of a run is made of, for its ladder and its report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hubel.errors import DesignError
from hubel.models.architecture import Architecture

__all__ = ["Structure", "structure_of"]


@dataclass(frozen=True, slots=True)
class Structure:
    """What is known of a network; where the analysis can't follow the code, its parameters alone.

    Attributes:
        parameters: all of them.
        multiply_adds: for one picture, or None.
        layers: as JSON types.
        advice: what the arithmetic says, a sentence each.
        drawing: the graph as SVG.
    """

    parameters: int
    multiply_adds: int | None
    layers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    advice: list[str] = field(default_factory=list[str])
    drawing: str = ""


def structure_of(architecture: Architecture) -> Structure:
    """Count without weights; a network that can't be counted is no reason to lose a run.

    Example:
        >>> linear = Architecture(name="linear", in_channels=3, num_classes=10, image_size=(8, 8))
        >>> found = structure_of(linear)
        >>> found.parameters, found.multiply_adds, found.layers[-1]["op"]
        (1930, 1920, 'Linear')
    """
    from hubel.analysis.assemble import Question, design
    from hubel.analysis.drawing import draw

    try:
        found = design(architecture, question=Question(formulas=False, sizes=False))
    except DesignError:
        module = architecture.build(fetch=False)
        return Structure(sum(value.numel() for value in module.parameters()), None)
    return Structure(
        parameters=found.total.parameters,
        multiply_adds=found.total.multiply_adds,
        layers=[layer.to_json() for layer in found.layers],
        advice=[str(each) for each in found.advice],
        drawing=draw(found.graph, found.layers, title=architecture.short_name),
    )
