"""Metrics as plain numbers, from counts and probabilities. Their intervals are in `estimates`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubel.errors import DataError

__all__ = [
    "MAX_LOSS",
    "MIN_PROBABILITY",
    "NUM_BINS",
    "Reliability",
    "accuracy",
    "balanced_accuracy",
    "bin_of",
    "check_labels",
    "confusion_counts",
    "expected_calibration_error",
    "f1s",
    "log_loss",
    "log_losses",
    "macro_f1",
    "precisions",
    "recalls",
    "reliability",
]

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

NUM_BINS = 15
# Networks answer in float32, where one rounding step below 1 is 2**-23. A probability under it
# says no more than that, and an exact 0 would make the loss of the whole split infinite.
MIN_PROBABILITY = 2.0**-23
MAX_LOSS = float(-np.log(MIN_PROBABILITY))


def check_labels(labels: ArrayLike, num_classes: int) -> Counts:
    """The labels as int64, after a look at each.

    Args:
        labels: (n,) whole numbers, 0 to `num_classes` - 1.
        num_classes: how many classes there are.

    Raises:
        DataError: no labels, not one dimension, not whole numbers, or out of range.

    Example:
        >>> check_labels([0, 2, 1], 3).tolist()
        [0, 2, 1]
    """
    array = np.asarray(labels)
    if array.ndim != 1 or len(array) == 0:
        raise DataError(f"expected one label a sample, at least one; got shape {array.shape}")
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"labels are whole numbers, the class's place; got {array.dtype}")
    bad = (array < 0) | (array >= num_classes)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"label {array[row]} in row {row} is out of range: "
            f"{num_classes} classes have labels 0 to {num_classes - 1}"
        )
    return array.astype(np.int64)


def confusion_counts(labels: ArrayLike, predicted: ArrayLike, num_classes: int) -> Counts:
    """How often each class was taken for each.

    Args:
        labels: (n,) true classes, 0 to `num_classes` - 1.
        predicted: (n,) predicted classes, in the same range.
        num_classes: how many classes there are.

    Returns:
        (num_classes, num_classes) counts: rows the true class, columns the predicted one.

    Raises:
        DataError: nothing to count, labels out of range, or lengths that differ.

    Example:
        >>> confusion_counts([0, 0, 1], [0, 1, 1], 2).tolist()
        [[1, 1], [0, 1]]
    """
    true, guess = check_labels(labels, num_classes), check_labels(predicted, num_classes)
    if len(true) != len(guess):
        raise DataError(f"{len(true)} labels, but {len(guess)} predictions")
    cells = np.bincount(true * num_classes + guess, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def _divide(above: NDArray[np.number], below: Counts) -> Floats:
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)


def accuracy(counts: Counts) -> float:
    """Share of samples on the diagonal of the (k, k) confusion `counts`; NaN where there is none.

    Example:
        >>> accuracy(np.array([[3, 1], [0, 4]]))
        0.875
    """
    total = counts.sum()
    return float(np.trace(counts) / total) if total else float("nan")


def recalls(counts: Counts) -> Floats:
    """(k,) share of each true class that was found; NaN for a class without samples."""
    return _divide(np.diag(counts), counts.sum(axis=1))


def precisions(counts: Counts) -> Floats:
    """(k,) share of each predicted class that is right; NaN for a class never predicted."""
    return _divide(np.diag(counts), counts.sum(axis=0))


def f1s(counts: Counts) -> Floats:
    """(k,) harmonic means of precision and recall, 2 TP / (2 TP + FP + FN).

    NaN only for a class that is neither among the labels nor among the predictions.
    """
    return _divide(2 * np.diag(counts), counts.sum(axis=0) + counts.sum(axis=1))


def _mean_of_defined(values: Floats) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def balanced_accuracy(counts: Counts) -> float:
    """Mean recall of the classes that have samples; NaN where none has.

    Example:
        >>> balanced_accuracy(np.array([[9, 0, 0], [1, 1, 0], [0, 0, 0]]))
        0.75
    """
    return _mean_of_defined(recalls(counts))


def macro_f1(counts: Counts) -> float:
    """Mean F1 of the classes that occur among labels or predictions; NaN where none does.

    Example:
        >>> round(macro_f1(np.array([[9, 0], [1, 1]])), 3)
        0.807
    """
    return _mean_of_defined(f1s(counts))


def log_losses(labels: Counts, probabilities: Floats) -> Floats:
    """The loss of each sample, in nats: minus the log of what its true class was given.

    Args:
        labels: (n,) true classes.
        probabilities: (n, k) rows that sum to 1. Below 2**-23, float32's last step under 1,
            they count as 2**-23, so that a sample costs 15.94 nats at most.

    Returns:
        (n,) losses, 0 to `MAX_LOSS`.
    """
    given = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.clip(given, MIN_PROBABILITY, 1.0))


def log_loss(labels: Counts, probabilities: Floats) -> float:
    """Mean of `log_losses`, in nats; NaN for no samples.

    Example:
        >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])), 4)
        0.6931
    """
    losses = log_losses(labels, probabilities)
    return float(np.sort(losses).mean()) if len(losses) else float("nan")


@dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence against correctness, in equal bins from 0 to 1.

    Attributes:
        edges: (bins + 1,) limits; a bin holds low < confidence <= high, the first also 0.
        counts: (bins,) samples.
        correct: (bins,) samples whose prediction is right.
        confidence: (bins,) sum of the confidences.
    """

    edges: Floats
    counts: Counts
    correct: Counts
    confidence: Floats


def bin_of(confidence: Floats, bins: int = NUM_BINS) -> Counts:
    """(n,) the place of each confidence among equal bins; a bin holds its upper edge."""
    edges = np.arange(bins + 1) / bins
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)


def reliability(
    confidence: Floats, correct: NDArray[np.bool_], bins: int = NUM_BINS
) -> Reliability:
    """Sorts predictions into equal bins of confidence, as a reliability diagram shows them.

    Args:
        confidence: (n,) probability of the predicted class.
        correct: (n,) whether it is the true one.
        bins: how many.

    Source: Guo et al. 2017, arXiv 1706.04599, equation 3 and above it.

    Example:
        >>> reliability(np.array([0.5, 0.51]), np.array([True, False]), bins=2).counts.tolist()
        [1, 1]
    """
    place = bin_of(confidence, bins)
    return Reliability(
        edges=np.arange(bins + 1) / bins,
        counts=np.bincount(place, minlength=bins),
        correct=np.bincount(place[correct], minlength=bins),
        confidence=np.bincount(place, weights=confidence, minlength=bins).astype(np.float64),
    )


def expected_calibration_error(bins: Reliability) -> float:
    """Mean distance between confidence and accuracy over the bins, weighted by their samples.

    It is never below 0, so that chance alone lifts it: a perfect classifier of 6 classes scores
    about 0.04 on 500 samples. `estimates.estimate_ece` gives the interval of what is behind it.

    Source: Guo et al. 2017, arXiv 1706.04599, equation 3; here with 15 equal bins.

    Example:
        >>> confidence = np.array([0.9, 0.9, 0.9, 0.9])
        >>> correct = np.array([True, True, True, False])
        >>> round(expected_calibration_error(reliability(confidence, correct)), 3)
        0.15
    """
    total = bins.counts.sum()
    distance = np.abs(bins.correct - bins.confidence).sum()
    return float(distance / total) if total else float("nan")
