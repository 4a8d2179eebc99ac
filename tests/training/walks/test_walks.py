"""Surfaces have the slopes and minima that they say; walks are PyTorch's; the choice is fair."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hubel.training.choices import OPTIMIZERS
from hubel.training.walks.digits import DIGIT_RATES, train_digits
from hubel.training.walks.surfaces import SURFACES
from hubel.training.walks.walking import RATES, Walk, best_walk, walk

every_surface = pytest.mark.parametrize("name", SURFACES)
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)


@every_surface
@given(st.floats(-2, 3), st.floats(-2, 2))
def test_a_slope_is_the_one_of_the_surface(name: str, x: float, y: float) -> None:
    surface = SURFACES[name]
    point = torch.tensor([x, y], dtype=torch.float64, requires_grad=True)
    surface.value(point[0], point[1]).backward()
    assert point.grad is not None
    assert surface.slope(x, y) == pytest.approx(point.grad.tolist(), rel=1e-9, abs=1e-9)


@every_surface
def test_a_minimum_is_zero_flat_and_in_the_window(name: str) -> None:
    surface = SURFACES[name]
    assert surface.value(*map(np.array, surface.minimum)) == pytest.approx(0, abs=1e-12)
    assert surface.slope(*surface.minimum) == pytest.approx((0, 0), abs=1e-12)
    left, right, bottom, top = surface.window
    for x, y in (surface.minimum, surface.start):
        assert left < x < right
        assert bottom < y < top


def test_beales_saddle_is_where_the_picture_says() -> None:
    surface = SURFACES["beale"]
    assert surface.slope(0.0, 1.0) == (0.0, 0.0)
    x, y = np.array([0.1, -0.1]), np.array([1.1, 1.1])
    up, down = surface.value(x, y) - surface.value(np.array(0.0), np.array(1.0))
    assert up > 0 > down


@pytest.mark.parametrize("steps", [1, 40])
def test_a_walk_is_pytorchs(steps: int) -> None:
    surface = SURFACES["rosenbrock"]
    point = torch.tensor([surface.start], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([point], lr=0.03, betas=(0.9, 0.99))
    for _ in range(steps):
        optimizer.zero_grad()
        surface.value(point[0, 0], point[0, 1]).backward()
        optimizer.step()
    found = walk(surface, "rosenbrock", "adam", 0.03, steps)
    assert found.path[-1] == pytest.approx(tuple(point[0].tolist()), rel=1e-9)
    assert len(found.values) == len(found.path) == steps + 1


@every_optimizer
@every_surface
def test_each_optimizer_gets_down_each_surface(name: str, optimizer: str) -> None:
    walks = [walk(SURFACES[name], name, optimizer, rate, steps=60) for rate in RATES[::2]]
    best = best_walk(walks, SURFACES[name])
    assert best.end < 0.5 * best.values[0]
    left, right, bottom, top = SURFACES[name].window
    assert all(left <= x <= right and bottom <= y <= top for x, y in best.path)


def test_a_walk_off_the_map_is_infinitely_bad() -> None:
    lost = walk(SURFACES["rosenbrock"], "rosenbrock", "sgd", 1.0)
    assert lost.end == math.inf
    assert lost.to_json()["end"] is None


def made(end: float, rate: float, *path: tuple[float, float]) -> Walk:
    return Walk("sgd", "bowl", rate, (9.0, end), path=path)


def test_the_best_walk_ends_lowest_in_the_frame_and_is_the_slowest_of_equals() -> None:
    inside, lower = made(2.0, 0.1, (0.0, 0.0)), made(1.0, 0.2, (0.0, 99.0))
    assert best_walk([inside, lower]) == lower
    assert best_walk([inside, lower], SURFACES["bowl"]) == inside
    assert best_walk([lower, made(math.inf, 0.1, (0.0, 99.0))], SURFACES["bowl"]) == lower
    faster = replace(inside, rate=0.3)
    assert best_walk([faster, inside], SURFACES["bowl"]) == inside
    assert best_walk([made(math.nan, 0.01), inside]) == inside


@every_optimizer
def test_each_optimizer_learns_digits(optimizer: str) -> None:
    found = train_digits(optimizer, 0.01, steps=60)
    assert found.end < 0.9 * found.values[0]
    assert found.to_json()["steps"] == 60
    again = train_digits(optimizer, 0.01, steps=60)
    assert again == found


def test_the_rates_are_the_same_for_all_and_evenly_spread() -> None:
    for rates in (RATES, DIGIT_RATES):
        ratios = np.diff(np.log10(rates))
        np.testing.assert_allclose(ratios, ratios[0], atol=2e-3)  # three digits are written
