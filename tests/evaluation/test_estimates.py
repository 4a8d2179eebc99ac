from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from hubel.evaluation import metrics
from hubel.evaluation.ece_interval import estimate_ece
from hubel.evaluation.estimates import (
    estimate_accuracy,
    estimate_balanced_accuracy,
    estimate_classes,
    estimate_f1,
    estimate_log_loss,
    estimate_macro_f1,
)
from hubel.evaluation.intervals import UNDEFINED, Estimate

Counts = NDArray[np.int64]
OF_COUNTS: dict[str, tuple[Callable[[Counts], Estimate], Callable[[Counts], float]]] = {
    "accuracy": (estimate_accuracy, metrics.accuracy),
    "balanced accuracy": (estimate_balanced_accuracy, metrics.balanced_accuracy),
    "macro F1": (estimate_macro_f1, metrics.macro_f1),
}
each = pytest.mark.parametrize(("estimate", "metric"), OF_COUNTS.values(), ids=OF_COUNTS)
tables = arrays(np.int64, (4, 4), elements=st.integers(0, 30)).filter(lambda c: c.sum() > 0)


@each
@given(counts=tables)
@settings(max_examples=60, deadline=None)
def test_interval_holds_the_metric_and_has_width(estimate, metric, counts: Counts) -> None:
    interval = estimate(counts)
    assert interval.value == pytest.approx(metric(counts), abs=1e-12)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.low < interval.high


@each
@given(counts=tables, order=st.permutations(range(4)))
@settings(max_examples=60, deadline=None)
def test_interval_knows_no_order_of_classes(estimate, metric, counts: Counts, order) -> None:
    one, other = estimate(counts), estimate(counts[np.ix_(order, order)])
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-12)


@each
def test_four_times_the_samples_halve_the_interval(estimate, metric) -> None:
    counts = np.array([[80, 10, 10], [5, 60, 15], [20, 10, 70]])
    one, other = estimate(10 * counts), estimate(40 * counts)
    assert other.high - other.low == pytest.approx((one.high - one.low) / 2, rel=0.02)


@each
def test_no_samples_are_undefined(estimate, metric) -> None:
    assert estimate(np.zeros((3, 3), dtype=np.int64)) == UNDEFINED


def test_with_equal_classes_balanced_accuracy_is_as_sure_as_accuracy() -> None:
    counts = np.array([[700, 300], [300, 700]])
    plain, balanced = estimate_accuracy(counts), estimate_balanced_accuracy(counts)
    assert (balanced.low, balanced.high) == pytest.approx((plain.low, plain.high), abs=2e-4)


def test_a_rare_class_without_mistakes_still_leaves_doubt() -> None:
    assert estimate_balanced_accuracy(np.array([[500, 0], [0, 2]])).low < 0.8


@pytest.mark.parametrize("counts", [np.diag([30, 5]), np.array([[0, 9], [4, 0]])])
def test_all_right_or_all_wrong_is_one_event_to_both_averages(counts: Counts) -> None:
    assert estimate_macro_f1(counts) == estimate_balanced_accuracy(counts)


def test_f1_of_a_class_without_samples_is_undefined() -> None:
    assert estimate_f1(0, 0) == UNDEFINED


def test_classes_give_null_precision_where_never_predicted() -> None:
    entry = estimate_classes(np.array([[3, 0], [2, 0]]))[1].to_json()
    assert entry["n"] == 2
    assert entry["precision"]["value"] is None
    assert entry["recall"]["value"] == entry["f1"]["value"] == 0


@given(counts=tables)
@settings(deadline=None)
def test_class_values_are_the_metrics(counts: Counts) -> None:
    entries = estimate_classes(counts)
    for name, values in (
        ("precision", metrics.precisions(counts)),
        ("recall", metrics.recalls(counts)),
        ("f1", metrics.f1s(counts)),
    ):
        ours = [getattr(entry, name).value for entry in entries]
        theirs = [None if np.isnan(value) else pytest.approx(value) for value in values]
        assert ours == theirs


def test_log_loss_knows_no_order_of_rows() -> None:
    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet([1, 1, 1], 300), rng.integers(0, 3, 300)
    order = rng.permutation(300)
    shuffled = estimate_log_loss(labels[order], probabilities[order])
    assert shuffled == estimate_log_loss(labels, probabilities)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=25, deadline=None)
def test_calibration_error_lies_in_its_interval(rows: list[tuple[float, bool]]) -> None:
    confidence, correct = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    estimate = estimate_ece(metrics.reliability(confidence, correct))
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_calibration_interval_repeats_with_its_seed() -> None:
    rng = np.random.default_rng(0)
    bins = metrics.reliability(rng.uniform(0.5, 1, 300), rng.uniform(size=300) < 0.6)
    assert estimate_ece(bins, seed=3) == estimate_ece(bins, seed=3)
    other = estimate_ece(bins, seed=4)
    assert other.low == pytest.approx(estimate_ece(bins, seed=3).low, abs=0.01)


def test_calibration_of_no_samples_is_undefined() -> None:
    assert estimate_ece(metrics.reliability(np.zeros(0), np.zeros(0, bool))) == UNDEFINED


def test_gross_overconfidence_is_not_taken_for_chance() -> None:
    estimate = estimate_ece(metrics.reliability(np.full(200, 0.95), np.arange(200) % 2 == 0))
    assert estimate.low > 0.35
    assert estimate.high < 0.55


def test_all_intervals_of_10000_samples_take_under_a_second_and_a_half() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(10, 0.3), 10_000)
    labels = np.array([rng.choice(10, p=row) for row in probabilities])
    counts = metrics.confusion_counts(labels, probabilities.argmax(axis=1), 10)
    start = time.process_time()
    for estimate, _ in OF_COUNTS.values():
        estimate(counts)
    estimate_classes(counts)
    estimate_log_loss(labels, probabilities)
    correct = probabilities.argmax(axis=1) == labels
    estimate_ece(metrics.reliability(probabilities.max(axis=1), correct))
    assert time.process_time() - start < 1.5
