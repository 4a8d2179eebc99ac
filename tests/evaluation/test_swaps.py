from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubel.evaluation.paired_counts import mcnemar
from hubel.evaluation.swaps import swap_test


def first(sums):
    return sums[..., 0]


@given(st.integers(0, 12), st.integers(0, 12))
@settings(max_examples=30, deadline=None)
def test_on_plain_flags_it_is_mcnemars_test(only_a: int, only_b: int) -> None:
    """Four standard errors of 9,999 draws: 0.02."""
    a = np.repeat([1.0, 0.0, 1.0], [only_a, only_b, 5])[:, None]
    b = np.repeat([0.0, 1.0, 1.0], [only_a, only_b, 5])[:, None]
    assert swap_test(first, a, b) == pytest.approx(mcnemar(only_a, only_b), abs=0.02)


def test_it_agrees_with_all_trades_of_ten_samples() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.4, 1, (10, 1)), rng.normal(0, 1, (10, 1))
    signs = np.array(list(product([-1, 1], repeat=10)))
    exact = (np.abs(signs @ (a - b)) >= abs((a - b).sum()) - 1e-9).mean()
    assert swap_test(first, a, b) == pytest.approx(exact, abs=0.02)


def test_the_same_answers_can_not_be_told_apart() -> None:
    rows = np.arange(6.0)[:, None]
    assert swap_test(first, rows, rows) == 1.0


def test_no_p_value_is_zero() -> None:
    assert swap_test(first, np.ones((40, 1)), np.zeros((40, 1)), draws=99) == 0.01


def test_chunks_and_seed_decide_nothing_but_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.2, 1, (50, 1)), rng.normal(0, 1, (50, 1))
    assert swap_test(first, a, b, seed=3) == swap_test(first, a, b, seed=3)
    whole = swap_test(first, a, b)
    monkeypatch.setattr("hubel.evaluation.swaps._CHUNK", 1000)
    assert swap_test(first, a, b) == pytest.approx(whole, abs=0.02)
