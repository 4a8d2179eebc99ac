"""Each metric of several labels with its interval.

Samples are independent of each other and labels of one sample are not, so that every variance is
one over samples. Share of simulated sets whose interval held the truth: docs/multilabel.md, and
`pytest -m slow -rA tests/evaluation/multilabel/test_coverage.py` measures it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.evaluation.ece_interval import estimate_ece
from hubel.evaluation.estimates import SMOOTHING, estimate_f1
from hubel.evaluation.intervals import UNDEFINED, Estimate, skewed_mean, wilson, wilson_of_average
from hubel.evaluation.metrics import MAX_LOSS, MIN_PROBABILITY, Floats, reliability
from hubel.evaluation.multilabel.ranking import Bits, average_precisions, pseudo_values

__all__ = [
    "LabelEstimates",
    "estimate_average_precision",
    "estimate_exact_match",
    "estimate_hamming_loss",
    "estimate_label",
    "estimate_log_loss",
    "estimate_macro_f1",
    "estimate_micro_f1",
    "log_losses",
]

# What a few samples can't show: shares of the variance of as many plain proportions are added. Of
# 0, 0.02, 0.05 and 0.1 for rankings, and 0.05, 0.2 and 0.5 for F1, these were nearest to 95%.
_RANKING_FLOOR, _F1_FLOOR = 0.03, 0.25


@dataclass(frozen=True)
class LabelEstimates:
    """How one label fares: the samples that have it, and what is said of them.

    Attributes:
        n: samples that have the label.
        total: samples that were asked.
        average_precision, precision, recall, f1: with intervals; the last three at the threshold.
        ece: expected calibration error of its probability, as a fraction.
        missed, invented: samples that have it and were not given it, and the other way round.
    """

    n: int
    total: int
    average_precision: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate
    ece: Estimate
    missed: int
    invented: int

    def to_json(self) -> dict[str, Any]:
        """The entry of one class in evaluation.json."""
        names = ("average_precision", "precision", "recall", "f1", "ece")
        return {
            "n": self.n,
            "prevalence": wilson(self.n, self.total).to_json(),
            **{name: getattr(self, name).to_json() for name in names},
            "missed": self.missed,
            "invented": self.invented,
        }


def estimate_average_precision(targets_NK: Bits, scores_NK: Floats) -> Estimate:
    """The mean average precision of some labels, or the average precision of one of them.

    Wilson's interval at the effective sample size that the jackknife's variance implies, around
    the middle of the value as measured and the jackknife's, which has less bias and more spread.

    Args:
        targets_NK: (n, k); labels that no sample has don't count.
        scores_NK: (n, k) what is ranked.

    Example:
        >>> targets = np.array([[1], [1], [0], [1], [0], [0], [0], [0]])
        >>> scores = np.linspace(0.9, 0.1, 8)[:, None]
        >>> estimate = estimate_average_precision(targets, scores)
        >>> round(estimate.value, 3), round(estimate.low, 3), round(estimate.high, 3)
        (0.917, 0.37, 0.995)
    """
    counts = np.asarray(targets_NK).sum(axis=0)
    shown = counts > 0
    if not shown.any():
        return UNDEFINED
    value = float(average_precisions(targets_NK[:, shown], scores_NK[:, shown]).mean())
    if counts.max() < 2:
        return Estimate(value, 0.0, 1.0)  # nothing is left to compare with
    found = pseudo_values(targets_NK, scores_NK)
    each, total = average_precisions(targets_NK, scores_NK)[shown], counts[shown]
    smoothed = (each * total + SMOOTHING) / (total + 2 * SMOOTHING)
    plain = float((smoothed * (1 - smoothed) / total).sum()) / len(total) ** 2
    variance = float(found.var(ddof=1)) / len(found)
    # Where every label stands first, no sample moves anything: as many plain proportions then.
    variance = variance + _RANKING_FLOOR * plain if variance > 1e-12 else plain
    centre, middle = (float(found.mean()) + value) / 2, float(smoothed.mean())
    around = wilson_of_average(centre if 0 < centre < 1 else value, middle, variance)
    assert around.low is not None
    assert around.high is not None
    return Estimate(value, min(around.low, value), max(around.high, value))


def estimate_micro_f1(targets_NK: Bits, given_NK: Bits) -> Estimate:
    """F1 over all answers of all labels together.

    Args:
        targets_NK: (n, k) 1 where a sample has a label.
        given_NK: (n, k) 1 where it was given it.
    """
    return _ratios(_doubled(targets_NK, given_NK), average=False)


def estimate_macro_f1(targets_NK: Bits, given_NK: Bits) -> Estimate:
    """The mean F1 of the labels that any sample has or was given."""
    return _ratios(_doubled(targets_NK, given_NK), average=True)


def estimate_exact_match(targets_NK: Bits, given_NK: Bits) -> Estimate:
    """The share of samples with all labels right and none beside them (subset accuracy).

    Example:
        >>> truth, given = np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]])
        >>> estimate_exact_match(truth, given).value
        0.5
    """
    return wilson(int((targets_NK == given_NK).all(axis=1).sum()), len(targets_NK))


def estimate_hamming_loss(targets_NK: Bits, given_NK: Bits) -> Estimate:
    """The share of yes-or-no answers that are wrong, over all samples and labels."""
    n, num = targets_NK.shape
    if n == 0:
        return UNDEFINED
    wrong = (targets_NK != given_NK).mean(axis=1)
    value = float(wrong.mean())
    smoothed = (value * n * num + SMOOTHING) / (n * num + 2 * SMOOTHING)
    # A wrong answer more in one sample: what a few samples without one can't show.
    variance = float(wrong.var()) / n + SMOOTHING / (n * num) ** 2
    return wilson_of_average(value, smoothed, variance)


def estimate_log_loss(targets_NK: Bits, probabilities_NK: Floats) -> Estimate:
    """The mean log loss of a yes-or-no answer in nats, with Hall's interval for skewed means."""
    return skewed_mean(log_losses(targets_NK, probabilities_NK), MAX_LOSS)


def log_losses(targets_NK: Bits, probabilities_NK: Floats) -> Floats:
    """Minus the log of what was said of the truth, the mean over the labels, (n,) nats.

    Example:
        >>> log_losses(np.array([[1, 0]]), np.array([[0.5, 0.5]])).round(4).tolist()
        [0.6931]
    """
    right = np.where(np.asarray(targets_NK) > 0, probabilities_NK, 1 - probabilities_NK)
    return -np.log(np.clip(right, MIN_PROBABILITY, 1.0)).mean(axis=1)


def estimate_label(target_N: Bits, probability_N: Floats, given_N: Bits) -> LabelEstimates:
    """All that is known of one label.

    Args:
        target_N: (n,) 1 where a sample has it.
        probability_N: (n,) what was said.
        given_N: (n,) 1 where a sample was given it.
    """
    true, given = target_N > 0, given_N > 0
    right, missed, invented = (
        int(cell.sum()) for cell in (true & given, true & ~given, ~true & given)
    )
    return LabelEstimates(
        n=int(true.sum()),
        total=len(true),
        average_precision=estimate_average_precision(target_N[:, None], probability_N[:, None]),
        precision=wilson(right, right + invented),
        recall=wilson(right, right + missed),
        f1=estimate_f1(right, missed + invented),
        ece=estimate_ece(reliability(probability_N, true)) if len(true) else UNDEFINED,
        missed=missed,
        invented=invented,
    )


def _doubled(targets_NK: Bits, given_NK: Bits) -> tuple[Floats, Floats]:
    """(n, k) what each sample adds above and below the line of 2 TP / (2 TP + FP + FN)."""
    true, given = np.asarray(targets_NK, np.float64), np.asarray(given_NK, np.float64)
    return 2 * true * given, true + given


def _ratios(parts: tuple[Floats, Floats], *, average: bool) -> Estimate:
    """A ratio of sums, or the mean of such ratios by label, with Wilson's interval.

    The variance is the delta method's: to first order a sample moves a ratio r of A to B by
    (a - r b) / B.
    """
    above, below = parts
    if not average:
        above, below = above.sum(axis=1, keepdims=True), below.sum(axis=1, keepdims=True)
    sums = below.sum(axis=0)
    shown: NDArray[np.bool_] = sums > 0
    if not shown.any():
        return UNDEFINED
    above, below, sums = above[:, shown], below[:, shown], sums[shown]
    ratio = above.sum(axis=0) / sums
    moves = ((above - ratio * below) / sums).mean(axis=1)
    smoothed = (above.sum(axis=0) + SMOOTHING) / (sums + 2 * SMOOTHING)
    plain = float((smoothed * (1 - smoothed) / sums).sum()) / len(sums) ** 2
    variance = float((moves**2).sum())
    variance = variance + _F1_FLOOR * plain if variance > 1e-15 else 2 * plain
    return wilson_of_average(float(ratio.mean()), float(smoothed.mean()), variance)
