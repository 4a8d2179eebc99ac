from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from hubel.errors import DataError
from hubel.evaluation.calibration import COLDEST, HOTTEST, fit_temperature, softmax


def held_out(n: int = 400, sharpness: float = 1.0, seed: int = 0, signal: float = 2.0):
    """Logits of the true posterior of shifted normals, made `sharpness` times too large."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, n)
    seen = rng.normal(size=(n, 5))
    seen[np.arange(n), labels] += signal
    return sharpness * signal * seen, labels


def loss(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    return -special.log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()


@given(st.floats(0.3, 3.0))
@settings(max_examples=20, deadline=None)
def test_scaling_the_logits_scales_the_temperature(scale: float) -> None:
    logits, labels = held_out()
    one, other = fit_temperature(logits, labels), fit_temperature(scale * logits, labels)
    assert other == pytest.approx(scale * one, rel=1e-4)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 4.0])
def test_it_finds_how_much_too_large_the_logits_are(sharpness: float) -> None:
    assert fit_temperature(*held_out(20_000, sharpness)) == pytest.approx(sharpness, rel=0.05)


def test_no_temperature_on_a_fine_grid_is_better() -> None:
    logits, labels = held_out(200, 2.3)
    found = loss(logits / fit_temperature(logits, labels), labels)
    grid = np.geomspace(COLDEST, HOTTEST, 500)
    assert found <= min(loss(logits / t, labels) for t in grid) + 1e-12


@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(0.01, 50))
@settings(max_examples=60, deadline=None)
def test_it_is_never_worse_than_1(seed: int, n: int, sharpness: float) -> None:
    logits, labels = held_out(n, sharpness, seed)
    temperature = fit_temperature(logits, labels)
    assert COLDEST <= temperature <= HOTTEST
    assert loss(logits / temperature, labels) <= loss(logits, labels)


def test_without_three_mistakes_it_is_1() -> None:
    labels = np.arange(60) % 3
    logits = 4.0 * np.eye(3)[labels]
    assert fit_temperature(logits, labels) == 1
    labels[:2] = (labels[:2] + 1) % 3
    assert fit_temperature(logits, labels) == 1
    labels[2] = (labels[2] + 1) % 3
    assert fit_temperature(logits, labels) != 1


@pytest.mark.parametrize("signal", [1.5, 2.5, 3.5])
@pytest.mark.parametrize("n", [10, 30, 100])
def test_three_mistakes_keep_new_data_from_harm(n: int, signal: float) -> None:
    """Calibrated logits, so that each temperature but 1 is harm: 40 fits, in nats a sample."""
    new, truth = held_out(4000, 1.0, 999, signal)
    fits = [fit_temperature(*held_out(n, 1.0, seed, signal)) for seed in range(40)]
    assert np.mean([loss(new / t, truth) for t in fits]) - loss(new, truth) < 0.035


def test_useless_logits_reach_the_upper_limit_and_no_further() -> None:
    logits, labels = held_out(300)
    assert fit_temperature(-logits, labels) == pytest.approx(HOTTEST, rel=1e-3)


@pytest.mark.parametrize(
    ("logits", "labels", "match"),
    [
        (np.zeros((0, 3)), [], "expected logits of shape"),
        (np.zeros(3), [0], "expected logits of shape"),
        (np.zeros((2, 3)), [0, 3], "label 3 in row 1 is out of range"),
        (np.zeros((2, 3)), [0], "2 rows of logits, but 1 labels"),
        ([[0.0, np.inf]], [0], "row 0 has one that is not"),
    ],
)
def test_bad_input_is_named(logits: object, labels: list[int], match: str) -> None:
    with pytest.raises(DataError, match=match):
        fit_temperature(logits, labels)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), st.floats(0.05, 20))
@settings(deadline=None)
def test_softmax_agrees_with_scipy(logits: list[float], temperature: float) -> None:
    ours = softmax([logits], temperature)
    np.testing.assert_allclose(ours, special.softmax([np.array(logits) / temperature], axis=1))
    assert ours.sum() == pytest.approx(1)


def test_softmax_refuses_a_temperature_of_0() -> None:
    with pytest.raises(DataError, match="above 0; got 0"):
        softmax([[1.0, 2.0]], 0)
