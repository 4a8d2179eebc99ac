"""Whether one classifier is better than another on the same samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubel.errors import DataError
from hubel.evaluation.intervals import CONFIDENCE, Estimate, quantile

__all__ = ["Comparison", "Verdict", "compare", "mcnemar", "tango"]

Verdict = Literal["a is better", "b is better", "these data can't tell"]


@dataclass(frozen=True)
class Comparison:
    """Two classifiers on the same samples.

    Attributes:
        a, b: their names.
        difference: accuracy of a minus accuracy of b, as a fraction.
        p_value: exact McNemar, two-sided.
        n: samples that both answered.
        verdict: what the test says at 5%.
    """

    a: str
    b: str
    difference: Estimate
    p_value: float
    n: int
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """One entry of `comparisons` in ladder.json."""
        return {
            "a": self.a,
            "b": self.b,
            "difference": self.difference.to_json(),
            "p_value": self.p_value,
            "n": self.n,
            "verdict": self.verdict,
        }


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided p-value that samples on which two classifiers differ favour neither.

    Args:
        only_a: samples that only the first has right.
        only_b: samples that only the second has right.

    Source: the exact binomial form of McNemar (1947), Psychometrika 12:153-157.

    Example:
        >>> mcnemar(6, 0)
        0.03125
    """
    # Imported here, as in `tango`: a cold start does without scipy.
    special: Any = import_module("scipy.special")
    tail = special.bdtr(min(only_a, only_b), only_a + only_b, 0.5)
    return min(1.0, 2 * float(tail))


def tango(only_a: int, only_b: int, n: int) -> Estimate:
    """The difference of two accuracies on the same samples, with Tango's score interval.

    Of the intervals for paired proportions it keeps its level best when samples are few, and it
    agrees with McNemar's test without correction on whether 0 is inside.

    Args:
        only_a: samples that only the first has right.
        only_b: samples that only the second has right.
        n: all samples, at least 1.

    Source: Tango (1998), Stat. Med. 17:891-908; recommended by Fagerland, Lydersen and Laake
    (2014), Stat. Med. 33:2850-2875.

    Example:
        >>> estimate = tango(1, 7, 21)
        >>> round(estimate.value, 3), round(estimate.low, 3), round(estimate.high, 3)
        (-0.286, -0.517, -0.026)
    """
    value, z = (only_a - only_b) / n, quantile(CONFIDENCE)
    optimize: Any = import_module("scipy.optimize")

    def root(end: float, sign: float) -> float:
        if value == end:
            return end
        # Just inside the end, where the variance is not yet lost in rounding.
        edge = end * (1 - 1e-9)

        def distance(difference: float) -> float:
            return _score(difference, only_a, only_b, n) + sign * z

        return float(optimize.brentq(distance, edge, value))

    return Estimate(value, root(-1.0, -1.0), root(1.0, 1.0))


def _score(difference: float, only_a: int, only_b: int, n: int) -> float:
    """Tango's statistic: standard normal if the true difference of accuracies is `difference`."""
    gap = only_a - only_b - n * difference
    linear = (2 * n - only_a + only_b) * difference - only_a - only_b
    constant = -only_b * difference * (1 - difference)
    # The likeliest share of samples that only b has right, given the difference.
    share = (math.sqrt(max(0.0, linear**2 - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    return gap / math.sqrt(variance) if variance > 0 else 0.0


def compare(correct_a: ArrayLike, correct_b: ArrayLike, name_a: str, name_b: str) -> Comparison:
    """Compares two classifiers, sample by sample.

    The exact McNemar test decides the verdict, at 5%. The interval is Tango's, which is a little
    narrower than the test is careful: where it leaves out 0 although the test can't tell, it is
    drawn out to 0, so that verdict, p-value and interval always say the same.

    Args:
        correct_a: (n,) whether the first classifier is right on each sample.
        correct_b: (n,) the same for the second, on the same samples in the same order.
        name_a: what to call the first.
        name_b: what to call the second.

    Raises:
        DataError: no samples, lengths that differ, or something other than true and false.

    Example:
        >>> one, other = [True] * 50, [True] * 40 + [False] * 10
        >>> compare(one, other, "network", "largest class").verdict
        'a is better'
    """
    a, b = _flags(correct_a, name_a), _flags(correct_b, name_b)
    if len(a) != len(b):
        raise DataError(
            f"a comparison needs the same samples: {name_a!r} has {len(a)}, {name_b!r} {len(b)}"
        )
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    p_value = mcnemar(only_a, only_b)
    return Comparison(
        a=name_a,
        b=name_b,
        difference=_reconciled(tango(only_a, only_b, len(a)), p_value),
        p_value=p_value,
        n=len(a),
        verdict=_verdict(only_a - only_b, p_value),
    )


def _verdict(lead: int, p_value: float) -> Verdict:
    if p_value >= 1 - CONFIDENCE:
        return "these data can't tell"
    return "a is better" if lead > 0 else "b is better"


def _reconciled(difference: Estimate, p_value: float) -> Estimate:
    value, low, high = difference.value, difference.low, difference.high
    assert value is not None
    assert low is not None
    assert high is not None
    if p_value >= 1 - CONFIDENCE:
        return Estimate(value, min(low, 0.0), max(high, 0.0))
    assert low > 0 or high < 0, "the exact test is never bolder than the score interval"
    return difference


def _flags(correct: ArrayLike, name: str) -> NDArray[np.bool_]:
    flags = np.asarray(correct)
    if flags.ndim != 1 or len(flags) == 0:
        raise DataError(f"expected one flag a sample for {name!r}, got shape {flags.shape}")
    if not np.isin(flags, (0, 1)).all():
        raise DataError(f"expected true or false for {name!r}, whether each sample is right")
    return flags.astype(bool)
