"""Whether one classifier ranks the samples of its labels better than another, paired by sample."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hubel.errors import DataError
from hubel.evaluation.comparison import Comparison, compare_differences, pairs_of
from hubel.evaluation.metrics import Floats
from hubel.evaluation.multilabel.ranking import Bits, mean_average_precision, pseudo_values
from hubel.evaluation.paired import Difference, limits_of_mean
from hubel.evaluation.swaps import NUM_DRAWS

__all__ = ["METRIC", "compare_rankings", "difference"]

METRIC = "mean average precision"


def compare_rankings(
    targets_NK: Bits,
    probabilities: Mapping[str, Floats],
    reference: str | None = None,
    *,
    seed: int = 0,
    draws: int = NUM_DRAWS,
) -> tuple[Comparison, ...]:
    """Compares the mean average precision of several classifiers on the same samples.

    Each sample has a pseudo-value of each classifier, what it says the metric is; the swap test
    trades them, and the interval is that of the mean of their differences. Several comparisons are
    corrected together, as in `comparison.compare_all`.

    Args:
        targets_NK: (n, k) 1 where a sample has a label.
        probabilities: (n, k) of each classifier, by name; at least two.
        reference: the one to compare each other one with; without it, each with each.
        seed: of the swap test's draws.
        draws: of the swap test; no p-value is below 1 / (draws + 1).

    Raises:
        DataError: fewer than two, shapes that differ, a reference that is none of them, or no
            sample that has a label.

    Example:
        >>> truth = np.tile([[1, 0], [0, 1]], (40, 1))
        >>> good, blind = truth * 0.5 + np.linspace(0, 0.4, 80)[:, None], np.full((80, 2), 0.5)
        >>> compare_rankings(truth, {"network": good, "guess": blind})[0].verdict
        'a is better'
    """
    for name, found in probabilities.items():
        if np.shape(found) != np.shape(targets_NK):
            raise DataError(
                f"a comparison needs the same samples and labels: {name!r} has shape "
                f"{np.shape(found)}, the truth {np.shape(targets_NK)}"
            )
    if not np.asarray(targets_NK).any():
        raise DataError("a comparison of rankings needs a sample that has a label")
    n = len(targets_NK)
    family = [
        ((a, b), METRIC, difference(targets_NK, probabilities[a], probabilities[b]), n)
        for a, b in pairs_of(probabilities, reference)
    ]
    return compare_differences(family, seed=seed, draws=draws)


def difference(targets_NK: Bits, a_NK: Floats, b_NK: Floats) -> Difference:
    """The mean average precision of `a` less that of `b`."""
    n = len(targets_NK)
    says = [pseudo_values(targets_NK, found) for found in (a_NK, b_NK)]
    ranks = [mean_average_precision(targets_NK, found) for found in (a_NK, b_NK)]
    value = ranks[0] - ranks[1]
    limits = limits_of_mean(says[0] - says[1], 1.0)

    def around(confidence: float) -> tuple[float, float]:
        low, high = limits(confidence)
        return min(low, value), max(high, value)

    return Difference(
        value=value,
        limits=around,
        statistic=lambda sums: sums[..., 0],
        rows_a=says[0][:, None] / n,
        rows_b=says[1][:, None] / n,
    )
