"""What a design comes to, layer by layer and in all, before a weight exists."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hubel.analysis.conventions import Convention

if TYPE_CHECKING:
    from hubel.analysis.advice import Advice
    from hubel.analysis.fields import Field
    from hubel.analysis.recording.graph import Graph
    from hubel.analysis.shapes.sizes import Sizes

__all__ = ["Design", "Layer", "Total"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One module that computes, or one operator outside of such a module; for one sample.

    Attributes:
        name: path of the module, or `path.operator`; `#2` where it runs for the second time.
        op: class of the module, or name of the operator.
        description: the module's own one-line description.
        output: shape of what it gives, without the batch where that is an axis of its own; windows
            or patches that are folded into it stay, and so do all axes of what no sample is in.
        output_formula: the same as a formula in N and the input's sides; empty if not asked for.
        parameters: its numbers that are learned or fixed, without buffers; where several layers
            share some, the first that uses them has them.
        parameters_formula: how they come about.
        multiply_adds: under the design's convention.
        flops: floating-point operations: 2 a multiply-add, and every other arithmetic.
        bytes_moved: read and written if every tensor travels once.
        saved_bytes: of what it gives, kept until the backward pass.
        backward_multiply_adds: products of its backward pass.
        receptive_field: which part of the input each position depends on; None where none does.
    """

    name: str
    op: str
    description: str
    output: tuple[int, ...]
    output_formula: str
    parameters: int
    parameters_formula: str
    multiply_adds: int
    flops: int
    bytes_moved: int
    saved_bytes: int
    backward_multiply_adds: int
    receptive_field: Field | None

    @property
    def intensity(self) -> float:
        """Floating-point operations for each byte moved."""
        return self.flops / self.bytes_moved if self.bytes_moved else 0.0

    def to_json(self) -> dict[str, Any]:
        """The layer as JSON types."""
        field = self.receptive_field
        return {
            "name": self.name,
            "op": self.op,
            "description": self.description,
            "output": list(self.output),
            "output_formula": self.output_formula or None,
            "parameters": self.parameters,
            "parameters_formula": self.parameters_formula,
            "multiply_adds": self.multiply_adds,
            "flops": self.flops,
            "bytes_moved": self.bytes_moved,
            "intensity": round(self.intensity, 3),
            "saved_bytes": self.saved_bytes,
            "backward_multiply_adds": self.backward_multiply_adds,
            "receptive_field": None if field is None else field.to_json(),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """The whole network, for a batch of the design's size.

    Attributes:
        parameters: each counted once, unused ones too.
        trainable_parameters: those that ask for a gradient.
        buffers: numbers that are kept and not learned.
        parameter_bytes: of parameters and buffers.
        multiply_adds: of a forward pass, under the design's convention.
        flops: of a forward pass.
        bytes_moved: of a forward pass.
        activation_peak_bytes: most bytes of activations alive at once in a forward pass without
            gradients, the input among them.
        saved_bytes: kept for backward in a training step, each storage once, without parameters;
            None where the network can't be trained as it stands.
        training_peak_bytes: most bytes alive at once in a training step: parameters, buffers,
            activations and gradients, without the optimizer's state.
        backward_multiply_adds: products of a backward pass.
    """

    parameters: int
    trainable_parameters: int
    buffers: int
    parameter_bytes: int
    multiply_adds: int
    flops: int
    bytes_moved: int
    activation_peak_bytes: int
    saved_bytes: int | None
    training_peak_bytes: int | None
    backward_multiply_adds: int | None

    def to_json(self) -> dict[str, Any]:
        """The totals as JSON types."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Design:
    """All that is known of a network at an input size.

    Attributes:
        network: its name, its line of notation, or its class.
        input: shape of one sample: channels, then sides.
        batch: samples that the totals are for.
        convention: of the multiply-adds.
        layers: in the order of running; for one sample.
        total: for the batch.
        graph: what ran.
        sizes: which inputs are taken; None if not asked for.
        advice: what the arithmetic says about the design.
        notes: what the reader should know about how it was measured.
    """

    network: str
    input: tuple[int, ...]
    batch: int
    convention: Convention
    layers: tuple[Layer, ...]
    total: Total
    graph: Graph
    sizes: Sizes | None = None
    advice: tuple[Advice, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def map_field(self) -> Field | None:
        """Receptive field of the last layer that has more than one position; else of the last."""
        seen = [layer for layer in self.layers if layer.receptive_field]
        maps = [layer for layer in seen if math.prod(layer.output[1:]) > 1]
        return (maps or seen)[-1].receptive_field if seen else None

    def to_json(self) -> dict[str, Any]:
        """The design as JSON types."""
        field = self.map_field
        return {
            "network": self.network,
            "input": list(self.input),
            "batch": self.batch,
            "convention": self.convention.to_json(),
            "layers": [layer.to_json() for layer in self.layers],
            "total": self.total.to_json()
            | {"receptive_field": None if field is None else field.to_json()},
            "sizes": None if self.sizes is None else self.sizes.to_json(),
            "advice": [each.to_json() for each in self.advice],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        from hubel.analysis.tables import text

        return text(self)

    def _repr_markdown_(self) -> str:
        from hubel.analysis.tables import markdown

        return markdown(self)
