"""What people read of a receptive field: size, stride, start, and what the border cuts off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Axis", "Field", "Kind"]

Kind = Literal["exact", "bound", "whole"]


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """A receptive field along one axis of the input, in pixels.

    Size, stride and start are those of an input without end, as published tables give them; the
    windows `low` to `high` are those of the input at hand.

    Attributes:
        side: of the input.
        size: of the window, the hull of the pixels that one position depends on.
        stride: between the windows of neighbouring positions, on average where the windows repeat
            only after several positions; none where there is one position, or no fixed distance.
        start: first pixel of the first position's window, negative where it begins in padding.
        kind: exact; bound: no window is larger than `size`; whole: every position sees all.
        low: first pixel that each element sees; it broadcasts to the value's shape.
        high: last pixel that each element sees; below `low` where it sees nothing.
    """

    side: int
    size: int
    stride: Fraction | None
    start: int
    kind: Kind
    low: NDArray[np.int32] = field(repr=False)
    high: NDArray[np.int32] = field(repr=False)

    @property
    def centre(self) -> float:
        """Middle of the first position's window."""
        return self.start + (self.size - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The receptive field of the elements of one value.

    Attributes:
        shape: of the value.
        axes: one an axis of the input: height and width of a picture.
        seen: share of the input that the window of the middle position covers, 0 to 1; the median
            over positions where a view has left them without an order.
        cut: share of positions whose window reaches beyond the input, into padding; none where
            windows have no place on an input without end.
        note: why the windows are only upper bounds; empty where they are exact.
    """

    shape: tuple[int, ...]
    axes: tuple[Axis, ...]
    seen: float
    cut: float | None
    note: str = ""

    @property
    def kind(self) -> Kind:
        """Bound if any axis is, whole if all axes are, else exact."""
        kinds = {axis.kind for axis in self.axes}
        if "bound" in kinds:
            return "bound"
        return "whole" if kinds == {"whole"} else "exact"

    @property
    def size(self) -> tuple[int, ...]:
        """Of the window, along each axis of the input."""
        return tuple(axis.size for axis in self.axes)

    @property
    def stride(self) -> tuple[Fraction | None, ...]:
        """Between windows, along each axis of the input."""
        return tuple(axis.stride for axis in self.axes)

    @property
    def start(self) -> tuple[int, ...]:
        """Of the first position's window, along each axis of the input."""
        return tuple(axis.start for axis in self.axes)

    @property
    def centre(self) -> tuple[float, ...]:
        """Middle of the first position's window, along each axis of the input."""
        return tuple(axis.centre for axis in self.axes)

    def window(self, index: Sequence[int]) -> tuple[tuple[int, int], ...] | None:
        """The pixels that one element sees of the input at hand.

        Args:
            index: of the element, one number a dim of the value; negative ones count from the end.

        Returns:
            First and last pixel along each axis of the input; none if it sees nothing.

        Raises:
            IndexError: no such element.
        """
        if len(index) != len(self.shape):
            raise IndexError(f"an index of {len(self.shape)} numbers, one a dim, not {len(index)}")
        for number, (at, size) in enumerate(zip(index, self.shape, strict=True)):
            if not -size <= at < size:
                raise IndexError(f"index {at} along dim {number}, whose size is {size}")
        place = tuple(index)
        ends = [
            (int(np.broadcast_to(axis.low, self.shape)[place]),
             int(np.broadcast_to(axis.high, self.shape)[place]))
            for axis in self.axes
        ]  # fmt: skip
        return tuple(ends) if all(low <= high for low, high in ends) else None

    def to_json(self) -> dict[str, Any]:
        """The field as JSON types: one number where the axes agree, else one an axis."""
        facts = {
            "size": _agreed(self.size),
            "stride": _agreed([_number(stride) for stride in self.stride]),
            "start": _agreed(self.start),
            "kind": self.kind,
            "seen": self.seen,
            "cut": self.cut,
        }
        return facts | ({"note": self.note} if self.note else {})


def _number(stride: Fraction | None) -> float | int | None:
    if stride is None:
        return None
    return int(stride) if stride.denominator == 1 else float(stride)


def _agreed(numbers: Sequence[Any]) -> Any:
    return numbers[0] if all(number == numbers[0] for number in numbers) else list(numbers)
