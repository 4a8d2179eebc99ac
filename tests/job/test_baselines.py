"""The baseline that networks are held against must itself be good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from hubel.data.sources import open_source
from hubel.job.baselines import largest_class, linear_on_pixels
from hubel.job.prepare import gather, open_data, preprocess_for
from hubel.job.reporter import Silent


def test_a_rare_class_that_pixels_tell_is_found(tmp_path: Path) -> None:
    """With three quarters in one class, weak fits all answer with that class alike."""
    for name, count, shift in (("common", 225, 0), ("rare", 75, 25)):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(count):
            draws = np.random.default_rng([number, shift])
            pixels = draws.integers(60, 180, (8, 8, 3))
            pixels[2:6, 2:6, 0] += shift
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    dataset, wish = open_data(open_source(tmp_path), {}, Silent())
    material = gather(dataset, preprocess_for(dataset, wish), Silent())
    targets = material.targets("test")
    linear = (linear_on_pixels(material, 60, 0).predicted == targets).mean()
    assert linear > (largest_class(material).predicted == targets).mean() + 0.05
