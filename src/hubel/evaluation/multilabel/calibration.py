"""From scores to a probability of each label by itself, and from there to yes or no."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubel.errors import DataError
from hubel.evaluation.calibration import MIN_WRONG, best_temperature
from hubel.evaluation.metrics import Floats
from hubel.evaluation.multilabel.ranking import Bits

__all__ = ["NEUTRAL", "fit_temperature", "fit_thresholds", "sigmoid"]

NEUTRAL = 0.5
# With fewer samples that have a label, the threshold of the best F1 is that of the luckiest.
_FEWEST = 5


def sigmoid(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """The probability of each label by itself; no overflow at any size.

    Args:
        logits: (..., k) finite scores.
        temperature: above 0; above 1 makes the probabilities less sure.

    Raises:
        DataError: a temperature that is not above 0.

    Example:
        >>> sigmoid([[0.0, 1000.0]]).tolist()
        [[0.5, 1.0]]
    """
    if not temperature > 0:
        raise DataError(f"a temperature is above 0; got {temperature}")
    scores = np.asarray(logits, dtype=np.float64) / temperature
    return np.exp(-np.logaddexp(0.0, -scores))


def fit_temperature(logits: ArrayLike, targets: ArrayLike) -> float:
    """The temperature that minimises the mean log loss of held-out samples; 1 with few mistakes.

    One number for all labels: it changes no ranking, and it can't fit the noise of a rare label.
    As with one label a sample, fewer than 3 wrong answers (at a probability of 1/2) leave it at 1.

    Args:
        logits: (n, k) scores of samples that training did not see.
        targets: (n, k) 1 where a sample has a label.

    Raises:
        DataError: shapes that disagree, or logits that are not finite.

    Example:
        >>> logits, targets = np.full((100, 1), 4.0), np.repeat([[1], [0]], [80, 20], axis=0)
        >>> round(fit_temperature(logits, targets), 2)  # 80% right: a logit of log 4
        2.89
    """
    scores, true = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    if scores.ndim != 2 or scores.shape != true.shape or 0 in scores.shape:
        raise DataError(
            f"expected logits and targets of one shape (samples, labels); got {scores.shape} and "
            f"{true.shape}"
        )
    if not np.isfinite(scores).all():
        row = int((~np.isfinite(scores)).any(axis=1).argmax())
        raise DataError(f"logits are finite numbers; row {row} has one that is not")
    if ((scores > 0) != (true > 0)).sum() < MIN_WRONG:
        return 1.0
    signed = np.where(true > 0, scores, -scores)

    def loss(temperature: float) -> float:
        return float(np.logaddexp(0.0, -signed / temperature).mean())

    return best_temperature(loss)


def fit_thresholds(targets_NK: Bits, probabilities_NK: Floats) -> Floats:
    """The probability from which on each label is given: where its F1 is best, (k,).

    Halfway between two probabilities that occur; of equals the one nearest to 1/2. A label that
    fewer than 5 of these samples have stays at 1/2.

    Args:
        targets_NK: (n, k) 1 where a sample has a label; of samples that training did not see.
        probabilities_NK: (n, k).

    Example:
        >>> targets = np.array([[1], [1], [1], [1], [1], [0], [0], [0]])
        >>> fit_thresholds(targets, np.linspace(0.8, 0.1, 8)[:, None]).round(2).tolist()
        [0.35]
    """
    pairs = zip(np.asarray(targets_NK).T, np.asarray(probabilities_NK).T, strict=True)
    return np.array([_best_f1(target, found) for target, found in pairs])


def _best_f1(target_N: Bits, probability_N: Floats) -> float:
    positives = int(target_N.sum())
    if positives < _FEWEST:
        return NEUTRAL
    order = np.argsort(-probability_N, kind="stable")
    ranked = probability_N[order]
    last: NDArray[np.bool_] = np.r_[ranked[1:] != ranked[:-1], True]  # of those that are equal
    given = np.arange(1, len(ranked) + 1)
    f1 = 2 * np.cumsum(target_N[order].astype(np.float64)) / (given + positives)
    below = np.r_[ranked[1:], 0.0]
    cuts = ((ranked + below) / 2)[last]
    best = f1[last] >= f1[last].max() - 1e-12
    nearest = cuts[best][np.abs(cuts[best] - NEUTRAL).argmin()]
    return float(nearest)
