"""The stage that trains: measure, plan, fit, and what is kept when it ends early."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from hubel.classifier import Classifier
from hubel.errors import BudgetError, DivergedError, HubelError, Interrupted
from hubel.job.desk import Desk
from hubel.job.finish import make_classifier
from hubel.job.prepare import Material, make_task
from hubel.job.signals import StopRequest
from hubel.training.budget import Costs, Pace, measure, plan_epochs
from hubel.training.checkpoints import Checkpoints
from hubel.training.loop import Controls, Journey, fit, resume_journey
from hubel.training.plan import Plan
from hubel.training.selection import choose_epoch
from hubel.training.trainer import Task, Trainer

__all__ = ["Learned", "learn"]

_CHEAP_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Learned:
    """The outcome of training.

    Attributes:
        trainer: with the final weights.
        journey: how it went.
        problem: why the run is not as it should be; None where all went well.
    """

    trainer: Trainer
    journey: Journey
    problem: HubelError | None = None


def learn(desk: Desk, material: Material, after: float | None = None) -> Learned:
    """Train, or go on training, to the end of the plan.

    Args:
        desk: the run and its recipe.
        material: to learn from.
        after: seconds to keep back for what follows the evaluation; the cheap rungs and the report
            where it is None.

    Raises:
        BudgetError: not one epoch fits into the budget.
        Interrupted: the user stopped it; a classifier was saved.
    """
    code = desk.ledger.facts.get("code") or {}
    task = make_task(material, desk.recipe, code.get("sha256"))
    checkpoints = Checkpoints(desk.run.folder / "checkpoints")
    checkpoint = checkpoints.load()
    trainer = Trainer(task, desk.recipe, desk.device, look=checkpoint is None)
    if checkpoint is not None:
        journey = resume_journey(trainer, checkpoint)
        desk.reporter.say(f"going on at step {journey.step:,} of {journey.plan.steps:,}")
        pace = None if journey.finished else _pace(desk, trainer)
    else:
        if desk.ledger.facts["plan"]:
            desk.reporter.say("no checkpoint was finished before: training begins anew")
        pace = _pace(desk, trainer)
        journey = _plan(desk, material, trainer, pace, after)
    if pace is not None:
        pace.seconds = desk.ledger.facts["plan"]["training_seconds"]
    # Epochs that the user has set stay as they are; the budget was checked when they were planned.
    if desk.recipe.epochs is not None:
        pace = None
    return _fit(desk, material, Learned(trainer, journey), checkpoints, pace)


def _pace(desk: Desk, trainer: Trainer) -> Pace | None:
    """What steps cost here, where a budget asks for it."""
    if desk.recipe.budget is None:
        return None
    costs = measure(trainer.twin())
    desk.ledger.facts.setdefault("first_batch", costs.first_batch - desk.sitting.started)
    return Pace(trainer, costs, 0.0)


def _plan(
    desk: Desk, material: Material, trainer: Trainer, pace: Pace | None, after: float | None
) -> Journey:
    recipe, train = desk.recipe, trainer.task.train
    if pace is None:
        assert recipe.epochs is not None
        epochs, seconds, expected = recipe.epochs, None, None
        text = f"{epochs} epoch{'s' * (epochs != 1)} of {train.count:,} pictures, as set"
    else:
        left = desk.seconds_left
        assert left is not None
        seconds = left - _reserve(desk, material, pace.costs, after)
        epochs, text = plan_epochs(trainer, pace.costs, seconds)
        if recipe.epochs is not None:
            epochs, text = _as_set(recipe.epochs, epochs, text)
        expected = round(epochs * pace.costs.epoch(trainer), 1)
    plan = Plan.of(train.steps(epochs))
    described = {"epochs": epochs, "steps": plan.steps, "seconds": expected, "text": text}
    desk.ledger.write(plan=described | {"training_seconds": seconds})
    desk.reporter.say(text)
    return Journey(plan)


def _as_set(wanted: int, fitting: int, text: str) -> tuple[int, str]:
    if wanted > fitting:
        raise BudgetError(
            f"{wanted} epochs don't fit into the budget: {text}; leave out --epochs or --budget, "
            "or raise the budget"
        )
    return wanted, f"{wanted} epochs, as set, fit into the budget"


def _reserve(desk: Desk, material: Material, costs: Costs, after: float | None) -> float:
    """Seconds to keep for what comes after training."""
    assert desk.recipe.budget is not None
    tests, checks = len(material.rows["test"]), max(1, len(material.rows["val"]))
    evaluation = costs.validation * (tests + checks) / checks
    return (
        1.5 * evaluation
        + costs.validation
        + (cheap_seconds(desk, material) + desk.closing_seconds if after is None else after)
    )


def cheap_seconds(desk: Desk, material: Material) -> float:
    """What the cheap rungs may take: a tenth of the budget, less where little data need less."""
    positions = math.prod(material.preprocess.size)
    described = sum(len(rows) for rows in material.rows.values()) * (5e-4 + positions * 2e-7)
    numbers = 4_000 * len(material.dataset.manifest.classes)
    estimate = 8.0 + described + len(material.rows["train"]) * numbers * 4e-7
    return (
        estimate if desk.recipe.budget is None else min(_CHEAP_SHARE * desk.recipe.budget, estimate)
    )


def _fit(
    desk: Desk, material: Material, learned: Learned, checkpoints: Checkpoints, pace: Pace | None
) -> Learned:
    trainer, journey = learned.trainer, learned.journey
    controls = _controls(desk, material, trainer)
    desk.reporter.begin("training", journey.plan.steps)
    desk.reporter.advance(journey.step)
    try:
        with StopRequest() as stop, desk.ledger.stage("training"):
            fit(trainer, journey, checkpoints, controls(stop), pace)
    except DivergedError as error:
        return _last_good(desk, trainer.task, checkpoints, error)
    finally:
        desk.reporter.end()
        made = {"steps": journey.step, "epochs": trainer.task.train.epochs_after(journey.step)}
        desk.ledger.write(replans=journey.replans, made=made)
    if journey.replans:
        count, planned = len(journey.replans), desk.ledger.facts["plan"]["steps"]
        desk.reporter.say(
            f"the plan was held against the clock and changed {count} time{'s' * (count != 1)}: "
            f"{journey.plan.steps:,} steps instead of {planned:,}"
        )
    if not journey.finished:
        _stop_here(desk, material, learned)
    _choose(desk, learned)
    return learned


def _choose(desk: Desk, learned: Learned) -> None:
    """Take the weights of the epoch that ships."""
    trainer, journey = learned.trainer, learned.journey
    kept, monitor = journey.kept, trainer.recipe.monitor
    if kept is None or monitor is None:
        return
    last = trainer.validate(1.0).answers
    assert last is not None, "an epoch is kept only where answers are"
    choice = choose_epoch(monitor, kept, last)
    if choice.ships == "best":
        trainer.shipped = kept.weights
    desk.ledger.write(epoch=choice.to_json())
    desk.reporter.say(choice.text)


def _controls(
    desk: Desk, material: Material, trainer: Trainer
) -> Callable[[StopRequest], Controls]:
    def save(_journey: Journey) -> None:
        folder = desk.run.folder / "classifier"
        make_classifier(trainer, material, calibrate=False).save(folder)
        desk.ledger.write()

    def controls(stop: StopRequest) -> Controls:
        before = 0

        def step(journey: Journey) -> None:
            nonlocal before
            desk.ledger.facts.setdefault("first_batch", desk.ledger.elapsed)
            desk.reporter.resize(journey.plan.steps)
            said = _latest(journey, material.labelling.metric)
            desk.reporter.advance(journey.step - before if before else 1, said)
            before = journey.step

        return Controls(
            stop=lambda: stop.requested,
            on_step=step,
            on_epoch=desk.run.write_results,
            on_checkpoint=save,
        )

    return controls


def _latest(journey: Journey, metric: str) -> str:
    return f"validation {journey.rows[-1]['val_' + metric]:.1%}" if journey.rows else ""


def _stop_here(desk: Desk, material: Material, learned: Learned) -> None:
    classifier = make_classifier(learned.trainer, material, calibrate=True)
    classifier.save(desk.run.folder / "classifier")
    journey = learned.journey
    message = (
        f"stopped at step {journey.step:,} of {journey.plan.steps:,}; the classifier as it is now "
        f"is in {desk.run.folder / 'classifier'}; go on with: "
        f"{desk.way_on}"
    )
    desk.ledger.write(status="interrupted", error=message)
    raise Interrupted(message)


def _last_good(desk: Desk, task: Task, checkpoints: Checkpoints, error: DivergedError) -> Learned:
    checkpoint = checkpoints.load()
    assert checkpoint is not None  # the loop saves one before its first step
    trainer = Trainer(task, desk.recipe, desk.device, look=False)
    journey = resume_journey(trainer, checkpoint)
    problem = DivergedError(
        f"{error}; what is kept are the weights of step {checkpoint.step}", error.step
    )
    return Learned(trainer, journey, problem)


def save_final(desk: Desk, material: Material, learned: Learned) -> Classifier:
    """Calibrate and save the classifier."""
    classifier = make_classifier(learned.trainer, material, calibrate=True)
    classifier.save(desk.run.folder / "classifier")
    return classifier
