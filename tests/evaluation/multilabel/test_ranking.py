"""Average precision is scikit-learn's, and leaving a sample out is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from hubel.evaluation.multilabel.ranking import (
    average_precisions,
    left_out,
    mean_average_precision,
    pseudo_values,
)


@st.composite
def ranked(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Targets with two or more ones, and scores with ties."""
    n = draw(st.integers(3, 30))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    target = (rng.random(n) < draw(st.sampled_from([0.1, 0.5, 0.9]))).astype(np.uint8)
    target[:2] = 1
    target[2] = 0
    return target, np.round(rng.normal(size=n) + target, draw(st.integers(0, 3)))


@given(ranked())
@settings(deadline=None, max_examples=60)
def test_average_precision_is_that_of_scikit_learn(both: tuple[np.ndarray, np.ndarray]) -> None:
    target, score = both
    expected = average_precision_score(target, score)
    assert average_precisions(target[:, None], score[:, None])[0] == pytest.approx(expected)


@given(ranked())
@settings(deadline=None, max_examples=40)
def test_each_sample_left_out_is_the_metric_without_it(
    both: tuple[np.ndarray, np.ndarray],
) -> None:
    target, score = both
    rest = [np.arange(len(target)) != row for row in range(len(target))]
    expected = [average_precision_score(target[keep], score[keep]) for keep in rest]
    assert left_out(target, score) == pytest.approx(expected)


def test_labels_that_no_sample_has_do_not_count() -> None:
    targets, scores = np.array([[1, 0], [0, 0]]), np.array([[0.1, 0.4], [0.6, 0.2]])
    assert mean_average_precision(targets, scores) == 0.5
    assert np.isnan(average_precisions(targets, scores)[1])


def test_an_order_of_rows_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    targets, scores = (rng.random((50, 4)) < 0.3).astype(np.uint8), rng.random((50, 4)).round(1)
    order = rng.permutation(50)
    shuffled = pseudo_values(targets[order], scores[order])
    assert shuffled == pytest.approx(pseudo_values(targets, scores)[order])
