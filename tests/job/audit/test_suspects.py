"""Labels that were flipped are suspected; pictures unlike all others are outliers."""

from __future__ import annotations

import numpy as np
import pytest

from hubel.data.pixels import Pixels
from hubel.job.audit.suspects import FOLDS, find_suspects

COUNT = 150


def pictures(outlier: bool = False) -> tuple[Pixels, np.ndarray]:
    """Stripes that lie, stand, or are none, in noise."""
    draws = np.random.default_rng(0)
    pixels = draws.integers(90, 130, (3 * COUNT, 24, 24, 3))
    targets = np.arange(3 * COUNT) % 3
    stripes = 60 * (np.arange(24) // 3 % 2)
    pixels[targets == 1] += stripes[:, None, None]
    pixels[targets == 2] += stripes[None, :, None]
    if outlier:
        pixels[7] = draws.integers(0, 256, (24, 24, 3))
    small = pixels.astype(np.uint8)
    places = np.stack([np.zeros(len(small), np.int64), np.arange(len(small))], 1)
    return Pixels((small,), places), targets


def folds(targets: np.ndarray) -> np.ndarray:
    return np.arange(len(targets)) // 3 % FOLDS


def test_flipped_labels_are_suspected_and_their_true_class_is_named() -> None:
    pixels, truth = pictures()
    flipped = np.array([4, 50, 111, 300])
    targets = truth.copy()
    targets[flipped] = (truth[flipped] + 1) % 3
    found = find_suspects(pixels, targets, folds(targets))
    assert set(found.places.tolist()) == set(flipped.tolist())
    assert np.array_equal(found.likelier, truth[found.places])
    assert np.array_equal(found.margins, np.sort(found.margins)[::-1])
    assert found.accuracy == pytest.approx(1 - len(flipped) / len(truth))


def test_right_labels_are_left_alone_and_answers_repeat() -> None:
    pixels, targets = pictures()
    one, other = (find_suspects(pixels, targets, folds(targets)) for _ in range(2))
    assert len(one.places) == 0
    assert one.accuracy == other.accuracy == 1.0


def test_a_picture_unlike_its_class_is_an_outlier() -> None:
    pixels, targets = pictures(outlier=True)
    found = find_suspects(pixels, targets, folds(targets))
    assert found.outliers[0] == 7
    assert found.distances[0] > 5
