"""Linear operators with nothing nonlinear between them: together they are one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from hubel.analysis.advice.fact import Advice, Facts, joined
from hubel.analysis.costs import is_free
from hubel.analysis.flow.stacks import Equivalent, Stage, equivalent
from hubel.analysis.flow.stages import linear_stacks
from hubel.analysis.flow.windows import Window
from hubel.analysis.recording.graph import Operator
from hubel.analysis.units import shape_text

__all__ = ["linear_network", "linear_stack", "pool_first"]


def linear_stack(facts: Facts) -> Iterator[Advice]:
    """Two or more convolutions or fully connected layers that are one."""
    for stack in linear_stacks(facts.flow):
        one = equivalent(stack)
        parameters = sum(stage.parameters for stage in stack)
        multiply_adds = sum(stage.multiply_adds for stage in stack)
        yield Advice(
            joined([stage.layer for stage in stack if stage.mixes]),
            "linear_stack",
            f"nothing nonlinear stands between them: {_chain(stack)} with {parameters:,} "
            f"parameters and {multiply_adds:,} multiply-adds is the one {_shown(one)} with "
            f"{one.parameters:,} and {one.multiply_adds:,}{_normalised(stack)}",
            _mend(one, parameters, multiply_adds, _builder(facts, stack)),
        )


def _mend(one: Equivalent, parameters: int, multiply_adds: int, builder: str) -> str:
    more = one.multiply_adds / multiply_adds
    if more > 1:
        return (
            f"the one does {more:.3g} times as many multiply-adds: keep the parts where a factored "
            f"layer is meant, or put a nonlinearity between them{builder and '; ' + builder}"
        )
    fewer = _change(multiply_adds, one.multiply_adds, "multiply-adds")
    also = _change(parameters, one.parameters, "parameters")
    return (
        f"put a nonlinearity between them, or the one in their place: {fewer}, {also}"
        f"{builder and '; ' + builder}"
    )


def _change(before: int, after: int, noun: str) -> str:
    if before == after:
        return f"as many {noun}"
    return f"{abs(after - before):,} {noun} {'more' if after > before else 'fewer'}"


def _builder(facts: Facts, stack: Sequence[Stage]) -> str:
    """The option that builds the one, where it knows all modules of the stack."""
    calls = [facts.graph.calls[facts.graph.operators[s.operator].call] for s in stack]
    kinds = {call.kind for call in calls}
    runs = [call.path for call in facts.graph.calls]
    is_once = all(runs.count(call.path) == 1 for call in calls)
    is_built = kinds <= _MAPS or kinds <= _VECTORS
    if not is_once or not is_built:
        return ""
    if any(_is_padded(facts, stage) for stage in stack[1:]):
        return (
            "--collapse builds the one, and keeps the stack for the border, where padding between "
            "the layers makes them differ"
        )
    return "--collapse builds the one"


def _is_padded(facts: Facts, stage: Stage) -> bool:
    found = facts.flow.window(facts.graph.operators[stage.operator])
    return found is not None and any(axis.before or axis.after for axis in found.axes)


_MAPS = {f"{kind}{axes}d" for kind in ("Conv", "AvgPool", "BatchNorm") for axes in (1, 2, 3)}
_VECTORS = {"Linear", "BatchNorm1d"}


def _chain(stack: Sequence[Stage]) -> str:
    return ", ".join(filter(None, map(_stage, stack)))


def _stage(stage: Stage) -> str:
    if not stage.mixes:
        is_pool = math.prod(stage.kernel) > 1
        return f"average {_window(stage.kernel, stage.stride)}" if is_pool else ""
    return _operator(stage)


def _operator(of: Stage | Equivalent) -> str:
    taken, given = of.channels
    window = f"{_window(of.kernel, of.stride)} " if of.kernel else ""
    groups = f" in {of.groups} groups" if of.groups > 1 else ""
    return f"{window}{taken}→{given}{groups}"


def _shown(one: Equivalent) -> str:
    dilation = f" dilated by {max(one.dilation)}" if max(one.dilation, default=1) > 1 else ""
    kind = "convolution" if one.kernel else "fully connected layer"
    return f"{kind} {_operator(one)}{dilation}"


def _window(kernel: Sequence[int], stride: Sequence[int]) -> str:
    step = f"/{stride[0]}" if len(set(stride)) == 1 else f"/{shape_text(stride)}"
    return shape_text(kernel) + ("" if set(stride) == {1} else step)


def _normalised(stack: Sequence[Stage]) -> str:
    has_norm = any(not s.mixes and s.shifts for s in stack[:-1])
    return " (in evaluation, where batch normalisation is linear)" if has_norm else ""


def linear_network(facts: Facts) -> Iterator[Advice]:
    """No nonlinearity anywhere: the network is one matrix."""
    moving = [op for op in facts.live if facts.flow.moving(op)]
    mixing = [op for op in moving if op.name in _MIXERS]
    if len(mixing) < 2 or not all(_is_linear(facts, op) for op in moving):
        return
    taken = facts.graph.inputs[0].numel // facts.flow.batch
    given = sum(value.numel for value in facts.graph.outputs) // facts.flow.batch
    yield Advice(
        "",
        "linear_network",
        f"the whole network is linear: its {len(mixing)} layers with weights are one matrix of "
        f"{given:,} x {taken:,}, and can tell apart no more than a linear classifier",
        "put a nonlinearity, such as relu, after each layer but the last",
    )


def _is_linear(facts: Facts, op: Operator) -> bool:
    name = op.name.removesuffix("_")
    if name in {"native_batch_norm"}:
        return not op.arguments[5]
    if name in {"mul", "div", *_MIXERS}:
        return len(facts.flow.moving(op)) == 1 and not (
            name == "div" and op.arguments[0] is not facts.flow.moving(op)[0]
        )
    return is_free(op) or name in _LINEAR


_MIXERS = {"convolution", "addmm", "mm", "bmm", "linear"}
_LINEAR = {"add", "sub", "neg", "mean", "sum", "avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d",
           "_adaptive_avg_pool3d", "_native_batch_norm_legit_no_training", "upsample_nearest2d",
           "upsample_bilinear2d"}  # fmt: skip


def _is_mean(op: Operator, found: Window) -> bool:
    """Whether each output is the mean of what its window reads, nothing padded or left out."""
    is_padded = any(axis.before or axis.after for axis in found.axes)
    divisor = op.arguments[6] if len(op.arguments) > 6 else None
    return not is_padded and divisor is None


def pool_first(facts: Facts) -> Iterator[Advice]:
    """A 1x1 convolution and an average pooling after it give the same in either order."""
    for op in facts.live:
        found = facts.flow.window(op)
        reader = facts.flow.only_reader(op.outputs[0])
        if op.name != "convolution" or found is None or reader is None:
            continue
        pool = facts.flow.window(reader) if reader.name.startswith("avg_pool") else None
        is_pointwise = set(found.kernel + found.stride) == {1} and found.sides == found.out_sides
        if not is_pointwise or pool is None or not _is_mean(reader, pool):
            continue
        now = op.inputs[1].numel * math.prod(found.out_sides)
        then = op.inputs[1].numel * math.prod(pool.out_sides)
        yield Advice(
            facts.name(op),
            "pool_first",
            f"this 1x1 convolution and the average pooling after it ({facts.name(reader)}) give "
            f"the same in either order; it does {now:,} multiply-adds, and {then:,} after it",
            "pool before the convolution",
        )
