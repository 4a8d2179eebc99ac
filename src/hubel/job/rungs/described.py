"""Networks whose last layer alone is fitted: what stands before it describes the pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hubel.classifier import Classifier
from hubel.data.pixels import Pixels
from hubel.data.preprocess import Preprocess
from hubel.job.prepare import Material
from hubel.models.architecture import Architecture
from hubel.models.linear import Linear
from hubel.runs import versions

__all__ = ["Described", "by_features", "unit_statistics"]

_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Described:
    """A network in two parts.

    Attributes:
        architecture: of the whole.
        preprocess: from pixels to its input.
        module: the whole.
        head: its last layer.
        describe: what the head takes, (n, d), of input (n, c, h, w).
    """

    architecture: Architecture
    preprocess: Preprocess
    module: nn.Module
    head: nn.Linear
    describe: Callable[[Tensor], Tensor]

    @torch.inference_mode()
    def vectors(self, pixels: Pixels) -> Tensor:
        """Descriptions of stored pictures, float32, (n, d)."""
        found = torch.empty((len(pixels), self.head.in_features))
        for start in range(0, len(pixels), _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, len(pixels)), dtype=np.int64)
            images = self.preprocess.tensor(torch.from_numpy(pixels.take(rows)))
            found[start : start + len(rows)] = self.describe(images)
        return found

    def classifier(
        self,
        head: tuple[Tensor, Tensor],
        temperature: float,
        material: Material,
        val_probabilities: NDArray[np.float64],
    ) -> Classifier:
        """The whole, with given weights and bias of its head, and what it says of validation."""
        with torch.no_grad():
            self.head.weight.copy_(head[0])
            self.head.bias.copy_(head[1])
        facts = {"provenance": {"data": material.dataset.source.name, "versions": versions()}}
        state = {name: value.clone() for name, value in self.module.state_dict().items()}
        classes = material.dataset.manifest.classes
        decision = material.decision(val_probabilities)
        return Classifier(
            self.architecture, state, self.preprocess, classes, temperature, facts, **decision
        )


def unit_statistics(preprocess: Preprocess) -> Preprocess:
    """The same way to pixels, given as they are in [0, 1]: what features take."""
    count = preprocess.num_channels
    return preprocess.with_statistics((0.0,) * count, (1.0,) * count)


def by_features(material: Material, features: str) -> Described:
    """A linear classifier on hand-designed features.

    Raises:
        FeatureError: the pictures can't be described by them.
    """
    preprocess = unit_statistics(material.preprocess)
    architecture = Architecture(
        name="linear",
        in_channels=preprocess.num_channels,
        num_classes=len(material.dataset.manifest.classes),
        image_size=preprocess.size,
        options={"features": features},
    )
    module = architecture.build().eval()
    assert isinstance(module, Linear)
    return Described(architecture, preprocess, module, module.fc, module.flatten)
