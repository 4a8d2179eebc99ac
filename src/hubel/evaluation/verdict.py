"""Which rung of the ladder to ship, and what the next one would cost and buy, in words.

Where there are samples besides those of the verdict, the rung is chosen on them by
`within_one_error`, and the verdict says what its own samples say of it. Where there are none, this
is the rule: a rung is beaten if another has the better accuracy beyond doubt, that is by the paired
test, corrected for all comparisons of the ladder. Of the rungs that none beats, the cheapest is the
one to ship. Cheaper is fewer multiply-adds for an answer; at equal ones fewer parameters; at equal
ones of both, what is given first. Seconds decide nothing: they depend on who else is at work. The
most accurate rung is never beaten, so there is always one to ship.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubel.errors import DataError
from hubel.evaluation.comparison import Comparison
from hubel.evaluation.intervals import Estimate

__all__ = ["LadderVerdict", "Rung", "Step", "judge", "within_one_error"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One classifier of the ladder.

    Attributes:
        name: what it is called.
        accuracy: with its interval; or what else is compared, where more is better.
        parameters: numbers that it holds.
        multiply_adds: for one answer.
        seconds: to fit it.
    """

    name: str
    accuracy: Estimate
    parameters: int
    multiply_adds: int
    seconds: float

    @property
    def cost(self) -> tuple[int, int]:
        """What the rungs are ordered by, first things first."""
        return self.multiply_adds, self.parameters


@dataclass(frozen=True, slots=True)
class Step:
    """From a cheaper rung to a more costly one.

    Attributes:
        cheaper, dearer: the two.
        gain: accuracy of the dearer less that of the cheaper, as a fraction.
        told: whether the data tell the two apart.
        confidence: of the interval of the gain.
    """

    cheaper: Rung
    dearer: Rung
    gain: Estimate
    told: bool
    confidence: float

    @property
    def price(self) -> str:
        """The cost in words: parameters, multiply-adds, seconds."""
        a, b = self.cheaper, self.dearer
        multiply_adds = _more(b.multiply_adds - a.multiply_adds, "multiply-adds an answer")
        seconds = b.seconds - a.seconds
        fit = f"{abs(seconds):,.1f} s {'more' if seconds >= 0 else 'less'} to fit"
        return f"{_more(b.parameters - a.parameters, 'parameters')}, {multiply_adds} and {fit}"

    @property
    def points(self) -> str:
        """The gain in points with its interval."""
        value, low, high = (
            100 * (x or 0.0) for x in (self.gain.value, self.gain.low, self.gain.high)
        )
        level = f"{100 * self.confidence:.1f}".removesuffix(".0")
        return f"{value:.1f} points ({level}% interval {low:.1f} to {high:.1f})"

    def to_json(self) -> dict[str, Any]:
        """Names, differences in cost, gain."""
        a, b = self.cheaper, self.dearer
        return {
            "cheaper": a.name,
            "dearer": b.name,
            "parameters": b.parameters - a.parameters,
            "multiply_adds": b.multiply_adds - a.multiply_adds,
            "seconds": round(b.seconds - a.seconds, 2),
            "gain": self.gain.to_json(),
            "confidence": self.confidence,
            "told": self.told,
        }


@dataclass(frozen=True, slots=True)
class LadderVerdict:
    """What to ship, and the steps beside it.

    Attributes:
        ship: the cheapest rung that none beats beyond doubt.
        unbeaten: names of all that none beats, the cheapest first.
        num_rungs: how many there are.
        below: from the most accurate cheaper rung to the one to ship.
        above: from the one to ship to the next dearer one that scored higher.
        chosen_before: whether the one to ship was chosen on other samples, by `within_one_error`.
        metric: by which they were compared.
    """

    ship: Rung
    unbeaten: tuple[str, ...]
    num_rungs: int
    below: Step | None
    above: Step | None
    chosen_before: bool = False
    metric: str = "accuracy"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict: what to ship, over what, and what the next one costs and buys."""
        found = (self._headline(), self._over(), self._next())
        return tuple(sentence for sentence in found if sentence)

    def _headline(self) -> str:
        value = f"{100 * (self.ship.accuracy.value or 0.0):.1f}%"
        how = f"{value} right" if self.metric == "accuracy" else f"{value} {self.metric}"
        name = self.ship.name
        if self.num_rungs == 1:
            return f"Ship {name}, {how}: there is nothing to compare it with."
        if self.chosen_before and self.ship.cost == (0, 0):
            return (
                f"Ship {name}, {how}: on the validation pictures nothing that can be "
                "shipped does better."
            )
        if self.chosen_before:
            return (
                f"Ship {name}, {how}: on the validation pictures the cheapest rung that "
                "looks at them and is within one standard error of the best."
            )
        if len(self.unbeaten) == self.num_rungs:
            return f"Ship {name}, {how}, the cheapest: these data can't tell any two apart."
        if len(self.unbeaten) == 1:
            return f"Ship {name}, {how}: every other rung is beaten beyond doubt."
        return f"Ship {name}, {how}: the cheapest rung that no other beats beyond doubt."

    def _over(self) -> str:
        if self.below is None:
            return ""
        words = f"Over {self.below.cheaper.name}, the best of the cheaper ones, it gains"
        doubt = "" if self.below.told else "; these data can't tell the two apart"
        return f"{words} {self.below.points} for {self.below.price}{doubt}."

    def _next(self) -> str:
        if self.above is None:
            return "" if self.num_rungs == 1 else "No dearer rung scored higher."
        name = self.above.dearer.name
        if self.above.told:
            return (
                f"The next, {name}, costs {self.above.price} and is better beyond doubt on these "
                f"data: {self.above.points}."
            )
        return (
            f"The next, {name}, costs {self.above.price}. Whether it is better, these data can't "
            f"tell: {self.above.points}."
        )

    def to_json(self) -> dict[str, Any]:
        """The entry `verdict` of ladder.json."""
        return {
            "ship": self.ship.name,
            "unbeaten": list(self.unbeaten),
            "below": self.below.to_json() if self.below else None,
            "above": self.above.to_json() if self.above else None,
            "sentences": list(self.sentences),
        }


def judge(
    rungs: Sequence[Rung], comparisons: Sequence[Comparison], ship: str | None = None
) -> LadderVerdict:
    """Which rung to ship, by the rule at the top of this module.

    Args:
        rungs: at least one, names once each; of equals in cost the first counts as the cheaper.
        comparisons: of one metric, each rung with each other one, corrected together: what
            `comparison.compare_all` gives of accuracy without a reference.
        ship: name of the rung that was chosen on other samples; by the rule where it is None.

    Raises:
        DataError: no rungs, a name twice, two rungs that were not compared, or a rung to ship that
            is none of them.

    Example:
        >>> from hubel.evaluation.comparison import compare_all
        >>> from hubel.evaluation.intervals import wilson
        >>> right = {"linear": [1] * 60 + [0] * 40, "network": [1] * 90 + [0] * 10}
        >>> rungs = [Rung("linear", wilson(60, 100), 3_000, 3_000, 1.0),
        ...          Rung("network", wilson(90, 100), 90_000, 2_000_000, 60.0)]
        >>> judge(rungs, compare_all(right)).sentences[0]
        'Ship network, 90.0% right: every other rung is beaten beyond doubt.'
    """
    names = [rung.name for rung in rungs]
    if not names or len(set(names)) < len(names):
        raise DataError(f"expected rungs, each name once; got {names}")
    pairs = _by_pair(comparisons, names)
    beaten = {
        loser
        for comparison in pairs.values()
        for loser in (comparison.a, comparison.b)
        if comparison.better not in (None, loser)
    }
    by_cost = sorted(rungs, key=lambda rung: rung.cost)
    unbeaten = [rung for rung in by_cost if rung.name not in beaten]
    assert unbeaten, "the most accurate rung is never beaten"
    if ship is not None and ship not in names:
        raise DataError(f"nothing is called {ship!r}; there are {', '.join(names)}")
    taken = unbeaten[0] if ship is None else rungs[names.index(ship)]
    place = by_cost.index(taken)
    below = max(by_cost[:place], key=_value, default=None)
    above = next((rung for rung in by_cost[place + 1 :] if _value(rung) > _value(taken)), None)
    return LadderVerdict(
        ship=taken,
        unbeaten=tuple(rung.name for rung in unbeaten),
        num_rungs=len(rungs),
        below=None if below is None else _step(below, taken, pairs),
        above=None if above is None else _step(taken, above, pairs),
        chosen_before=ship is not None,
        metric=comparisons[0].metric if comparisons else "accuracy",
    )


def within_one_error(right: Mapping[str, ArrayLike]) -> str:
    """The first of some classifiers that is no more than one standard error behind the best.

    The error is that of the paired difference from the best, sample by sample. With few samples
    a difference beyond doubt is hardly ever found, so that the rule of `judge` would take the
    cheapest of all, however bad. The error is not smoothed: it is 0 only where the two are right
    on the same samples, or one on all and the other on none, and a larger one would pass over a
    classifier that is right on every sample for one that is not.

    Args:
        right: (n,) whether each classifier is right on each sample, the cheapest first; or what
            else each sample says of the metric that is their mean.

    Source: the one-standard-error rule of Breiman, Friedman, Olshen and Stone (1984),
    Classification and Regression Trees, section 3.4.3, for paired differences.

    Example:
        >>> within_one_error({"guess": [1, 0, 0, 0, 1, 0], "linear": [1, 1, 1, 1, 1, 0]})
        'linear'
        >>> within_one_error({"linear": [1, 1, 0, 1, 1, 0], "network": [1, 1, 1, 0, 1, 1]})
        'linear'
    """
    flags = {name: np.asarray(given, dtype=np.float64) for name, given in right.items()}
    if not flags or not all(len(given) for given in flags.values()):
        raise DataError("a choice needs classifiers, and samples that they answered")
    best = max(flags.values(), key=lambda given: given.mean())
    return next(name for name, given in flags.items() if _is_near(best - given))


def _is_near(behind: NDArray[np.float64]) -> bool:
    return behind.mean() <= behind.std() / math.sqrt(len(behind))


Pairs = dict[frozenset[str], Comparison]


def _by_pair(comparisons: Sequence[Comparison], names: Sequence[str]) -> Pairs:
    pairs = {
        frozenset((one.a, one.b)): one for one in comparisons if one.metric == comparisons[0].metric
    }
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            if frozenset((a, b)) not in pairs:
                raise DataError(
                    f"a verdict needs every pair compared: {a!r} and {b!r} were not; "
                    "compare_all without a reference compares them all"
                )
    known = set(names)
    return {pair: one for pair, one in pairs.items() if pair <= known}


def _step(cheaper: Rung, dearer: Rung, pairs: Pairs) -> Step:
    found = pairs[frozenset((cheaper.name, dearer.name))]
    value, low, high = found.difference.value, found.difference.low, found.difference.high
    assert value is not None
    assert low is not None
    assert high is not None
    gain = found.difference if found.a == dearer.name else Estimate(-value, -high, -low)
    return Step(cheaper, dearer, gain, found.better is not None, found.confidence)


def _value(rung: Rung) -> float:
    return rung.accuracy.value or 0.0


def _more(number: float, what: str) -> str:
    return f"{abs(number):,} {'more' if number >= 0 else 'fewer'} {what}"
