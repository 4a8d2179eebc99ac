"""Histograms of oriented gradients: which way the edges go, by cell, whatever the lighting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from hubel.errors import FeatureError
from hubel.features.chunks import in_chunks
from hubel.features.feature import Feature, Shape, Stateless, expect_pictures
from hubel.features.gradients.cells import plain_cells, weighted_cells
from hubel.features.gradients.gradient import by_place, gradient, magnitude, root
from hubel.features.gradients.norms import NORMS, Constants, normalised
from hubel.features.gradients.orientation import hard_votes, shared, shared_votes
from hubel.features.settings import expect_at_least, expect_one_of, expect_room

__all__ = ["CONVENTIONS", "HOG", "hog"]

CONVENTIONS = ("opencv", "skimage")


@dataclass(frozen=True, slots=True)
class HOG(Feature):
    """Settings of histograms of oriented gradients.

    Two libraries disagree on what HOG is, so that a convention has to be named. Under "opencv"
    each pixel shares its vote between two orientations and up to four cells, and counts less
    at the rim of its block; blocks go down first, as do cells in them. Under "skimage" each votes
    for one orientation of its own cell; blocks and cells go across first.

    Attributes:
        cell: pixels a side.
        block: cells a side that are normalised together.
        stride: cells from one block to the next.
        orientations: number of bins.
        signed: over 360 degrees rather than 180: light to dark is told from dark to light.
        norm: "L1", "L1-sqrt", "L2" or "L2-Hys".
        gamma: take roots of the pictures first.
        convention: "opencv" or "skimage".

    Raises:
        FeatureError: a setting is impossible.

    Example:
        >>> HOG(cell=4).size((1, 28, 28)), str(HOG(cell=4))
        (1296, 'hog(cell=4)')

    Source: Dalal and Triggs 2005.
    """

    name: ClassVar[str] = "hog"
    cell: int = 8
    block: int = 2
    stride: int = 1
    orientations: int = 9
    signed: bool = False
    norm: str = "L2-Hys"
    gamma: bool = False
    convention: str = "opencv"

    def __post_init__(self) -> None:
        for what in ("cell", "block", "stride"):
            expect_at_least(f"hog: {what}", getattr(self, what), 1)
        expect_at_least("hog: orientations", self.orientations, 2)
        expect_one_of("hog: norm", self.norm, NORMS)
        expect_one_of("hog: convention", self.convention, CONVENTIONS)
        if self.stride > self.block:
            raise FeatureError(
                f"hog: a stride of {self.stride} cells leaves cells between blocks of {self.block} "
                f"out: take at most stride={self.block}"
            )

    def grid(self, shape: Shape) -> tuple[int, int]:
        """Blocks down and across on pictures (c, h, w).

        Raises:
            FeatureError: the picture holds no block.
        """
        _, height, width = shape
        side = self.cell * self.block
        mend = f"take smaller cells than cell={self.cell}, or fewer than block={self.block}"
        expect_room(f"{self}: a block", side, height, width, mend)
        return (
            (height // self.cell - self.block) // self.stride + 1,
            (width // self.cell - self.block) // self.stride + 1,
        )

    @property
    def block_size(self) -> int:
        """Numbers of one block."""
        return self.block**2 * self.orientations

    def size(self, shape: Shape) -> int:
        """Blocks times cells times orientations."""
        rows, columns = self.grid(shape)
        return rows * columns * self.block_size

    def build(self, shape: Shape) -> Stateless:
        return Stateless(self, shape)

    def compute(self, images_NCHW: Tensor) -> Tensor:
        """The descriptors, (n, d)."""
        return hog(images_NCHW, self)


def hog(images_NCHW: Tensor, settings: HOG | None = None) -> Tensor:
    """Histograms of oriented gradients of a batch of pictures.

    Differentiable almost everywhere: under "skimage" through the lengths of gradients (their
    directions vote in steps), under "opencv" through both. Where nothing changes from pixel to
    pixel the derivative is taken as zero.

    Args:
        images_NCHW: (n, c, h, w) in [0, 1]; of several channels the one with the strongest
            gradient counts, at each pixel by itself.
        settings: cells, blocks and the rest; as the class has them where not given.

    Returns:
        (n, d), where d is `settings.size((c, h, w))`.

    Raises:
        FeatureError: the pictures hold no block.

    Example:
        >>> import torch
        >>> hog(torch.rand(2, 3, 32, 32), HOG(cell=8, convention="skimage")).shape
        torch.Size([2, 324])

    Source: Dalal and Triggs 2005; `skimage.feature.hog`; `cv2.HOGDescriptor`.
    """
    how = HOG() if settings is None else settings
    how.grid(expect_pictures(images_NCHW))
    pixels = 1 << 18 if how.convention == "opencv" else 1 << 17  # each measured best
    return in_chunks(lambda piece: _descriptors(piece, how), images_NCHW, pixels)


def _descriptors(images_NCHW: Tensor, how: HOG) -> Tensor:
    if how.convention == "skimage":
        return _blocks_as_skimage(images_NCHW, how).permute(3, 4, 5, 0, 1, 2).flatten(1)
    return _blocks_as_opencv(images_NCHW, how).permute(3, 5, 4, 1, 0, 2).flatten(1)


def _blocks_as_skimage(images_NCHW: Tensor, how: HOG) -> Tensor:
    """(b, b, o, n, y, x)"""
    images_NCHW = root(images_NCHW) if how.gamma else images_NCHW
    dx, dy = (by_place(one, how.cell) for one in gradient(images_NCHW, exact_ties=True))
    votes = hard_votes(dx, dy, magnitude(dx, dy), how.orientations, how.signed)
    blocks = plain_cells(votes, how.cell, how.block, how.stride)
    return normalised(blocks, how.norm, Constants.skimage())


def _blocks_as_opencv(images_NCHW: Tensor, how: HOG) -> Tensor:
    """(b, b, o, n, y, x)"""
    images_NCHW = images_NCHW * 255  # the constants of its norms are meant for these
    images_NCHW = root(images_NCHW) if how.gamma else images_NCHW
    dx, dy = (by_place(one, how.cell) for one in gradient(images_NCHW, exact_ties=False))
    votes = shared_votes(dx, dy, magnitude(dx, dy), how.orientations, how.signed)
    blocks = shared(weighted_cells(votes, how.block, how.stride))
    return normalised(blocks, how.norm, Constants.opencv(how.block_size))
