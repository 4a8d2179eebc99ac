"""Average precision: how well the scores of a label put the samples that have it first.

Over one label it is the mean, over the samples that have it, of the precision at their score:
among the samples that score as much or more, the share that has the label. Ties count as above.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubel.evaluation.metrics import Floats

__all__ = ["average_precisions", "left_out", "mean_average_precision", "pseudo_values"]

Bits = NDArray[np.uint8]


def average_precisions(targets_NK: Bits, scores_NK: Floats) -> Floats:
    """The average precision of each label, (k,); NaN where no sample has it.

    Args:
        targets_NK: (n, k) 1 where a sample has a label.
        scores_NK: (n, k) what is ranked: logits or probabilities.

    Source: the definition of scikit-learn's `average_precision_score`, without interpolation.

    Example:
        >>> average_precisions(np.array([[1], [0], [1]]), np.array([[0.9], [0.8], [0.7]])).tolist()
        [0.8333333333333333]
    """
    pairs = zip(np.asarray(targets_NK).T, np.asarray(scores_NK).T, strict=True)
    return np.array([_Ranked(target, score).value for target, score in pairs], np.float64)


def mean_average_precision(targets_NK: Bits, scores_NK: Floats) -> float:
    """The mean over the labels that some sample has; NaN where there is none.

    Example:
        >>> mean_average_precision(np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.2], [0.1, 0.3]]))
        1.0
    """
    found = average_precisions(targets_NK, scores_NK)
    found = found[~np.isnan(found)]
    return float(found.mean()) if len(found) else float("nan")


def left_out(target_N: Bits, score_N: Floats) -> Floats:
    """The average precision of one label without each of the samples in turn, (n,).

    In one pass over the sorted scores: leaving a sample out changes the precision at the scores
    that are no higher than its own, and no other.

    Args:
        target_N: (n,) of which at least two are 1.
        score_N: (n,).

    Example:
        >>> left_out(np.array([1, 0, 1]), np.array([0.9, 0.8, 0.7])).tolist()
        [0.5, 1.0, 1.0]
    """
    return _Ranked(target_N, score_N).left_out()


def pseudo_values(targets_NK: Bits, scores_NK: Floats) -> Floats:
    """What each sample says the mean average precision is: the jackknife's pseudo-values, (n,).

    Their mean is the mean average precision without most of its bias (a sample that has the label
    counts itself as found), and their spread is its sampling variance. A label that one sample
    alone has says the same in all of them.

    Args:
        targets_NK: (n, k), where some sample has some label.
        scores_NK: (n, k).

    Source: Tukey (1958), Ann. Math. Stat. 29:614; Efron (1982), The Jackknife, chapter 3.
    """
    n, parts = len(targets_NK), list[Floats]()
    for target, score in zip(np.asarray(targets_NK).T, np.asarray(scores_NK).T, strict=True):
        ranked = _Ranked(target, score)
        if ranked.positives >= 2:
            parts.append(n * ranked.value - (n - 1) * ranked.left_out())
        elif ranked.positives == 1:
            parts.append(np.full(n, ranked.value))
    return np.mean(parts, axis=0)


class _Ranked:
    """The samples of one label, the highest score first."""

    def __init__(self, target_N: Bits, score_N: Floats) -> None:
        score = np.asarray(score_N, np.float64)
        self.order = np.argsort(-score, kind="stable")
        self.target = np.asarray(target_N, np.float64)[self.order]
        ordered = score[self.order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        ends = np.r_[starts[1:], len(ordered)]
        # Of each place: where those of its own score begin, and how many score as much or more.
        self.start = np.repeat(starts, ends - starts)
        self.above = np.repeat(ends, ends - starts).astype(np.float64)
        self.hits = np.cumsum(self.target)[np.repeat(ends, ends - starts) - 1]
        self.positives = int(self.target.sum())

    @property
    def value(self) -> float:
        if not self.positives:
            return float("nan")
        return float((self.target * self.hits / self.above).sum() / self.positives)

    def left_out(self) -> Floats:
        y, hits, above, total = self.target, self.hits, self.above, self.positives
        fewer = np.maximum(above - 1, 1)
        precision, without_hit = y * hits / above, y * (hits - 1) / fewer
        lower = self._from_here(precision)  # at scores that are no higher
        summed = precision.sum()
        negative = (summed - lower + self._from_here(y * hits / fewer)) / total
        positive = (summed - lower + self._from_here(without_hit) - without_hit) / max(total - 1, 1)
        found = np.empty(len(y))
        found[self.order] = np.where(y > 0, positive, negative)
        return found

    def _from_here(self, values: Floats) -> Floats:
        """The sum over all places from the first of the same score on."""
        return np.cumsum(values[::-1])[::-1][self.start]
