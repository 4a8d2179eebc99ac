"""What features of another feature have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from hubel.features.feature import Feature, FeatureModule, Shape

__all__ = ["Around", "AroundModule"]


@dataclass(frozen=True, slots=True)
class Around(Feature):
    """Settings of a feature of another feature, which is written around it: `unit(hog)`.

    Attributes:
        of: the other feature.
    """

    of: Feature

    def size(self, shape: Shape) -> int:
        """As many as the other one has."""
        return self.of.size(shape)


class AroundModule(FeatureModule):
    """A feature of another one, which learns from the same pictures.

    Attributes:
        of: the other one.
    """

    def __init__(self, feature: Around, shape: Shape) -> None:
        super().__init__(feature, shape)
        self.of: FeatureModule = feature.of.build(shape)

    def fit(self, images_NCHW: Tensor, seed: int = 0) -> Self:
        self.of.fit(images_NCHW, seed)
        return self
