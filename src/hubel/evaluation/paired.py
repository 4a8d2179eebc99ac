"""The difference of each metric between two classifiers on the same samples.

Each gives limits at any confidence in closed form (calibration error by a keyed simulation), and
what the swap test takes. What was measured before they were chosen is in docs/decisions/0007.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hubel.errors import DataError
from hubel.evaluation import metrics
from hubel.evaluation.ece_interval import EceRange, Inversion
from hubel.evaluation.estimates import SMOOTHING
from hubel.evaluation.intervals import hall, student
from hubel.evaluation.metrics import MAX_LOSS, Counts, Floats
from hubel.evaluation.paired_counts import Average, tango_of_average

__all__ = ["METRICS", "Difference", "Pair", "difference", "limits_of_mean"]

Limits = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Pair:
    """What two classifiers say of the same samples.

    Attributes:
        labels: (n,) true classes.
        a, b: (n, k) probabilities, rows that sum to 1.
    """

    labels: Counts
    a: Floats
    b: Floats

    @cached_property
    def guesses(self) -> tuple[Counts, Counts]:
        """(n,) predicted classes of each."""
        return self.a.argmax(axis=1), self.b.argmax(axis=1)

    @cached_property
    def right(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(n,) whether each is right."""
        a, b = self.guesses
        return a == self.labels, b == self.labels

    @cached_property
    def sizes(self) -> Counts:
        """(k,) samples of each true class."""
        return np.bincount(self.labels, minlength=self.a.shape[1])


@dataclass(frozen=True, eq=False)
class Difference:
    """A metric of `a` less that of `b`.

    Attributes:
        value: the difference as measured.
        limits: of the interval at a confidence.
        statistic: the metric of sums over samples, for the swap test.
        rows_a, rows_b: (n, m) what each sample adds to the sums of each.
        lower_is_better: as with a loss.
        steps: halvings when the p-value of the limits is looked for.
    """

    value: float
    limits: Callable[[float], Limits]
    statistic: Callable[[Floats], Floats]
    rows_a: Floats
    rows_b: Floats
    lower_is_better: bool = False
    steps: int = 30


def difference(metric: str, pair: Pair) -> Difference:
    """The difference of one of `METRICS` over a pair.

    Raises:
        DataError: a metric that is none of them.

    Example:
        >>> a = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        >>> found = difference("balanced accuracy", Pair(np.array([0, 1, 0]), a, 1 - a))
        >>> found.value
        1.0
    """
    if metric not in METRICS:
        raise DataError(f"no metric {metric!r} to compare by; there are {', '.join(METRICS)}")
    return METRICS[metric](pair)


def _one_hot(places: Counts, num: int) -> Floats:
    return np.eye(num)[places]


def _balanced_accuracy(pair: Pair) -> Difference:
    seen = pair.sizes > 0
    n, num = pair.sizes[seen], int(seen.sum())
    a, b = pair.right
    count = [np.bincount(pair.labels[x & ~y], minlength=len(seen)) for x, y in ((a, b), (b, a))]
    only_a, only_b = (c[seen] for c in count)
    # A class in which the two never differ borrows one sample from the rest, so that it does not
    # pass for one in which they can't.
    share_a, share_b = (
        (c + (c.sum() + SMOOTHING) / (n.sum() + 1)) / (n + 1) for c in (only_a, only_b)
    )
    spread = (share_a + share_b - (share_a - share_b) ** 2) / n
    value, differing = float(((only_a - only_b) / n).mean()), float((share_a + share_b).mean())
    average = Average(
        value=value,
        variance=float(spread.sum()) / num**2,
        differing=differing,
        spread=_spread(differing, value, float((share_a - share_b).mean())),
        freedom=float(spread.sum() ** 2 / (spread**2 / np.maximum(n - 1, 1)).sum()),
    )
    weight = 1 / (num * pair.sizes[pair.labels])
    return Difference(
        value=average.value,
        limits=lambda confidence: tango_of_average(average, confidence),
        statistic=lambda sums: sums[..., 0],
        rows_a=(a * weight)[:, None],
        rows_b=(b * weight)[:, None],
    )


def _spread(differing: float, value: float, smoothed: float) -> float:
    """Variance of one sample's difference; at -1 or 1, where it has none, from smoothed counts."""
    inside = value if abs(value) < 1 - 1e-9 else smoothed
    return max(differing, abs(inside)) - inside**2


def _mean_f1(sums: Floats) -> Floats:
    """Macro F1 of (..., 2k) sums: true positives, then samples true or predicted, by class."""
    right, size = np.split(sums, 2, axis=-1)
    seen = size > 0.25  # sums of halves: anything else is rounding
    f1 = np.divide(2 * right, size, out=np.zeros_like(size), where=seen)
    return f1.sum(axis=-1) / seen.sum(axis=-1)


def _f1_influence(labels: Counts, guess: Counts, num: int) -> Floats:
    """(n,) how much each sample moves the macro F1, to first order."""
    counts = metrics.confusion_counts(labels, guess, num)
    size = counts.sum(axis=0) + counts.sum(axis=1)
    f1, per = metrics.f1s(counts), 1 / np.maximum(size, 1)
    wrong = -f1[labels] * per[labels] - f1[guess] * per[guess]
    moves = np.where(labels == guess, 2 * (1 - f1[labels]) * per[labels], wrong)
    return moves / (size > 0).sum()


def _macro_f1(pair: Pair) -> Difference:
    num, n, sizes = len(pair.sizes), len(pair.labels), np.maximum(pair.sizes, 1)
    a, b = pair.guesses
    moves = _f1_influence(pair.labels, a, num) - _f1_influence(pair.labels, b, num)
    true = _one_hot(pair.labels, num)
    rows_a, rows_b = (
        np.hstack([true * _one_hot(guess, num), true + _one_hot(guess, num)]) for guess in (a, b)
    )
    value = float(_mean_f1(rows_a.sum(axis=0)) - _mean_f1(rows_b.sum(axis=0)))
    differ = a != b
    by_class = np.bincount(pair.labels[differ], minlength=num)[pair.sizes > 0]
    differing = float((by_class / pair.sizes[pair.sizes > 0]).mean()) + 2 * SMOOTHING / n
    spread = _spread(differing, value, value * n / (n + 1))
    average = Average(
        value=value,
        variance=_f1_variance(moves, differ, spread),
        differing=differing,
        spread=spread,
        freedom=_freedom(moves, pair.labels, sizes),
    )
    return Difference(
        value=value,
        limits=lambda confidence: tango_of_average(average, confidence),
        statistic=_mean_f1,
        rows_a=rows_a,
        rows_b=rows_b,
    )


def _f1_variance(moves: Floats, differ: NDArray[np.bool_], spread: float) -> float:
    """Sampling variance of a difference of macro F1, smoothed.

    To first order a sample moves nothing where all answers are right, or all wrong: there it is
    the variance of as many plain differences.
    """
    n = len(moves)
    typical = float((moves[differ] ** 2).mean()) if differ.any() else 1 / n**2
    if typical <= 1e-12 / n**2:
        return spread / n
    return float(((moves - moves.mean()) ** 2).sum()) + 2 * SMOOTHING * typical


def _freedom(moves: Floats, labels: Counts, sizes: Counts) -> float:
    """Satterthwaite's degrees of freedom of a sum over classes of sums of samples."""
    mean = np.bincount(labels, moves, minlength=len(sizes)) / sizes
    spread = np.bincount(labels, (moves - mean[labels]) ** 2, minlength=len(sizes))
    spread = spread * sizes / np.maximum(sizes - 1, 1)
    if not spread.any():
        return float(len(labels) - 1)
    return float(spread.sum() ** 2 / (spread**2 / np.maximum(sizes - 1, 1)).sum())


def _log_loss(pair: Pair) -> Difference:
    losses = [metrics.log_losses(pair.labels, p) for p in (pair.a, pair.b)]
    n, away = len(pair.labels), np.sort(losses[0] - losses[1])
    return Difference(
        value=float(away.mean()),
        limits=limits_of_mean(away, MAX_LOSS),
        statistic=lambda sums: sums[..., 0],
        rows_a=losses[0][:, None] / n,
        rows_b=losses[1][:, None] / n,
        lower_is_better=True,
    )


def limits_of_mean(away: Floats, most: float) -> Callable[[float], Limits]:
    """Limits of a mean difference at any confidence: Student's, widened by Hall's correction.

    Args:
        away: (n,) the difference on each sample.
        most: the largest that a mean difference can be.
    """
    n, away = len(away), np.sort(away)
    mean = float(away.mean())
    deviation = float(away.std(ddof=1)) if n > 1 else 0.0

    def limits(confidence: float) -> Limits:
        if n == 1:
            return -most, most
        if deviation <= 1e-12:
            return mean, mean
        # Hall's correction is as unsure as the few samples behind it: it may widen, not narrow.
        reach = student(n - 1, confidence) * deviation / math.sqrt(n)
        low, high = hall(away, confidence)
        return max(min(low, mean - reach), -most), min(max(high, mean + reach), most)

    return limits


def _calibration_error(pair: Pair) -> Difference:
    rows: list[Floats] = []
    inversions: list[Inversion] = []
    for seed, (given, right) in enumerate(zip((pair.a, pair.b), pair.right, strict=True)):
        confidence = given.max(axis=1)
        place = metrics.bin_of(confidence)
        rows.append((right - confidence)[:, None] * _one_hot(place, metrics.NUM_BINS) / len(right))
        inversions.append(Inversion(metrics.reliability(confidence, right), seed))

    def statistic(sums: Floats) -> Floats:
        return np.abs(sums).sum(axis=-1)

    value = float(statistic(rows[0].sum(axis=0)) - statistic(rows[1].sum(axis=0)))
    value = min(max(value, -1.0), 1.0)  # sums of many rounded shares may go beyond by a last bit
    return Difference(
        value=value,
        limits=lambda level: _of_two(value, *(found.range(level) for found in inversions)),
        statistic=statistic,
        rows_a=rows[0],
        rows_b=rows[1],
        lower_is_better=True,
        steps=7,
    )


def _of_two(value: float, a: EceRange, b: EceRange) -> Limits:
    """Limits of the difference `value` of two errors from the limits of each.

    The distances are combined as if the two erred against each other at a correlation of -1/2:
    chance lifts both, so that they are not two independent errors around a middle. As if
    independent, the limits held the truth in 92% of sets; simply added, in 97 to 100%.

    Source: Zou and Donner (2008), Stat. Med. 27:1693-1702, around values without their bias.
    """

    def together(one: float, other: float) -> float:
        return math.sqrt(one**2 + other**2 + one * other)

    middle = a.centre - b.centre
    low = middle - together(a.centre - a.low, b.high - b.centre)
    high = middle + together(a.high - a.centre, b.centre - b.low)
    return max(min(low, value), -1.0), min(max(high, value), 1.0)


METRICS: dict[str, Callable[[Pair], Difference]] = {
    "balanced accuracy": _balanced_accuracy,
    "macro F1": _macro_f1,
    "log loss": _log_loss,
    "calibration error": _calibration_error,
}
