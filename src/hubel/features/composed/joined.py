"""Features side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from hubel.errors import FeatureError
from hubel.features.feature import Feature, FeatureModule, Shape

__all__ = ["Joined", "JoinedModule"]


@dataclass(frozen=True, slots=True)
class Joined(Feature):
    """Several features as one, in their order. Scale parts by `standard(...)` or `unit(...)`.

    Raises:
        FeatureError: fewer than two.

    Example:
        >>> from hubel.features.colour.histogram import Histogram
        >>> from hubel.features.gradients.hog import HOG
        >>> str(Joined((Histogram(), HOG()))), Joined((Histogram(), HOG())).size((3, 32, 32))
        ('histogram + hog', 836)
    """

    name: ClassVar[str] = "joined"
    parts: tuple[Feature, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise FeatureError(f"two features or more are joined, not {len(self.parts)}")

    def size(self, shape: Shape) -> int:
        return sum(part.size(shape) for part in self.parts)

    def __str__(self) -> str:
        return " + ".join(map(str, self.parts))

    def build(self, shape: Shape) -> JoinedModule:
        return JoinedModule(self, shape)


class JoinedModule(FeatureModule):
    """Several features as one."""

    def __init__(self, feature: Joined, shape: Shape) -> None:
        super().__init__(feature, shape)
        self.parts = nn.ModuleList(part.build(shape) for part in feature.parts)

    def fit(self, images_NCHW: Tensor, seed: int = 0) -> Self:
        for part in self.parts:
            assert isinstance(part, FeatureModule)
            part.fit(images_NCHW, seed)
        return self

    def describe(self, images_NCHW: Tensor) -> Tensor:
        return torch.cat([part(images_NCHW) for part in self.parts], 1)
