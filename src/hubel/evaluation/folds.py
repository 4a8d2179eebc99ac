"""One accuracy from the folds of a cross-validation, and one difference from repeated folds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hubel.errors import DataError
from hubel.evaluation.intervals import CONFIDENCE, Estimate, student, wilson

__all__ = ["corrected_t", "pooled"]


def pooled(correct: Sequence[ArrayLike]) -> Estimate:
    """Accuracy over all predictions made out of fold, with Wilson's interval.

    Every sample is predicted once, by a classifier that did not see it. The interval is that of
    as many predictions of one classifier: it leaves out that folds share training samples, which
    no estimate from one cross-validation can tell (Bengio and Grandvalet 2004, JMLR 5:1089-1105).

    Args:
        correct: for each fold, (n,) whether each of its samples is predicted right.

    Raises:
        DataError: no predictions at all, or something other than true and false.

    Example:
        >>> pooled([[True, True, False], [True, True]]).value
        0.8
    """
    flags = np.concatenate([np.ravel(fold) for fold in correct]) if len(correct) else np.zeros(0)
    if len(flags) == 0:
        raise DataError("expected predictions of at least one fold; got none")
    if not np.isin(flags, (0, 1)).all():
        raise DataError("expected true or false for each prediction of a fold")
    return wilson(int(flags.sum()), len(flags))


def corrected_t(
    differences: ArrayLike, test_share: float, widest: float = 1.0
) -> tuple[Estimate, float]:
    """Mean difference over folds or repeated splits, with an interval that knows they overlap.

    Training sets share samples, so that the differences are alike and their plain variance is too
    small. It is raised from s^2 / J to s^2 (1 / J + n_test / n_train).

    Args:
        differences: (J,) metric of one classifier less that of another, by fold; two or more.
        test_share: of the samples in a fold's test part: 0.2 for five folds.
        widest: the largest difference that the metric allows: 1 for a share, such as accuracy.

    Returns:
        The mean with its interval, and the two-sided p-value that says the same. Differences that
        are all equal show no spread to judge by, which is not certainty: the limits are then the
        widest, and the p-value is 1.

    Raises:
        DataError: fewer than two differences, one that is no number or beyond `widest`, or a share
            outside 0 to 1.

    Source: Nadeau and Bengio (2003), Machine Learning 52:239-281, section 3.

    Example:
        >>> estimate, p_value = corrected_t([0.02, 0.03, 0.01, 0.04, 0.02], test_share=0.2)
        >>> round(estimate.low, 4), round(estimate.high, 4), round(p_value, 3)
        (0.0028, 0.0452, 0.035)
        >>> corrected_t([0.02, 0.02], test_share=0.5)
        (Estimate(value=0.02, low=-1.0, high=1.0), 1.0)
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise DataError(f"expected two differences or more, all finite; got {values.tolist()}")
    if not 0 < test_share < 1:
        raise DataError(f"the test part is a share between 0 and 1; got {test_share}")
    if np.abs(values).max() > widest:
        raise DataError(f"no difference is larger than {widest:g}; got {values.tolist()}")
    num = len(values)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    error = deviation * math.sqrt(1 / num + test_share / (1 - test_share))
    # What rounding makes of equal differences is equal.
    if error <= 1e-12 * widest:
        return Estimate(mean, -widest, widest), 1.0
    from scipy.special import stdtr  # here: a cold start does without scipy

    reach = student(num - 1, CONFIDENCE) * error
    p_value = 2 * float(stdtr(num - 1, -abs(mean) / error))
    return Estimate(mean, max(mean - reach, -widest), min(mean + reach, widest)), p_value
