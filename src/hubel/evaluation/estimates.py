"""Each metric with its interval. The methods, and how well they cover, are in `intervals`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hubel.evaluation.intervals import UNDEFINED, Estimate, skewed_mean, wilson, wilson_of_average
from hubel.evaluation.metrics import (
    MAX_LOSS,
    Counts,
    Floats,
    balanced_accuracy,
    log_losses,
    macro_f1,
)

__all__ = [
    "ClassEstimates",
    "estimate_accuracy",
    "estimate_balanced_accuracy",
    "estimate_classes",
    "estimate_f1",
    "estimate_log_loss",
    "estimate_macro_f1",
]

# Added to right and to wrong alike in the variances, so that a class without a mistake does not
# pass for one that makes none. Of 0, 0.1, 0.25 and 0.5 in simulation, 0.25 came nearest to 95%.
SMOOTHING = 0.25


@dataclass(frozen=True)
class ClassEstimates:
    """How one class fares: its samples, and its precision, recall and F1 with intervals."""

    n: int
    precision: Estimate
    recall: Estimate
    f1: Estimate

    def to_json(self) -> dict[str, Any]:
        """The entry of one class in evaluation.json."""
        return {
            "n": self.n,
            "precision": self.precision.to_json(),
            "recall": self.recall.to_json(),
            "f1": self.f1.to_json(),
        }


def estimate_accuracy(counts: Counts) -> Estimate:
    """Wilson's interval of the accuracy of (k, k) confusion `counts`.

    Example:
        >>> round(estimate_accuracy(np.array([[3, 1], [0, 4]])).low, 3)
        0.529
    """
    return wilson(int(np.trace(counts)), int(counts.sum()))


def estimate_balanced_accuracy(counts: Counts) -> Estimate:
    """Wilson's interval at the effective sample size of a mean of independent recalls.

    Args:
        counts: (k, k) confusion counts, rows the true class; classes without samples don't count.

    Example:
        >>> estimate = estimate_balanced_accuracy(np.array([[90, 0], [2, 8]]))
        >>> round(estimate.value, 2), round(estimate.low, 2), round(estimate.high, 2)
        (0.9, 0.71, 0.97)
    """
    totals = counts.sum(axis=1)
    seen = totals > 0
    if not seen.any():
        return UNDEFINED
    right, totals = np.diag(counts)[seen], totals[seen]
    recall = (right + SMOOTHING) / (totals + 2 * SMOOTHING)
    variance = (recall * (1 - recall) / totals).sum() / len(totals) ** 2
    return wilson_of_average(balanced_accuracy(counts), float(recall.mean()), float(variance))


def estimate_f1(right: int, wrong: int) -> Estimate:
    """The F1 of one class with its interval.

    Of the samples that are of the class or were taken for it, a share J is right, a plain
    proportion; F1 = 2 J / (1 + J) rises with it, so that Wilson's limits of J carry over.

    Args:
        right: true positives.
        wrong: false positives and false negatives together.

    Source: the identity of Dice's and Jaccard's coefficients.

    Example:
        >>> estimate = estimate_f1(8, 4)
        >>> round(estimate.value, 2), round(estimate.low, 2), round(estimate.high, 2)
        (0.8, 0.56, 0.93)
    """
    share = wilson(right, right + wrong)
    if share.value is None or share.low is None or share.high is None:
        return UNDEFINED
    return Estimate(*(2 * j / (1 + j) for j in (share.value, share.low, share.high)))


def estimate_macro_f1(counts: Counts) -> Estimate:
    """Wilson's interval at the effective sample size that the variance of the mean F1 implies.

    The variance is the delta method's under multinomial cells: a mistake between two classes
    lowers both of their scores at once.

    Args:
        counts: (k, k) confusion counts; classes neither true nor predicted don't count.

    Source: the variance as in Takahashi et al. (2022), Applied Intelligence 52:4961-4972.

    Example:
        >>> estimate = estimate_macro_f1(np.array([[90, 0], [2, 8]]))
        >>> round(estimate.value, 2), round(estimate.low, 2), round(estimate.high, 2)
        (0.94, 0.8, 0.98)
    """
    value = macro_f1(counts)
    if not 0 < value < 1:
        # All right, all wrong, or nothing: the same event, so the same interval.
        return estimate_balanced_accuracy(counts)
    seen = counts.sum(axis=0) + counts.sum(axis=1) > 0
    counts = counts[np.ix_(seen, seen)]
    right = np.diag(counts) + SMOOTHING
    size = counts.sum(axis=0) + counts.sum(axis=1) + 3 * SMOOTHING
    f1 = 2 * right / size
    pull = f1 / size
    covariance = (counts + counts.T) * np.outer(pull, pull)
    own = (4 * right * (1 - f1) ** 2 + (size - 2 * right) * f1**2) / size**2
    np.fill_diagonal(covariance, own)
    variance = covariance.sum() / len(counts) ** 2
    return wilson_of_average(value, float(f1.mean()), float(variance))


def estimate_log_loss(labels: Counts, probabilities: Floats) -> Estimate:
    """The mean log loss in nats, with Hall's interval for skewed means.

    Args:
        labels: (n,) true classes.
        probabilities: (n, k) rows that sum to 1.
    """
    return skewed_mean(log_losses(labels, probabilities), MAX_LOSS)


def estimate_classes(counts: Counts) -> tuple[ClassEstimates, ...]:
    """Precision, recall and F1 of each class of the (k, k) confusion `counts`, in their order.

    Example:
        >>> [entry.recall.value for entry in estimate_classes(np.array([[3, 1], [0, 4]]))]
        [0.75, 1.0]
    """
    rows = zip(
        np.diag(counts).tolist(),
        counts.sum(axis=1).tolist(),
        counts.sum(axis=0).tolist(),
        strict=True,
    )
    return tuple(
        ClassEstimates(
            n=true,
            precision=wilson(right, guessed),
            recall=wilson(right, true),
            f1=estimate_f1(right, true + guessed - 2 * right),
        )
        for right, true, guessed in rows
    )
