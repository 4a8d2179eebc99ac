"""How often each interval holds the truth, on classifiers whose truth is known by simulation.

`pytest -m slow -rA tests/evaluation/test_coverage.py` prints the table behind the numbers in
`hubel.evaluation.intervals` and `hubel.evaluation.ece_interval` (about ten minutes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from hubel.evaluation import metrics
from hubel.evaluation.calibration import softmax
from hubel.evaluation.ece_interval import estimate_ece
from hubel.evaluation.estimates import (
    estimate_balanced_accuracy,
    estimate_classes,
    estimate_log_loss,
    estimate_macro_f1,
)
from hubel.evaluation.intervals import Estimate


@dataclass(frozen=True)
class Population:
    """Classes as normals that are `signal` apart; probabilities `sharpness` times too sure."""

    name: str
    prior: tuple[float, ...]
    signal: float
    sharpness: float
    n: int
    noise: float = 0.0

    def draw(self, rng: np.random.Generator, n: int) -> Sample:
        prior = np.array(self.prior) / sum(self.prior)
        labels = rng.choice(len(prior), n, p=prior)
        seen = rng.normal(size=(n, len(prior)))
        seen[np.arange(n), labels] += self.signal
        logits = self.sharpness * (self.signal * seen + np.log(prior))
        if self.noise:
            logits += self.noise * rng.standard_t(3, size=logits.shape)
        return Sample(labels, softmax(logits))


@dataclass(frozen=True)
class Sample:
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @property
    def counts(self) -> NDArray[np.int64]:
        guess = self.probabilities.argmax(axis=1)
        return metrics.confusion_counts(self.labels, guess, self.probabilities.shape[1])

    @property
    def bins(self) -> metrics.Reliability:
        correct = self.probabilities.argmax(axis=1) == self.labels
        return metrics.reliability(self.probabilities.max(axis=1), correct)


TRASHNET = (59, 50, 41, 48, 14, 40)
POPULATIONS = [
    Population("2 calibrated", (1, 1), 1.3, 1.0, 50),
    Population("2 oversure", (1, 1), 1.5, 2.5, 200),
    Population("3 uneven", (8, 2, 1), 2.2, 1.3, 100),
    Population("6 calibrated", TRASHNET, 2.0, 1.0, 506),
    Population("6 oversure", TRASHNET, 2.0, 2.0, 506),
    Population("6 a little oversure", TRASHNET, 2.5, 1.2, 506),
    Population("6 nearly perfect", (1,) * 6, 3.5, 1.5, 100),
    Population("10 undersure", (1,) * 10, 2.5, 0.6, 200),
    Population("10 nearly perfect", (1,) * 10, 4.0, 1.0, 1000),
    Population("10 oversure, noisy", (1,) * 10, 2.5, 1.5, 2000, noise=1.5),
]

Metric = tuple[Callable[[Sample], float], Callable[[Sample], Estimate]]
CLOSED: dict[str, Metric] = {
    "balanced accuracy": (
        lambda s: metrics.balanced_accuracy(s.counts),
        lambda s: estimate_balanced_accuracy(s.counts),
    ),
    "macro F1": (lambda s: metrics.macro_f1(s.counts), lambda s: estimate_macro_f1(s.counts)),
    "F1 of a class": (
        lambda s: float(metrics.f1s(s.counts)[0]),
        lambda s: estimate_classes(s.counts)[0].f1,
    ),
    "log loss": (
        lambda s: metrics.log_loss(s.labels, s.probabilities),
        lambda s: estimate_log_loss(s.labels, s.probabilities),
    ),
}
ECE: Metric = (lambda s: metrics.expected_calibration_error(s.bins), lambda s: estimate_ece(s.bins))


def coverage(population: Population, chosen: dict[str, Metric], sets: int, truth_from: int):
    """Share of simulated sets whose interval holds the truth, by metric."""
    rng = np.random.default_rng(1)
    big = population.draw(rng, truth_from)
    truth = {name: value(big) for name, (value, _) in chosen.items()}
    held = dict.fromkeys(chosen, 0)
    for _ in range(sets):
        sample = population.draw(rng, population.n)
        for name, (_, estimate) in chosen.items():
            found = estimate(sample)
            held[name] += found.low <= truth[name] <= found.high
    return {name: count / sets for name, count in held.items()}


@pytest.mark.parametrize("population", POPULATIONS[2:5], ids=lambda p: p.name)
def test_intervals_cover_roughly(population: Population) -> None:
    """500 sets: two standard errors are 0.02."""
    for share in coverage(population, CLOSED, 500, 200_000).values():
        assert 0.92 < share < 0.985


@pytest.mark.parametrize("place", [0, 2])
def test_calibration_interval_covers_roughly(place: int) -> None:
    """50 sets; a percentile bootstrap covers none of the first and 8% of the second."""
    assert coverage(POPULATIONS[place], {"ece": ECE}, 50, 200_000)["ece"] > 0.88


@pytest.mark.slow
@pytest.mark.parametrize("population", POPULATIONS, ids=lambda p: p.name)
def test_intervals_cover_95_percent(population: Population) -> None:
    """Two standard errors are 0.01 of 2,000 sets, 0.02 of 500."""
    shares = coverage(population, CLOSED, 2000, 1_000_000)
    ece = coverage(population, {"ECE": ECE}, 500, 2_000_000)["ECE"]
    found = {name: round(share, 3) for name, share in (shares | {"ECE": ece}).items()}
    print(f"\n{population.name:22}", found)
    assert all(0.93 <= share <= 0.975 for share in shares.values())
    assert 0.92 <= ece <= 0.985
