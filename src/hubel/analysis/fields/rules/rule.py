"""What a rule is, and how it reads the arguments of its operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hubel.analysis.fields.joins import union
from hubel.analysis.fields.reach import Reach
from hubel.analysis.recording.graph import Operator, Value

__all__ = [
    "Reaches",
    "Result",
    "Rule",
    "argument",
    "dims_of",
    "first",
    "join",
    "known",
    "out_shape",
    "per_dim",
]

Reaches = Mapping[int, Reach]
"""By value id, of the values that depend on the input."""

Result = Reach | list[Reach | None]
"""Of the first output, or of all outputs, with none where one sees nothing."""

Rule = Callable[[Operator, Reaches], Result]


def argument(op: Operator, name: str, default: Any = None) -> Any:
    """An argument by the name that the operator's schema gives it."""
    for number, formal in enumerate(op.target._schema.arguments):
        if formal.name == name:
            given = op.arguments[number] if number < len(op.arguments) else None
            given = op.keywords.get(name, given)
            return formal.default_value if given is None else given
    return default


def first(op: Operator, reaches: Reaches) -> Reach:
    """The reach of the operator's first argument."""
    return reaches[op.arguments[0].id]


def known(reaches: Reaches, values: Sequence[Any]) -> list[Reach]:
    """The reaches of those values that depend on the input."""
    return [reaches[x.id] for x in values if isinstance(x, Value) and x.id in reaches]


def out_shape(op: Operator) -> tuple[int, ...]:
    """Shape of the operator's first output."""
    return op.outputs[0].shape


def join(op: Operator, terms: Sequence[Reach]) -> Reach:
    """The union of reaches that broadcast to the first output."""
    return union(terms, out_shape(op))


def dims_of(given: Any, ndim: int) -> tuple[int, ...]:
    """Dims as a reduction takes them: one, several, or none for all; counted from 0."""
    if given is None or (not isinstance(given, int) and not len(given)):
        return tuple(range(ndim))
    dims = (given,) if isinstance(given, int) else given
    return tuple(dim % ndim for dim in dims) if ndim else ()


def per_dim(given: Sequence[int], count: int) -> tuple[int, ...]:
    """One number a dim, where a single one stands for all."""
    return tuple(given) * count if len(given) == 1 else tuple(given)
