"""The average against its closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hubel.training.averaging import WeightAverage


class Scalar(nn.Module):
    """One weight, one floating buffer, one counter."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(value, dtype=torch.float64))
        self.register_buffer("mean", torch.tensor(-value, dtype=torch.float64))
        self.register_buffer("count", torch.tensor(0))

    def set(self, value: float) -> None:
        with torch.no_grad():
            self.weight.fill_(value)
            self.get_buffer("mean").fill_(-value)
            self.get_buffer("count").add_(1)


VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=40)


@given(VALUES, st.floats(0, 1000), st.integers(0, 500))
def test_the_average_is_the_weighted_sum_of_all_weights_so_far(
    values: list[float], horizon: float, first: int
) -> None:
    module = Scalar(values[0])
    average = WeightAverage(module)
    for step, value in enumerate(values, first):
        module.set(value)
        average.update(module, step, horizon)
    steps = np.arange(first, first + len(values))
    decays = np.minimum(1 - 1 / max(horizon, 1), (1 + steps) / (10 + steps))
    later = np.append(np.cumprod(decays[::-1])[::-1][1:], 1.0)
    expected = values[0] * decays.prod() + ((1 - decays) * later * values).sum()
    assert average.tensors["weight"].item() == pytest.approx(expected, abs=1e-9)
    assert average.tensors["mean"].item() == pytest.approx(-expected, abs=1e-9)
    assert average.tensors["count"].item() == len(values)


@pytest.mark.parametrize("horizon", [50, 400, 2000])
def test_after_the_horizon_a_weight_counts_for_one_part_in_e(horizon: int) -> None:
    module = Scalar(1.0)
    average = WeightAverage(module)
    module.set(0.0)
    for step in range(horizon):
        average.update(module, step + 10**9, horizon)
    assert average.tensors["weight"].item() == pytest.approx(1 / math.e, rel=1 / horizon)


def test_early_averages_are_short() -> None:
    module = Scalar(1.0)
    average = WeightAverage(module)
    module.set(0.0)
    average.update(module, 0, 1e6)
    assert average.tensors["weight"].item() == pytest.approx(0.1)


@pytest.mark.parametrize("horizon", [0.0, 1.0])
def test_without_a_horizon_the_average_is_the_weight_of_now(horizon: float) -> None:
    module = Scalar(5.0)
    average = WeightAverage(module)
    module.set(0.3)
    average.update(module, 100, horizon)
    assert average.tensors["weight"].item() == 0.3


def test_averages_are_their_own_copy_and_come_back_bit_for_bit() -> None:
    module = Scalar(1 / 3)
    average = WeightAverage(module)
    other = WeightAverage(Scalar(9.0))
    other.load(average.tensors)
    module.set(7.0)
    average.update(module, 50, 10)
    assert other.tensors["weight"].item() == 1 / 3
    assert average.tensors["weight"].item() not in (7.0, 1 / 3)
