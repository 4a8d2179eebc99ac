"""Paired comparison of rankings: fair, and the same from either side."""

from __future__ import annotations

import numpy as np
import pytest

from hubel.errors import DataError
from hubel.evaluation.multilabel.comparison import compare_rankings
from tests.evaluation.multilabel.populations import POPULATIONS


def told_apart(population, sets: int) -> float:
    """Share of sets in which two equal classifiers are told apart."""
    rng = np.random.default_rng(2)
    count = 0
    for _ in range(sets):
        labels = population.labels(rng, population.n)
        both = {name: population.answers(rng, labels) for name in "ab"}
        (found,) = compare_rankings(labels, both, draws=299)
        count += found.better is not None
    return count / sets


def test_names_turn_the_difference_round_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    labels = POPULATIONS[1].labels(rng, 80)
    a, b = (POPULATIONS[1].answers(rng, labels) for _ in range(2))
    (one,), (other,) = (
        compare_rankings(labels, pair, draws=199) for pair in ({"a": a, "b": b}, {"b": b, "a": a})
    )
    assert one.difference.value == pytest.approx(-other.difference.value)
    assert one.difference.low == pytest.approx(-other.difference.high)
    assert one.better == other.better
    assert one.metric == "mean average precision"


def test_a_clear_difference_is_told_and_none_is_not() -> None:
    rng = np.random.default_rng(1)
    labels = POPULATIONS[1].labels(rng, 100)
    good = POPULATIONS[1].answers(rng, labels)
    found = compare_rankings(
        labels, {"good": good, "same": good, "chance": rng.random(labels.shape)}, draws=999
    )
    assert [one.better for one in found] == [None, "good", "same"]


def test_what_can_not_be_compared_is_refused() -> None:
    truth = np.array([[1, 0], [0, 1]])
    with pytest.raises(DataError, match=r"'b' has shape \(2, 1\), the truth \(2, 2\)"):
        compare_rankings(truth, {"a": truth * 0.5, "b": truth[:, :1] * 0.5})
    with pytest.raises(DataError, match="needs a sample that has a label"):
        compare_rankings(truth * 0, {"a": truth * 0.5, "b": truth * 0.5})


@pytest.mark.slow
@pytest.mark.parametrize("population", POPULATIONS, ids=lambda p: p.name)
def test_equal_classifiers_are_seldom_told_apart(population) -> None:
    """1,000 sets; a test at exactly 5% exceeds 7.2% once in 1,000 times."""
    share = told_apart(population, 1_000)
    print(f"{population.name}, told apart:", share)
    assert share < 0.072
