"""What the stages of one search have at hand, and the time they share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from hubel.errors import BudgetError
from hubel.job.desk import Sitting
from hubel.job.reporter import Reporter
from hubel.job.search.asked import Asked
from hubel.job.search.bench import Bench
from hubel.job.search.found import Search
from hubel.job.search.searching import Limits, alone
from hubel.job.search.trial import Clock
from hubel.storage import storage_errors
from hubel.tuning.space.space import Space

__all__ = ["SearchDesk", "TimePlan"]

_TRIALS, _FEW_TRIALS = 20, 5  # complete ones that a budget is cut into
_MOST_EPOCHS, _FEW_EPOCHS = 30, 5
_REPORTS = 20.0  # seconds for two pages
_FINAL = 2.0  # final trainings in the reserve: the best may be dearer than what was measured


@dataclass(frozen=True, slots=True)
class TimePlan:
    """Epochs of a training and seconds of a trial.

    Attributes:
        epochs: of each training.
        trial_seconds: of a trial, as measured.
        text: how that came about.
    """

    epochs: int
    trial_seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class SearchDesk:
    """The search, what was asked, its pictures, and the sitting.

    Attributes:
        search: its folder.
        asked: what for.
        space: read.
        bench: the pictures.
        sitting: who listens, and since when.
        before: seconds spent in earlier sittings.
    """

    search: Search
    asked: Asked
    space: Space
    bench: Bench
    sitting: Sitting
    before: float = 0.0

    @property
    def reporter(self) -> Reporter:
        """Who listens."""
        return self.sitting.reporter

    @property
    def spent(self) -> float:
        """Seconds, over all sittings."""
        return self.before + time.monotonic() - self.sitting.started

    def write(self, **changes: Any) -> dict[str, Any]:
        """Change facts; several processes may, one after the other."""
        trials = self.search.folder / "trials"
        with storage_errors(trials):
            trials.mkdir(parents=True, exist_ok=True)
        with alone(trials):
            facts = self.search.facts | changes
            facts["seconds"] = round(max(facts["seconds"], self.spent), 2)
            self.search.write_facts(facts)
        return facts

    def reserve(self, epochs: int, epoch_seconds: float) -> float:
        """Seconds to keep for the final training, its cheap rungs, and the pages."""
        pictures = len(self.bench.rows)
        rungs = 6.0 + min(pictures, 50_000) * 3072 * len(self.bench.dataset.manifest.classes) * 4e-8
        return _FINAL * epochs * epoch_seconds + rungs + _REPORTS

    def plan(self, settings: dict[str, Any]) -> TimePlan:
        """How long each training is.

        The budget, less what comes after the trials, is cut into 20 complete trials (or as many as
        are asked for, or as the space has) of the same number of epochs, at most 30; where that
        leaves fewer than 5 epochs, into fewer trials, down to 5. Pruned trials leave time for more.

        Args:
            settings: possible ones, to be measured.

        Raises:
            BudgetError: not one trial of one epoch fits.
        """
        asked, folds = self.asked, self.bench.count
        if asked.budget is None and asked.epochs is not None:
            return TimePlan(
                asked.epochs,
                0.0,
                f"{asked.epochs} epoch{'s' * (asked.epochs != 1)} a training, as set",
            )
        epoch = self.bench.epoch_seconds(settings)
        if asked.budget is None:
            raise BudgetError("without a budget both --trials and --epochs are needed")
        left = asked.budget - self.spent
        share = left - self.reserve(0, epoch)
        rounds = self.rounds
        most = min(n for n in (_TRIALS, asked.trials, self.space.count) if n is not None)

        def fit(trials: int) -> int:
            return int(share / (rounds * trials * folds + _FINAL) / epoch)

        few = min(_FEW_EPOCHS, fit(min(most, _FEW_TRIALS)))
        epochs = asked.epochs or min(_MOST_EPOCHS, max(1, few, fit(most)))
        trials = next((n for n in range(most, 1, -1) if fit(n) >= epochs), 1)
        need = (rounds * folds + _FINAL) * epochs * epoch
        if need > share:
            raise BudgetError(
                f"the budget is too short for one trial: {folds} folds of {epochs} "
                f"epoch{'s' * (epochs != 1)} and the final training take {need:.0f} s here, and "
                f"{max(share, 0):.0f} s are left for them; raise --budget, or give fewer --folds, "
                "fewer --epochs or a smaller --size"
            )
        how = (
            "as set"
            if asked.epochs
            else f"so that about {trials} complete trial{'s' * (trials != 1)} would fit"
        )
        text = f"{epochs} epoch{'s' * (epochs != 1)} a training, {folds} folds a trial, {how}"
        return TimePlan(epochs, epochs * epoch * folds, text)

    @property
    def rounds(self) -> int:
        """Searches in the budget: one, and one an outer fold."""
        return 1 + (self.bench.count if self.asked.nested else 0)

    def limits(self, plan: TimePlan, share: float = 1.0) -> Limits:
        """When one search ends.

        Args:
            plan: epochs and seconds.
            share: of the time that is left for searches.
        """
        deadline = None
        if self.asked.budget is not None:
            epoch = plan.trial_seconds / max(plan.epochs * self.bench.count, 1)
            left = self.asked.budget - self.spent - self.reserve(plan.epochs, epoch)
            deadline = time.monotonic() + share * left
        return Limits(self.asked.trials, plan.epochs, Clock(deadline), plan.trial_seconds)
