"""A linear stack as one convolution, with borders that agree."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from hubel.analysis.collapse.borders import Box, Line, Range, boxes, part

if TYPE_CHECKING:
    from hubel.analysis.collapse.agreeing import Agreement

__all__ = ["Collapsed", "cropped", "plan"]


class Collapsed(nn.Module):
    """What a linear stack gives in evaluation, from one convolution.

    Where no layer but the first one pads (with zeros), the one convolution is the whole stack.
    Otherwise zeros that a later layer pads are not what the layers before would give for zeros
    around the input: there `conv` gives the interior, and `border`, which is the stack, the strips
    around it, from as little of the input as they need.

    Attributes:
        conv: the one: `nn.Conv1d`, `nn.Conv2d`, `nn.Conv3d` or `nn.Linear`.
        border: the stack; None where `conv` alone agrees everywhere.
        agreement: with the stack, measured.
    """

    conv: nn.Module
    border: nn.Sequential | None
    agreement: Agreement

    def __init__(self, conv: nn.Module, border: nn.Sequential | None, axes: Sequence[Line]) -> None:
        super().__init__()
        self.conv = conv
        self.border = border
        self.axes = tuple(axes)
        if border is not None:
            self.requires_grad_(False)

    def train(self, mode: bool = True) -> Collapsed:
        """The border stays in evaluation, where the stack is linear."""
        super().train(mode)
        if self.border is not None:
            self.border.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """The output of the stack for an input of any size that it takes."""
        if self.border is None:
            return self.conv(x)
        interior, strips = plan(self.axes, tuple(x.shape[2:]))
        if interior is None:
            return self.border(x)
        sides = [line.sizes(size)[-1] for line, size in zip(self.axes, x.shape[2:], strict=True)]
        inner: Tensor = self.conv(cropped(x, interior.crop))
        whole = inner.new_empty(*inner.shape[:2], *sides)
        whole[interior.index] = inner
        for strip in strips:
            whole[strip.index] = self.border(cropped(x, strip.crop))[strip.kept]
        return whole


@lru_cache(maxsize=256)
def plan(axes: tuple[Line, ...], sides: tuple[int, ...]) -> tuple[Box | None, list[Box]]:
    """The interior, and the strips around it, of an input with these sides; kept for the next."""
    return boxes(axes, sides)


def cropped(x: Tensor, crop: Sequence[Range]) -> Tensor:
    """Part of an input, with zeros where it goes beyond."""
    pairs = list(zip(crop, x.shape[2:], strict=True))
    inside = [(min(max(first, 0), side), min(max(last, 0), side)) for (first, last), side in pairs]
    pads = [
        (max(0, min(last, 0) - first), max(0, last - max(first, side)))
        for (first, last), side in pairs
    ]
    flat = [pad for pair in reversed(pads) for pad in pair]
    return F.pad(x[part(inside)], flat) if any(flat) else x[part(inside)]
