from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from hubel.errors import DataError
from hubel.evaluation.comparison import compare
from hubel.evaluation.paired_counts import mcnemar, tango

cells = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda c: sum(c) > 0)


def pair(both: int, only_a: int, only_b: int, neither: int):
    a = np.repeat([True, True, False, False], [both, only_a, only_b, neither])
    b = np.repeat([True, False, True, False], [both, only_a, only_b, neither])
    return a, b


@given(cells)
@settings(deadline=None)
def test_verdict_interval_and_p_value_say_the_same(counts: tuple[int, ...]) -> None:
    found = compare(*pair(*counts), "a", "b")
    difference = found.difference
    assert -1 <= difference.low <= difference.value <= difference.high <= 1
    expected = {
        "a is better": difference.low > 0 and found.p_value < 0.05,
        "b is better": difference.high < 0 and found.p_value < 0.05,
        "these data can't tell": difference.low <= 0 <= difference.high and found.p_value >= 0.05,
    }
    assert expected[found.verdict]


def test_the_exact_test_is_never_bolder_than_the_score_interval() -> None:
    """The law behind `_reconciled`: p < 0.05 puts Tango's interval to one side of 0.

    At a difference of 0 Tango's statistic is McNemar's, (b - c) / sqrt(b + c), whatever n.
    """
    for total in range(1, 3000):
        few = np.arange(total // 2 + 1)
        p_values = 2 * np.cumsum(np.exp(_log_binomial(total, few) - total * np.log(2)))
        statistic = (total - 2 * few) / np.sqrt(total)
        assert (statistic[p_values < 0.05] > 1.959964).all()


def _log_binomial(n: int, k: np.ndarray) -> np.ndarray:
    from scipy.special import gammaln

    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


@given(cells)
@settings(deadline=None)
def test_the_other_way_round_is_the_mirror_image(counts: tuple[int, ...]) -> None:
    a, b = pair(*counts)
    one, other = compare(a, b, "a", "b"), compare(b, a, "a", "b")
    mirrored = (-other.difference.high, -other.difference.low)
    assert (one.difference.low, one.difference.high) == pytest.approx(mirrored, abs=1e-9)
    assert one.p_value == other.p_value


@given(st.integers(0, 200), st.integers(0, 200))
@settings(deadline=None)
def test_mcnemar_agrees_with_scipy(only_a: int, only_b: int) -> None:
    total = only_a + only_b
    theirs = binomtest(only_a, total).pvalue if total else 1.0
    assert mcnemar(only_a, only_b) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("counts", [(0, 0, 0, 5), (5, 0, 0, 0), (0, 5, 0, 0), (0, 0, 5, 0)])
def test_one_kind_of_sample_alone_has_an_interval(counts: tuple[int, ...]) -> None:
    difference = compare(*pair(*counts), "a", "b").difference
    assert difference.high - difference.low > 0.3


def test_order_of_samples_does_not_matter() -> None:
    a, b = pair(30, 9, 2, 9)
    order = np.random.default_rng(0).permutation(50)
    assert compare(a, b, "a", "b") == compare(a[order], b[order], "a", "b")


@pytest.mark.parametrize("shares", [(0.5, 0.25, 0.15), (0.7, 0.1, 0.1), (0.6, 0.3, 0.02)])
@pytest.mark.parametrize("n", [20, 100])
def test_coverage_of_the_difference(shares: tuple[float, float, float], n: int) -> None:
    """Exact but for 4,000 draws: two standard errors are 0.007."""
    draws = np.random.default_rng(0).multinomial(n, [*shares, 1 - sum(shares)], size=4000)
    seen: dict[tuple[int, int], bool] = {}
    held = 0
    for _, only_a, only_b, _ in draws.tolist():
        key = (only_a, only_b)
        if key not in seen:
            interval = tango(only_a, only_b, n)
            seen[key] = interval.low <= shares[1] - shares[2] <= interval.high
        held += seen[key]
    assert 0.93 < held / len(draws) < 0.975


def test_json_is_the_contract() -> None:
    entry = compare([True] * 8, [False] * 8, "network", "largest class").to_json()
    old = ["a", "b", "difference", "p_value", "n", "verdict"]
    assert list(entry) == [*old, "p_adjusted", "confidence", "metric"]
    assert entry["p_adjusted"] == entry["p_value"]
    assert list(entry["difference"]) == ["value", "low", "high"]
    assert entry["verdict"] == "a is better"
    assert entry["n"] == 8


@pytest.mark.parametrize(
    ("a", "b", "match"),
    [
        ([], [], "expected one flag a sample for 'net'"),
        ([True], [True, False], "the same samples: 'net' has 1, 'linear' 2"),
        ([0.5], [True], "expected true or false for 'net'"),
    ],
)
def test_bad_input_is_named(a: list[object], b: list[object], match: str) -> None:
    with pytest.raises(DataError, match=match):
        compare(a, b, "net", "linear")
