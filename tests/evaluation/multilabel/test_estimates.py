"""Metrics of several labels are scikit-learn's, and lie inside their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as truth

from hubel.evaluation.multilabel import estimates
from tests.evaluation.multilabel.populations import POPULATIONS


def sample(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    population = POPULATIONS[2]
    labels = population.labels(rng, n)
    answers = population.answers(rng, labels)
    return labels, answers, (answers >= 0.4).astype(np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_metrics_are_those_of_scikit_learn(seed: int) -> None:
    labels, answers, guesses = sample(seed)
    shown = (labels.sum(0) + guesses.sum(0)) > 0
    losses = [truth.log_loss(*one, labels=[0, 1]) for one in zip(labels.T, answers.T, strict=True)]
    micro = truth.f1_score(labels, guesses, average="micro")
    macro = truth.f1_score(labels[:, shown], guesses[:, shown], average="macro", zero_division=0)
    pairs = [
        (estimates.estimate_micro_f1(labels, guesses), micro),
        (estimates.estimate_macro_f1(labels, guesses), macro),
        (estimates.estimate_exact_match(labels, guesses), truth.accuracy_score(labels, guesses)),
        (estimates.estimate_hamming_loss(labels, guesses), truth.hamming_loss(labels, guesses)),
        (estimates.estimate_log_loss(labels, answers), np.mean(losses)),
    ]
    for found, expected in pairs:
        assert found.value == pytest.approx(expected)
        assert found.low <= found.value <= found.high


def test_the_cells_of_a_label_are_those_of_scikit_learn() -> None:
    labels, answers, guesses = sample(5)
    (_, invented), (missed, right) = truth.multilabel_confusion_matrix(labels, guesses)[0]
    found = estimates.estimate_label(labels[:, 0], answers[:, 0], guesses[:, 0])
    assert (found.missed, found.invented, found.n) == (missed, invented, missed + right)
    assert found.f1.value == pytest.approx(truth.f1_score(labels[:, 0], guesses[:, 0]))


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 4))
@settings(deadline=None, max_examples=80)
def test_every_interval_lies_in_range_and_holds_its_value(seed: int, n: int, num: int) -> None:
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, num)) < rng.random()).astype(np.uint8)
    answers = rng.random((n, num)).round(1)
    guesses = (answers > 0.5).astype(np.uint8)
    found = [
        estimates.estimate_average_precision(labels, answers),
        estimates.estimate_micro_f1(labels, guesses),
        estimates.estimate_macro_f1(labels, guesses),
        estimates.estimate_exact_match(labels, guesses),
        estimates.estimate_hamming_loss(labels, guesses),
    ]
    for one in found:
        if one.value is not None:
            assert 0 <= one.low <= one.value + 1e-12
            assert one.value - 1e-12 <= one.high <= 1


def test_perfect_answers_leave_room_for_what_was_not_seen() -> None:
    labels = np.array([[1, 0], [1, 1], [0, 1], [0, 0]] * 5)
    found = estimates.estimate_average_precision(labels, labels * 0.9)
    assert found.value == 1
    assert found.low < 0.95
