"""Probabilities of labels by themselves, and where each becomes a yes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from hubel.errors import DataError
from hubel.evaluation.multilabel.calibration import fit_temperature, fit_thresholds, sigmoid
from tests.evaluation.multilabel.populations import POPULATIONS


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


def test_a_temperature_undoes_what_was_too_sure() -> None:
    rng = np.random.default_rng(0)
    labels = POPULATIONS[0].labels(rng, 20_000)
    logits = logit(POPULATIONS[0].answers(rng, labels))
    assert fit_temperature(2.5 * logits, labels) == pytest.approx(2.5, rel=0.05)


def test_few_mistakes_leave_the_temperature_at_1() -> None:
    logits = np.array([[4.0, -4.0]] * 30)
    labels = np.array([[1, 0]] * 30)
    labels[0] = [0, 1]
    assert fit_temperature(logits, labels) == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_no_other_threshold_has_a_better_f1(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = POPULATIONS[2].labels(rng, 200)
    answers = POPULATIONS[2].answers(rng, labels).round(2)
    found = fit_thresholds(labels, answers)
    for label in range(3):
        best = f1_score(labels[:, label], answers[:, label] >= found[label])
        tried = [f1_score(labels[:, label], answers[:, label] >= t) for t in np.arange(0, 1, 0.04)]
        assert best >= max(tried) - 1e-9


def test_a_label_with_few_samples_keeps_the_neutral_threshold() -> None:
    labels = np.array([[1]] * 4 + [[0]] * 20)
    assert fit_thresholds(labels, np.linspace(0.9, 0.1, 24)[:, None]).tolist() == [0.5]


def test_probabilities_do_not_overflow() -> None:
    assert sigmoid([-1e5, 0.0, 1e5]).tolist() == [0.0, 0.5, 1.0]


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="a temperature is above 0; got 0"):
        sigmoid([1.0], 0)
    with pytest.raises(DataError, match=r"shape \(samples, labels\); got \(2, 1\) and \(2, 2\)"):
        fit_temperature(np.zeros((2, 1)), np.zeros((2, 2)))
    with pytest.raises(DataError, match="row 1 has one that is not"):
        fit_temperature(np.array([[0.0], [np.nan]]), np.zeros((2, 1)))
