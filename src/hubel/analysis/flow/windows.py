"""Operators that slide a window over a map, and which positions their windows reach.

One axis at a time: position `o` of the output reads `o * stride - before + tap * dilation` for
every tap of the kernel, where `before` is the padding before the first row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hubel.analysis.recording.graph import Operator

__all__ = ["Axis", "Window", "window"]


@dataclass(frozen=True, slots=True)
class Axis:
    """A window along one axis.

    Attributes:
        kernel: taps.
        stride: positions from one window to the next.
        dilation: positions from one tap to the next.
        before: positions of padding before the first.
        after: positions of padding after the last.
        size: positions of the input, without padding.
        windows: how many, which is the size of the output.

    Example:
        >>> Axis(kernel=2, stride=2, dilation=1, before=0, after=0, size=7, windows=3).dropped
        1
    """

    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    size: int
    windows: int

    @property
    def extent(self) -> int:
        """Positions from the first tap to the last, both counted."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def reached(self) -> frozenset[int]:
        """Positions of the input that some window reads."""
        starts = range(-self.before, self.windows * self.stride - self.before, self.stride)
        taps = range(0, self.extent, self.dilation)
        return frozenset(at + tap for at in starts for tap in taps if 0 <= at + tap < self.size)

    @property
    def dropped(self) -> int:
        """Positions at the end that the last window falls short of: a further stride did not fit.

        Where the stride is larger than the window, positions are left out everywhere, and the last
        count no more than the others: none is dropped, all are skipped.
        """
        if self.stride > self.extent or not self.windows:
            return 0
        return max(0, self.size - (self.windows - 1) * self.stride + self.before - self.extent)

    @property
    def skipped(self) -> int:
        """Positions that no window reads, besides those dropped at the end."""
        return self.size - self.dropped - len(self.reached)

    @property
    def idle_taps(self) -> int:
        """Taps that never meet a position of the input, only padding."""
        starts = range(-self.before, self.windows * self.stride - self.before, self.stride)
        return sum(
            not any(0 <= at + tap < self.size for at in starts)
            for tap in range(0, self.extent, self.dilation)
        )


@dataclass(frozen=True, slots=True)
class Window:
    """The window of an operator, axis by axis; the batch and the channels are no axes of it."""

    axes: tuple[Axis, ...]

    @property
    def kernel(self) -> tuple[int, ...]:
        """Taps on each axis."""
        return tuple(axis.kernel for axis in self.axes)

    @property
    def stride(self) -> tuple[int, ...]:
        """Stride on each axis."""
        return tuple(axis.stride for axis in self.axes)

    @property
    def sides(self) -> tuple[int, ...]:
        """Sizes of the input, without padding."""
        return tuple(axis.size for axis in self.axes)

    @property
    def out_sides(self) -> tuple[int, ...]:
        """Sizes of the output."""
        return tuple(axis.windows for axis in self.axes)


def window(op: Operator, padding: Sequence[tuple[int, int]] = ()) -> Window | None:
    """The window of a convolution or pooling; None for every other operator.

    Args:
        op: the operator.
        padding: before and after on each axis, where an operator of its own padded the input;
            the sizes are then those before it.

    Example:
        >>> import torch
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> graph, _ = trace(Traceable.of(torch.nn.Conv2d(3, 8, 3, stride=2)), (1, 3, 8, 8))
        >>> found = window(graph.operators[0])
        >>> found.kernel, found.stride, found.out_sides, found.axes[0].dropped
        ((3, 3), (2, 2), (3, 3), 1)
    """
    if op.name == "convolution" and not op.arguments[6]:
        kernel = op.inputs[1].shape[2:]
        stride, pads, dilation = op.arguments[3:6]
    elif op.name in _POOLS:
        kernel, stride, pads, dilation = _pooling(op)
    else:
        return None
    sides, out_sides = op.inputs[0].shape, op.outputs[0].shape
    count = len(kernel) if op.name == "convolution" else _POOLS[op.name]
    shared = [_spread(given, count) for given in (kernel, stride, pads, dilation)]
    outside = list(padding) or [(0, 0)] * count
    return Window(
        tuple(
            Axis(k, s, d, p + before, p + after, n - before - after, m)
            for k, s, p, d, (before, after), n, m in zip(
                *shared, outside, sides[-count:], out_sides[-count:], strict=True
            )
        )
    )


_POOLS = {
    "avg_pool2d": 2,
    "avg_pool3d": 3,
    "max_pool2d_with_indices": 2,
    "max_pool3d_with_indices": 3,
}


def _pooling(op: Operator) -> tuple[Any, Any, Any, Any]:
    """Kernel, stride, padding and dilation; PyTorch leaves out what has its default."""
    given: list[Any] = list(op.arguments[1:])
    stride = given[1] if len(given) > 1 and given[1] else given[0]
    padding = given[2] if len(given) > 2 else (0,)
    is_dilated = op.name.startswith("max") and len(given) > 3
    return given[0], stride, padding, given[3] if is_dilated else (1,)


def _spread(given: Sequence[int], count: int) -> tuple[int, ...]:
    return tuple(given) if len(given) == count else (given[0],) * count
