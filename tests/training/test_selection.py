"""Which epoch ships: metrics as scikit-learn has them, errors as resampling has, the choice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss

from hubel.training.checkpoints import Checkpoints
from hubel.training.loop import Controls, fit
from hubel.training.selection import MONITORS, Answers, Kept, choose_epoch, lead
from tests.training.small import EPOCHS, STEPS, go_on, make_trainer, outcome, start

METRICS = MONITORS[:-1]


def drawn(seed: int, count: int = 200, skill: float = 1.0) -> Answers:
    """Three classes of unequal size, with scores that know some of them."""
    draws = np.random.default_rng(seed)
    truth = draws.choice(3, count, p=[0.6, 0.3, 0.1])
    truth[:3] = [0, 1, 2]
    scores = draws.normal(size=(count, 3)) + skill * np.eye(3)[truth]
    return Answers.of(torch.from_numpy(scores), truth.astype(np.int64))


def taken(answers: Answers, rows: np.ndarray) -> Answers:
    return Answers(answers.truth[rows], answers.predicted[rows], answers.losses[rows], 3)


def test_the_metrics_are_scikit_learns() -> None:
    draws = np.random.default_rng(0)
    truth, scores = draws.integers(0, 3, 50), draws.normal(size=(50, 3))
    found = Answers.of(torch.from_numpy(scores), truth)
    shares = torch.softmax(torch.from_numpy(scores), 1).numpy()
    guess = scores.argmax(1)
    assert found.value("accuracy") == pytest.approx(accuracy_score(truth, guess))
    assert found.value("balanced_accuracy") == pytest.approx(balanced_accuracy_score(truth, guess))
    assert found.value("macro_f1") == pytest.approx(f1_score(truth, guess, average="macro"))
    assert found.value("log_loss") == pytest.approx(log_loss(truth, shares))


@pytest.mark.parametrize("monitor", METRICS)
@given(st.integers(0, 1000), st.integers(5, 80))
def test_influences_add_up_to_nothing(monitor: str, seed: int, count: int) -> None:
    assert drawn(seed, count).influence(monitor).sum() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("monitor", METRICS)
def test_the_standard_error_of_a_lead_is_that_of_resampled_pictures(monitor: str) -> None:
    first = drawn(1, 400, 1.5)
    draws = np.random.default_rng(5)
    scores = draws.normal(size=(400, 3)) + 1.2 * np.eye(3)[first.truth]
    second = Answers.of(torch.from_numpy(scores), first.truth)
    rows = (draws.integers(0, 400, 400) for _ in range(600))
    leads = [lead(monitor, taken(first, r), taken(second, r))[0] for r in rows]
    assert lead(monitor, first, second)[1] == pytest.approx(np.std(leads), rel=0.15)


@pytest.mark.parametrize("monitor", METRICS)
def test_a_lead_turns_with_its_sides_and_is_nothing_over_itself(monitor: str) -> None:
    one = drawn(1)
    other = Answers(one.truth, np.roll(one.predicted, 1), np.roll(one.losses, 1), 3)
    ahead, error = lead(monitor, one, other)
    assert lead(monitor, other, one) == pytest.approx((-ahead, error))
    assert lead(monitor, one, one) == (0.0, 0.0)
    assert (one.better(other, monitor), other.better(one, monitor)) == (ahead >= 0, ahead <= 0)


def answers(right: int, count: int = 100) -> Answers:
    """So many of a class of its own half right, from the first on."""
    truth = np.arange(count, dtype=np.int64) % 2
    predicted = np.where(np.arange(count) < right, truth, 1 - truth)
    return Answers(truth, predicted, np.where(predicted == truth, 0.1, 2.0), 2)


def kept(right: int) -> Kept:
    return Kept(3, 30, {}, answers(right))


@pytest.mark.parametrize("monitor", METRICS)
@pytest.mark.parametrize(
    ("best", "last", "ships", "text"),
    [
        (80, 80, "last", "the last epoch ships: no epoch before it has a better validation {}"),
        (81, 80, "last", "the last epoch ships: epoch 3 has the best validation {}, .* within two"),
        (83, 80, "last", "the last epoch ships: epoch 3 has the best validation {}, .* within two"),
        (90, 80, "best", "epoch 3 ships: epoch 3 has the best validation {}, .* more than two sta"),
    ],
)
def test_the_last_ships_unless_the_best_is_ahead_by_more_than_two_errors(
    best: int, last: int, ships: str, text: str, monitor: str
) -> None:
    found = choose_epoch(monitor, kept(best), answers(last))
    assert found.ships == ships
    assert re.match(text.format(monitor.replace("_", " ")), found.text)
    assert found.to_json()["best"]["epoch"] == 3


# All pictures at full size, and a rate that jumps about, so that an earlier epoch is the best.
ROUGH: dict[str, Any] = {"resolutions": ((1.0, 1.0),), "monitor": "log_loss", "lr": 4.0,
                         "final_lr": 1.0, "averaging": 0.0}  # fmt: skip


def rough(folder: Path, **settings: Any) -> tuple[Any, Any]:
    trainer = make_trainer(**ROUGH | settings)
    return trainer, start(trainer, folder)


def test_the_best_epoch_is_kept_as_it_was_then(tmp_path: Path) -> None:
    trainer, journey = rough(tmp_path / "whole")
    best = journey.kept
    assert best is not None
    assert best.epoch == 1 < EPOCHS
    earlier = make_trainer(**ROUGH)
    start(earlier, tmp_path / "part", stop=best.step)
    weights = earlier.weights()
    assert all(torch.equal(weights[name], value) for name, value in best.weights.items())
    trainer.shipped = best.weights
    shipped = trainer.final_module().state_dict()
    assert all(torch.equal(shipped[name], value) for name, value in best.weights.items())


@pytest.mark.parametrize("step", range(STEPS + 1))
def test_the_best_epoch_is_bit_exact_after_resuming_at_every_step(
    step: int, tmp_path: Path
) -> None:
    trainer, journey = rough(tmp_path / "whole")
    start(make_trainer(**ROUGH), tmp_path / "halves", stop=step)
    resumed = go_on(tmp_path / "halves", **ROUGH)
    assert outcome(*resumed) == outcome(trainer, journey)
    assert "kept/losses" in outcome(*resumed)[0]
    assert resumed[1].kept is not None
    assert resumed[1].kept.to_json() == {"epoch": 1, "step": 7}


def test_epochs_of_fewer_pixels_are_not_candidates(tmp_path: Path) -> None:
    _, journey = rough(tmp_path, resolutions=((0.9, 0.7), (1.0, 1.0)))
    assert journey.kept is not None
    assert journey.kept.epoch == EPOCHS


def test_of_equal_epochs_the_later_is_kept(tmp_path: Path) -> None:
    trainer = make_trainer(**ROUGH | {"lr": 0.0, "monitor": "accuracy"})
    journey = start(trainer, tmp_path)
    assert journey.kept is not None
    assert journey.kept.epoch == EPOCHS


def test_nothing_is_kept_where_the_last_is_to_ship(tmp_path: Path) -> None:
    trainer = make_trainer(**ROUGH | {"monitor": "last"})
    journey = start(trainer, tmp_path)
    assert journey.kept is None
    loaded = Checkpoints(tmp_path).load()
    assert loaded is not None
    assert not any(name.startswith("kept/") for name in loaded.tensors)
    fit(trainer, journey, Checkpoints(tmp_path), Controls(), None)
