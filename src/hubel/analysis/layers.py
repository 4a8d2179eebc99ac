"""The layers of a network: one row for each module that computes, and each functional operator."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hubel.analysis.costs import is_free
from hubel.analysis.recording.graph import Call, Graph, Operator, Value

__all__ = ["Row", "rows_of"]

_SHOWN = ("cat", "stack")  # free, and yet where branches meet
_COMMON_NAMES = {
    "addmm": "linear",
    "mm": "matmul",
    "bmm": "matmul",
    "baddbmm": "matmul",
    "max_pool2d_with_indices": "max_pool2d",
    "max_pool3d_with_indices": "max_pool3d",
    "_safe_softmax": "softmax",
    "_scaled_dot_product_flash_attention_for_cpu": "attention",
    "_scaled_dot_product_efficient_attention": "attention",
    "_cudnn_rnn": "recurrent",
    "constant_pad_nd": "pad",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One layer, as the operators that it is made of.

    Attributes:
        name: path of the module; for an operator outside a module, `path.operator`. The second
            time that the same module runs its name ends in `#2`.
        op: class of the module, or name of the operator.
        description: the module's own one-line description, or the operator's name.
        output: what it gives.
        operators: in the order of running.
        parameters: path by value id, of those that no earlier row used.
    """

    name: str
    op: str
    description: str
    output: Value
    operators: tuple[Operator, ...]
    parameters: dict[int, str]


@dataclass(slots=True)
class _Draft:
    call: Call
    op: str
    description: str
    output: Value | None
    operators: list[Operator]
    is_module: bool


def rows_of(graph: Graph) -> tuple[Row, ...]:
    """Divide the operators of a graph among layers; each operator belongs to one.

    A module within which no other module runs is one layer. In the others each operator that
    computes is a layer of its own, and what is free (views, copies) goes with the one before it.

    Example:
        >>> import torch
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU())
        >>> graph, _ = trace(Traceable.of(module), (1, 3, 8, 8))
        >>> [(row.name, row.op, row.output.shape) for row in rows_of(graph)]
        [('0', 'Conv2d', (1, 8, 6, 6)), ('1', 'ReLU', (1, 8, 6, 6))]
    """
    parents = {call.parent for call in graph.calls}
    drafting = _Drafting(graph)
    calls = iter([call for call in graph.calls if call.index not in parents])
    upcoming = next(calls, None)
    for op in graph.operators:
        while upcoming is not None and upcoming.first <= op.index:
            drafting.begin(upcoming)
            upcoming = next(calls, None)
        drafting.take(op)
    for call in (upcoming, *calls):  # modules at the end that compute nothing, as an Identity
        if call is not None:
            drafting.begin(call)
    return _finished(graph, drafting.close())


class _Drafting:
    """Rows as they grow."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.drafts: list[_Draft] = []
        self.leaves: dict[int, _Draft] = {}
        self.waiting: list[Operator] = []  # free ones that will go with the row after them

    def begin(self, call: Call) -> None:
        output = call.outputs[0] if call.outputs else None
        draft = _Draft(call, call.kind, call.description, output, [], True)
        self.leaves[call.index] = draft
        self.drafts.append(draft)

    def take(self, op: Operator) -> None:
        if op.call in self.leaves:
            self.leaves[op.call].operators.append(op)
        elif not op.outputs or (is_free(op) and op.name not in _SHOWN):
            is_weight = any(value.id in self.graph.parameters for value in op.inputs)
            if is_weight or not self.drafts:
                self.waiting.append(op)
            else:
                self.drafts[-1].operators.append(op)
        else:
            name, call = common_name(op), self.graph.calls[op.call]
            own = [*self.waiting, op]
            self.drafts.append(_Draft(call, name, name, op.outputs[0], own, False))
            self.waiting = []

    def close(self) -> list[_Draft]:
        """The rows, with what still waits; a network that only reshapes is one row."""
        if self.waiting and self.drafts:
            self.drafts[-1].operators.extend(self.waiting)
        elif self.waiting:
            network, last = self.graph.calls[0], self.waiting[-1]
            name = common_name(last)
            self.drafts.append(_Draft(network, name, name, None, self.waiting, False))
        return self.drafts


def common_name(op: Operator) -> str:
    """An operator's name as people know it: `linear` for `addmm`, `relu` for `relu_`."""
    base = op.name.removesuffix("_")
    return _COMMON_NAMES.get(base) or base.removeprefix("_").removeprefix("native_")


def _finished(graph: Graph, drafts: list[_Draft]) -> tuple[Row, ...]:
    seen: Counter[str] = Counter()
    used: set[int] = set()
    rows: list[Row] = []
    for draft in drafts:
        output = draft.output or _last_output(draft) or graph.inputs[0]
        path = draft.call.path
        name = path if draft.is_module else f"{path}.{draft.op}".lstrip(".")
        name = name or draft.op
        seen[name] += 1
        held = {value.id for op in draft.operators for value in op.inputs} & set(graph.parameters)
        rows.append(
            Row(
                name if seen[name] == 1 else f"{name}#{seen[name]}",
                draft.op,
                draft.description,
                output,
                tuple(draft.operators),
                {key: graph.parameters[key] for key in sorted(held - used)},
            )
        )
        used |= held
    return tuple(rows)


def _last_output(draft: _Draft) -> Value | None:
    outputs = [value for op in draft.operators for value in op.outputs]
    return outputs[-1] if outputs else None
