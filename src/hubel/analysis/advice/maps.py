"""What windows do at the borders of their maps, and between their taps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from hubel.analysis.advice.fact import Advice, Facts, counted, joined, share
from hubel.analysis.flow.windows import Axis, Window
from hubel.analysis.recording.graph import Operator
from hubel.analysis.units import shape_text

__all__ = ["dropped", "even_kernel", "idle_taps", "shrinking", "unread"]

_AXES = {1: ("position",), 2: ("row", "column"), 3: ("slice", "row", "column")}


def _windows(facts: Facts) -> Iterator[tuple[Operator, Window]]:
    for op in facts.live:
        found = facts.flow.window(op)
        if found is not None and not facts.flow.fixed.issuperset(x.id for x in op.outputs):
            yield op, found


def _convolutions(facts: Facts) -> Iterator[tuple[Operator, Window]]:
    return ((op, found) for op, found in _windows(facts) if op.name == "convolution")


def dropped(facts: Facts) -> Iterator[Advice]:
    """The last rows or columns are never read, because one more stride does not fit."""
    for op, found in _windows(facts):
        lost = [axis.dropped for axis in found.axes]
        if not any(lost) or any(axis.skipped for axis in found.axes):
            continue
        names = _AXES[len(lost)]
        which = joined([counted(n, name) for n, name in zip(lost, names, strict=True) if n])
        read = math.prod(axis.size - n for axis, n in zip(found.axes, lost, strict=True))
        verb = "is" if sum(lost) == 1 else "are"
        axis = next(axis for axis in found.axes if axis.dropped)
        yield Advice(
            facts.name(op),
            "dropped",
            f"the last {which} of its {shape_text(found.sides)} input {verb} never read "
            f"({share(math.prod(found.sides) - read, math.prod(found.sides))} of it): "
            f"{_floor(axis)}",
            f"a side of {axis.size - axis.dropped} or {axis.size - axis.dropped + axis.stride} "
            f"here, or padding of {axis.stride - axis.dropped} more at the end, loses none",
        )


def _floor(axis: Axis) -> str:
    """The arithmetic of a stride that does not fit: `(7 - 2) / 2 leaves 1`."""
    pad = axis.before + axis.after
    room = axis.size + pad - axis.extent
    sides = f"{axis.size} + {pad} - {axis.extent}" if pad else f"{axis.size} - {axis.extent}"
    return f"({sides}) / {axis.stride} leaves {room % axis.stride}"


def unread(facts: Facts) -> Iterator[Advice]:
    """A stride beyond the window, or a dilation that shares a factor with the stride."""
    for op, found in _windows(facts):
        if not any(axis.skipped for axis in found.axes):
            continue
        read = math.prod(len(axis.reached) for axis in found.axes)
        whole = math.prod(found.sides)
        yield Advice(
            facts.name(op),
            "unread",
            f"windows of {shape_text(found.kernel)} with stride {shape_text(found.stride)} read "
            f"{share(read, whole)} of the positions of its input; the others are never read",
            "a kernel of at least the stride reads all; before a 1x1, average pooling with the "
            "stride does (ResNet-D, He et al. 2019)",
        )


def idle_taps(facts: Facts) -> Iterator[Advice]:
    """Weights that only ever meet padding: they get no gradient."""
    for op, found in _convolutions(facts):
        taps = math.prod(found.kernel)
        used = math.prod(axis.kernel - axis.idle_taps for axis in found.axes)
        if used == taps:
            continue
        each = op.inputs[1].numel // taps
        kernel = shape_text([axis.kernel - axis.idle_taps for axis in found.axes])
        yield Advice(
            facts.name(op),
            "idle_taps",
            f"on a map of {shape_text(found.sides)}, {taps - used} of the {taps} taps of its "
            f"window only ever meet padding: {each * (taps - used):,} of its {each * taps:,} "
            "weights get no gradient",
            f"a {kernel} kernel, or less dilation, computes the same",
        )


def even_kernel(facts: Facts) -> Iterator[Advice]:
    """With stride 1 an even window has no middle: the map moves by half a position."""
    for op, found in _convolutions(facts):
        axes = [a for a in found.axes if a.extent % 2 == 0 and a.stride == 1 and a.before + a.after]
        if not axes or found.out_sides == (1,) * len(found.axes):
            continue
        axis = axes[0]
        yield Advice(
            facts.name(op),
            "even_kernel",
            f"its {shape_text(found.kernel)} window has no middle: padding {axis.before} before "
            f"and {axis.after} after makes {axis.windows} positions of {axis.size}, each "
            f"{abs(axis.extent - 1 - 2 * axis.before) / 2:g} off the position that it stands for",
            f"a kernel of {axis.kernel - 1} or {axis.kernel + 1} keeps positions where they are",
        )


def shrinking(facts: Facts) -> Iterator[Advice]:
    """An odd kernel without padding takes a border off the map."""
    for op, found in _convolutions(facts):
        if found.out_sides == (1,) * len(found.axes) or not all(map(_shrinks, found.axes)):
            continue
        pads: Sequence[int] = [(axis.extent - 1) // 2 for axis in found.axes]
        corner = math.prod(axis.kernel for axis in found.axes)
        yield Advice(
            facts.name(op),
            "shrinking",
            f"{shape_text(found.kernel)} without padding makes {shape_text(found.out_sides)} of "
            f"{shape_text(found.sides)}; a corner is in 1 window, an inner position in {corner}",
            f"padding of {pads[0] if len(set(pads)) == 1 else shape_text(pads)} keeps the size",
        )


def _shrinks(axis: Axis) -> bool:
    is_odd = axis.extent > 1 and axis.extent % 2 == 1
    return is_odd and axis.stride == 1 and not axis.before and not axis.after
