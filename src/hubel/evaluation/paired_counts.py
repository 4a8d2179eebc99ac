"""Paired proportions: two classifiers on the same samples, from four counts.

McNemar's exact test and Tango's interval of a difference of accuracies; and that interval carried
over to differences that are averages, by the sample size that would have the same variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from hubel.evaluation.intervals import CONFIDENCE, Estimate, quantile, student

__all__ = ["Average", "mcnemar", "tango", "tango_of_average"]


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


def tango(only_a: float, only_b: float, n: float, confidence: float = CONFIDENCE) -> Estimate:
    """The difference of two accuracies on the same samples, with Tango's score interval.

    Of the intervals for paired proportions it keeps its level best when samples are few, and it
    agrees with McNemar's test without correction on whether 0 is inside.

    Args:
        only_a: samples that only the first has right; a fraction is allowed.
        only_b: samples that only the second has right.
        n: all samples, above 0.
        confidence: the share of such intervals that hold the truth.

    Source: Tango (1998), Stat. Med. 17:891-908; recommended by Fagerland, Lydersen and Laake
    (2014), Stat. Med. 33:2850-2875.

    Example:
        >>> estimate = tango(1, 7, 21)
        >>> round(estimate.value, 3), round(estimate.low, 3), round(estimate.high, 3)
        (-0.286, -0.517, -0.026)
    """
    value, z = (only_a - only_b) / n, quantile(confidence)
    optimize: Any = import_module("scipy.optimize")

    def root(end: float, sign: float) -> float:
        if math.isclose(value, end, rel_tol=1e-9):
            return end
        # Just inside the end, where the variance is not yet lost in rounding.
        edge = end * (1 - 1e-9)

        def distance(difference: float) -> float:
            return _score(difference, only_a, only_b, n) + sign * z

        # So few samples that they speak against no difference at all.
        if sign * distance(edge) >= 0:
            return end
        return float(optimize.brentq(distance, edge, value))

    return Estimate(value, root(-1.0, -1.0), root(1.0, 1.0))


def _score(difference: float, only_a: float, only_b: float, n: float) -> float:
    """Tango's statistic: standard normal if the true difference of accuracies is `difference`."""
    gap = only_a - only_b - n * difference
    linear = (2 * n - only_a + only_b) * difference - only_a - only_b
    constant = -only_b * difference * (1 - difference)
    # The likeliest share of samples that only b has right, given the difference.
    share = (math.sqrt(max(0.0, linear**2 - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    return gap / math.sqrt(variance) if variance > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Average:
    """A difference that is an average over classes, and how sure it is.

    Attributes:
        value: the difference, -1 to 1.
        variance: its sampling variance from smoothed counts, above 0.
        differing: average share of the samples that the two answer differently, smoothed.
        spread: variance of one sample's difference, above 0, also where all samples agree.
        freedom: degrees of freedom behind the variance.
    """

    value: float
    variance: float
    differing: float
    spread: float
    freedom: float


def tango_of_average(average: Average, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Tango's limits at the effective sample size of an average of paired differences.

    The size is the number of samples at which a plain difference of accuracies with as many
    differing answers would have this variance. A rare class makes the variance itself unsure:
    Student's quantile takes the place of the normal one, at Satterthwaite's degrees of freedom.

    Source: the effective sample size of Kish (1965), Survey Sampling; Satterthwaite (1946),
    Biometrics Bulletin 2:110-114; carried over to Tango's interval here, measured in
    docs/decisions/0007.

    Example:
        >>> low, high = tango_of_average(Average(0.1, 0.0015, 0.2, 0.19, 400.0))
        >>> round(low, 3), round(high, 3)
        (0.023, 0.182)
    """
    value = average.value
    # Nearer to 0 the quantiles are lost in rounding.
    confidence = max(confidence, 1e-6)
    wider = (quantile(confidence) / student(average.freedom, confidence)) ** 2
    n = average.spread / average.variance * wider
    differing = max(min(average.differing, 1.0), abs(value))
    found = tango(n * (differing + value) / 2, n * (differing - value) / 2, n, confidence)
    assert found.low is not None
    assert found.high is not None
    return min(found.low, value), max(found.high, value)
