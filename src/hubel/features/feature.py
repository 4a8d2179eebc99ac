"""What every feature is: frozen settings that tell their size, and the module that they build."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from hubel.errors import FeatureError
from hubel.features.precision import in_single

__all__ = ["Feature", "FeatureModule", "Shape", "Stateless", "expect_pictures"]

Shape = tuple[int, int, int]  # channels, height, width of one picture


@dataclass(frozen=True, slots=True)
class Feature(ABC):
    """Settings of a hand-designed feature. Equal settings describe alike; text and JSON say all.

    Attributes:
        name: what it is called in `--features`.
    """

    name: ClassVar[str]

    @abstractmethod
    def size(self, shape: Shape) -> int:
        """How many numbers describe a picture of that shape.

        Raises:
            FeatureError: such pictures can't be described by it.
        """

    @abstractmethod
    def build(self, shape: Shape) -> FeatureModule:
        """The module for pictures of one shape, before it has learnt anything."""

    def settings(self) -> dict[str, Any]:
        """Those that differ from the defaults, by name."""
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if getattr(self, one.name) != one.default
        }

    def __str__(self) -> str:
        given = ", ".join(_written(key, value) for key, value in self.settings().items())
        return f"{self.name}({given})" if given else self.name

    def to_json(self) -> dict[str, Any]:
        """Name and every setting, defaults too: they may change, an artifact may not."""
        return {"name": self.name} | {
            one.name: _plain(getattr(self, one.name)) for one in fields(self)
        }


def _written(key: str, value: object) -> str:
    if isinstance(value, Feature):
        return str(value)
    if isinstance(value, tuple):
        text = "x".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType]
    else:
        text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return f"{key}={text}"


def _plain(value: Any) -> Any:
    if isinstance(value, Feature):
        return value.to_json()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


class FeatureModule(nn.Module, ABC):
    """A feature as a module: pictures (n, c, h, w) in [0, 1] to vectors (n, d) of their type.

    Has no parameters. What it learns by `fit` are buffers, so that they are saved with it.

    Args:
        feature: its settings.
        shape: (channels, height, width) of the pictures.
    """

    def __init__(self, feature: Feature, shape: Shape) -> None:
        super().__init__()
        self.feature = feature
        self.shape = shape
        self.size = feature.size(shape)

    def fit(self, images_NCHW: Tensor, seed: int = 0) -> Self:
        """Learn from training pictures whatever it needs: most need nothing.

        Args:
            images_NCHW: training pictures, (n, c, h, w) in [0, 1].
            seed: decides every draw.
        """
        del images_NCHW, seed
        return self

    @abstractmethod
    def describe(self, images_NCHW: Tensor) -> Tensor:
        """The vectors, (n, d), of pictures in float32 or float64."""

    def forward(self, images_NCHW: Tensor) -> Tensor:
        return in_single(self.describe, images_NCHW)

    def extra_repr(self) -> str:
        return f"{self.feature}, {self.size:,} numbers"


class Stateless(FeatureModule):
    """A feature that is a function of the picture alone."""

    def describe(self, images_NCHW: Tensor) -> Tensor:
        compute: Any = self.feature
        return compute.compute(images_NCHW)


def expect_pictures(images_NCHW: Tensor) -> Shape:
    """The shape of one picture of a batch.

    Raises:
        FeatureError: it is no batch of pictures in floating point.
    """
    if images_NCHW.ndim != 4 or not images_NCHW.is_floating_point():
        raise FeatureError(
            "features take pictures as floating-point numbers in [0, 1] of shape (n, c, h, w), "
            f"not {images_NCHW.dtype} of shape {tuple(images_NCHW.shape)}"
        )
    _, channels, height, width = images_NCHW.shape
    return channels, height, width
