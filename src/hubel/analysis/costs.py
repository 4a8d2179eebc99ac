"""The work of every operator: a rule for each, and an error for one without a rule."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from hubel.analysis.backward_cost_rules import BACKWARD_RULES
from hubel.analysis.cost_rules import MAKES, MOVES, NO_TRAFFIC, RULES, Work, elementwise
from hubel.analysis.recording.graph import Graph, Operator
from hubel.errors import DesignError

__all__ = ["Work", "bytes_moved", "is_free", "multiply_adds", "total_work", "work"]

_RULES = RULES | BACKWARD_RULES


def work(op: Operator) -> Work:
    """The work of one operator.

    Raises:
        DesignError: there is no rule for it; it is never counted as zero in silence.
    """
    name = op.name
    rule = _RULES.get(name) or _RULES.get(name.removesuffix("_"))
    if rule is not None:
        return rule(op)
    if is_free(op):
        return Work()
    if torch.Tag.pointwise in op.target.tags:
        return elementwise(op)
    raise DesignError(
        f"the operator {op.target} has no rule for its multiply-adds; it is not counted as zero: "
        "report it with the network, or put a module without it in its place"
    )


def total_work(operators: Iterable[Operator]) -> Work:
    """The sum over operators."""
    total = Work()
    for op in operators:
        total = total + work(op)
    return total


def multiply_adds(graph: Graph) -> int:
    """Products of a whole graph.

    Example:
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> graph, _ = trace(Traceable.of(torch.nn.Linear(8, 2)), (1, 8))
        >>> multiply_adds(graph)
        16
    """
    return total_work(graph.operators).products


def is_free(op: Operator) -> bool:
    """Whether an operator does no arithmetic: a view, a copy, a constant."""
    base = op.name.removesuffix("_")
    return _is_view(op) or base in MOVES or base in MAKES


def _is_view(op: Operator) -> bool:
    return op.target.is_view or torch.Tag.inplace_view in op.target.tags


def bytes_moved(op: Operator) -> int:
    """Bytes that an operator reads and writes if every tensor travels once; views move none."""
    if _is_view(op) or op.name in NO_TRAFFIC:
        return 0
    read = {value.id: value.nbytes for value in op.inputs}
    return sum(read.values()) + sum(value.nbytes for value in op.outputs)
