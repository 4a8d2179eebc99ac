"""Numbers of others: published tables, scikit-learn, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from hubel.evaluation import metrics
from hubel.evaluation.intervals import wilson
from hubel.evaluation.paired_counts import mcnemar, tango

# Newcombe (1998), Two-sided confidence intervals for the single proportion, Stat. Med.
# 17:857-872, Table I, method 3 (score, without continuity correction).
NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]

# Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables (2017), chapter 8:
# airway reactivity before and after transplantation (Bentur 2009), and response before and after
# consolidation therapy (Cavo 2012). Tango's interval as the authors' R package `contingencytables`
# gives it (tests/testthat/test-ch8.R), and in Stat. Med. 33:2850-2875 (2014) for the first.
TANGO = [
    ((1, 7, 21), (-0.286, -0.517, -0.026), 3),
    ((6, 16, 161), (-0.0621, -0.1240, -0.0054), 4),
]


@pytest.mark.parametrize(("successes", "n", "low", "high"), NEWCOMBE)
def test_wilson_is_newcombes_table(successes: int, n: int, low: float, high: float) -> None:
    estimate = wilson(successes, n)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (low, high)


@pytest.mark.parametrize(("counts", "published", "digits"), TANGO)
def test_tango_is_as_published(counts, published, digits) -> None:
    estimate = tango(*counts)
    ours = (estimate.value, estimate.low, estimate.high)
    assert tuple(round(number, digits) for number in ours) == published


def test_exact_mcnemar_of_the_same_tables() -> None:
    # P(X <= 1) of Bin(8, 1/2) is 9/256; P(X <= 6) of Bin(22, 1/2) is 110056/2**22.
    assert mcnemar(1, 7) == pytest.approx(2 * 9 / 256)
    assert mcnemar(6, 16) == pytest.approx(2 * 110056 / 2**22)


@pytest.mark.parametrize("seed", range(5))
def test_metrics_agree_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 8))
    labels = np.concatenate([np.arange(k), rng.integers(0, k, 120)])
    probabilities = rng.dirichlet(np.full(k, 0.7), len(labels))
    guess = probabilities.argmax(axis=1)
    counts = metrics.confusion_counts(labels, guess, k)
    np.testing.assert_array_equal(counts, sklearn.metrics.confusion_matrix(labels, guess))
    parts = sklearn.metrics.precision_recall_fscore_support(labels, guess, zero_division=np.nan)
    ours = (metrics.precisions(counts), metrics.recalls(counts), metrics.f1s(counts))
    np.testing.assert_allclose(ours, parts[:3], rtol=1e-12)
    assert metrics.accuracy(counts) == pytest.approx(sklearn.metrics.accuracy_score(labels, guess))
    assert metrics.balanced_accuracy(counts) == pytest.approx(
        sklearn.metrics.balanced_accuracy_score(labels, guess)
    )
    assert metrics.macro_f1(counts) == pytest.approx(
        sklearn.metrics.f1_score(labels, guess, average="macro")
    )
    assert metrics.log_loss(labels, probabilities) == pytest.approx(
        sklearn.metrics.log_loss(labels, probabilities), rel=1e-5
    )


def test_calibration_error_by_hand() -> None:
    """Two bins of 15: (0.4, 0.467] holds 3 at mean 0.45, one right; (0.867, 0.933] 2 at 0.9."""
    confidence = np.array([0.44, 0.45, 0.46, 0.89, 0.91])
    correct = np.array([True, False, False, True, True])
    expected = 3 / 5 * abs(1 / 3 - 0.45) + 2 / 5 * abs(1 - 0.9)
    bins = metrics.reliability(confidence, correct)
    assert metrics.expected_calibration_error(bins) == pytest.approx(expected)
