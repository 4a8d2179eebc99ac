"""The pixels themselves, as a feature: what everything that was designed is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from hubel.errors import FeatureError
from hubel.features.feature import Feature, Shape, Stateless, expect_pictures
from hubel.features.precision import in_single
from hubel.features.settings import expect_at_least

__all__ = ["Pixels", "pixels"]


@dataclass(frozen=True, slots=True)
class Pixels(Feature):
    """Settings of pixels as a feature.

    Attributes:
        side: most numbers a side; larger pictures are averaged down.

    Raises:
        FeatureError: a side below one.

    Example:
        >>> Pixels().size((3, 128, 20)), str(Pixels(side=8))
        (1920, 'pixels(side=8)')
    """

    name: ClassVar[str] = "pixels"
    side: int = 32

    def __post_init__(self) -> None:
        expect_at_least("pixels: side", self.side, 1)

    def size(self, shape: Shape) -> int:
        """Channels times height times width, each side at most `side`."""
        channels, height, width = shape
        if min(height, width) < 1:
            raise FeatureError(f"{self}: pictures of {height} x {width} have no pixels")
        return channels * min(height, self.side) * min(width, self.side)

    def build(self, shape: Shape) -> Stateless:
        return Stateless(self, shape)

    def compute(self, images_NCHW: Tensor) -> Tensor:
        """The pixels, (n, d)."""
        return pixels(images_NCHW, self)


def pixels(images_NCHW: Tensor, settings: Pixels | None = None) -> Tensor:
    """Pictures as rows of numbers, channel by channel, averaged to at most so many a side.

    Args:
        images_NCHW: (n, c, h, w) in [0, 1].
        settings: the side; as the class has it where not given.

    Returns:
        (n, d), where d is `settings.size((c, h, w))`.

    Example:
        >>> import torch
        >>> pixels(torch.tensor([[[[0.0, 1.0], [0.0, 0.0]]]]), Pixels(side=1))
        tensor([[0.2500]])
    """
    how = Pixels() if settings is None else settings
    shape = expect_pictures(images_NCHW)
    how.size(shape)
    height, width = (min(side, how.side) for side in shape[1:])
    if (height, width) != shape[1:]:
        images_NCHW = in_single(
            lambda images: functional.adaptive_avg_pool2d(images, (height, width)), images_NCHW
        )
    return images_NCHW.flatten(1)
