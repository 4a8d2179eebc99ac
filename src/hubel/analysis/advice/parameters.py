"""Where the parameters are, and which of them do nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from hubel.analysis.advice.fact import Advice, Facts, counted, share
from hubel.analysis.costs import is_free, work
from hubel.analysis.recording.graph import Value
from hubel.analysis.units import shape_text

__all__ = ["dead_branch", "large_linear", "unused_parameters"]


def large_linear(facts: Facts) -> Iterator[Advice]:
    """A fully connected layer on a whole map that holds most of the parameters."""
    total = sum(facts.parameters.values())
    for op in facts.live:
        if op.name not in {"addmm", "mm"}:
            continue
        weight, given = op.inputs[-1], op.inputs[-1].shape[-1]
        flattened = _map_behind(facts, op.inputs[-2])
        held = weight.numel + (given if op.name == "addmm" else 0)
        if flattened is None or facts.flow.parameter(weight) is None or 2 * held <= total:
            continue
        channels, sides = flattened.shape[1], shape_text(flattened.shape[2:])
        pooled = channels * given + held - weight.numel
        yield Advice(
            facts.name(op),
            "large_linear",
            f"it holds {held:,} of {total:,} parameters ({share(held, total)}), one for each of "
            f"{channels} channels x {sides} positions x {given:,} outputs",
            f"global average pooling before it leaves {pooled:,}; as a {sides} convolution "
            "without padding it holds as many and takes any larger input",
        )


def _map_behind(facts: Facts, rows: Value) -> Value | None:
    """The map of several positions, made by other layers, that was laid flat into rows."""
    maker = facts.flow.producer(rows)
    while maker is not None and is_free(maker) and maker.inputs:
        value = maker.inputs[0]
        if len(value.shape) > 2 and rows.shape[0] == value.shape[0] == facts.flow.batch:
            is_map = math.prod(value.shape[2:]) > 1 and math.prod(value.shape[1:]) == rows.shape[1]
            return value if is_map and facts.flow.producer(value) is not None else None
        maker = facts.flow.producer(value)
    return None


def dead_branch(facts: Facts) -> Iterator[Advice]:
    """Layers whose results reach no output."""
    parameters: defaultdict[str, dict[int, int]] = defaultdict(dict)
    products: defaultdict[str, int] = defaultdict(int)
    alive = {facts.name(op) for op in facts.live}
    for op in facts.graph.operators:
        if facts.name(op) not in alive and not is_free(op):
            products[facts.name(op)] += work(op).products
            held = {x.id: x.numel for x in op.inputs if facts.flow.parameter(x) is not None}
            parameters[facts.name(op)] |= held
    for name, done in products.items():
        held = sum(parameters[name].values())
        if not done and not held:
            continue
        yield Advice(
            name,
            "dead_branch",
            f"its result reaches no output: {counted(held, 'parameter')} and "
            f"{counted(done, 'multiply-add')} for nothing",
            "use the result, or remove the layer",
        )


def unused_parameters(facts: Facts) -> Iterator[Advice]:
    """Parameters that no operator reads, by the module that holds them."""
    used = {value.id for op in facts.graph.operators for value in op.inputs}
    unused = [path for key, path in facts.graph.parameters.items() if key not in used]
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for path in unused:
        groups[_holder(path, facts)].append(path)
    total = sum(facts.parameters.values())
    for holder, paths in groups.items():
        count = sum(facts.parameters.get(path, 0) for path in paths)
        told = f"{counted(count, 'parameter')}, {share(count, total)} of all" if count else "some"
        yield Advice(
            holder,
            "unused_parameters",
            f"takes no part in an evaluation pass: {told}",
            "remove it, unless it is a head for training alone",
        )


def _holder(path: str, facts: Facts) -> str:
    """The outermost module above a parameter that never runs, or the parameter itself."""
    ran = {call.path for call in facts.graph.calls}
    parts = path.split(".")
    for count in range(1, len(parts)):
        module = ".".join(parts[:count])
        is_within = any(other.startswith(f"{module}.") for other in ran)
        if module not in ran and not is_within:
            return module
    return path
