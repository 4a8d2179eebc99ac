"""The exact solvers are at the minimum that our loss and our optimizers descend to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from hubel.data.keyed import permutation
from hubel.errors import DivergedError, RecipeError
from hubel.training.exact import Balance, Effort, LinearObjective, LinearSolution, solve
from hubel.training.losses import make_loss
from hubel.training.optimizers import Optimizer
from hubel.training.plan import learning_rate
from hubel.training.recipe import Recipe

COUNT, FEATURES = 120, 4

SMOOTH: list[dict[str, Any]] = [
    {"weight_decay": 0.05},
    {"l1": 0.02},
    {"weight_decay": 0.05, "l1": 0.02},
    {"loss": "one_vs_rest", "squared": True, "weight_decay": 0.05},
    {"loss": "one_vs_rest", "squared": True, "weight_decay": 0.05, "margin": 3.0},
    {"loss": "one_vs_rest", "squared": True, "l1": 0.02},
    {"loss": "one_vs_rest", "squared": True, "l1": 0.02, "margin": 0.5},
]
KINKED: list[dict[str, Any]] = [
    {"loss": "crammer_singer", "weight_decay": 0.05},
    {"loss": "crammer_singer", "weight_decay": 0.05, "margin": 2.0},
    {"loss": "one_vs_rest", "weight_decay": 0.05},
    {"loss": "one_vs_rest", "weight_decay": 0.05, "margin": 2.0},
]


def problem(classes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Clouds of standardised features that overlap."""
    draws = np.random.default_rng(classes)
    y = np.arange(COUNT) % classes
    x = 1.2 * draws.normal(size=(classes, FEATURES))[y] + draws.normal(size=(COUNT, FEATURES))
    return (x - x.mean(0)) / x.std(0), y


def recipe_of(objective: LinearObjective, **settings: Any) -> Recipe:
    return Recipe(
        loss=objective.loss,
        margin=objective.margin,
        squared=objective.squared,
        weight_decay=objective.weight_decay,
        l1=objective.l1,
        label_smoothing=0.0,
        balance=objective.balance.how,
        effective_beta=objective.balance.beta,
        **settings,
    )


def value(found: LinearSolution, objective: LinearObjective, classes: int) -> float:
    """The objective as the loop has it: our loss, plus the penalties."""
    x, y = problem(classes)
    loss = make_loss(recipe_of(objective), y, classes)
    mean = loss(torch.from_numpy(found.scores(x)), torch.from_numpy(y)).item()
    squares, sizes = np.square(found.weights).sum(), np.abs(found.weights).sum()
    return mean + objective.weight_decay / 2 * squares + objective.l1 * sizes


def descend(
    objective: LinearObjective, classes: int, steps: int, batch: int = COUNT, **settings: Any
) -> LinearSolution:
    """Where our own loss and optimizer lead as the rate falls to zero."""
    x, y = (torch.from_numpy(part) for part in problem(classes))
    module = nn.Linear(FEATURES, classes, dtype=torch.float64)
    nn.init.zeros_(module.weight)
    nn.init.zeros_(module.bias)
    recipe = recipe_of(objective, **settings)
    loss, optimizer = make_loss(recipe, y.numpy(), classes), Optimizer(module, recipe)
    assert recipe.lr is not None
    for step in range(steps):
        epoch, part = divmod(step, COUNT // batch)
        rows = permutation(0, epoch, COUNT)[batch * part : batch * (part + 1)]
        optimizer.zero_grad()
        loss(module(x[rows]), y[rows]).backward()
        optimizer.step(recipe.lr * learning_rate(step / steps, 0.0, 0.0))
    weight, bias = (p.detach().numpy() for p in module.parameters())
    return LinearSolution(weight, bias)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("settings", SMOOTH + KINKED, ids=str)
def test_no_step_from_the_solution_leads_lower(settings: dict[str, Any], classes: int) -> None:
    objective = LinearObjective(**settings)
    x, y = problem(classes)
    found = solve(x, y, objective)
    lowest = value(found, objective, classes)
    draws = np.random.default_rng(0)
    for length in (1e-2, 1e-1, 1.0):
        for _ in range(40):
            other = LinearSolution(
                found.weights + length * draws.normal(size=found.weights.shape),
                found.bias + length * draws.normal(size=found.bias.shape),
            )
            assert value(other, objective, classes) > lowest - 1e-6
    for scale in (0.97, 1.03):
        other = LinearSolution(scale * found.weights, found.bias)
        assert value(other, objective, classes) > lowest, "the scale is not C's"


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("settings", SMOOTH, ids=str)
def test_descent_leads_to_the_exact_weights(settings: dict[str, Any], classes: int) -> None:
    objective = LinearObjective(**settings)
    expected = solve(*problem(classes), objective)
    rate = 0.05 if objective.squared else 0.2
    batch = COUNT if objective.l1 else 40  # without decay, some directions are nearly flat
    found = descend(objective, classes, 1000, batch, optimizer="nesterov", lr=rate)
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-2)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("settings", KINKED, ids=str)
def test_the_svms_weights_are_scikit_learns_to_a_hundredth(
    settings: dict[str, Any], classes: int
) -> None:
    objective = LinearObjective(**settings)
    expected = solve(*problem(classes), objective)
    found = descend(objective, classes, 1500, optimizer="sgd", lr=1.0)
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-2)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov"])
def test_an_l1_penalty_has_the_same_minimum_and_zeros_with_any_momentum(optimizer: str) -> None:
    objective = LinearObjective(l1=0.06)
    expected = solve(*problem(3), objective)
    rate = 0.5 if optimizer == "sgd" else 0.05
    found = descend(objective, 3, 1500, optimizer=optimizer, lr=rate)
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-2)
    assert (expected.weights == 0).any()
    np.testing.assert_array_equal(found.weights == 0, expected.weights == 0)


def uneven(classes: int = 3) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The same clouds, of which the first has a quarter of the pictures of the others."""
    x, y = problem(classes)
    taken = (y > 0) | (np.arange(COUNT) < COUNT // 4)
    return x[taken], y[taken]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("how", ["weights", "sampler"])
@pytest.mark.parametrize("settings", [SMOOTH[0], SMOOTH[3], *KINKED[::2]], ids=str)
def test_a_weighed_class_is_a_class_of_as_many_pictures(
    settings: dict[str, Any], how: str, classes: int
) -> None:
    x, y = uneven(classes)
    times = np.where(y == 0, 4, 1)
    effort = Effort(svm_tolerance=1e-8)
    found = solve(x, y, LinearObjective(**settings, balance=Balance(how)), effort)
    again = np.repeat(x, times, 0), np.repeat(y, times)
    expected = solve(*again, LinearObjective(**settings), effort)
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-4)
    np.testing.assert_allclose(found.bias, expected.bias, atol=1e-3)
    plain = solve(x, y, LinearObjective(**settings), effort)
    assert np.abs(plain.bias - expected.bias).max() > 0.01


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "balance", [Balance("weights"), Balance("weights", 0.9), Balance("logit-adjust")], ids=str
)
def test_no_step_from_a_balanced_solution_leads_lower(balance: Balance, classes: int) -> None:
    objective = LinearObjective(weight_decay=0.05, balance=balance)
    x, y = uneven(classes)
    found = solve(x, y, objective)
    loss = make_loss(recipe_of(objective), y, classes)
    if loss.weights is not None:
        loss = replace(loss, weights=loss.weights.double())

    def height(weights: NDArray[np.float64], bias: NDArray[np.float64]) -> float:
        scores = torch.from_numpy(x @ weights.T + bias)
        mean = loss(scores, torch.from_numpy(y)).item()
        return mean + objective.weight_decay / 2 * np.square(weights).sum()

    lowest = height(found.weights, found.bias)
    draws = np.random.default_rng(0)
    for length in (1e-2, 1e-1, 1.0):
        for _ in range(40):
            moved = (part + length * draws.normal(size=part.shape)
                     for part in (found.weights, found.bias))  # fmt: skip
            assert height(*moved) > lowest - 1e-6


UNSOLVABLE = [
    (
        {"loss": "one_vs_rest", "weight_decay": 0.1, "balance": Balance("logit-adjust")},
        "one_vs_rest with adjusted logits, which it has none of; take balance weights",
    ),
    ({"loss": "hinge", "weight_decay": 0.1}, "loss hinge; take cross_entropy, crammer_singer or"),
    ({"loss": "crammer_singer", "squared": True, "weight_decay": 0.1}, "a squared crammer_singer"),
    ({}, "no penalty at all; give weight_decay or l1"),
    ({"loss": "one_vs_rest", "weight_decay": 0.1, "l1": 0.1}, "a hinge with both penalties"),
    ({"loss": "one_vs_rest", "l1": 0.1}, "a plain hinge with l1; take squared"),
]


@pytest.mark.parametrize(("settings", "message"), UNSOLVABLE)
def test_what_no_solver_is_for_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=f"scikit-learn has no exact solver for {message}"):
        solve(*problem(3), LinearObjective(**settings))


def test_a_solver_that_does_not_converge_says_so_unless_that_is_asked_for() -> None:
    hard = LinearObjective(loss="one_vs_rest", weight_decay=1e-6)
    with pytest.raises(DivergedError, match="LinearSVC did not converge in 1 iterations"):
        solve(*problem(3), hard, Effort(iterations=1))
    stopped = solve(*problem(3), hard, Effort(iterations=1, must_converge=False))
    assert np.isfinite(stopped.weights).all()
