"""Linear operators in a row, and the one convolution that does the same.

Two convolutions with nothing nonlinear between them are one convolution: strides multiply, and the
second kernel's taps stand a first stride apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Equivalent", "Stage", "compose_axis", "equivalent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One linear operator of a stack, on a map of channels; a position alone has no axes.

    Attributes:
        layer: its name.
        operator: its index in the graph.
        mixes: whether its own weights mix channels or positions, as those of a convolution.
        kernel: taps on each axis.
        stride: on each axis.
        dilation: on each axis.
        channels: of its input and its output.
        groups: within which channels mix.
        sides: of its input.
        out_sides: of its output.
        parameters: its own.
        multiply_adds: of one sample.
        shifts: whether it adds something that does not depend on the input.
    """

    layer: str
    operator: int
    mixes: bool
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    channels: tuple[int, int]
    groups: int
    sides: tuple[int, ...]
    out_sides: tuple[int, ...]
    parameters: int = 0
    multiply_adds: int = 0
    shifts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalent:
    """The one convolution that does what a stack does; without axes it is a linear layer."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    channels: tuple[int, int]
    groups: int
    out_sides: tuple[int, ...]
    shifts: bool

    @property
    def parameters(self) -> int:
        """Of the weight, and of the bias where there is one."""
        taken, given = self.channels
        return given * (taken // self.groups) * math.prod(self.kernel) + given * self.shifts

    @property
    def multiply_adds(self) -> int:
        """Of one sample, over all positions of the output."""
        taken, given = self.channels
        window = (taken // self.groups) * math.prod(self.kernel)
        return given * window * math.prod(self.out_sides)


def equivalent(stages: Sequence[Stage]) -> Equivalent:
    """The one operator that a stack equals, away from the borders.

    Args:
        stages: at least one, each reading what the one before gives.

    Example:
        >>> def conv(kernel, stride, size, out):
        ...     return Stage(layer="", operator=0, mixes=True, kernel=(kernel,), stride=(stride,),
        ...         dilation=(1,), channels=(4, 4), groups=1, sides=(size,), out_sides=(out,))
        >>> found = equivalent([conv(3, 2, 39, 19), conv(3, 1, 19, 17), conv(2, 2, 17, 8)])
        >>> found.kernel, found.stride, found.dilation
        ((9,), (4,), (1,))
    """
    first, last = stages[0], stages[-1]
    axes = [
        compose_axis([(s.kernel[i], s.stride[i], s.dilation[i]) for s in stages])
        for i in range(len(first.kernel))
    ]
    # The one window of an output of size 1 reads no more than the whole input.
    kernel = tuple(
        min(taps, -(-first.sides[i] // step)) if last.out_sides[i] == 1 else taps
        for i, (taps, _, step) in enumerate(axes)
    )
    return Equivalent(
        kernel=kernel,
        stride=tuple(stride for _, stride, _ in axes),
        dilation=tuple(step for _, _, step in axes),
        channels=(first.channels[0], last.channels[1]),
        groups=math.gcd(*(stage.groups for stage in stages)),
        out_sides=last.out_sides,
        shifts=any(stage.shifts for stage in stages),
    )


def compose_axis(windows: Sequence[tuple[int, int, int]]) -> tuple[int, int, int]:
    """Kernel, stride and dilation of a row of windows as one.

    The taps of the whole stand at sums of the parts' taps, so the dilation is what all their steps
    share: a 1x1 with stride 2 before a 3x3 is a 3x3 of dilation 2.
    """
    reach, stride, step = 0, 1, 0
    for kernel, own_stride, dilation in windows:
        if kernel > 1:
            reach += dilation * (kernel - 1) * stride
            step = math.gcd(step, dilation * stride)
        stride *= own_stride
    step = step or 1
    return reach // step + 1, stride, step
