"""Colour histograms: which colours a picture has, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import torch
from torch import Tensor

from hubel.errors import FeatureError
from hubel.features.chunks import in_chunks
from hubel.features.colour.counting import joint_histogram
from hubel.features.colour.spaces import SPACES, to_space
from hubel.features.feature import Feature, Shape, Stateless, expect_pictures
from hubel.features.settings import expect_at_least, expect_one_of

__all__ = ["Histogram", "histogram"]

_CHANNELS = "channels"
_NO_COLOUR = ("grey", _CHANNELS)


@dataclass(frozen=True, slots=True)
class Histogram(Feature):
    """Settings of a colour histogram.

    Attributes:
        space: "rgb", "hsv", "lab", "opponent": joint bins; "hue", "grey": bins of one number;
            "channels": each channel by itself, for any number of them.
        bins: of each coordinate; one number for all, or one each.
        soft: share pixels between the nearest bins, which makes it differentiable.

    Raises:
        FeatureError: a setting is impossible.

    Example:
        >>> Histogram("lab", (8, 4, 4)).size((3, 32, 32)), str(Histogram("lab", (8, 4, 4)))
        (128, 'histogram(space=lab, bins=8x4x4)')

    Source: Swain and Ballard 1991; van de Sande, Gevers and Snoek 2010 for opponent colours.
    """

    name: ClassVar[str] = "histogram"
    space: str = "hsv"
    bins: int | tuple[int, ...] = 8
    soft: bool = False

    def __post_init__(self) -> None:
        expect_one_of("histogram: space", self.space, [*SPACES, _CHANNELS])
        for count in self.bins if isinstance(self.bins, tuple) else (self.bins,):
            expect_at_least("histogram: bins", count, 1)
        wanted = 1 if self.space == _CHANNELS else len(SPACES[self.space].coordinates)
        if isinstance(self.bins, tuple) and len(self.bins) != wanted:
            raise FeatureError(
                f"histogram: bins={'x'.join(map(str, self.bins))} are {len(self.bins)} numbers, "
                f"and space={self.space} takes one, or {wanted}"
            )

    def axes(self) -> tuple[int, ...]:
        """Bins of each coordinate that are joint."""
        if isinstance(self.bins, tuple):
            return self.bins
        return (self.bins,) * (
            1 if self.space == _CHANNELS else len(SPACES[self.space].coordinates)
        )

    def size(self, shape: Shape) -> int:
        """Bins, whatever the size of the pictures."""
        channels, height, width = shape
        if self.space not in _NO_COLOUR or (self.space == "grey" and channels != 1):
            to_space(torch.empty(0, channels, height, width), self.space)
        if min(height, width) < 1:
            raise FeatureError(f"{self}: pictures of {height} x {width} pixels have no colours")
        return prod(self.axes()) * (channels if self.space == _CHANNELS else 1)

    def build(self, shape: Shape) -> Stateless:
        return Stateless(self, shape)

    def compute(self, images_NCHW: Tensor) -> Tensor:
        """The histograms, (n, d)."""
        return histogram(images_NCHW, self)


def histogram(images_NCHW: Tensor, settings: Histogram | None = None) -> Tensor:
    """Colour histograms of a batch of pictures.

    Counts are steps: differentiable only with `soft`, almost everywhere. Whole counts are the same
    on every device; shared ones may differ in the last bits from run to run on a GPU.

    Args:
        images_NCHW: (n, c, h, w) in [0, 1], sRGB but for "grey" and "channels".
        settings: space and bins; as the class has them where not given.

    Returns:
        (n, d): shares of the picture's pixels.

    Raises:
        FeatureError: a colour space of three channels and pictures of another number.

    Example:
        >>> black = torch.zeros(1, 3, 4, 4)
        >>> histogram(black, Histogram("grey", 4))
        tensor([[1., 0., 0., 0.]])
    """
    how = Histogram() if settings is None else settings
    how.size(expect_pictures(images_NCHW))
    return in_chunks(lambda piece: _histogram(piece, how), images_NCHW, 1 << 16)


def _histogram(images_NCHW: Tensor, how: Histogram) -> Tensor:
    if how.space == _CHANNELS:
        n, channels = images_NCHW.shape[:2]
        flat = images_NCHW.flatten(0, 1).unsqueeze(1)
        found = joint_histogram(flat, how.axes(), 0, how.soft)
        return found.view(n, channels * prod(how.axes()))
    around = int(how.space in ("hue", "hsv"))
    return joint_histogram(to_space(images_NCHW, how.space), how.axes(), around, how.soft)
