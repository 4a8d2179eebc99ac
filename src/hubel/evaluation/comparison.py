"""Whether one classifier is better than another on the same samples, alone or among several."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubel.errors import DataError
from hubel.evaluation.evaluation import Evaluation
from hubel.evaluation.holm import Corrected, holm
from hubel.evaluation.intervals import CONFIDENCE, Estimate
from hubel.evaluation.paired import METRICS, Difference, Pair, difference
from hubel.evaluation.paired_counts import mcnemar, tango
from hubel.evaluation.swaps import NUM_DRAWS, swap_test

__all__ = [
    "UNTOLD",
    "Comparison",
    "Verdict",
    "compare",
    "compare_all",
    "compare_differences",
    "compare_evaluations",
    "pairs_of",
]

Verdict = Literal["a is better", "b is better", "these data can't tell"]
UNTOLD: Verdict = "these data can't tell"
ACCURACY = "accuracy"
# Not 1 - CONFIDENCE, which rounding puts above 0.05: a p-value of exactly 5% is no verdict.
ERROR = 0.05


@dataclass(frozen=True)
class Comparison:
    """Two classifiers on the same samples.

    Attributes:
        a, b: their names.
        difference: the metric of a minus that of b; accuracy as a fraction.
        p_value: two-sided, of this pair alone.
        n: samples that both answered.
        verdict: what `p_adjusted` says at 5%; of a loss or an error, less is better.
        p_adjusted: after Holm's correction for the comparisons that were made together.
        confidence: of the interval: that at which Holm's correction tests this comparison.
        metric: what is compared.
    """

    a: str
    b: str
    difference: Estimate
    p_value: float
    n: int
    verdict: Verdict
    p_adjusted: float
    confidence: float = CONFIDENCE
    metric: str = ACCURACY

    @property
    def better(self) -> str | None:
        """The name of the one that these data show to be better, if they do."""
        return {"a is better": self.a, "b is better": self.b}.get(self.verdict)

    def to_json(self) -> dict[str, Any]:
        """One entry of `comparisons` in ladder.json."""
        return {
            "a": self.a,
            "b": self.b,
            "difference": self.difference.to_json(),
            "p_value": self.p_value,
            "n": self.n,
            "verdict": self.verdict,
            "p_adjusted": self.p_adjusted,
            "confidence": self.confidence,
            "metric": self.metric,
        }


class _Measured(NamedTuple):
    """A comparison before it is held against the others."""

    names: tuple[str, str]
    value: float
    p_value: float
    limits: Callable[[float], tuple[float, float]]
    n: int
    metric: str = ACCURACY
    lower_is_better: bool = False


def compare(correct_a: ArrayLike, correct_b: ArrayLike, name_a: str, name_b: str) -> Comparison:
    """Compares the accuracy of two classifiers, sample by sample.

    The exact McNemar test decides the verdict, at 5%. The interval is Tango's, which is a little
    narrower than the test is careful: where it leaves out 0 although the test can't tell, it is
    drawn out to 0, so that verdict, p-value and interval always say the same. Far out, where the
    test is the bolder one (p below 0.001), the p-value is that of the interval.

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
    flags = _flags(correct_a, name_a), _flags(correct_b, name_b)
    return _together([_accuracy((name_a, name_b), *flags)])[0]


def compare_all(
    correct: Mapping[str, ArrayLike], reference: str | None = None
) -> tuple[Comparison, ...]:
    """Compares the accuracy of several classifiers, corrected for how many comparisons there are.

    Args:
        correct: whether each classifier is right on each sample, by name; at least two.
        reference: the one to compare each other one with; without it, each with each.

    Returns:
        One comparison a pair. A verdict stands with all the others: the chance that any of them
        calls a difference that is not there is at most 5% (Holm). Each interval is at the level
        of its own test, 95% or more; that all of them hold at once is not promised.

    Raises:
        DataError: fewer than two, a reference that is none of them, or flags as in `compare`.

    Example:
        >>> right = {"network": [1] * 60, "linear": [1] * 52 + [0] * 8, "guess": [1, 0] * 30}
        >>> [found.verdict for found in compare_all(right, "network")]
        ['a is better', 'a is better']
    """
    flags = {name: _flags(given, name) for name, given in correct.items()}
    return _together(_accuracy((a, b), flags[a], flags[b]) for a, b in pairs_of(flags, reference))


def compare_evaluations(
    evaluations: Mapping[str, Evaluation],
    reference: str | None = None,
    metric: str = ACCURACY,
    *,
    seed: int = 0,
    draws: int = NUM_DRAWS,
) -> tuple[Comparison, ...]:
    """Compares any metric of several classifiers on the samples that each of a pair answered.

    A pair's p-value is the larger of the swap test's and of the interval's own, and the interval
    is drawn out to 0 where the swap test can't tell: the three never disagree.

    Args:
        evaluations: of the same samples in the same order, by the classifier's name.
        reference: as in `compare_all`.
        metric: "accuracy", "balanced accuracy", "macro F1", "log loss" or "calibration error".
        seed: of the swap test's draws.
        draws: of the swap test; no p-value is below 1 / (draws + 1).

    Raises:
        DataError: other samples or classes in one of them, nothing that both answered, a metric
            that is none of these, or as in `compare_all`.
    """

    def measured(a: str, b: str) -> _Measured:
        pair = _pair(evaluations[a], evaluations[b], (a, b))
        if metric == ACCURACY:
            return _accuracy((a, b), *pair.right)
        found = difference(metric, pair)
        return _swapped((a, b), metric, found, len(pair.labels), (seed, draws))

    if metric not in (ACCURACY, *METRICS):
        raise DataError(f"no metric {metric!r}; there are {', '.join((ACCURACY, *METRICS))}")
    return _together(measured(a, b) for a, b in pairs_of(evaluations, reference))


def compare_differences(
    family: Iterable[tuple[tuple[str, str], str, Difference, int]],
    *,
    seed: int = 0,
    draws: int = NUM_DRAWS,
) -> tuple[Comparison, ...]:
    """Verdicts on differences that are known already, corrected together.

    Args:
        family: of each pair the two names, the metric, the difference, and how many samples.
        seed: of the swap test's draws.
        draws: of the swap test.
    """
    return _together(_swapped(*one, (seed, draws)) for one in family)


def _together(family: Iterable[_Measured]) -> tuple[Comparison, ...]:
    members = list(family)
    corrected = holm([one.p_value for one in members], ERROR)
    return tuple(_judged(one, of) for one, of in zip(members, corrected, strict=True))


def _judged(one: _Measured, corrected: Corrected) -> Comparison:
    low, high = one.limits(1 - corrected.level)
    told = corrected.p_adjusted < ERROR
    if told:
        assert low > 0 or high < 0, "no p-value is bolder than its interval"
    else:
        low, high = min(low, 0.0), max(high, 0.0)
    a_is_better = (one.value > 0) != one.lower_is_better
    verdict: Verdict = "a is better" if a_is_better else "b is better"
    return Comparison(
        a=one.names[0],
        b=one.names[1],
        difference=Estimate(one.value, low, high),
        p_value=one.p_value,
        n=one.n,
        verdict=verdict if told else UNTOLD,
        p_adjusted=corrected.p_adjusted,
        confidence=1 - corrected.level,
        metric=one.metric,
    )


def _accuracy(names: tuple[str, str], a: NDArray[np.bool_], b: NDArray[np.bool_]) -> _Measured:
    if len(a) != len(b):
        raise DataError(
            f"a comparison needs the same samples: {names[0]!r} has {len(a)}, {names[1]!r} {len(b)}"
        )
    only_a, only_b, n = int((a & ~b).sum()), int((b & ~a).sum()), len(a)

    def limits(confidence: float) -> tuple[float, float]:
        found = tango(only_a, only_b, n, confidence)
        assert found.low is not None
        assert found.high is not None
        return found.low, found.high

    # Tango's statistic at a difference of 0; its p-value takes over far out in the tail.
    z = abs(only_a - only_b) / math.sqrt(max(only_a + only_b, 1))
    p_value = max(mcnemar(only_a, only_b), math.erfc(z / math.sqrt(2)) * (1 + 1e-6))
    return _Measured(names, (only_a - only_b) / n, min(p_value, 1.0), limits, n)


def _swapped(
    names: tuple[str, str], metric: str, found: Difference, n: int, how: tuple[int, int]
) -> _Measured:
    seed, draws = how
    swapped = swap_test(found.statistic, found.rows_a, found.rows_b, seed=seed, draws=draws)
    p_value = max(swapped, _p_of_interval(found.limits, 1 / (draws + 1), found.steps))
    return _Measured(names, found.value, p_value, found.limits, n, metric, found.lower_is_better)


def _p_of_interval(
    limits: Callable[[float], tuple[float, float]], least: float, steps: int
) -> float:
    """The smallest level, `least` or above, at which the interval leaves out 0; rounded up."""

    def leaves_out_0(level: float) -> bool:
        low, high = limits(1 - level)
        return low > 0 or high < 0

    if leaves_out_0(least):
        return least
    low, high = math.log(least), 0.0
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (low, middle) if leaves_out_0(math.exp(middle)) else (middle, high)
    return math.exp(high)


def pairs_of(rungs: Mapping[str, Any], reference: str | None) -> list[tuple[str, str]]:
    """Who is compared with whom: each with each, or with one of them.

    Raises:
        DataError: fewer than two, or a reference that is none of them.
    """
    if len(rungs) < 2:
        raise DataError(f"a comparison needs two classifiers or more; got {list(rungs)}")
    if reference is None:
        return list(combinations(rungs, 2))
    if reference not in rungs:
        raise DataError(f"nothing is called {reference!r}; there are {', '.join(rungs)}")
    return [(reference, name) for name in rungs if name != reference]


def _pair(a: Evaluation, b: Evaluation, names: tuple[str, str]) -> Pair:
    if a.classes != b.classes or a.files != b.files or not np.array_equal(a.labels, b.labels):
        raise DataError(
            f"a comparison needs the same samples and classes in the same order: "
            f"{names[0]!r} and {names[1]!r} differ"
        )
    both = a.scored & b.scored
    if not both.any():
        raise DataError(f"no sample was answered by both {names[0]!r} and {names[1]!r}")
    return Pair(a.labels[both], a.probabilities[both], b.probabilities[both])


def _flags(correct: ArrayLike, name: str) -> NDArray[np.bool_]:
    flags = np.asarray(correct)
    if flags.ndim != 1 or len(flags) == 0:
        raise DataError(f"expected one flag a sample for {name!r}, got shape {flags.shape}")
    if not np.isin(flags, (0, 1)).all():
        raise DataError(f"expected true or false for {name!r}, whether each sample is right")
    return flags.astype(bool)
