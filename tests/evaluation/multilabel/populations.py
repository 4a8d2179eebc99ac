"""Samples of several labels whose truth is known, for measuring how often intervals hold it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hubel.evaluation.multilabel.calibration import sigmoid


@dataclass(frozen=True)
class Population:
    """Labels that come together, and scores that are `signals` apart for those that have one.

    Labels of a sample are correlated through what they share, and so are the mistakes.
    `sharpness` is how many times too sure the probabilities are.
    """

    name: str
    prevalences: tuple[float, ...]
    signals: tuple[float, ...]
    n: int
    sharpness: float = 1.0

    def labels(self, rng: np.random.Generator, n: int) -> NDArray[np.uint8]:
        limits = [NormalDist(0, 1.25**0.5).inv_cdf(share) for share in self.prevalences]
        shared = 0.5 * rng.normal(size=(n, 1))
        return (rng.normal(size=(n, len(limits))) + shared < limits).astype(np.uint8)

    def answers(self, rng: np.random.Generator, labels: NDArray[np.uint8]) -> NDArray[np.float64]:
        n, num = labels.shape
        noise = 0.9 * rng.normal(size=(n, num)) + 0.19**0.5 * rng.normal(size=(n, 1))
        signals, shares = np.array(self.signals), np.array(self.prevalences)
        seen = noise + labels * signals
        logits = signals * seen - signals**2 / 2 + np.log(shares / (1 - shares))
        return sigmoid(self.sharpness * logits)


POPULATIONS = [
    Population("2 common", (0.5, 0.3), (1.0, 1.5), 100),
    Population("3 easy", (0.3, 0.3, 0.2), (2.5, 2.0, 3.0), 100),
    Population("4 uneven", (0.5, 0.2, 0.1, 0.05), (1.0, 1.5, 2.0, 2.0), 300),
    Population("8 rare", (0.05,) * 8, (1.5,) * 8, 500),
    Population("6 oversure", (0.3, 0.2, 0.1, 0.1, 0.4, 0.5), (3.0,) * 6, 500, sharpness=2.0),
    Population("4 very rare", (0.02, 0.05, 0.1, 0.01), (2.0,) * 4, 2000),
    Population("3 few samples", (0.5, 0.4, 0.3), (1.0, 2.0, 3.0), 50),
    Population("5 nearly perfect", (0.1, 0.1, 0.1, 0.2, 0.3), (4.0,) * 5, 200),
    Population("20 alike", (0.2,) * 20, (1.5,) * 20, 1000, sharpness=0.6),
]
# Drawn up after every choice was made, and used for nothing but this.
FRESH = [
    Population("5 mixed", (0.4, 0.25, 0.15, 0.1, 0.06), (2.0, 1.2, 2.6, 1.8, 3.2), 150, 1.3),
    Population("12 mixed", tuple(np.linspace(0.05, 0.45, 12)), (2.2,) * 12, 400),
    Population("3 hard", (0.35, 0.2, 0.12), (0.7, 0.9, 0.6), 250),
]
