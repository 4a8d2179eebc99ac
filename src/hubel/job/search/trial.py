"""One trial: its settings, fold after fold, in a folder that it can go on from."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hubel.errors import DivergedError, StorageError
from hubel.job.search.bench import Bench, FoldFound, FoldJob
from hubel.runs import Run, versions
from hubel.storage import read_json, storage_errors, write_json
from hubel.training.loop import Row
from hubel.tuning.study import Ending, Study, Trial

__all__ = ["Clock", "TrialJob", "run_trial", "value_of"]


@dataclass(frozen=True, slots=True)
class Clock:
    """Until when trials may run; `deadline` is of `time.monotonic()`, None where time is free."""

    deadline: float | None

    @property
    def left(self) -> float:
        """Seconds."""
        return float("inf") if self.deadline is None else self.deadline - time.monotonic()


@dataclass(frozen=True, slots=True)
class TrialJob:
    """What a trial needs beside its settings.

    Attributes:
        bench: the pictures.
        study: that it belongs to.
        epochs: of each training.
        clock: until when it may run.
        stop: asked before each step.
    """

    bench: Bench
    study: Study
    epochs: int
    clock: Clock
    stop: Callable[[], bool]


def value_of(folds: list[dict[str, Any]], metric: str) -> float:
    """A metric over all answers of some folds, as `run.json` of a trial has them.

    Example:
        >>> fold = {"right": 9, "n": 12, "classes": {"right": [9, 0], "n": [9, 3]}}
        >>> value_of([fold], "accuracy"), value_of([fold], "balanced_accuracy")
        (0.75, 0.5)
    """
    if metric == "accuracy":
        return sum(fold["right"] for fold in folds) / sum(fold["n"] for fold in folds)
    right, n = (np.sum([fold["classes"][key] for fold in folds], axis=0) for key in ("right", "n"))
    return float((right[n > 0] / n[n > 0]).mean())


class _GivenUpError(Exception):
    """The trial ends before its last epoch."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending: Ending = ending


def run_trial(job: TrialJob, trial: Trial, folder: Path) -> Ending:
    """Train on every fold, or go on where a killed process stopped, and tell the study.

    Returns:
        How it ended.

    Raises:
        Interrupted: stopped by the user; it goes on when the search does.
        StorageError: the disk is full, or the study's database can't be reached.
    """
    book = _Book.open(folder, trial, job.epochs)
    if book.facts["status"] != "running":  # killed between the last word here and in the study
        ending: Ending = book.facts["status"]
        right = book.right if ending == "complete" else None
        job.study.end(trial, ending, book.facts["value"], book.facts["error"] or "", right)
        return ending
    try:
        _expect_time(job, trial, book)
        for fold in range(len(book.facts["folds"]), job.bench.count):
            _run_fold(job, trial, book, fold)
    except _GivenUpError as given_up:
        return _ended(job, trial, book, given_up.ending)
    except DivergedError as error:
        book.facts["error"] = str(error)
        return _ended(job, trial, book, "diverged")
    return _ended(job, trial, book, "complete")


@dataclass(slots=True)
class _Book:
    """`run.json` of a trial."""

    run: Run
    facts: dict[str, Any]

    @classmethod
    def open(cls, folder: Path, trial: Trial, epochs: int) -> _Book:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        path = folder / "run.json"
        try:
            known = read_json(path) if path.is_file() else None
        except ValueError as error:
            raise StorageError(f"{path} can't be read: {error}; take the folder away") from error
        facts: dict[str, Any] = known or {
            "schema_version": 1,
            "kind": "trial",
            "number": trial.number,
            "status": "running",
            "settings": trial.settings,
            "parameters": trial.params,
            "epochs": epochs,
            "folds": [],
            "value": None,
            "error": None,
            "seconds": 0.0,
            "sittings": [],
            "versions": versions(),
        }
        now = datetime.now(UTC).isoformat(timespec="seconds")
        facts["sittings"].append({"host": socket.gethostname(), "pid": os.getpid(), "began": now})
        write_json(path, facts)
        return cls(Run(folder), facts)

    def add(self, fold: int, found: FoldFound) -> None:
        right, count = int(found.right.sum()), len(found.right)
        classes = found.probabilities.shape[1]
        each = [np.bincount(truth, minlength=classes).tolist()
                for truth in (found.truth[found.right], found.truth)]  # fmt: skip
        self.facts["folds"].append(
            {"fold": fold, "right": right, "n": count, "seconds": round(found.seconds, 2),
             "classes": {"right": each[0], "n": each[1]}, "rows": found.rows}
        )  # fmt: skip
        self.facts["seconds"] = round(self.facts["seconds"] + found.seconds, 2)
        self.write()

    def write(self) -> None:
        self.run.write_facts(self.facts)

    @property
    def right(self) -> int:
        """Right answers over all folds so far."""
        return sum(fold["right"] for fold in self.facts["folds"])

    def value(self, metric: str) -> float:
        """A metric over all folds so far."""
        return value_of(self.facts["folds"], metric)


def _expect_time(job: TrialJob, trial: Trial, book: _Book) -> None:
    """Measure a few steps before a trial begins: one that doesn't fit is not started."""
    if job.clock.deadline is None or book.facts["folds"]:
        return
    epoch = job.bench.epoch_seconds(trial.settings)
    if epoch * job.epochs * job.bench.count > job.clock.left:
        book.facts["error"] = (
            f"would take {epoch * job.epochs * job.bench.count:.0f} s, and "
            f"{max(job.clock.left, 0):.0f} s are left"
        )
        raise _GivenUpError("out of time")


def _run_fold(job: TrialJob, trial: Trial, book: _Book, fold: int) -> None:
    train, held = job.bench.sides(fold)
    metric = job.bench.metric
    before = [value_of([each], metric) for each in book.facts["folds"]]

    def on_epoch(rows: list[Row]) -> None:
        book.run.write_results(rows)
        # Over the folds so far, so that trials are compared at a point where all have the same.
        value = (sum(before) + rows[-1][f"val_{metric}"]) / (len(before) + 1)
        step = fold * job.epochs + int(rows[-1]["epoch"])
        last = step >= job.epochs * job.bench.count
        if job.study.report(trial, value, step) and not last:
            raise _GivenUpError("pruned")
        if job.clock.left < 0 and not last:
            book.facts["error"] = "the search had no time left"
            raise _GivenUpError("out of time")

    checkpoints = book.run.folder / "checkpoints" / f"fold-{fold}"
    with storage_errors(checkpoints):
        checkpoints.mkdir(parents=True, exist_ok=True)
    found = job.bench.train(
        FoldJob(trial.settings, job.epochs, train, held, checkpoints, on_epoch, job.stop)
    )
    job.bench.write_answers(book.run.folder / f"predictions-{fold}.parquet", held, found)
    book.add(fold, found)
    shutil.rmtree(checkpoints, ignore_errors=True)


def _ended(job: TrialJob, trial: Trial, book: _Book, ending: Ending) -> Ending:
    complete = ending == "complete"
    value = book.value(job.bench.metric) if complete else None
    book.facts |= {"status": ending, "value": value}
    book.write()
    shutil.rmtree(book.run.folder / "checkpoints", ignore_errors=True)
    right = book.right if complete else None
    job.study.end(trial, ending, value, book.facts["error"] or "", right)
    return ending
