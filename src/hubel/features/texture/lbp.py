"""Local binary patterns: which neighbours are at least as bright as a pixel, counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from hubel.errors import FeatureError
from hubel.features.chunks import in_chunks
from hubel.features.colour.counting import counts
from hubel.features.feature import Feature, Shape, Stateless, expect_pictures
from hubel.features.settings import expect_at_least, expect_one_of, expect_room
from hubel.features.texture.patterns import METHODS, names_of_patterns, number_of_patterns

__all__ = ["LBP", "lbp", "patterns"]

_MOST_POINTS = 16  # a table of 2^16 names


@dataclass(frozen=True, slots=True)
class LBP(Feature):
    """Settings of local binary patterns.

    Attributes:
        points: neighbours on the ring, at most 16.
        radius: of the ring in pixels.
        method: "uniform" (turns don't matter, rare rings in one bin), "nri_uniform" (turns do),
            "ror" (every ring, turns don't matter), "default" (every ring).
        cell: pixels a side of the squares that are counted by themselves; none: the whole picture.

    Raises:
        FeatureError: a setting is impossible.

    Example:
        >>> LBP().size((1, 32, 32)), LBP(cell=8).size((1, 32, 32))
        (10, 160)

    Source: Ojala, Pietikainen and Maenpaa 2002.
    """

    name: ClassVar[str] = "lbp"
    points: int = 8
    radius: float = 1.0
    method: str = "uniform"
    cell: int | None = None

    def __post_init__(self) -> None:
        expect_at_least("lbp: points", self.points, 2)
        expect_one_of("lbp: method", self.method, METHODS)
        if self.points > _MOST_POINTS:
            raise FeatureError(
                f"lbp: points={self.points} make 2^{self.points} patterns: "
                f"take at most {_MOST_POINTS}"
            )
        if not 0 < self.radius < math.inf:
            raise FeatureError(f"lbp: radius must be a positive number, not {self.radius!r}")
        if self.cell is not None:
            expect_at_least("lbp: cell", self.cell, 1)

    def size(self, shape: Shape) -> int:
        """Channels times cells times patterns."""
        channels, height, width = shape
        mend = f"take a smaller radius than {self.radius}"
        expect_room(f"{self}: a ring", 2 * math.ceil(self.radius) + 1, height, width, mend)
        cells = 1
        if self.cell is not None:
            mend = f"take smaller cells than cell={self.cell}"
            expect_room(f"{self}: a cell", self.cell, height, width, mend)
            cells = (height // self.cell) * (width // self.cell)
        return channels * cells * number_of_patterns(self.method, self.points)

    def build(self, shape: Shape) -> Stateless:
        return Stateless(self, shape)

    def compute(self, images_NCHW: Tensor) -> Tensor:
        """The histograms, (n, d)."""
        return lbp(images_NCHW, self)


def patterns(images_NCHW: Tensor, settings: LBP | None = None) -> Tensor:
    """The name of the pattern around each pixel, as `skimage.feature.local_binary_pattern` has it.

    Brightness is taken as 0 to 255, and outside the picture it is 0. Not differentiable.

    Args:
        images_NCHW: (n, c, h, w) in [0, 1]; each channel by itself.
        settings: the ring and the method; `cell` plays no part.

    Returns:
        (n, c, h, w), int64.

    Example:
        >>> patterns(torch.full((1, 1, 3, 3), 0.5), LBP(points=4))[0, 0].tolist()
        [[2, 3, 2], [3, 4, 3], [2, 3, 2]]
    """
    how = LBP() if settings is None else settings
    names = names_of_patterns(how.method, how.points)
    rings = _rings(images_NCHW, how)
    return torch.tensor(names, device=images_NCHW.device)[rings]


def _rings(images_NCHW: Tensor, how: LBP) -> Tensor:
    """The bits of each pixel's ring as a number. In double precision, as scikit-image: where two
    values are nearly the same, the last bit decides."""
    middle = (images_NCHW.detach() * 255).double()
    margin = math.ceil(how.radius) + 1
    padded = F.pad(middle, (margin, margin, margin, margin))
    bits = torch.zeros(middle.shape, dtype=torch.int64, device=middle.device)
    for point in range(how.points):
        angle = 2 * math.pi * point / how.points
        down, across = (
            round(-how.radius * math.sin(angle), 5),
            round(how.radius * math.cos(angle), 5),
        )
        bits += (_moved(padded, down, across, margin) - middle >= 0).long() << point
    return bits


def _moved(padded: Tensor, down: float, across: float, margin: int) -> Tensor:
    """The picture seen from a place beside each pixel, bilinear.

    Shares come from sums of place and shift, as in scikit-image: their last bits depend on both.
    """
    rows, height, below = _shares(padded.shape[-2] - 2 * margin, down, padded)
    columns, width, right = _shares(padded.shape[-1] - 2 * margin, across, padded)

    def at(row: int, column: int) -> Tensor:
        top, left = margin + row, margin + column
        return padded[..., top : top + height, left : left + width]

    upper = (1 - right) * at(rows[0], columns[0]) + right * at(rows[0], columns[1])
    lower = (1 - right) * at(rows[1], columns[0]) + right * at(rows[1], columns[1])
    below = below.unsqueeze(1)
    return (1 - below) * upper + below * lower


def _shares(length: int, shift: float, like: Tensor) -> tuple[tuple[int, int], int, Tensor]:
    """Along one axis: the shifts of the two pixels around, the length, the shares of the second."""
    places = torch.arange(length, dtype=like.dtype, device=like.device) + shift
    return (math.floor(shift), math.ceil(shift)), length, places - places.floor()


def lbp(images_NCHW: Tensor, settings: LBP | None = None) -> Tensor:
    """Histograms of local binary patterns of a batch of pictures. Not differentiable: steps.

    Args:
        images_NCHW: (n, c, h, w) in [0, 1]; each channel by itself, one after the other.
        settings: ring, method and cell; as the class has them where not given.

    Returns:
        (n, d): shares of the pixels of each cell, cells across first, in each channel.

    Raises:
        FeatureError: pictures smaller than a ring or a cell.

    Example:
        >>> lbp(torch.rand(2, 3, 32, 32), LBP(cell=16)).shape
        torch.Size([2, 120])
    """
    how = LBP() if settings is None else settings
    how.size(expect_pictures(images_NCHW))
    return in_chunks(lambda piece: _histograms(piece, how), images_NCHW)


def _histograms(images_NCHW: Tensor, how: LBP) -> Tensor:
    names = names_of_patterns(how.method, how.points)
    bins = {name: place for place, name in enumerate(sorted(set(names)))}
    table = torch.tensor([bins[name] for name in names], device=images_NCHW.device)
    codes = table[_rings(images_NCHW, how)]
    n, channels, height, width = codes.shape
    down, across = (height, width) if how.cell is None else (how.cell, how.cell)
    rows, columns = height // down, width // across
    codes = codes[..., : rows * down, : columns * across]
    cells = codes.unflatten(3, (columns, across)).unflatten(2, (rows, down)).transpose(3, 4)
    number = channels * rows * columns
    found = counts(cells.reshape(n * number, down * across), len(bins)) / (down * across)
    return found.view(n, number * len(bins)).to(images_NCHW.dtype)
