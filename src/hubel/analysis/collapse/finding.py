"""Which modules of a network are linear stacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from hubel.analysis.collapse.affine import is_linear
from hubel.analysis.flow.structure import Flow
from hubel.analysis.recording.graph import Call, Value
from hubel.analysis.recording.trace import Traceable, trace

__all__ = ["LinearStack", "find_linear_stacks"]


@dataclass(frozen=True, slots=True)
class LinearStack:
    """Modules in a row that are linear in evaluation, each the only reader of the one before.

    Attributes:
        paths: of the modules, in order.
        input: shape of what the first reads, without the batch.
    """

    paths: tuple[str, ...]
    input: tuple[int, ...]


def find_linear_stacks(module: nn.Module, input: Sequence[int]) -> tuple[LinearStack, ...]:
    """The linear stacks of a network, wherever it calls them from.

    A stack has two or more convolutions, or two or more fully connected layers; poolings and
    batch normalisations between and after them belong to it. A module that runs twice does not.

    Args:
        module: with weights or without; left as it is.
        input: shape of one sample: channels, then sides.

    Raises:
        DesignError: the network fails at that input.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1),
        ...     nn.ReLU(), nn.Conv2d(4, 4, 3))
        >>> find_linear_stacks(network, (3, 9, 9))
        (LinearStack(paths=('0', '1', '2'), input=(3, 9, 9)),)
    """
    traced = Traceable.of(module)
    graph, _ = trace(traced, (1, *input))
    return _Search(traced.module, module, Flow.of(graph)).stacks()


class _Search:
    def __init__(self, twin: nn.Module, module: nn.Module, flow: Flow) -> None:
        self.twin = twin
        self.module = module
        self.flow = flow
        runs = Counter(call.path for call in flow.graph.calls)
        self.once = {path for path, count in runs.items() if count == 1}

    def stacks(self) -> tuple[LinearStack, ...]:
        found: list[LinearStack] = []
        taken: set[int] = set()
        for call in self.flow.graph.calls:
            chain = [] if call.index in taken else self._chain(call)
            taken |= {each.index for each in chain}
            stack = self._stack(chain)
            if stack is not None:
                found.append(stack)
        return tuple(found)

    def _stack(self, chain: list[Call]) -> LinearStack | None:
        """A chain without the normalisations and paddings before its first weights."""
        while chain and not self._is_weighted(chain[0]):
            chain = chain[1:]
        if sum(map(self._is_weighted, chain)) < 2:
            return None
        read = self._input(chain[0])
        assert read is not None, "a layer with weights reads something"
        return LinearStack(tuple(call.path for call in chain), read.shape[1:])

    def _is_weighted(self, call: Call) -> bool:
        kinds = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear
        return isinstance(self.twin.get_submodule(call.path), kinds)

    def _chain(self, call: Call) -> list[Call]:
        chain: list[Call] = []
        family: bool | None = None
        following: Call | None = call
        while following is not None:
            own = self._family(following)
            if own is None or family not in (None, own):
                break
            chain.append(following)
            family = own
            following = self._only_reader(following)
        return chain

    def _family(self, call: Call) -> bool | None:
        """Whether a call is of a layer on vectors; None where it is no layer that collapses."""
        read = self._input(call)
        if call.path not in self.once or read is None or len(call.outputs) != 1:
            return None
        part = self.module.get_submodule(call.path)
        if not is_linear(part, read.shape):
            return None
        return isinstance(part, nn.Linear) or len(read.shape) == 2

    def _input(self, call: Call) -> Value | None:
        """The first value that a call reads and that depends on the input, if there is one."""
        for op in self.flow.graph.operators[call.first : call.last]:
            moving = self.flow.moving(op)
            if moving:
                return moving[0]
        return None

    def _only_reader(self, call: Call) -> Call | None:
        """The one call that reads a call's output, first and alone."""
        graph, value = self.flow.graph, call.outputs[0]
        readers = {graph.operators[i].call for i in self.flow.readers.get(value.id, ())}
        is_output = any(value.id == output.id for output in graph.outputs)
        if is_output or len(readers) != 1:
            return None
        reader = graph.calls[readers.pop()]
        read = self._input(reader)
        return reader if read is not None and read.id == value.id else None
