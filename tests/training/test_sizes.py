"""Whatever the size of the pictures, no resolution of the default recipe is below the network's."""

from __future__ import annotations

import pytest
import torch

from hubel.data.preprocess import Preprocess
from hubel.models.architecture import Architecture
from hubel.training.plan import resolution
from hubel.training.rules import Facts, resolve


@pytest.mark.parametrize("channels", ["rgb", "grey"])
@pytest.mark.parametrize("ratio", [1.0, 0.75, 0.5])
def test_every_resolution_of_every_size_is_legal(channels: str, ratio: float) -> None:
    for side in range(10, 141):
        size = (side, max(5, round(side * ratio)))
        way = Preprocess(height=size[0], width=size[1], channels=channels)  # pyright: ignore[reportArgumentType]
        recipe, _ = resolve({}, Facts(1000, way, torch.device("cpu"), "no GPU is there"))
        assert recipe.widths is not None
        assert recipe.resolutions is not None
        network = Architecture(
            name="convnet",
            in_channels=way.num_channels,
            num_classes=2,
            image_size=size,
            options={"widths": list(recipe.widths)},
        )
        for until, _ in recipe.resolutions:
            found = resolution(until - 0.01, recipe.resolutions, size, network.smallest_side)
            assert min(found) >= network.smallest_side, (size, found)
            assert all(one <= whole for one, whole in zip(found, size, strict=True))
