"""A network as data: a name, what it takes and gives, and its own options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from hubel.errors import RecipeError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NETWORKS", "Architecture"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """What is needed to build a network again, and nothing else.

    Attributes:
        name: one of `NETWORKS`.
        in_channels: of the input.
        num_classes: how many scores come out.
        image_size: height and width in pixels that the network is made for.
        options: keyword arguments of the network's own.

    Example:
        >>> Architecture(name="linear", in_channels=3, num_classes=2, image_size=(8, 8)).build()
        Linear(
          (flatten): Flatten(start_dim=1, end_dim=-1)
          (fc): Linear(in_features=192, out_features=2, bias=True)
        )
    """

    name: str
    in_channels: int
    num_classes: int
    image_size: tuple[int, int]
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    def build(self, seed: int = 0) -> nn.Module:
        """A plain module with freshly drawn weights, the same for the same seed.

        Raises:
            RecipeError: the name is unknown, or the picture is too small for the network.
        """
        import torch

        make = _factory(self.name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                return make(self)
            except (ValueError, TypeError) as error:
                raise RecipeError(f"{self.name} can't be built: {error}") from error

    @property
    def any_size(self) -> bool:
        """Whether the same weights take pictures of other sizes."""
        return self.name != "linear"

    @property
    def smallest_side(self) -> int:
        """Fewest pixels on a side that the network takes."""
        if self.name != "convnet":
            return min(self.image_size)
        from hubel.models.convnet import DEFAULT_WIDTHS, convnet_shape

        widths = self.options.get("widths", DEFAULT_WIDTHS)
        shape = convnet_shape(
            in_channels=self.in_channels, image_size=self.image_size, widths=widths
        )
        return shape.smallest_side

    def to_json(self) -> dict[str, Any]:
        """The description as JSON types."""
        return {
            "name": self.name,
            "in_channels": self.in_channels,
            "num_classes": self.num_classes,
            "image_size": list(self.image_size),
            "options": self.options,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Architecture:
        """The inverse of `to_json`."""
        size: Any = tuple(document["image_size"])
        return cls(**{**document, "image_size": size})


def _convnet(architecture: Architecture) -> nn.Module:
    from hubel.models.convnet import ConvNet

    return ConvNet(
        in_channels=architecture.in_channels,
        num_classes=architecture.num_classes,
        image_size=architecture.image_size,
        **architecture.options,
    )


def _linear(architecture: Architecture) -> nn.Module:
    from hubel.models.linear import Linear

    return Linear(
        in_channels=architecture.in_channels,
        num_classes=architecture.num_classes,
        image_size=architecture.image_size,
        **architecture.options,
    )


NETWORKS: dict[str, Callable[[Architecture], Any]] = {"convnet": _convnet, "linear": _linear}


def _factory(name: str) -> Callable[[Architecture], Any]:
    if name in NETWORKS:
        return NETWORKS[name]
    near = get_close_matches(name, NETWORKS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise RecipeError(f"there is no network {name!r}.{hint} There are: {', '.join(NETWORKS)}")
