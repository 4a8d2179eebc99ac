"""The loop: step after step from wherever the run stands to the end of its plan.

```
batch -> augment -> forward -> loss -> backward -> optimizer -> average
      at the end of an epoch: validate, one row of results, keep the best of full size
      every few seconds: checkpoint
      every twentieth of the run, under a budget: is the plan still true?
```
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hubel.errors import DivergedError
from hubel.training.budget import Pace
from hubel.training.checkpoints import Checkpoint, Checkpoints
from hubel.training.plan import Plan, learning_rate
from hubel.training.selection import Answers, Kept
from hubel.training.trainer import Trainer

__all__ = ["Controls", "Journey", "fit", "resume_journey"]

Row = dict[str, float]


@dataclass(slots=True)
class Journey:
    """How far a run has come: with the trainer's tensors, all that the next step depends on.

    Attributes:
        plan: of the steps.
        step: the next one.
        rows: of `results.csv`.
        losses: sum and number of the losses of the epoch that is under way.
        seconds: spent on training, over all sittings.
        replans: step and sentence of each change of plan.
        kept: the best epoch so far of those with pictures of full size.
    """

    plan: Plan
    step: int = 0
    rows: list[Row] = field(default_factory=list[Row])
    losses: tuple[float, int] = (0.0, 0)
    seconds: float = 0.0
    replans: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    kept: Kept | None = None

    @property
    def finished(self) -> bool:
        """Whether every step of the plan was made."""
        return self.step >= self.plan.steps

    def to_json(self) -> dict[str, Any]:
        """All but the step and tensors, as JSON types."""
        return {
            "kept": None if self.kept is None else self.kept.to_json(),
            "plan": self.plan.to_json(),
            "rows": self.rows,
            "losses": list(self.losses),
            "seconds": self.seconds,
            "replans": self.replans,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Controls:
    """What the loop asks and tells along the way.

    Attributes:
        stop: asked before each step; True ends the loop after a checkpoint.
        on_step: told the number of steps made.
        on_epoch: told the results so far.
        on_checkpoint: told after each checkpoint.
        seconds_between: checkpoints.
    """

    stop: Callable[[], bool] = lambda: False
    on_step: Callable[[Journey], None] = lambda _: None
    on_epoch: Callable[[list[Row]], None] = lambda _: None
    on_checkpoint: Callable[[Journey], None] = lambda _: None
    seconds_between: float = 20.0


def resume_journey(trainer: Trainer, checkpoint: Checkpoint) -> Journey:
    """Put a trainer where a checkpoint was taken."""
    trainer.restore(checkpoint.tensors)
    facts = checkpoint.facts
    total, count = facts["losses"]
    truth = trainer.task.val_targets
    like = Answers(truth, truth, np.zeros(len(truth)), trainer.task.architecture.num_classes)
    return Journey(
        Plan.from_json(facts["plan"]),
        checkpoint.step,
        facts["rows"],
        (float(total), int(count)),
        facts["seconds"],
        facts["replans"],
        Kept.restore(facts.get("kept"), checkpoint.tensors, like),
    )


def fit(
    trainer: Trainer,
    journey: Journey,
    checkpoints: Checkpoints,
    controls: Controls,
    pace: Pace | None,
) -> None:
    """Train to the end of the plan, or until stopped; `journey` says which.

    Args:
        trainer: is changed.
        journey: where to begin; is changed.
        checkpoints: one is saved at the beginning, every few seconds, and at the end.
        controls: see `Controls`.
        pace: keeps a time budget; None where the epochs are fixed.

    Raises:
        DivergedError: a loss is not finite; the last checkpoint is from before that step.
        StorageError: a checkpoint can't be written; the one before is whole.
    """
    loop = _Loop(trainer, journey, checkpoints, controls, pace)
    loop.save()
    while not journey.finished and not controls.stop():
        loop.run_to_next_plan()
    loop.save()


class _Loop:
    def __init__(
        self,
        trainer: Trainer,
        journey: Journey,
        checkpoints: Checkpoints,
        controls: Controls,
        pace: Pace | None,
    ) -> None:
        self.trainer, self.journey = trainer, journey
        self.checkpoints, self.controls, self.pace = checkpoints, controls, pace
        self.pending: list[Tensor] = []
        self.patience = 1 if trainer.device.type == "cpu" else 16
        self.since = time.monotonic()
        self.saved = self.since

    def run_to_next_plan(self) -> None:
        """Make steps until the plan changes, ends, or the user stops."""
        journey, trainer = self.journey, self.trainer
        plan = journey.plan
        batches = trainer.task.train
        stream = batches.stream(journey.step, plan.steps, trainer.recipe.workers or 0)
        for batch in stream:
            if self.controls.stop():
                break
            self.pending.append(trainer.step(batch, journey.step, plan))
            journey.step += 1
            if len(self.pending) >= self.patience:
                self.settle()
            if batches.epochs_after(journey.step) > batches.epochs_after(journey.step - 1):
                self.end_epoch()
            self.tick()
            if self.pace is not None and self.replan():
                break
        stream.close()  # pyright: ignore[reportAttributeAccessIssue]
        self.settle()

    def settle(self) -> None:
        """Wait for the losses that are under way and make sure that they are numbers."""
        if not self.pending:
            return
        first = self.journey.step - len(self.pending)
        values: list[float] = torch.stack(self.pending).tolist()
        self.pending.clear()
        for offset, loss in enumerate(values):
            self.expect_finite(loss, "loss", first + offset)
        total, count = self.journey.losses
        self.journey.losses = (total + sum(values), count + len(values))

    def expect_finite(self, value: float, name: str, step: int) -> None:
        """Stop a training that has no way back."""
        if not math.isfinite(value):
            raise DivergedError(
                f"the {name} became {value} at step {step} of {self.journey.plan.steps}; try a "
                f"lower --lr (it was {self.trainer.recipe.lr:g})",
                step,
            )

    def end_epoch(self) -> None:
        """Validate and add a row of results."""
        self.settle()
        journey, recipe = self.journey, self.trainer.recipe
        total, count = journey.losses
        progress = journey.plan.progress(journey.step - 1)
        found = self.trainer.validate(progress)
        self.expect_finite(found.loss, "validation loss", journey.step - 1)
        self.clock()
        assert recipe.lr is not None
        epoch = self.trainer.task.train.epochs_after(journey.step)
        journey.rows.append(
            {
                "epoch": epoch,
                "seconds": round(journey.seconds, 2),
                "train_loss": total / max(count, 1),
                "val_loss": found.loss,
                "val_accuracy": found.metrics["val_accuracy"],
                "lr": recipe.lr * learning_rate(progress, recipe.warmup, recipe.final_lr),
            }
            | found.metrics
        )
        if found.answers is not None and self.trainer.is_full_size(progress):
            self.keep(found.answers, epoch)
        journey.losses = (0.0, 0)
        self.controls.on_epoch(journey.rows)

    def keep(self, answers: Answers, epoch: int) -> None:
        """Keep the weights of an epoch that is at least as good as the best before it."""
        monitor, kept = self.trainer.recipe.monitor, self.journey.kept
        if monitor in (None, "last"):
            return
        if kept is None or answers.better(kept.answers, monitor):
            weights = self.trainer.weights()
            self.journey.kept = Kept(epoch, self.journey.step, weights, answers)

    def tick(self) -> None:
        """Count the time; checkpoint when it is time."""
        self.clock()
        self.controls.on_step(self.journey)
        if time.monotonic() - self.saved > self.controls.seconds_between:
            self.save()

    def replan(self) -> bool:
        """Fit the steps that are left to the time that is left; True when that changed the plan."""
        assert self.pace is not None
        journey = self.journey
        steps = self.pace.steps_that_fit(journey.plan, journey.step, journey.seconds)
        if steps is None:
            return False
        before = journey.plan.steps
        journey.plan = journey.plan.cut(journey.step, steps)
        ratio = "slower" if steps < before else "faster"
        text = (
            f"at step {journey.step} the machine was {ratio} than measured: {steps} steps in "
            f"all instead of {before}"
        )
        journey.replans.append({"step": journey.step, "text": text})
        return True

    def save(self) -> None:
        """Write a checkpoint, of numbers that training can go on from."""
        self.settle()
        self.clock()
        tensors = self.trainer.tensors()
        numbers = [v for v in tensors.values() if v.is_floating_point() and v.numel() > 0]
        peaks = [value.abs().amax().float().cpu() for value in numbers]
        self.expect_finite(
            torch.stack(peaks).amax().item(), "largest weight", self.journey.step - 1
        )
        if self.journey.kept is not None:
            tensors |= self.journey.kept.tensors()
        self.checkpoints.save(Checkpoint(self.journey.step, tensors, self.journey.to_json()))
        self.controls.on_checkpoint(self.journey)
        self.saved = time.monotonic()

    def clock(self) -> None:
        """Add the time since the last look to the run's."""
        now = time.monotonic()
        self.journey.seconds += now - self.since
        self.since = now
