"""The loop of a search: claim a trial, run it, until there is no time or nothing left to try."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from hubel.errors import Interrupted, RecipeError, StorageError
from hubel.job.search.bench import Bench
from hubel.job.search.trial import Clock, TrialJob, run_trial
from hubel.job.signals import StopRequest
from hubel.storage import lock_folder, locked, read_json, storage_errors
from hubel.tuning.space.space import Space
from hubel.tuning.study import Study, Trial

__all__ = ["Limits", "Searching", "alone", "expect_some"]

_LOOKED_AT = 200
_MISFITS = 3
_WAIT = 120.0
_SILENT = 3600.0  # seconds after which a trial of another machine is taken for dead


@dataclass(frozen=True, slots=True)
class Limits:
    """When a search ends.

    Attributes:
        trials: at most so many; None where time decides.
        epochs: of each training.
        clock: until when trials may run.
        trial_seconds: what a trial takes, as measured before the first.
    """

    trials: int | None
    epochs: int
    clock: Clock
    trial_seconds: float


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """Be the only process that claims trials in a folder, for a moment; waits for its turn."""
    end = time.monotonic() + _WAIT
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lock_folder(folder))
                break
            except StorageError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        yield


def expect_some(bench: Bench, space: Space, seed: int) -> dict[str, Any]:
    """The first possible setting of a space.

    Raises:
        RecipeError: of all settings, or of 200 drawn by chance, none is possible.
    """
    why = ""
    count = 0
    for settings in space.some(seed, _LOOKED_AT):
        refused = bench.refusal(settings)
        if refused is None:
            return settings
        why, count = why or refused, count + 1
    drawn = f"all {count}" if space.count == count else f"{count} drawn by chance"
    raise RecipeError(
        f"the space matches no setting that is possible here ({drawn} were looked at); the first "
        f"fails since {why}"
    )


class Searching:
    """One process at work on one study.

    Args:
        bench: the pictures.
        study: shared with others.
        space: what may vary.
        folder: of the run; trials are in `trials/<number>`.
        limits: when to end.
    """

    def __init__(
        self, bench: Bench, study: Study, space: Space, folder: Path, limits: Limits
    ) -> None:
        self.bench, self.study, self.space, self.limits = bench, study, space, limits
        self.folder = folder / "trials"
        self.misfits = 0
        self.why = ""
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)

    def run(self) -> str:
        """Run trials until the end; says why it ended.

        Raises:
            Interrupted: the user stopped it.
            StorageError: the database or the disk failed.
        """
        with StopRequest() as stop:
            while True:
                with ExitStack() as held:
                    trial = self.claim(held)
                    if trial is None:
                        return self.why
                    self.work(trial, stop)
                if stop.requested:
                    raise Interrupted("stopped between two trials")

    def work(self, trial: Trial, stop: StopRequest) -> None:
        """Run one trial and say how it ended."""
        job = TrialJob(self.bench, self.study, self.limits.epochs, self.limits.clock,
                       lambda: stop.requested)  # fmt: skip
        ending = run_trial(job, trial, self.folder / str(trial.number))
        self.misfits = self.misfits + 1 if ending == "out of time" else 0
        text = ", ".join(f"{name} {_short(value)}" for name, value in trial.settings.items())
        value = read_json(self.folder / str(trial.number) / "run.json")["value"]
        figure = "" if value is None else f" {value:.1%}"
        self.bench.reporter.say(f"trial {trial.number}: {ending}{figure} ({text})")

    def claim(self, held: ExitStack) -> Trial | None:
        """A trial that nobody works at: one that was left, or a new one; None at the end.

        Args:
            held: keeps the trial's lock while it is open.
        """
        with alone(self.folder):
            left = self._left(held)
            if left is not None:
                return left
            while not self._ends():
                trial = self.study.begin(self.space)
                if trial is None:
                    self.why = "every setting of the space was tried"
                    return None
                refused = trial.refused or self.bench.refusal(trial.settings)
                if refused is None:
                    self._lock(held, trial.number)
                    return trial
                self.study.end(trial, "impossible", why=refused)
        return None

    def _left(self, held: ExitStack) -> Trial | None:
        """A trial that a killed process left."""
        for frozen in self.study.running(here=True):
            with ExitStack() as own:
                # Asked again under the lock: its process may have ended it, and let go, since.
                if not self._lock(own, frozen.number) or not self.study.runs(frozen):
                    continue
                trial = self.study.adopt(frozen, self.space)
                if trial.refused is not None:
                    self.study.end(trial, "impossible", why=trial.refused)
                    continue
                self.bench.reporter.say(f"going on with trial {frozen.number}")
                held.enter_context(own.pop_all())
                return trial
        return None

    def others(self) -> int:
        """How many trials other processes are at, here or elsewhere."""
        busy = 0
        for frozen in self.study.running(here=True):
            with ExitStack() as held:
                busy += not self._lock(held, frozen.number)
        now = time.time()
        return busy + sum(
            now - frozen.user_attrs.get("beat", 0) < _SILENT
            for frozen in self.study.running(here=False)
        )

    def _lock(self, held: ExitStack, number: int) -> bool:
        folder = self.folder / str(number)
        with storage_errors(folder):
            folder.mkdir(exist_ok=True)
        return held.enter_context(locked(folder)) is not False

    def _ends(self) -> bool:
        counts = self.study.count()
        limits = self.limits
        made = sum(counts[name] for name in ("complete", "pruned", "diverged", "running"))
        if limits.trials is not None and made >= limits.trials:
            self.why = f"{limits.trials} trials were made"
        elif self.misfits >= _MISFITS:
            self.why = f"{_MISFITS} trials in a row would not have fitted into the time left"
        elif limits.clock.left < self._expected():
            self.why = f"no trial fits into the {max(limits.clock.left, 0):.0f} s left"
        elif counts["impossible"] > _LOOKED_AT + 10 * made:
            self.why = "almost no setting that is still drawn is possible"
        else:
            return False
        return True

    def _expected(self) -> float:
        """Seconds of a trial: of the complete ones, or as measured before the first."""
        found: list[float] = []
        for trial in self.study.trials():
            path = self.folder / str(trial.number) / "run.json"
            if trial.state.name == "COMPLETE" and path.is_file():
                found.append(float(read_json(path)["seconds"]))
        return median(found) if found else self.limits.trial_seconds


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
