"""The four block norms of Dalal and Triggs, with the small constants of two libraries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from hubel.features.gradients.gradient import root

__all__ = ["NORMS", "Constants", "normalised"]

NORMS = ("L1", "L1-sqrt", "L2", "L2-Hys")
_OVER = (0, 1, 2)  # cells of the block by row and column, orientations
_CLIP = 0.2


@dataclass(frozen=True, slots=True)
class Constants:
    """What keeps the norm of an empty block from being a division by zero.

    Attributes:
        under: added to the sum of squares, under the root.
        first: added to the first length.
        again: added to the length after clipping.
    """

    under: float
    first: float
    again: float

    @classmethod
    def skimage(cls) -> Self:
        """Those of scikit-image."""
        return cls(under=1e-10, first=0.0, again=0.0)

    @classmethod
    def opencv(cls, numbers: int) -> Self:
        """Those of OpenCV, which go with gradients of 0 to 255.

        Args:
            numbers: of one block.
        """
        return cls(under=0.0, first=0.1 * numbers, again=1e-3)


def normalised(blocks: Tensor, norm: str, constants: Constants) -> Tensor:
    """Blocks of norm one, or a little less.

    OpenCV has L2-Hys alone; under its constants the others divide by the same first length.

    Args:
        blocks: (b, b, o, n, y, x), not negative.
        norm: one of `NORMS`.
        constants: whose.

    Source: Dalal and Triggs 2005, section 6.4.
    """
    if norm.startswith("L1"):
        little = constants.first or constants.under**0.5
        shares = blocks / (blocks.sum(_OVER, keepdim=True) + little)
        return root(shares) if norm == "L1-sqrt" else shares
    first = blocks / (_length(blocks, constants.under) + constants.first)
    if norm == "L2":
        return first
    clipped = first.clamp_max(_CLIP)
    return clipped / (_length(clipped, constants.under) + constants.again)


def _length(blocks: Tensor, under: float) -> Tensor:
    return root(blocks.square().sum(_OVER, keepdim=True) + under)
