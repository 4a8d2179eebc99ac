"""Likely label errors and outliers, by a cheap classifier that never saw what it judges.

Pictures are described by hand-designed features (colours and gradients), a linear classifier is
fitted to four fifths of them, and predicts the last fifth, five times over. A picture is a suspect
as in confident learning (Northcutt, Jiang and Chuang 2021): another class is at least as likely
there as it is, on average, where it is the label; and the label itself is less than a tenth as
likely. Pictures far from all others of their class, in the same description, are outliers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from hubel.data.pixels import Pixels
from hubel.evaluation.calibration import softmax
from hubel.features.notation import parse
from hubel.training.exact import Effort, LinearObjective, solve

__all__ = ["FOLDS", "Suspects", "find_suspects"]

FOLDS = 5

_DIMENSIONS, _BLOCK = 96, 256
_DECAY = 0.03
_BEHIND = 0.1  # of the other class's probability: the most that the label's may be
_NEAREST, _FAR = 10, 5.0
_EFFORT = Effort(tolerance=1e-3, svm_tolerance=1e-2, iterations=200, must_converge=False)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suspects:
    """Places of pictures whose labels are doubtful, and of outliers, the clearest first.

    Attributes:
        places: of likely label errors.
        likelier: the class that each looks like.
        margins: by how much that is more probable than the label.
        outliers: places.
        distances: of each outlier to its class, in robust standard deviations above the median.
        accuracy: share of the pictures whose label was predicted, out of fold.
    """

    places: Ints
    likelier: Ints
    margins: Floats
    outliers: Ints
    distances: Floats
    accuracy: float


def find_suspects(pixels: Pixels, targets: Ints, folds: Ints) -> Suspects:
    """Judge the labels of pictures.

    Args:
        pixels: of the pictures.
        targets: class indices from 0, (n,), each of which occurs in the others of every fold.
        folds: (n,), from 0 to `FOLDS` - 1; equal and nearly equal pictures are in one.
    """
    described = _described(pixels)
    probabilities = _out_of_fold(described, targets, folds)
    places, likelier, margins = _doubtful(probabilities, targets)
    outliers, distances = _outliers(described, targets)
    right = float((probabilities.argmax(1) == targets).mean())
    return Suspects(places, likelier, margins, outliers, distances, right)


def _described(pixels: Pixels) -> Floats:
    """The main directions of standardised features: (n, at most 96)."""
    _, height, width, channels = pixels.segments[0].shape
    colours = "histogram" if channels == 3 else "histogram(space=grey)"
    cell = max(2, min(height, width) // 8)
    whole = min(height, width) >= 3 * cell
    module = parse(f"{colours} + hog(cell={cell})" if whole else colours).build(
        (channels, height, width)
    )
    parts: list[torch.Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(pixels), _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, len(pixels)), dtype=np.int64)
            images = torch.from_numpy(pixels.take(rows)).permute(0, 3, 1, 2).float() / 255
            parts.append(module(images))
    x = torch.cat(parts)
    x = (x - x.mean(0)) / x.std(0).clamp_min(1e-6)
    # The directions of the covariance, from at most as many pictures as decide them.
    step = -(-len(x) // 5_000)
    some = x[::step]
    _, vectors = torch.linalg.eigh(some.T @ some / len(some))
    kept = vectors[:, -_DIMENSIONS:]
    y = (x @ kept).numpy().astype(np.float64)
    return y / max(float(y.std()), 1e-12)


def _out_of_fold(x: Floats, targets: Ints, folds: Ints) -> Floats:
    found = np.zeros((len(x), int(targets.max()) + 1))
    objective = LinearObjective(weight_decay=_DECAY)
    for fold in range(FOLDS):
        held = folds == fold
        if not held.any():
            continue
        solution = solve(x[~held], targets[~held], objective, _EFFORT)
        found[held] = softmax(solution.scores(x[held]).astype(np.float32), 1.0)
    return found


def _doubtful(probabilities: Floats, targets: Ints) -> tuple[Ints, Ints, Floats]:
    rows = np.arange(len(targets))
    own = probabilities[rows, targets]
    counts = np.maximum(np.bincount(targets, minlength=probabilities.shape[1]), 1)
    usual = np.bincount(targets, weights=own, minlength=probabilities.shape[1]) / counts
    confident = np.where(probabilities >= usual, probabilities, 0.0)
    confident[rows, targets] = 0.0
    likelier = confident.argmax(1)
    best = confident[rows, likelier]
    places = np.flatnonzero((best > 0) & (own < _BEHIND * best))
    places = places[np.argsort(own[places] - best[places], kind="stable")]
    return places, likelier[places], (best - own)[places]


def _outliers(x: Floats, targets: Ints) -> tuple[Ints, Floats]:
    """By the mean distance to the ten nearest of the class, against what is usual there."""
    far = np.zeros(len(x))
    for target in np.unique(targets):
        here = np.flatnonzero(targets == target)
        if len(here) <= 2 * _NEAREST:
            continue
        rows = torch.from_numpy(x[here])
        nearest = torch.cat(
            [
                torch.cdist(part, rows).topk(_NEAREST + 1, largest=False).values[:, 1:].mean(1)
                for part in rows.split(1024)
            ]
        ).numpy()
        logs = np.log(np.maximum(nearest, 1e-9))
        middle = np.median(logs)
        spread = 1.4826 * np.median(np.abs(logs - middle))
        far[here] = (logs - middle) / max(float(spread), 1e-3)
    places = np.flatnonzero(far > _FAR)
    places = places[np.argsort(-far[places], kind="stable")]
    return places, far[places]
