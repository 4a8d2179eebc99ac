from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.errors import DataError
from hubel.evaluation.folds import corrected_t, pooled
from hubel.evaluation.intervals import wilson


@given(st.lists(st.lists(st.booleans(), min_size=1), min_size=1))
def test_pooled_folds_are_one_set_of_predictions(folds) -> None:
    flat = [flag for fold in folds for flag in fold]
    assert pooled(folds) == wilson(sum(flat), len(flat))


def test_nadeau_and_bengio_by_hand() -> None:
    """mean 0.024, s 0.0114018; s sqrt(1/5 + 1/4) = 0.0076485; t(4) at 0.975 = 2.776445."""
    estimate, _ = corrected_t([0.02, 0.03, 0.01, 0.04, 0.02], test_share=0.2)
    assert estimate.value == pytest.approx(0.024)
    assert estimate.low == pytest.approx(0.024 - 2.776445 * 0.0076485, abs=1e-6)
    assert estimate.high == pytest.approx(0.024 + 2.776445 * 0.0076485, abs=1e-6)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20), st.floats(0.05, 0.5))
def test_p_value_and_interval_say_the_same(differences, share: float) -> None:
    estimate, p_value = corrected_t(differences, share)
    assert estimate.low <= estimate.value <= estimate.high
    if abs(p_value - 0.05) > 1e-9:
        assert (p_value < 0.05) == (estimate.low > 0 or estimate.high < 0)


@given(st.floats(-1, 1), st.integers(2, 20), st.floats(0.05, 0.5))
def test_equal_differences_are_not_certainty(difference: float, num: int, share: float) -> None:
    estimate, p_value = corrected_t([difference] * num, share)
    assert (estimate.low, estimate.high, p_value) == (-1, 1, 1)


def test_differences_equal_but_for_rounding_are_equal() -> None:
    gains = [0.98 - 0.96, 0.94 - 0.92]
    assert gains[0] != gains[1]
    assert corrected_t(gains, 0.5)[1] == 1


def test_limits_stay_within_what_the_metric_allows() -> None:
    estimate, _ = corrected_t([0.1, 0.6], 0.5)
    assert (estimate.low, estimate.high) == (-1, 1)
    estimate, _ = corrected_t([0.1, 0.6], 0.5, widest=16)
    assert estimate.low < -1 < 1 < estimate.high


@pytest.mark.parametrize(("num", "test_share"), [(10, 0.1), (15, 0.2)])
def test_fewer_false_alarms_than_the_plain_test_where_splits_overlap(num, test_share) -> None:
    """Differences with the correlation that overlapping training sets give: test_share."""
    rng = np.random.default_rng(0)
    shared, own = rng.normal(size=(2000, 1)), rng.normal(size=(2000, num))
    draws = np.sqrt(test_share) * shared + np.sqrt(1 - test_share) * own
    told = sum(corrected_t(row, test_share, 10)[1] < 0.05 for row in draws)
    assert 0.03 < told / 2000 < 0.066


@pytest.mark.parametrize(
    ("differences", "share", "match"),
    [
        ([0.1], 0.2, "two differences or more"),
        ([0.1, float("nan")], 0.2, "all finite"),
        ([0.1, 0.2], 1.0, "a share between 0 and 1; got 1.0"),
        ([0.1, 1.5], 0.2, "no difference is larger than 1; got"),
    ],
)
def test_bad_differences_are_named(differences, share: float, match: str) -> None:
    with pytest.raises(DataError, match=match):
        corrected_t(differences, share)


@pytest.mark.parametrize(
    ("folds", "match"), [([], "at least one fold"), ([[0.5]], "expected true or false")]
)
def test_bad_folds_are_named(folds, match: str) -> None:
    with pytest.raises(DataError, match=match):
        pooled(folds)
