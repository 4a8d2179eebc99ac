from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hubel.errors import DataError
from hubel.evaluation import metrics

Pair = tuple[NDArray[np.int64], NDArray[np.int64]]


@st.composite
def guesses(draw: st.DrawFn, num_classes: int = 4) -> Pair:
    n = draw(st.integers(1, 40))
    row = st.lists(st.integers(0, num_classes - 1), min_size=n, max_size=n)
    return np.array(draw(row)), np.array(draw(row))


SCORES = {
    "accuracy": metrics.accuracy,
    "balanced accuracy": metrics.balanced_accuracy,
    "macro F1": metrics.macro_f1,
}


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
@given(pair=guesses(), order=st.permutations(range(4)))
@settings(max_examples=50, deadline=None)
def test_renaming_the_classes_changes_no_score(score, pair: Pair, order: list[int]) -> None:
    before = metrics.confusion_counts(*pair, 4)
    after = metrics.confusion_counts(np.array(order)[pair[0]], np.array(order)[pair[1]], 4)
    assert score(after) == pytest.approx(score(before), abs=1e-12)


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
@given(pair=guesses())
@settings(max_examples=50, deadline=None)
def test_each_sample_three_times_changes_no_score(score, pair: Pair) -> None:
    counts = metrics.confusion_counts(*pair, 4)
    tripled = metrics.confusion_counts(np.tile(pair[0], 3), np.tile(pair[1], 3), 4)
    assert score(tripled) == pytest.approx(score(counts), abs=1e-12)


@given(pair=guesses())
@settings(deadline=None)
def test_true_classes_as_guesses_score_1(pair: Pair) -> None:
    counts = metrics.confusion_counts(pair[0], pair[0], 4)
    assert [score(counts) for score in SCORES.values()] == [1.0, 1.0, 1.0]


@given(pair=guesses())
@settings(deadline=None)
def test_swapping_labels_and_guesses_swaps_precision_and_recall(pair: Pair) -> None:
    counts, swapped = (metrics.confusion_counts(*p, 4) for p in (pair, pair[::-1]))
    np.testing.assert_array_equal(metrics.precisions(counts), metrics.recalls(swapped))
    np.testing.assert_allclose(metrics.f1s(counts), metrics.f1s(swapped))


def test_precision_of_a_class_never_predicted_is_undefined_and_its_f1_is_0() -> None:
    counts = np.array([[3, 0], [2, 0]])
    assert np.isnan(metrics.precisions(counts)[1])
    assert metrics.f1s(counts)[1] == 0


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        ([], "at least one; got shape"),
        ([0, 3], "label 3 in row 1 is out of range: 3 classes have labels 0 to 2"),
        ([-1], "label -1 in row 0"),
        ([0.5], "whole numbers"),
        ([[0]], r"got shape \(1, 1\)"),
    ],
)
def test_bad_labels_are_named(labels: list[object], match: str) -> None:
    with pytest.raises(DataError, match=match):
        metrics.confusion_counts(labels, labels, 3)


def test_lengths_must_agree() -> None:
    with pytest.raises(DataError, match="2 labels, but 1 predictions"):
        metrics.confusion_counts([0, 1], [0], 2)


def test_a_probability_of_0_costs_16_nats_not_infinity() -> None:
    loss = metrics.log_loss(np.array([1]), np.array([[1.0, 0.0]]))
    assert loss == metrics.MAX_LOSS == pytest.approx(23 * np.log(2))


def test_bins_are_closed_above_and_the_first_holds_0() -> None:
    confidence = np.array([0.0, 1 / 15, 1 / 15 + 1e-9, 7 / 15, 14 / 15, 1.0])
    bins = metrics.reliability(confidence, np.ones(6, bool))
    assert np.repeat(np.arange(15), bins.counts).tolist() == [0, 0, 1, 6, 13, 14]


def test_calibrated_predictions_have_an_error_near_0() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.2, 1, 200_000)
    correct = rng.uniform(size=len(confidence)) < confidence
    assert metrics.expected_calibration_error(metrics.reliability(confidence, correct)) < 0.006


def test_error_of_constant_overconfidence_is_its_size() -> None:
    correct = np.arange(1000) % 10 < 7
    bins = metrics.reliability(np.full(1000, 0.95), correct)
    assert metrics.expected_calibration_error(bins) == pytest.approx(0.25)


def test_no_samples_are_not_a_number() -> None:
    nothing = np.zeros((2, 2), dtype=np.int64)
    assert all(np.isnan(score(nothing)) for score in SCORES.values())
    assert np.isnan(metrics.log_loss(np.zeros(0, int), np.zeros((0, 2))))
    empty = metrics.reliability(np.zeros(0), np.zeros(0, bool))
    assert np.isnan(metrics.expected_calibration_error(empty))
