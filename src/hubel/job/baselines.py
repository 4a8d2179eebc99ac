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
_MOST, _MOST_PRODUCTS = 50_000, 2e10
_ITERATIONS = 100
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A classifier that a network has to beat.

    Attributes:
        name: what people call it.
        predicted: class index of each test sample, (n,).
        parameters: numbers that it learned.
        multiply_adds: for one picture; None where they can't be told.
        seconds: to fit.
        note: how it was fitted.
    """

    name: str
    predicted: NDArray[np.int64]
    parameters: int
    multiply_adds: int | None
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

    The penalty is chosen by log-loss on the validation split, from strong to weak, until that gets
    worse. Solved by scikit-learn's L-BFGS.

    Args:
        material: the data.
        seconds: after which no further penalty is tried, and iterations are cut to fit.
        seed: chooses the training pictures where there are too many, at most 50,000.
    """
    start = time.monotonic()
    take = permutation(seed, 0, len(material.rows["train"]))[: _enough(material)]
    train, targets = _features(material.pixels["train"], take), material.targets("train")[take]
    val, val_targets = _all_features(material.pixels["val"]), material.targets("val")
    mean, deviation = train.mean(0), train.std(0) + 1e-3
    train, val = (train - mean) / deviation, (val - mean) / deviation
    best: Any = None
    loss, penalty = np.inf, 0.0
    model = _model()
    for tried, c in enumerate(_PENALTIES):
        spent = time.monotonic() - start
        if tried and spent * (tried + 1) / tried > seconds:
            break
        model.set_params(C=c)
        _fit(model, train, targets, seconds - spent, first=not tried)
        found = _log_loss(model, val, val_targets)
        if found >= loss:
            break
        best, loss, penalty = (model.coef_.copy(), model.intercept_.copy()), found, c
    weights, bias = best
    predicted = _predict(material.pixels["test"], (mean, deviation), best)
    height, width = _size(material.pixels["train"])
    note = f"{height} x {width} px, C = {penalty:g} chosen on validation"
    if len(take) < len(material.rows["train"]):
        note += f", fitted on {len(take):,} pictures"
    classes = model.classes_
    return Baseline(
        "linear on pixels",
        classes[predicted].astype(np.int64),
        int(weights.size + bias.size),
        int(weights.size),
        time.monotonic() - start,
        note,
    )


def _enough(material: Material) -> int:
    """Training pictures that the few iterations of a bounded time can use."""
    height, width = _size(material.pixels["train"])
    numbers = height * width * material.preprocess.num_channels
    products = numbers * len(material.dataset.manifest.classes)
    return min(_MOST, max(1_000, int(_MOST_PRODUCTS / products)))


def _log_loss(model: Any, x: Any, targets: NDArray[np.int64]) -> float:
    # A class that the drawn training pictures lack has no column, and the least probability.
    columns = {int(name): column for column, name in enumerate(model.classes_)}
    found = model.predict_proba(x)
    given = [
        found[row, columns[target]] if target in columns else 0.0
        for row, target in enumerate(targets.tolist())
    ]
    return float(-np.log(np.maximum(given, 1e-7)).mean())


def _predict(pixels: Pixels, scaling: tuple[Any, Any], best: tuple[Any, Any]) -> NDArray[np.intp]:
    """Columns of the highest scores, (n,), without all features in memory at once."""
    (mean, deviation), (weights, bias) = scaling, best
    parts: list[NDArray[np.intp]] = []
    for start in range(0, len(pixels), 512):
        block = np.arange(start, min(start + 512, len(pixels)), dtype=np.int64)
        scores = (_features(pixels, block) - mean) / deviation @ weights.T + bias
        two = scores.shape[1] == 1
        parts.append((scores[:, 0] > 0).astype(np.intp) if two else scores.argmax(1))
    return np.concatenate(parts)


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
