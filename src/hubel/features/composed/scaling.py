"""Scaling a feature, so that beside another it neither drowns it nor is drowned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from hubel.errors import FeatureError
from hubel.features.composed.around import Around, AroundModule
from hubel.features.feature import Shape
from hubel.features.precision import widened

__all__ = ["Standard", "StandardModule", "Unit", "UnitModule", "unit"]

_PICTURES = 1_000


@dataclass(frozen=True, slots=True)
class Standard(Around):
    """Each number with the mean and deviation that it has over training pictures.

    Numbers that never change there become zero.

    Example:
        >>> from hubel.features.gradients.hog import HOG
        >>> str(Standard(HOG(cell=4)))
        'standard(hog(cell=4))'
    """

    name: ClassVar[str] = "standard"

    def build(self, shape: Shape) -> StandardModule:
        return StandardModule(self, shape)


class StandardModule(AroundModule):
    """A feature less its mean, over its deviation."""

    def __init__(self, feature: Standard, shape: Shape) -> None:
        super().__init__(feature, shape)
        self.register_buffer("mean", torch.full((self.size,), torch.nan))
        self.register_buffer("scale", torch.ones(self.size))
        self.mean: Tensor
        self.scale: Tensor

    @torch.no_grad()
    def fit(self, images_NCHW: Tensor, seed: int = 0) -> Self:
        """Learn means and deviations from all pictures, in two passes over them."""
        super().fit(images_NCHW, seed)
        kept = widened(images_NCHW[:0]).dtype
        pieces = images_NCHW.split(_PICTURES)
        zero = torch.zeros(self.size, dtype=torch.float64, device=images_NCHW.device)
        total = sum((self._double(one).sum(0) for one in pieces), zero)
        mean = total / len(images_NCHW)
        squares = sum(((self._double(one) - mean).square().sum(0) for one in pieces), zero)
        deviation = (squares / len(images_NCHW)).sqrt()
        changes = deviation > 1e-6 * mean.abs().clamp_min(1e-6)
        self.mean = mean.to(kept)
        self.scale = torch.where(changes, 1 / deviation, 0.0).to(kept)
        return self

    def describe(self, images_NCHW: Tensor) -> Tensor:
        if self.mean.isnan().any():
            raise FeatureError(
                f"{self.feature} has learnt no means yet: call fit with training pictures"
            )
        found = self.of(images_NCHW)
        return (found - self.mean.to(found.dtype)) * self.scale.to(found.dtype)

    def _double(self, images_NCHW: Tensor) -> Tensor:
        return self.of(widened(images_NCHW)).double()


@dataclass(frozen=True, slots=True)
class Unit(Around):
    """A feature over its Euclidean length, for each picture by itself.

    Example:
        >>> from hubel.features.texture.lbp import LBP
        >>> str(Unit(LBP()))
        'unit(lbp)'
    """

    name: ClassVar[str] = "unit"

    def build(self, shape: Shape) -> UnitModule:
        return UnitModule(self, shape)


class UnitModule(AroundModule):
    """A feature over its length."""

    def describe(self, images_NCHW: Tensor) -> Tensor:
        return unit(self.of(images_NCHW))


def unit(vectors_ND: Tensor) -> Tensor:
    """Vectors of length one; zero stays zero.

    Example:
        >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    return torch.nn.functional.normalize(widened(vectors_ND), dim=1).to(vectors_ND.dtype)
