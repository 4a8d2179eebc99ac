"""A linear classifier on pixels."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["Linear"]


class Linear(nn.Module):
    """One weighted sum of all pixels a class, so each class has a template that can be looked at.

    Args:
        in_channels: of the input.
        num_classes: how many scores.
        image_size: height and width in pixels; fixed.
    """

    def __init__(self, *, in_channels: int, num_classes: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        height, width = image_size
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(in_channels * height * width, num_classes)
        nn.init.zeros_(self.fc.weight)  # convex: there is no symmetry to break
        nn.init.zeros_(self.fc.bias)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(n, channels, height, width) to logits, (n, classes)."""
        return cast(Tensor, self.fc(torch.flatten(x_NCHW.contiguous(), 1)))
