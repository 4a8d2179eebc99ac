"""What more pictures would buy: accuracy over the training set's size, and a law through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubel.data.keyed import generator, uniform
from hubel.errors import DataError
from hubel.evaluation.intervals import CONFIDENCE, Estimate, wilson
from hubel.evaluation.metrics import Counts, Floats

__all__ = ["LearningCurve", "Point", "PowerLaw", "fit_power_law", "nested_subsets"]

NUM_DRAWS = 2000
MIN_SIZES, MIN_SPAN = 4, 4.0
# Exponents that are searched. Measured ones lie between 0.07 and about 1 (Hestness et al. 2017).
EXPONENTS = np.geomspace(0.05, 2.0, 75)
# What prints as 0.0 points is 0.
SMALLEST_GAIN = 0.0005
# A law this far from its points, once in 1,000 times by chance, is not theirs.
MISFIT = 0.001


def nested_subsets(labels: ArrayLike, sizes: Sequence[int], seed: int) -> tuple[Counts, ...]:
    """Training sets that grow: each holds the one before, and every class in its share.

    Which samples come first is a pure function of the seed and of each sample's index, so that a
    curve can be drawn again, or a larger size added, without another sample changing its place.

    Args:
        labels: (n,) classes of the whole training set.
        sizes: how many samples each set has, 1 to n, rising.
        seed: of the order.

    Returns:
        One sorted array of indices for each size. A class differs from its exact share by less
        than one sample.

    Raises:
        DataError: sizes that don't rise, or lie outside 1 to n.

    Example:
        >>> small, large = nested_subsets([0, 0, 0, 0, 1, 1], [3, 6], seed=0)
        >>> len(small), len(large), set(small.tolist()) <= set(large.tolist())
        (3, 6, True)
    """
    classes = np.asarray(labels)
    if list(sizes) != sorted(set(sizes)) or not all(1 <= size <= len(classes) for size in sizes):
        raise DataError(f"sizes rise and lie within 1 to {len(classes)} samples; got {list(sizes)}")
    keys = uniform(seed, "subset", 0, np.arange(len(classes), dtype=np.int64))
    place = np.empty(len(classes))
    for label in np.unique(classes):
        rows = np.flatnonzero(classes == label)
        order = rows[np.argsort(keys[rows], kind="stable")]
        place[order] = (np.arange(len(rows)) + 0.5) / len(rows)
    order = np.lexsort((keys, place))
    return tuple(np.sort(order[:size]).astype(np.int64) for size in sizes)


@dataclass(frozen=True, slots=True)
class Point:
    """One training set's size, and how many of the test samples its classifier has right."""

    n_train: int
    right: int
    total: int

    @property
    def accuracy(self) -> Estimate:
        """With Wilson's interval."""
        return wilson(self.right, self.total)


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """error = floor + scale * n ** -exponent."""

    floor: float
    scale: float
    exponent: float

    def error(self, n: ArrayLike) -> Floats:
        """(...) expected errors at training sets of n samples."""
        return self.floor + self.scale * np.asarray(n, dtype=np.float64) ** -self.exponent


@dataclass(frozen=True)
class LearningCurve:
    """A law through measured points, and the laws that the same points might as well have shown.

    Attributes:
        points: what was measured, by rising size.
        law: the weighted fit.
        drawn: (draws, 3) floor, scale and exponent of fits to points drawn from `law`.
        fits: whether the points lie about the law as chance lets them.
    """

    points: tuple[Point, ...]
    law: PowerLaw
    drawn: Floats
    fits: bool

    @property
    def determined(self) -> bool:
        """Whether there are sizes enough, far enough apart, and on the law."""
        first, last = self.points[0].n_train, self.points[-1].n_train
        return self.fits and len(self.points) >= MIN_SIZES and last >= MIN_SPAN * first

    def gain(self, times: float = 2.0) -> Estimate:
        """Accuracy that `times` the largest training set would add, as a fraction.

        The limits are percentiles of the drawn laws, so they hold as far as the law does; the
        law can't fall, so that the lower limit is never below 0.

        Raises:
            DataError: `times` is not above 1.
        """
        if not times > 1:
            raise DataError(f"a learning curve looks ahead: times is above 1; got {times}")
        n = self.points[-1].n_train
        _, scale, exponent = self.drawn.T
        gains = scale * n**-exponent * (1 - times**-exponent)
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(gains, [tail, 1 - tail]).tolist()
        value = float(self.law.error(n) - self.law.error(times * n))
        return Estimate(value, min(low, value), max(high, value))

    @cached_property
    def sentence(self) -> str:
        """What twice the pictures would buy, or that these data can't tell."""
        n, gain = self.points[-1].n_train, self.gain()
        if not self.determined:
            return f"What more pictures would buy, these data can't tell: {self._why()}."
        assert gain.value is not None
        assert gain.low is not None
        assert gain.high is not None
        value, low, high = (100 * x for x in (gain.value, gain.low, gain.high))
        around = f"95% interval {low:.1f} to {high:.1f}"
        if gain.low < SMALLEST_GAIN:
            return (
                f"Whether twice the {n:,} pictures would buy anything, these data can't tell: "
                f"{value:.1f} points by the curve ({around})."
            )
        return f"Twice the {n:,} pictures would buy about {value:.1f} points ({around})."

    def _why(self) -> str:
        first, last = self.points[0].n_train, self.points[-1].n_train
        if len(self.points) < MIN_SIZES:
            return (
                f"a curve takes {MIN_SIZES} sizes of training set, and there are {len(self.points)}"
            )
        if last < MIN_SPAN * first:
            return f"the sizes, {first:,} to {last:,}, are less than {MIN_SPAN:.0f} times apart"
        return "the accuracies do not follow the usual law, error = a + b / n^c"

    def to_json(self) -> dict[str, Any]:
        """Points, law, gain and sentence."""
        return {
            "points": [
                {"n_train": p.n_train, "right": p.right, "total": p.total}
                | {"accuracy": p.accuracy.to_json()}
                for p in self.points
            ],
            "law": {
                "floor": self.law.floor,
                "scale": self.law.scale,
                "exponent": self.law.exponent,
            },
            "determined": self.determined,
            "gain_of_twice": self.gain().to_json(),
            "sentence": self.sentence,
        }


def fit_power_law(points: Sequence[Point], seed: int = 0) -> LearningCurve:
    """Fits error = a + b n^-c, with a and b at least 0 and c from 0.05 to 2, and draws its doubt.

    Least squares, weighted by the binomial variance of each point. The doubt is a parametric
    bootstrap: counts are drawn from the law, and the law is fitted again. It knows the chance of
    the test samples, not that of which training samples were drawn.

    Args:
        points: at least two sizes, each once; all within the same test set or not.
        seed: of the draws.

    Raises:
        DataError: fewer than two sizes, one twice, or counts that are no counts.

    Source: the form in Viering and Loog (2023), IEEE TPAMI 45:7799-7819, section 4.1.

    Example:
        >>> counts = [(100, 300), (200, 350), (400, 385), (800, 410)]
        >>> curve = fit_power_law([Point(n, right, 500) for n, right in counts])
        >>> curve.law.error(800).round(2)
        np.float64(0.18)
    """
    ordered = tuple(sorted(points, key=lambda point: point.n_train))
    _check(ordered)
    n = np.array([point.n_train for point in ordered], dtype=np.float64)
    total = np.array([point.total for point in ordered], dtype=np.int64)
    wrong = np.array([point.total - point.right for point in ordered], dtype=np.int64)
    expected = (wrong + 0.5) / (total + 1)
    best = np.zeros(3)
    for _ in range(3):  # the weights follow the law
        best = _closest(n, wrong / total, total / (expected * (1 - expected)))
        expected = np.clip(PowerLaw(*best.tolist()).error(n), 0.5 / total, 1 - 0.5 / total)
    law, weight = PowerLaw(*best.tolist()), total / (expected * (1 - expected))
    drawn = generator(seed, "learning curve", 0).binomial(total, expected, size=(NUM_DRAWS, len(n)))
    misfit = float(weight @ (wrong / total - law.error(n)) ** 2)
    return LearningCurve(ordered, law, _fits(n, drawn / total, weight), _chance(misfit, n))


def _chance(misfit: float, n: Floats) -> bool:
    from scipy.special import chdtrc  # here: a cold start does without scipy

    freedom = len(n) - 3
    return freedom < 1 or bool(chdtrc(freedom, misfit) > MISFIT)


def _closest(n: Floats, errors: Floats, weight: Floats) -> Floats:
    """(3,) best floor, scale and exponent of (sizes,) errors, with the exponent searched twice."""
    exponent = float(_fits(n, errors[None], weight)[0, 2])
    step = float(EXPONENTS[1] / EXPONENTS[0])
    finer = np.clip(np.geomspace(exponent / step, exponent * step, 41), *EXPONENTS[[0, -1]])
    return _fits(n, errors[None], weight, finer)[0]


def _fits(n: Floats, errors: Floats, weight: Floats, exponents: Floats = EXPONENTS) -> Floats:
    """(draws, 3) best floor, scale and exponent of each row of (draws, sizes) errors."""
    best = np.zeros((len(errors), 3))
    least = np.full(len(errors), np.inf)
    for exponent in exponents.tolist():
        # In units of the smallest set, so that the two columns are of one size.
        x = (n / n[0]) ** -exponent
        floor, scale = _line(x, errors, weight)
        loss = ((errors - floor[:, None] - scale[:, None] * x) ** 2) @ weight
        better = loss < least
        least = np.where(better, loss, least)
        found = np.stack([floor, scale * n[0] ** exponent, np.full(len(errors), exponent)], axis=1)
        best = np.where(better[:, None], found, best)
    return best


def _line(x: Floats, errors: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Floor and scale, both at least 0, of the weighted line through each row."""
    total = weight.sum()
    mean_x, mean_y = weight @ x / total, errors @ weight / total
    scale = (errors * weight) @ (x - mean_x) / (weight @ (x - mean_x) ** 2)
    scale = np.maximum(scale, 0.0)
    floor = mean_y - scale * mean_x
    through_0 = (errors * weight) @ x / (weight @ x**2)
    return np.maximum(floor, 0.0), np.where(floor < 0, through_0, scale)


def _check(points: Sequence[Point]) -> None:
    sizes: NDArray[np.int64] = np.array([point.n_train for point in points], dtype=np.int64)
    if len(sizes) < 2 or (np.diff(sizes) == 0).any() or sizes[0] < 1:
        raise DataError(
            f"a learning curve takes two sizes of training set or more, each once; "
            f"got {sizes.tolist()}"
        )
    for point in points:
        if not 0 <= point.right <= point.total or point.total < 1:
            raise DataError(
                f"at {point.n_train} training samples, {point.right} right of {point.total} "
                "is no count"
            )
