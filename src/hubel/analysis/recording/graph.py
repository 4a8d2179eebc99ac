"""A network as the operators that it runs: values, operators, calls of modules.

The graph is what every other analysis reads. It holds shapes and no numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

__all__ = ["Call", "Graph", "Operator", "Value"]


@dataclass(frozen=True, slots=True)
class Value:
    """One tensor at one moment: an operator that writes in place makes a new value.

    Attributes:
        id: counts the values of a graph.
        shape: sizes of all axes, the batch first.
        dtype: of its elements.
        storage: counts the storages of a graph; aliases share one.
    """

    id: int
    shape: tuple[int, ...]
    dtype: torch.dtype
    storage: int

    @property
    def numel(self) -> int:
        """How many elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of its elements, not of its storage: a view of a part counts its part."""
        return self.numel * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of PyTorch, as it ran.

    Attributes:
        index: position in the order of running.
        target: the overload, such as `torch.ops.aten.convolution.default`.
        call: index of the innermost call of a module that ran it.
        arguments: as given, with a `Value` in the place of each tensor.
        keywords: the same.
        outputs: what it gave.
        sequence: number that autograd gave to its backward node; -1 without gradients.
    """

    index: int
    target: Any
    call: int
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    outputs: tuple[Value, ...]
    sequence: int = -1

    @property
    def name(self) -> str:
        """Without its overload: `convolution`, or `torchvision::deform_conv2d`."""
        namespace, _, name = str(self.target).rpartition(".")[0].partition(".")
        return name if namespace == "aten" else f"{namespace}::{name}"

    @property
    def inputs(self) -> tuple[Value, ...]:
        """Every value among the arguments, in order, lists opened."""
        return tuple(_values((self.arguments, tuple(self.keywords.values()))))


def _values(nested: Any) -> Iterator[Value]:
    if isinstance(nested, Value):
        yield nested
    elif isinstance(nested, (tuple, list)):
        for item in nested:
            yield from _values(item)


@dataclass(slots=True)
class Call:
    """One call of a module.

    Attributes:
        index: position in the order of beginning; 0 is the network itself.
        path: of the module, such as `layer1.0.conv1`; empty for the network itself.
        kind: class of the module.
        parent: index of the call within which this one ran; -1 for the network itself.
        first: index of the first operator that ran within.
        last: index after the last operator that ran within.
        outputs: the values that the module gave back.
        description: the module's own one-line description, `Conv2d(3, 64, ...)`.
    """

    index: int
    path: str
    kind: str
    parent: int
    first: int
    last: int = 0
    outputs: tuple[Value, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """All that ran in one pass of a network, in order.

    Attributes:
        inputs: the network's inputs.
        outputs: the network's outputs, nested ones opened.
        operators: in the order of running.
        calls: of modules, in the order of beginning; the first is the network itself.
        parameters: path by value id; one parameter under several paths has the first.
        buffers: path by value id.
        notes: what the reader should know about how it was traced.
    """

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    operators: tuple[Operator, ...]
    calls: tuple[Call, ...]
    parameters: dict[int, str]
    buffers: dict[int, str]
    notes: tuple[str, ...] = field(default=())

    @property
    def constants(self) -> frozenset[int]:
        """Ids of the values that are not computed from the input: parameters and buffers."""
        return frozenset(self.parameters) | frozenset(self.buffers)

    def own_operators(self, call: Call) -> list[Operator]:
        """The operators that ran in a call itself, not in a call within it."""
        return [op for op in self.operators[call.first : call.last] if op.call == call.index]
