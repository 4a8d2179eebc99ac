"""Time: what a step costs here, how many fit, and whether that is still true on the way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from hubel.errors import BudgetError
from hubel.training.device import synchronize
from hubel.training.plan import Plan
from hubel.training.trainer import Trainer

__all__ = ["Costs", "Pace", "in_seconds", "measure", "plan_epochs"]

_SAFETY = 0.96
_CHECKS, _BETWEEN, _STRETCHES = 20, 4.0, 4
_SLOWER, _FASTER = 0.98, 1.15
_MOST_EPOCHS = 200

Size = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds, as measured on this machine just now.

    Attributes:
        steps: of one training step, by resolution.
        validation: of one pass over the validation samples.
        first_batch: `time.monotonic()` when the first batch had gone through.
    """

    steps: dict[Size, float]
    validation: float
    first_batch: float

    def epoch(self, trainer: Trainer) -> float:
        """One pass over the training samples, averaged over the resolutions, and validation."""
        train = trainer.task.train
        return _mean_step(trainer, self) * train.steps_an_epoch + self.validation

    def between(self, trainer: Trainer, plan: Plan, step: int, last: int) -> float:
        """The steps from `step` up to `last`, and the validation passes among them."""
        points = 50
        width = (last - step) / points
        mean = sum(
            self.steps[trainer.size_at(plan.progress(int(step + (i + 0.5) * width)))]
            for i in range(points)
        )
        passes = (last - step) / trainer.task.train.steps_an_epoch
        return mean / points * (last - step) + passes * self.validation


def measure(trainer: Trainer, repeats: int = 2) -> Costs:
    """Time a few steps at each resolution. The trainer is used up: its weights have moved."""
    assert trainer.recipe.resolutions is not None
    starts = [0.0, *(until for until, _ in trainer.recipe.resolutions[:-1])]
    sizes = {trainer.size_at(start): start for start in starts}
    costs: dict[Size, float] = {}
    first_batch = 0.0
    number = 0
    for size in sorted(sizes):
        times: list[float] = []
        for _ in range(1 + repeats):
            start = time.monotonic()
            batch = trainer.task.train.batch(number)
            trainer.step(batch, 0, Plan(((0, sizes[size]), (1 << 30, 1.0))))
            synchronize(trainer.device)
            times.append(time.monotonic() - start)
            first_batch = first_batch or time.monotonic()
            number += 1
        costs[size] = min(times[1:])
    start = time.monotonic()
    trainer.validate(1.0)
    return Costs(costs, time.monotonic() - start, first_batch)


def plan_epochs(trainer: Trainer, costs: Costs, seconds: float) -> tuple[int, str]:
    """How many epochs fit into the seconds that training has.

    Returns:
        The epochs, and a sentence that says so.

    Raises:
        BudgetError: not even one fits.
    """
    epoch = costs.epoch(trainer)
    count = int(_SAFETY * seconds / epoch)
    if count < 1:
        raise BudgetError(
            f"the budget is too short for one epoch: {in_seconds(max(seconds, 0))} are left for "
            f"training and one epoch takes {in_seconds(epoch)} here; give --budget "
            f"{_rounded(epoch - seconds)} more, or a smaller --size, or --epochs 1 without "
            "a budget",
            left=max(seconds, 0.0),
            needed=epoch / _SAFETY,
        )
    train = trainer.task.train
    rate = train.count / (train.steps_an_epoch * _mean_step(trainer, costs))
    planned = min(count, _MOST_EPOCHS)
    text = (
        f"planned {planned} epoch{'s' * (planned != 1)} of {train.count:,} pictures: "
        f"{rate:,.0f} pictures a second measured, {planned * epoch:.0f} s of "
        f"the {seconds:.0f} s for training"
    )
    return planned, text


@dataclass(slots=True)
class Pace:
    """Watches whether the steps take as long as measured.

    Attributes:
        trainer: whose steps.
        costs: as measured before.
        seconds: for training in all.
    """

    trainer: Trainer
    costs: Costs
    seconds: float
    _checks: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])

    def steps_that_fit(self, plan: Plan, step: int, spent: float) -> int | None:
        """A new total of steps when the present one is off; None when it is right.

        Args:
            plan: the present one.
            step: the next one.
            spent: seconds of training so far.
        """
        if not self._checks:
            self._checks.append((step, spent))
        last, before = self._checks[-1]
        left = plan.steps - step
        if left < 1 or step - last < plan.steps / _CHECKS or spent - before < _BETWEEN:
            return None
        # Over the last few stretches: one alone says too much about who else was at work.
        since, then = self._checks[0]
        self._checks = [*self._checks[-_STRETCHES + 1 :], (step, spent)]
        expected = self.costs.between(self.trainer, plan, since, step)
        slowness = (spent - then) / max(expected, 1e-9)
        ahead = slowness * self.costs.between(self.trainer, plan, step, plan.steps)
        fits = (self.seconds - spent) / max(ahead, 1e-9)
        if _SLOWER <= fits <= _FASTER or (fits > 1 and plan.progress(step) > 0.8):
            return None
        train = self.trainer.task.train
        most = train.steps(_MOST_EPOCHS)
        # Grow with care: what is measured is a stretch of the run.
        aim = fits if fits < 1 else 1 + 0.8 * (fits - 1)
        steps = min(step + max(1, int(left * aim)), max(most, plan.steps))
        return None if steps == plan.steps else steps


def _mean_step(trainer: Trainer, costs: Costs) -> float:
    points = 200
    sizes = [trainer.size_at((point + 0.5) / points) for point in range(points)]
    return sum(costs.steps[size] for size in sizes) / points


def in_seconds(seconds: float) -> str:
    """With one decimal where that says something.

    Example:
        >>> in_seconds(3.26), in_seconds(32.6)
        ('3.3 s', '33 s')
    """
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"


def _rounded(seconds: float) -> str:
    return f"{max(1, round(seconds + 0.5))}s" if seconds < 90 else f"{round(seconds / 60 + 0.5)}m"
