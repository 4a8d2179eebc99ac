"""A linear classifier on pixels, or on hand-designed features of them."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from hubel.models.averages import Averages

__all__ = ["Linear"]


class Linear(nn.Module):
    """One weighted sum of all pixels a class, so each class has a template that can be looked at.

    Args:
        in_channels: of the input.
        num_classes: how many scores.
        image_size: height and width in pixels, or one or three sides; fixed.
        features: what to weigh instead of the pixels, as in `histogram + hog`; these take pictures
            in [0, 1].

    Raises:
        FeatureError: the text names no features, or such pictures can't be described by them.

    Example:
        >>> Linear(in_channels=3, num_classes=2, image_size=(32, 32), features="hog").fc
        Linear(in_features=324, out_features=2, bias=True)
    """

    def __init__(
        self,
        *,
        in_channels: int,
        num_classes: int,
        image_size: tuple[int, ...],
        features: str | None = None,
    ) -> None:
        super().__init__()
        size = in_channels * math.prod(image_size)
        if features is None:
            self.flatten = nn.Flatten()
        elif len(image_size) != 2:
            self.flatten = Averages.of(features, (in_channels, *image_size))
            size = self.flatten.size
        else:
            from hubel.features.notation import parse

            self.flatten = parse(features).build((in_channels, *image_size))
            size = self.flatten.size
        self.fc = nn.Linear(size, num_classes)
        nn.init.zeros_(self.fc.weight)  # convex: there is no symmetry to break
        nn.init.zeros_(self.fc.bias)

    def init_from_data(self, images_NCHW: Tensor) -> None:
        """Let features that learn, such as means or visual words, learn from training pictures."""
        if not isinstance(self.flatten, nn.Flatten | Averages):
            self.flatten.fit(images_NCHW)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(n, channels, height, width) to logits, (n, classes)."""
        if isinstance(self.flatten, nn.Flatten):
            return cast(Tensor, self.fc(torch.flatten(x_NCHW.contiguous(), 1)))
        return cast(Tensor, self.fc(self.flatten(x_NCHW)))
