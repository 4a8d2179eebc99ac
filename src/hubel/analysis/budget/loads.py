"""What each operator of a graph asks of a machine: arithmetic, traffic, memory."""

from __future__ import annotations

from dataclasses import dataclass

from hubel.analysis.budget.machine import Kind
from hubel.analysis.costs import bytes_moved, work
from hubel.analysis.layers import rows_of
from hubel.analysis.recording.graph import Graph, Operator

__all__ = ["Load", "kind_of", "loads_of"]

# Activations that a processor has one instruction for, unlike exponentials.
_SIMPLE = frozenset(
    {"relu", "relu6", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "prelu", "threshold",
     "_prelu_kernel", "hardshrink", "softshrink"}
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """One operator, or several alike, as a machine sees them.

    Attributes:
        layer: name of the layer that it belongs to.
        kind: which ceiling holds for it.
        multiply_adds: for one sample.
        moved: bytes of activations read and written for one sample, as they are in float32.
        constant: bytes of parameters and buffers that are read whatever the batch.
        touched: bytes of the distinct memory behind `moved`: in place, half as much.
        made: bytes of the largest tensor that it makes, for one sample.
    """

    layer: str
    kind: Kind
    multiply_adds: int = 0
    moved: int = 0
    constant: int = 0
    touched: int = 0
    made: int = 0


def kind_of(op: Operator) -> Kind:
    """Which ceiling holds for an operator.

    Raises:
        DesignError: there is no rule for its work.
    """
    done, base = work(op), op.name.removesuffix("_")
    if done.products:
        return _kind_of_product(op, base)
    if done.norm:
        return Kind.BATCH_NORM if "batch_norm" in base else Kind.LAYER_NORM
    if done.max_pooling:
        return Kind.MAX_POOLING
    if done.pooling:
        return Kind.MEAN
    if done.activation and base not in _SIMPLE:
        return Kind.ACTIVATION
    return Kind.ELEMENTWISE if bytes_moved(op) else Kind.VIEW


def _kind_of_product(op: Operator, base: str) -> Kind:
    if "attention" in base:
        return Kind.ATTENTION
    if "conv" not in base:
        return Kind.MATRIX_PRODUCT
    groups = op.arguments[8] if len(op.arguments) > 8 and "backward" not in base else 1
    if groups == 1:
        return Kind.CONVOLUTION
    return Kind.DEPTHWISE if groups == op.inputs[0].shape[1] else Kind.GROUPED


def loads_of(graph: Graph) -> tuple[Load, ...]:
    """The operators of a graph as loads for one sample, in the order of running.

    Args:
        graph: of one pass; its figures are divided by the batch that it was traced at.

    Raises:
        DesignError: an operator has no rule for its work.

    Example:
        >>> import torch
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> graph, _ = trace(Traceable.of(torch.nn.Conv2d(3, 8, 3, bias=False)), (1, 3, 10, 10))
        >>> load, = loads_of(graph)
        >>> load.kind.value, load.multiply_adds, load.moved, load.constant
        ('convolution', 13824, 3248, 864)
    """
    batch = graph.inputs[0].shape[0]
    fixed = _independent(graph)
    owner = {op.index: row.name for row in rows_of(graph) for op in row.operators}
    return tuple(_load(op, owner[op.index], fixed, batch) for op in graph.operators)


def _independent(graph: Graph) -> set[int]:
    """Ids of values that come of parameters and buffers alone: a transposed weight, say."""
    found = set(graph.constants)
    for op in graph.operators:
        if op.inputs and all(value.id in found for value in op.inputs):
            found |= {value.id for value in op.outputs}
    return found


def _load(op: Operator, layer: str, fixed: set[int], batch: int) -> Load:
    values = (*op.inputs, *op.outputs) if bytes_moved(op) else ()
    known = {value.storage for value in op.inputs}
    moved = {x.id: x.nbytes for x in values if x.id not in fixed}
    touched = {x.storage: x.nbytes for x in values if x.id not in fixed}
    made = [x.nbytes for x in values if x.id not in fixed and x.storage not in known]
    return Load(
        layer=layer,
        kind=kind_of(op),
        multiply_adds=work(op).products // batch,
        moved=sum(moved.values()) // batch,
        constant=bytes_moved(op) - sum(moved.values()),
        touched=sum(touched.values()) // batch,
        made=max(made, default=0) // batch,
    )
