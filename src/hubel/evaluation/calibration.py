"""Temperature: one number that makes a network's probabilities as sure as they should be."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hubel.errors import DataError
from hubel.evaluation.metrics import Counts, Floats, check_labels

__all__ = [
    "COLDEST",
    "HOTTEST",
    "MIN_WRONG",
    "best_temperature",
    "fit_temperature",
    "softmax",
]

COLDEST, HOTTEST = 0.05, 20.0
MIN_WRONG = 3


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """Probabilities of logits, divided by the temperature first; no overflow at any size.

    Args:
        logits: (..., k) finite scores.
        temperature: above 0; above 1 makes the probabilities less sure.

    Returns:
        (..., k) probabilities that sum to 1 over the last axis.

    Raises:
        DataError: a temperature that is not above 0.

    Example:
        >>> softmax([[1000.0, 1000.0]]).tolist()
        [[0.5, 0.5]]
    """
    if not temperature > 0:
        raise DataError(f"a temperature is above 0; got {temperature}")
    return np.exp(_log_softmax(np.asarray(logits, dtype=np.float64) / temperature))


def _mean_loss(logits: Floats, labels: Counts) -> float:
    return -float(_log_softmax(logits)[np.arange(len(labels)), labels].mean())


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The temperature that minimises the mean log loss of held-out samples.

    With fewer than 3 wrong predictions the answer is 1. The mistakes are what says how sure is too
    sure: without any, the loss falls for ever as T goes to 0. In simulation (2 to 10 classes, 10
    to 500 samples, logits 0.7 to 2.5 times too large) the plain minimum made new data worse by up
    to 0.91 nats, with at least one mistake by up to 0.08, with at least three by up to 0.03.
    `test_three_mistakes_keep_new_data_from_harm` holds the rule to that.

    Args:
        logits: (n, k) scores of samples that training did not see.
        labels: (n,) their classes, 0 to k - 1.

    Returns:
        A temperature in [0.05, 20] whose loss on these samples is no larger than that of 1.

    Raises:
        DataError: no samples, labels out of range, shapes that disagree, or logits not finite.

    Source: Guo et al. 2017, arXiv 1706.04599, section 4.2.

    Example:
        >>> logits = np.tile([4.0, 0.0], (100, 1))
        >>> labels = np.repeat([0, 1], [80, 20])
        >>> round(fit_temperature(logits, labels), 2)  # 80% right: a logit of log 4
        2.89
    """
    scores = np.asarray(logits, dtype=np.float64)
    if scores.ndim != 2 or 0 in scores.shape:
        raise DataError(f"expected logits of shape (samples, classes); got {scores.shape}")
    true = check_labels(labels, scores.shape[1])
    if len(true) != len(scores):
        raise DataError(f"{len(scores)} rows of logits, but {len(true)} labels")
    if not np.isfinite(scores).all():
        row = int((~np.isfinite(scores)).any(axis=1).argmax())
        raise DataError(f"logits are finite numbers; row {row} has one that is not")
    if (scores.argmax(axis=1) != true).sum() < MIN_WRONG:
        return 1.0
    return best_temperature(lambda temperature: _mean_loss(scores / temperature, true))


def best_temperature(loss: Callable[[float], float]) -> float:
    """Where a mean log loss of scores divided by a temperature is lowest; 1 where nothing is lower.

    It is convex in 1/T (Guo et al., section S.2), so that there is one valley in log T as well.

    Args:
        loss: of a temperature.
    """
    # Imported here: a cold start does without scipy.
    optimize: Any = import_module("scipy.optimize")
    limits = (float(np.log(COLDEST)), float(np.log(HOTTEST)))

    def of_log(log_temperature: float) -> float:
        return loss(float(np.exp(log_temperature)))

    found = optimize.minimize_scalar(
        of_log,
        bounds=limits,
        method="bounded",
        options={"xatol": 1e-8},
    )
    temperature = float(np.exp(found.x).clip(COLDEST, HOTTEST))
    return temperature if loss(temperature) < loss(1.0) else 1.0
