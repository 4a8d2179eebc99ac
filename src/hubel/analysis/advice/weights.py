"""What the first weights say: filters that start equal and stay equal."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from hubel.analysis.advice.fact import Advice
from hubel.analysis.flow.structure import Flow
from hubel.analysis.recording.graph import Graph, Operator, Value
from hubel.errors import DesignError

__all__ = ["advise_weights"]


def advise_weights(module: nn.Module, graph: Graph) -> tuple[Advice, ...]:
    """Layers whose filters start equal, in a network that will never tell them apart.

    Equal filters stay equal only where all that reads them weighs them equally too: then each gets
    the same gradient. A last layer of zeros is no such layer, nor is a last normalisation of a
    residual branch that starts at zero: each of their outputs is read differently.

    Args:
        module: with its weights.
        graph: of the same module.

    Raises:
        DesignError: the module has no weights.

    Example:
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        >>> for parameter in network.parameters():
        ...     _ = nn.init.zeros_(parameter)
        >>> graph, _ = trace(Traceable.of(network), (1, 4))
        >>> [each.layer for each in advise_weights(network, graph)]
        ['0']
    """
    weights = dict(module.named_parameters()) | dict(module.named_buffers())
    if any(weight.is_meta for weight in weights.values()):
        raise DesignError(
            "the module has no weights (it is on the meta device); build it with weights"
        )
    with torch.no_grad():
        return tuple(_Symmetry(Flow.of(graph), weights).advice())


class _Symmetry:
    """Which filters nothing tells apart."""

    def __init__(self, flow: Flow, weights: dict[str, Tensor]) -> None:
        self.flow = flow
        self.weights = weights
        self.dropped = {
            value.id
            for call in flow.graph.calls
            if "Dropout" in call.kind
            for value in call.outputs
        }

    def advice(self) -> Iterator[Advice]:
        for op in self.flow.graph.operators:
            filters = self._filters(op)
            if filters is None or op.index not in self.flow.live or not _all_equal(filters):
                continue
            reason = self._reason(op, filters)
            if reason:
                of_groups = f" of each of {len(filters)} groups" if len(filters) > 1 else ""
                yield Advice(
                    self.flow.names[op.index],
                    "equal_filters",
                    f"all its {filters.shape[1]:,} filters{of_groups} start equal, and {reason}",
                    "draw the weights at random, as init=kaiming does",
                )

    def _reason(self, op: Operator, filters: Tensor) -> str:
        """Why equal filters stay so; empty where they do not."""
        value = op.outputs[0]
        readers = [self.flow.graph.operators[i].name for i in self.flow.readers.get(value.id, ())]
        if not filters.any() and {name.removesuffix("_") for name in readers} == {"relu"}:
            return "give zeros to a relu, which passes no gradient at 0: they never learn"
        if self._is_read_equally(value, channels=value.shape[1]):
            return (
                "what reads them weighs them equally: they get equal gradients and stay equal, as "
                "one filter would"
            )
        return ""

    def _tensor(self, value: Value) -> Tensor | None:
        path = self.flow.parameter(value) or self.flow.graph.buffers.get(value.id)
        return None if path is None else self.weights.get(path)

    def _matrix(self, op: Operator) -> Tensor | None:
        """The weight of a fully connected layer, outputs first."""
        weight = self._tensor(op.inputs[-1])
        if weight is None or weight.dim() != 2:
            return None
        maker = self.flow.producer(op.inputs[-1])
        return weight if maker is not None else weight.t()

    def _filters(self, op: Operator) -> Tensor | None:
        """Groups, filters, numbers of a filter and its bias; None for other operators."""
        if op.name == "convolution" and not op.arguments[6]:
            weight, groups = self._tensor(op.inputs[1]), op.arguments[8]
            bias = self._tensor(op.inputs[2]) if len(op.inputs) > 2 else None
        elif op.name in {"addmm", "mm"}:
            weight, groups = self._matrix(op), 1
            bias = self._tensor(op.inputs[0]) if op.name == "addmm" else None
        else:
            return None
        if weight is None or weight.shape[0] // groups < 2:
            return None
        rows = weight.flatten(1)
        rows = rows if bias is None else torch.cat([rows, bias[:, None]], 1)
        return rows.unflatten(0, (groups, -1))

    def _is_read_equally(self, value: Value, channels: int) -> bool:
        """Whether all readers of a value, down to the next weights, treat its channels alike."""
        readers = [self.flow.graph.operators[i] for i in self.flow.readers.get(value.id, ())]
        is_output = any(value.id == output.id for output in self.flow.graph.outputs)
        if is_output or not readers or value.id in self.dropped:
            return False
        return all(self._treats_equally(op, value, channels) for op in readers)

    def _treats_equally(self, op: Operator, value: Value, channels: int) -> bool:
        columns = self._columns(op, channels)
        if columns is not None:
            return _all_equal(columns.transpose(0, 1)[None])
        if not self._keeps_symmetry(op, channels):
            return False
        return self._is_read_equally(op.outputs[0], channels)

    def _columns(self, op: Operator, channels: int) -> Tensor | None:
        """What a layer weighs each channel with: given, channels, all else."""
        if op.name == "convolution" and not op.arguments[6] and op.arguments[8] == 1:
            weight = self._tensor(op.inputs[1])
        elif op.name in {"addmm", "mm"}:
            weight = self._matrix(op)
        else:
            return None
        if weight is None or weight.shape[1] % channels:
            return None
        return weight.flatten(1).unflatten(1, (channels, -1))

    def _keeps_symmetry(self, op: Operator, channels: int) -> bool:
        """Whether equal channels are equal afterwards, and in their order."""
        if len(self.flow.moving(op)) != 1:
            return False
        held = [self._tensor(value) for value in op.inputs if value.id in self.flow.fixed]
        if any(x is None or not bool((x == x.flatten()[0]).all()) for x in held):
            return False
        name = op.name.removesuffix("_")
        is_flat = name in {"view", "flatten", "_unsafe_view", "squeeze", "clone"}
        keeps = is_flat and op.outputs[0].shape[:1] == op.inputs[0].shape[:1]
        is_pointwise = torch.Tag.pointwise in op.target.tags
        return keeps or is_pointwise or name in _BY_CHANNEL


_BY_CHANNEL = {"max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool2d", "avg_pool3d",
               "_adaptive_avg_pool2d", "mean", "native_batch_norm"}  # fmt: skip


def _all_equal(filters: Tensor) -> bool:
    """Whether within each group all filters are equal."""
    first_two = filters[:, :2]  # tell most layers apart without reading all of them
    return filters.shape[1] > 1 and all(
        bool((each == each[:, :1]).all()) for each in (first_two, filters)
    )
