from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from hubel.errors import DataError
from hubel.evaluation.intervals import (
    UNDEFINED,
    Estimate,
    hall,
    skewed_mean,
    wilson,
    wilson_of_average,
)


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(deadline=None)
def test_wilson_is_inside_0_to_1_and_holds_the_value(counts: tuple[int, int]) -> None:
    estimate = wilson(*counts)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.low < estimate.high


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(deadline=None)
def test_wilson_agrees_with_scipy(counts: tuple[int, int]) -> None:
    theirs = binomtest(*counts).proportion_ci(0.95, method="wilson")
    ours = wilson(*counts)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(deadline=None)
def test_wilson_of_failures_mirrors_that_of_successes(counts: tuple[int, int]) -> None:
    successes, n = counts
    one, other = wilson(successes, n), wilson(n - successes, n)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-12)


def test_more_samples_narrow_the_interval() -> None:
    widths = [e.high - e.low for e in (wilson(7 * k, 10 * k) for k in (1, 2, 10, 100))]
    assert widths == sorted(widths, reverse=True)


def test_nothing_observed_is_null_not_zero() -> None:
    assert wilson(0, 0) == UNDEFINED
    assert wilson(0, 0).to_json() == {"value": None, "low": None, "high": None}
    assert skewed_mean(np.array([]), 16.0) == UNDEFINED


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(DataError, match="between 0 and the 5 trials; got 6"):
        wilson(6, 5)
    with pytest.raises(DataError, match="between 0 and 1"):
        wilson(1, 5, confidence=95)


def test_average_of_one_proportion_is_that_proportion() -> None:
    averaged, plain = wilson_of_average(0.3, 0.3, 0.3 * 0.7 / 50), wilson(15, 50)
    assert (averaged.low, averaged.high) == pytest.approx((plain.low, plain.high))


def test_skewed_mean_of_symmetric_values_is_students_interval() -> None:
    """Student's quantile at 99 degrees of freedom is 1.984217; the tail adds above alone."""
    values = np.concatenate([np.linspace(1, 2, 50), np.linspace(2, 3, 50)])
    error = 1.984217 * values.std(ddof=1) / 10
    assert hall(values) == pytest.approx((2 - error, 2 + error), rel=1e-6)
    estimate = skewed_mean(values, 16.0)
    assert estimate.low == pytest.approx(2 - error, rel=1e-6)
    assert 2 + error < estimate.high < 2 + 1.1 * error


def test_a_long_right_tail_lengthens_the_upper_side() -> None:
    estimate = skewed_mean(np.random.default_rng(0).exponential(size=100), 100.0)
    assert estimate.high - estimate.value > 1.2 * (estimate.value - estimate.low)


@given(st.lists(st.floats(0, 16), min_size=1, max_size=40))
@settings(deadline=None)
def test_skewed_mean_stays_within_what_is_possible(values: list[float]) -> None:
    estimate = skewed_mean(np.array(values), 16.0)
    assert 0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 16


def test_one_sample_says_nothing_about_the_mean() -> None:
    assert skewed_mean(np.array([0.25]), 16.0) == Estimate(0.25, 0.0, 16.0)
