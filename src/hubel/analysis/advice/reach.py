"""How far the receptive fields reach, set against the input."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hubel.analysis.advice.fact import Advice, Facts, counted
from hubel.analysis.fields import Field
from hubel.analysis.recording.graph import Operator
from hubel.analysis.units import shape_text

__all__ = ["small_field", "unproductive"]


def _convolutions(facts: Facts) -> list[tuple[Operator, Field, Field]]:
    """The convolutions with the fields of what they read and what they give."""
    found = [
        (op, facts.fields.get(op.inputs[0].id), facts.fields.get(op.outputs[0].id))
        for op in facts.live
        if op.name == "convolution"
    ]
    return [(op, before, after) for op, before, after in found if before and after]


def _sides(field: Field) -> tuple[int, ...]:
    return tuple(axis.side for axis in field.axes)


def small_field(facts: Facts) -> Iterator[Advice]:
    """No position of the last convolution sees the whole input."""
    found = _convolutions(facts)
    if not found or found[-1][2].kind == "whole":
        return
    op, _, field = found[-1]
    sides = _sides(field)
    is_whole = all(size >= side for size, side in zip(field.size, sides, strict=True))
    if is_whole or _mixes_later(facts, op):
        return
    yield Advice(
        facts.name(op),
        "small_field",
        f"a position of this last convolution sees {shape_text(field.size)} of the "
        f"{shape_text(sides)} input ({100 * field.seen:.3g}%); nothing larger is seen whole",
        _wider(field),
    )


def _mixes_later(facts: Facts, last: Operator) -> bool:
    """Whether something after the last convolution, such as attention, looks at all positions.

    The pooling or flattening before the scores does so too, but only once.
    """
    for op in facts.live:
        if op.index <= last.index or op.name in _ENDS:
            continue
        kinds = {field.kind for x in op.outputs if (field := facts.fields.get(x.id))}
        before = {field.kind for x in facts.flow.moving(op) if (field := facts.fields.get(x.id))}
        is_flat = op.name in {"addmm", "mm"} and op.outputs[0].shape[0] == facts.flow.batch
        if "whole" in kinds and "whole" not in before and not is_flat:
            return True
    return False


_ENDS = {"mean", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "amax"}


def _wider(field: Field) -> str:
    """What would close the widest gap between a field and the input."""
    gap, stride = max(
        (axis.side - axis.size, axis.stride or 1) for axis in field.axes if axis.size < axis.side
    )
    step = 2 * float(stride)
    more = counted(math.ceil(gap / step), "more would cover the input").removesuffix("s")
    return f"a further 3x3 convolution here adds 2 x {float(stride):g} = {step:g}: {more}"


def unproductive(facts: Facts) -> Iterator[Advice]:
    """Convolutions that read positions which see the whole input already."""
    found = [
        (op, before)
        for op, before, _ in _convolutions(facts)
        if before.kind == "exact"
        and any(size > 1 for size in op.inputs[1].shape[2:])
        and all(axis.size >= axis.side for axis in before.axes)
    ]
    if not found:
        return
    first, field = found[0]
    held = sum(facts.parameters.get(facts.flow.parameter(op.inputs[1]) or "", 0) for op, _ in found)
    total = sum(facts.parameters.values())
    yield Advice(
        facts.name(first),
        "unproductive",
        f"from here on {counted(len(found), 'convolution')} read positions that see the whole "
        f"input already ({shape_text(field.size)} of {shape_text(_sides(field))}): their windows "
        f"bring in nothing new; {held:,} of {total:,} parameters",
        "such layers were found to add little (Richter et al. 2021): a larger input, less stride "
        "before them, or fewer of them",
        tuple(facts.name(op) for op, _ in found[1:]),
    )
