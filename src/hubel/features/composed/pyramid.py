"""Spatial pyramids: a feature of the whole picture, of its quarters, of its sixteenths, ..."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hubel.errors import FeatureError
from hubel.features.composed.around import Around, AroundModule
from hubel.features.feature import Shape, expect_pictures
from hubel.features.settings import expect_at_least

__all__ = ["Pyramid", "PyramidModule", "cut_out", "windows"]

Window = tuple[int, int, int, int]  # top, bottom, left, right


def windows(height: int, width: int, level: int) -> list[Window]:
    """The windows of one level, across first: 2^level a side, as equal as whole pixels allow.

    Example:
        >>> windows(4, 5, 1)
        [(0, 2, 0, 2), (0, 2, 2, 5), (2, 4, 0, 2), (2, 4, 2, 5)]
    """
    parts = 1 << level
    rows = [height * k // parts for k in range(parts + 1)]
    columns = [width * k // parts for k in range(parts + 1)]
    return [
        (rows[i], rows[i + 1], columns[j], columns[j + 1])
        for i in range(parts)
        for j in range(parts)
    ]


def cut_out(images_NCHW: Tensor, window: Window) -> Tensor:
    """What a window shows of each picture."""
    top, bottom, left, right = window
    return images_NCHW[:, :, top:bottom, left:right]


@dataclass(frozen=True, slots=True)
class Pyramid(Around):
    """Settings of a spatial pyramid.

    Windows are described by themselves: what straddles two counts in neither. Weights are those of
    Lazebnik et al., by which a match in a fine window counts more: 2^-L for the whole picture and
    2^(l - 1 - L) for level l of L.

    Attributes:
        of: the feature of each window.
        levels: 1 is the picture alone.

    Raises:
        FeatureError: a setting is impossible.

    Example:
        >>> from hubel.features.colour.histogram import Histogram
        >>> Pyramid(Histogram("hue", 10), levels=3).size((3, 32, 32))
        210

    Source: Lazebnik, Schmid and Ponce 2006, equation 3.
    """

    name: ClassVar[str] = "pyramid"
    levels: int = 3

    def __post_init__(self) -> None:
        expect_at_least("pyramid: levels", self.levels, 1)

    def parts(self, shape: Shape) -> list[tuple[float, Window]]:
        """Weights and windows, the whole picture first."""
        last = self.levels - 1
        return [
            (2.0 ** (max(level, 1) - 1 - last), window)
            for level in range(self.levels)
            for window in windows(shape[1], shape[2], level)
        ]

    def size(self, shape: Shape) -> int:
        """The sum over all windows."""
        try:
            return sum(
                self.of.size((shape[0], bottom - top, right - left))
                for _, (top, bottom, left, right) in self.parts(shape)
            )
        except FeatureError as error:
            raise FeatureError(
                f"a window of {self.levels} levels on {shape[1]} x {shape[2]} pixels: {error}; or "
                "take fewer levels"
            ) from error

    def build(self, shape: Shape) -> PyramidModule:
        return PyramidModule(self, shape)


class PyramidModule(AroundModule):
    """A spatial pyramid. A feature that learns learns once, from whole pictures."""

    def __init__(self, feature: Pyramid, shape: Shape) -> None:
        super().__init__(feature, shape)
        self.how = feature

    def describe(self, images_NCHW: Tensor) -> Tensor:
        shape = expect_pictures(images_NCHW)
        self.how.size(shape)
        found = [
            weight * self.of(cut_out(images_NCHW, window))
            for weight, window in self.how.parts(shape)
        ]
        return torch.cat(found, 1)
