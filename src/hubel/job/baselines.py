"""The two honest baselines of every run: the largest class, and a linear classifier on pixels."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hubel.data.keyed import permutation
from hubel.data.pixels import Pixels
from hubel.job.prepare import Material

__all__ = ["Baseline", "largest_class", "linear_on_pixels"]

_SIDE = 32
_MOST = 50_000
_ITERATIONS = 100
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A classifier that a network has to beat.

    Attributes:
        name: what people call it.
        predicted: class index of each test sample, (n,).
        parameters: numbers that it learned.
        multiply_adds: for one picture.
        seconds: to fit.
        note: how it was fitted.
    """

    name: str
    predicted: NDArray[np.int64]
    parameters: int
    multiply_adds: int
    seconds: float
    note: str


def largest_class(material: Material) -> Baseline:
    """Always answers with the class that has the most training pictures."""
    counts = np.bincount(material.targets("train"))
    largest = int(counts.argmax())
    name = material.dataset.manifest.classes[largest]
    predicted = np.full(len(material.rows["test"]), largest, np.int64)
    return Baseline("largest class", predicted, 0, 0, 0.0, f"always answers {name!r}")


def linear_on_pixels(material: Material, seconds: float, seed: int) -> Baseline:
    """Multinomial logistic regression on standardised pixels, at most 32 x 32.

    The penalty is chosen on the validation split, from strong to weak, and stops when that gets
    worse. Solved by scikit-learn's L-BFGS.

    Args:
        material: the data.
        seconds: after which no further penalty is tried, and iterations are cut to fit.
        seed: chooses the training pictures where there are more than 50,000.
    """
    start = time.monotonic()
    take = permutation(seed, 0, len(material.rows["train"]))[:_MOST]
    train, targets = _features(material.pixels["train"], take), material.targets("train")[take]
    val, val_targets = _all_features(material.pixels["val"]), material.targets("val")
    mean, deviation = train.mean(0), train.std(0) + 1e-3
    train, val = (train - mean) / deviation, (val - mean) / deviation
    best: Any = None
    score, penalty = -1.0, 0.0
    model = _model()
    for tried, c in enumerate(_PENALTIES):
        spent = time.monotonic() - start
        if tried and spent * (tried + 1) / tried > seconds:
            break
        model.set_params(C=c)
        _fit(model, train, targets, seconds - spent, first=not tried)
        found = float((model.predict(val) == val_targets).mean())
        if found <= score:
            break
        best, score, penalty = (model.coef_.copy(), model.intercept_.copy()), found, c
    test = (_all_features(material.pixels["test"]) - mean) / deviation
    weights, bias = best
    scores = test @ weights.T + bias
    predicted = scores.argmax(1) if scores.shape[1] > 1 else (scores[:, 0] > 0)
    height, width = _size(material.pixels["train"])
    note = f"{height} x {width} px, C = {penalty:g} chosen on validation"
    if len(take) < len(material.rows["train"]):
        note += f", fitted on {len(take):,} pictures"
    classes = model.classes_
    return Baseline(
        "linear on pixels",
        classes[predicted.astype(np.int64)].astype(np.int64),
        int(weights.size + bias.size),
        int(weights.size),
        time.monotonic() - start,
        note,
    )


def _model() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=_ITERATIONS, tol=1e-3, warm_start=True)


def _fit(model: Any, x: Any, y: Any, seconds: float, *, first: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it did not converge: the iterations are bounded
        if first:
            start = time.monotonic()
            model.set_params(max_iter=3).fit(x, y)
            each = (time.monotonic() - start) / 3
            fits = int(seconds / 2 / max(each, 1e-9))
            model.set_params(max_iter=min(_ITERATIONS, max(5, fits)))
        model.fit(x, y)


def _all_features(pixels: Pixels) -> NDArray[np.float32]:
    return _features(pixels, np.arange(len(pixels), dtype=np.int64))


def _features(pixels: Pixels, indices: NDArray[np.int64]) -> NDArray[np.float32]:
    """The pixels as rows of numbers, brought to at most 32 x 32 by averaging."""
    height, width = _size(pixels)
    rows: list[NDArray[np.float32]] = []
    for start in range(0, len(indices), 512):
        taken = pixels.take(indices[start : start + 512])
        if taken.shape[1:3] != (height, width):
            taken = np.stack([_shrink(picture, height, width) for picture in taken])
        rows.append(taken.reshape(len(taken), -1) * np.float32(1 / 255))
    return np.concatenate(rows)


def _size(pixels: Pixels) -> tuple[int, int]:
    height, width = pixels.segments[0].shape[1:3]
    return min(height, _SIDE), min(width, _SIDE)


def _shrink(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    image = Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))
