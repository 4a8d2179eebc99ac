"""Which outputs of a stack no inner padding touches, and which part of the input gives the others.

Along one axis, output `o` of the layers from `i` on reads, at the input of layer `i`, the positions
from `o * T - P` on: `T` is the product of their strides, `P` the sum of their paddings before, each
times the strides below it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hubel.analysis.collapse.affine import Affine

__all__ = ["Box", "Line", "Range", "boxes", "lines", "part"]

Range = tuple[int, int]
"""Positions from the first to before the second."""


@dataclass(frozen=True)
class Box:
    """Part of the output, with the part of the input that gives it.

    Attributes:
        outputs: on each axis.
        crop: of the input, on each axis, which may begin before 0 or end beyond the input.
        first: where the box's first output stands in what the crop gives, on each axis.
    """

    outputs: tuple[Range, ...]
    crop: tuple[Range, ...]
    first: tuple[int, ...]

    @property
    def index(self) -> tuple[Any, ...]:
        """The outputs as an index of a tensor."""
        return part(self.outputs)

    @property
    def kept(self) -> tuple[Any, ...]:
        """The same in what the crop gives."""
        pairs = zip(self.first, self.outputs, strict=True)
        return part([(at, at + last - first) for at, (first, last) in pairs])


def part(ranges: Sequence[Range]) -> tuple[Any, ...]:
    """Ranges of the last axes as an index of a tensor."""
    return (..., *(slice(first, last) for first, last in ranges))


@dataclass(frozen=True)
class Line:
    """The windows of a stack along one axis.

    Attributes:
        extents: of each layer's window.
        strides: of each layer.
        before: padding of each layer before the first position.
        after: padding of each layer after the last.
        ceils: whether a layer's last window may reach beyond its padding.
        exact: whether a convolution of the whole sees what the layer sees when it pads zeros.
        mirrors: whether what a layer pads is made of positions near its ends.
        wraps: whether some layer pads with what stands at the other end.
    """

    extents: tuple[int, ...]
    strides: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    ceils: tuple[bool, ...]
    exact: tuple[bool, ...]
    mirrors: tuple[bool, ...]
    wraps: bool

    def sizes(self, size: int) -> list[int]:
        """Size of the input of each layer, and of the output."""
        found = [size]
        for i, extent in enumerate(self.extents):
            room = found[-1] + self.before[i] + self.after[i] - extent
            count = room // self.strides[i] + 1
            if self.ceils[i]:
                count = -(-room // self.strides[i]) + 1
                # A window that would begin in the padding at the end is left out.
                count -= (count - 1) * self.strides[i] >= found[-1] + self.before[i]
            found.append(max(count, 0))
        return found

    @cached_property
    def steps(self) -> list[int]:
        """Positions at the input of each layer from one output to the next."""
        return [math.prod(self.strides[i:]) for i in range(len(self.strides))]

    @cached_property
    def offsets(self) -> list[int]:
        """How far before 0 the first output begins, at the input of each layer."""
        return self._sums(self.before)

    @cached_property
    def reaches(self) -> list[int]:
        """Positions that one output reads at the input of each layer."""
        return [1 + total for total in self._sums([extent - 1 for extent in self.extents])]

    def _sums(self, parts: Sequence[int]) -> list[int]:
        total, found = 0, [0] * len(parts)
        for i in reversed(range(len(parts))):
            total = parts[i] + total * self.strides[i]
            found[i] = total
        return found

    def interior(self, size: int) -> Range:
        """The outputs that one convolution gives, zeros around the input at most."""
        sizes = self.sizes(size)
        first, last = 0, sizes[-1]
        for i, is_exact in enumerate(self.exact):
            if not is_exact:
                first = max(first, -(-self.offsets[i] // self.steps[i]))
                room = sizes[i] + self.offsets[i] - self.reaches[i]
                last = min(last, room // self.steps[i] + 1)
        return (first, last) if last > first else (0, 0)

    def read(self, outputs: Range) -> Range:
        """What outputs read of the input, which may begin before 0 or end beyond it."""
        first = outputs[0] * self.steps[0] - self.offsets[0]
        return first, (outputs[1] - 1) * self.steps[0] - self.offsets[0] + self.reaches[0]

    def crop(self, outputs: Range, size: int) -> tuple[Range, int]:
        """Part of the input from which the stack gives some outputs exactly, and the first's place.

        It begins at a multiple of the whole stride, so that windows stand as before. Each end is
        the input's own, or so far away that nothing of these outputs comes from beyond it.
        """
        if self.wraps:
            return (0, size), outputs[0]
        sizes, needed = self.sizes(size), self._needed(outputs, size)
        pairs = list(zip(needed, self.steps, strict=True))
        skipped = max(0, min(first // step for (first, _), step in pairs))
        while skipped and not self._takes(size - skipped * self.steps[0]):
            skipped -= 1
        start = skipped * self.steps[0]
        length = size - start
        if all(last <= sizes[i] for i, (_, last) in enumerate(needed)):
            ends = [last - skipped * step for (_, last), step in pairs]
            length = next(n for n in range(1, length + 1) if n == length or self._holds(n, ends))
        return (start, start + length), outputs[0] - skipped

    def _needed(self, outputs: Range, size: int) -> list[Range]:
        """What outputs read at the input of each layer; beyond its ends where they read padding."""
        sizes, found = self.sizes(size), list[Range]()
        first, last = outputs
        for i in reversed(range(len(self.extents))):
            first = first * self.strides[i] - self.before[i]
            last = (last - 1) * self.strides[i] - self.before[i] + self.extents[i]
            if self.mirrors[i] and first < 0:
                last = max(last, self.before[i] + 1)
            if self.mirrors[i] and last > sizes[i]:
                first = min(first, sizes[i] - 1 - self.after[i])
            found.append((first, last))
            first = min(max(first, 0), sizes[i] - 1)
            last = max(min(last, sizes[i]), first + 1)
        return found[::-1]

    def _holds(self, length: int, ends: Sequence[int]) -> bool:
        """Whether a crop of some length holds what is needed at the input of each layer."""
        sizes = self.sizes(length)
        is_held = all(end <= size for end, size in zip(ends, sizes, strict=False))
        return is_held and self._takes(length)

    def _takes(self, length: int) -> bool:
        """Whether PyTorch runs every layer on an input of some length, by its strictest rules."""
        ends = zip(self.extents, self.before, self.after, strict=True)
        least = [max(extent, before + 1, after + 1) for extent, before, after in ends]
        return all(need <= size for need, size in zip(least, self.sizes(length), strict=False))


def lines(layers: Sequence[Affine]) -> tuple[Line, ...]:
    """The windows of a stack, axis by axis."""
    exact = tuple(_exact(layers))
    return tuple(
        Line(
            extents=tuple(layer.extent[axis] for layer in layers),
            strides=tuple(layer.stride[axis] for layer in layers),
            before=tuple(layer.before[axis] for layer in layers),
            after=tuple(layer.after[axis] for layer in layers),
            ceils=tuple(layer.ceils for layer in layers),
            exact=exact,
            mirrors=tuple(not layer.pads_zeros for layer in layers),
            wraps=any(layer.wraps for layer in layers),
        )
        for axis in range(len(layers[0].stride))
    )


def _exact(layers: Sequence[Affine]) -> Iterator[bool]:
    """Zeros that the first layer pads are zeros around the input; a later one's are not."""
    untouched = True
    for layer in layers:
        yield untouched and layer.pads_zeros and not layer.ceils
        untouched = untouched and layer.only_pads


def boxes(axes: Sequence[Line], sides: Sequence[int]) -> tuple[Box | None, list[Box]]:
    """The interior, None where there is none, and the strips around it that make up the rest."""
    wholes = [(0, line.sizes(side)[-1]) for line, side in zip(axes, sides, strict=True)]
    inner = [line.interior(side) for line, side in zip(axes, sides, strict=True)]
    if any(first == last for first, last in inner):
        return None, [_strip(axes, sides, wholes)]
    strips: list[Box] = []
    for axis, (first, last) in enumerate(inner):
        for outputs in ((0, first), (last, wholes[axis][1])):
            if outputs[0] < outputs[1]:
                ranges = [*inner[:axis], outputs, *wholes[axis + 1 :]]
                strips.append(_strip(axes, sides, ranges))
    crop = tuple(line.read(outputs) for line, outputs in zip(axes, inner, strict=True))
    return Box(tuple(inner), crop, (0,) * len(axes)), strips


def _strip(axes: Sequence[Line], sides: Sequence[int], outputs: Sequence[Range]) -> Box:
    crops = [
        line.crop(wanted, side) for line, wanted, side in zip(axes, outputs, sides, strict=True)
    ]
    return Box(tuple(outputs), tuple(crop for crop, _ in crops), tuple(at for _, at in crops))
