"""The values of signals and volumes as one row of numbers, averaged down where they are many."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional

from hubel.errors import FeatureError

__all__ = ["Averages"]


class Averages(nn.Module):
    """What `pixels` is to pictures, for one and three axes.

    Args:
        shape: channels, and one or three sides, of a sample.
        side: most numbers a side.

    Example:
        >>> Averages((2, 1000), 100).size
        200
    """

    def __init__(self, shape: tuple[int, ...], side: int) -> None:
        super().__init__()
        self.sides = tuple(min(length, side) for length in shape[1:])
        self.size = shape[0] * math.prod(self.sides)

    @classmethod
    def of(cls, features: str, shape: tuple[int, ...]) -> Averages:
        """From the text of `pixels(side=...)`.

        Raises:
            FeatureError: other features, which are for pictures.
        """
        from hubel.features.notation import parse
        from hubel.features.pixels import Pixels

        found = parse(features)
        if not isinstance(found, Pixels):
            what = "signals" if len(shape) == 2 else "volumes"
            raise FeatureError(f"{features}: for pictures, and these are {what}; give pixels")
        return cls(shape, found.side)

    def forward(self, x_NCS: Tensor) -> Tensor:
        """(n, channels, *sides) to (n, size)."""
        pool = functional.adaptive_avg_pool1d if x_NCS.ndim == 3 else functional.adaptive_avg_pool3d
        sides = self.sides[0] if x_NCS.ndim == 3 else self.sides
        found: Tensor = pool(x_NCS.contiguous(), sides)  # pyright: ignore[reportArgumentType]
        return found.flatten(1)
