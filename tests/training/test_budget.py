"""A budget is kept: what is planned fits, and a plan that turns out wrong is mended on the way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.errors import BudgetError
from hubel.training import loop
from hubel.training.budget import Costs, Pace, in_seconds, measure, plan_epochs
from hubel.training.checkpoints import Checkpoints
from hubel.training.loop import Controls, Journey, fit
from hubel.training.plan import Plan, learning_rate
from hubel.training.trainer import Trainer
from tests.training.small import BATCH, TRAIN, make_trainer, outcome

LEVELS = ((0.4, 0.4), (0.7, 0.7), (1.0, 1.0))
STEP, VALIDATION = 1.0, 0.5
BUDGET = 300.0

_TRAINER = make_trainer(resolutions=LEVELS)


def costs(trainer: Trainer, step: float = STEP, validation: float = VALIDATION) -> Costs:
    """Seconds of a step that grow with the pixels; `step` is that of full size."""
    sizes = {trainer.size_at(share) for share in (0.0, 0.5, 0.9)}
    assert len(sizes) == 3
    return Costs({(h, w): step * h * w / 144 for h, w in sizes}, validation, 0.0)


def simulate(
    slowness: float, seconds: float, planned: int, since: float = 0.0
) -> tuple[float, Plan, list[int]]:
    """A run on a machine that `since` some second is `slowness` times as slow as measured.

    Returns the seconds that it took, its last plan, and the steps of its replans.
    """
    measured = costs(_TRAINER)
    pace = Pace(_TRAINER, measured, seconds)
    plan = Plan.of(_TRAINER.task.train.steps(planned))
    spent, step = 0.0, 0
    replans: list[int] = []
    while step < plan.steps:
        alone = measured.steps[_TRAINER.size_at(plan.progress(step))]
        factor = slowness if spent >= since else 1.0
        spent += factor * (alone + measured.validation * BATCH / TRAIN)
        step += 1
        steps = pace.steps_that_fit(plan, step, spent)
        if steps is not None:
            assert steps != plan.steps
            plan = plan.cut(step, steps)
            replans.append(step)
    return spent, plan, replans


@given(st.floats(1e-4, 10), st.floats(0, 20), st.floats(1, 1e5))
def test_what_is_planned_fits_and_no_more_would(
    step: float, validation: float, seconds: float
) -> None:
    found = costs(_TRAINER, step, validation)
    epoch = found.epoch(_TRAINER)
    try:
        epochs, text = plan_epochs(_TRAINER, found, seconds)
    except BudgetError:
        assert epoch > 0.96 * seconds
    else:
        assert epochs * epoch <= seconds
        assert epochs == 200 or (epochs + 1) * epoch > 0.95 * seconds
        assert text.startswith(f"planned {epochs} epoch")


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 3.0])
def test_a_budget_below_one_epoch_is_refused_with_what_is_missing(seconds: float) -> None:
    found = costs(_TRAINER, step=1.0, validation=1.0)
    epoch = found.epoch(_TRAINER)
    left = in_seconds(max(seconds, 0))
    message = (
        rf"the budget is too short for one epoch: {left} are left for training "
        rf"and one epoch takes {in_seconds(epoch)} here; give --budget \d+s more, or a smaller "
        r"--size, or --epochs 1 without a budget"
    )
    with pytest.raises(BudgetError, match=message):
        plan_epochs(_TRAINER, found, seconds)


def test_the_missing_seconds_are_enough() -> None:
    found = costs(_TRAINER, step=1.0, validation=1.0)
    with pytest.raises(BudgetError, match=r"give --budget (\d+)s more") as caught:
        plan_epochs(_TRAINER, found, 3.0)
    more = int(str(caught.value).split("--budget ")[1].split("s more")[0])
    assert plan_epochs(_TRAINER, found, 3.0 + more)[0] >= 1


@given(st.floats(0.02, 6))
def test_a_machine_of_another_speed_ends_in_time(slowness: float) -> None:
    planned, _ = plan_epochs(_TRAINER, costs(_TRAINER), BUDGET)
    spent, plan, replans = simulate(slowness, BUDGET, planned)
    assert spent <= 1.03 * BUDGET
    assert plan.progress(plan.steps) == 1
    if slowness > 1.3:
        assert replans
        assert plan.steps < _TRAINER.task.train.steps(planned)
        assert spent > 0.9 * BUDGET


@given(st.floats(1, 3), st.floats(0, BUDGET))
def test_a_machine_that_slows_down_on_the_way_ends_soon_after(
    slowness: float, since: float
) -> None:
    planned, _ = plan_epochs(_TRAINER, costs(_TRAINER), BUDGET)
    spent, plan, _ = simulate(slowness, BUDGET, planned, since)
    assert spent <= 1.2 * BUDGET
    assert plan.progress(plan.steps) == 1


def test_a_fast_machine_makes_more_steps() -> None:
    planned, _ = plan_epochs(_TRAINER, costs(_TRAINER), BUDGET)
    spent, plan, replans = simulate(0.5, BUDGET, planned)
    assert replans
    assert plan.steps > _TRAINER.task.train.steps(planned)
    assert 0.7 * BUDGET < spent <= BUDGET


def test_growing_stops_at_200_epochs() -> None:
    _, plan, _ = simulate(1e-2, 1e5, 150)
    assert plan.steps <= _TRAINER.task.train.steps(200)


@pytest.mark.parametrize("slowness", [0.99, 1.0, 1.01])
def test_a_machine_as_measured_keeps_its_plan(slowness: float) -> None:
    planned, _ = plan_epochs(_TRAINER, costs(_TRAINER), BUDGET)
    assert simulate(slowness, BUDGET, planned)[2] == []


def test_the_cost_of_a_stretch_is_that_of_its_resolutions_and_validations() -> None:
    found = costs(_TRAINER)
    plan = Plan.of(1000)
    small, middle, full = sorted(found.steps.values())
    passes = 1000 * BATCH / TRAIN * VALIDATION
    expected = 400 * small + 300 * middle + 300 * full + passes
    assert found.between(_TRAINER, plan, 0, 1000) == pytest.approx(expected, rel=1e-9)
    epoch = (0.4 * small + 0.3 * middle + 0.3 * full) * TRAIN / BATCH + VALIDATION
    assert found.epoch(_TRAINER) == pytest.approx(epoch, rel=1e-9)


@pytest.mark.parametrize(
    "resolutions",
    [LEVELS, ((1.0, 1.0),), ((0.5, 0.4), (0.5012, 0.7), (1.0, 1.0)), ((0.003, 0.7), (1.0, 1.0))],
)
def test_every_resolution_is_measured_however_short(resolutions: Any) -> None:
    trainer = make_trainer(resolutions=resolutions)
    found = measure(trainer, repeats=1)
    assert found.steps.keys() == {trainer.size_at(step / 10_000) for step in range(10_000)}
    assert all(seconds > 0 for seconds in found.steps.values())
    assert found.validation > 0
    assert found.first_batch > 0


def test_measuring_a_twin_leaves_the_trainer_as_it_was() -> None:
    trainer = make_trainer()
    before = outcome(trainer, Journey(Plan.of(1)))
    measure(trainer.twin(), repeats=1)
    assert outcome(trainer, Journey(Plan.of(1))) == before


class Clock:
    """Seconds that pass only when a batch is made: as many as it is told."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.seconds = seconds

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(("slowness", "word"), [(3.0, "slower"), (0.3, "faster")])
def test_the_loop_follows_its_clock_and_writes_down_each_change(
    slowness: float, word: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(resolutions=((1.0, 1.0),))
    clock = Clock(slowness)
    monkeypatch.setattr(loop, "time", clock)
    step = trainer.step
    monkeypatch.setattr(trainer, "step", lambda *given: (step(*given), pass_time(clock))[0])
    epochs = 10
    journey = Journey(Plan.of(trainer.task.train.steps(epochs)))
    planned = journey.plan.steps
    seconds = 1.02 * planned  # at a second a step, as measured
    pace = Pace(trainer, Costs({(12, 12): 1.0}, 0.0, 0.0), seconds)
    fit(trainer, journey, Checkpoints(tmp_path), Controls(seconds_between=1e9), pace)
    assert journey.finished
    assert journey.seconds <= 1.03 * seconds
    assert (journey.plan.steps < planned) == (word == "slower")
    first = journey.replans[0]
    assert first["text"].startswith(f"at step {first['step']} the machine was {word} than measured")
    assert first["text"].endswith(f"instead of {planned}")
    ends = [journey.plan.progress(journey.plan.steps - before) for before in (0, 1)]
    rates = [learning_rate(p, trainer.recipe.warmup, trainer.recipe.final_lr) for p in ends]
    assert rates[0] == 0 < rates[1] < 0.1


def pass_time(clock: Clock) -> None:
    clock.now += clock.seconds
