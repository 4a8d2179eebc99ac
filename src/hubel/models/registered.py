"""The networks that are modules of our own, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from hubel.models.architecture import Architecture

__all__ = ["NETWORKS"]


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
