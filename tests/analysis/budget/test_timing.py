"""Durations: their quartiles, and how often something is repeated."""

from __future__ import annotations

import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hubel.analysis.budget.timing import Spread, repeat, timed
from tests.analysis.budget.clocks import Ticking

CPU = torch.device("cpu")


@given(st.lists(st.floats(1e-6, 10), min_size=1, max_size=20))
def test_a_spread_holds_the_quartiles(seconds: list[float]) -> None:
    found = Spread.of(seconds)
    assert found.count == len(seconds)
    assert found.median == pytest.approx(statistics.median(seconds))
    assert min(seconds) <= found.low <= found.median <= found.high <= max(seconds)


def test_equal_durations_do_not_spread() -> None:
    assert Spread.of([2.0] * 4).relative == 0
    assert Spread.of([1.0, 2.0, 3.0]).relative == pytest.approx(0.25)


def test_a_duration_is_what_the_clock_says() -> None:
    assert timed(lambda: None, CPU, Ticking(0.5)) == 0.5


def test_calls_go_on_at_least_so_often_and_the_first_two_do_not_count() -> None:
    calls: list[int] = []
    found = repeat(lambda: calls.append(1), CPU, Ticking(), seconds=0, least=7)
    assert (found.count, len(calls)) == (7, 9)
