"""The ladder: every rung on the same splits, one chosen on validation, all compared on test.

The budget, measured by the clock: the cheap rungs come first and have at most a quarter, each a
share of what is left of it. Networks have the rest, less what the report takes, in shares of
`NETWORK_RUNGS`; what one leaves over is passed on. A rung that doesn't fit is left out by name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from hubel.data.dataset import Dataset, preprocess_for
from hubel.data.preprocess import Preprocess
from hubel.data.sources import open_source
from hubel.errors import Interrupted, RecipeError
from hubel.job.bucketing import with_buckets
from hubel.job.desk import Desk, Sitting
from hubel.job.finish import record
from hubel.job.guard import alone
from hubel.job.introduction import describe, headline, imbalance_of, introduce
from hubel.job.ledger import Ledger
from hubel.job.prepare import Material, gather, open_data
from hubel.job.reopening import reopen
from hubel.job.report import rewrite_report, write_report
from hubel.job.rungs.linear import load_solvers
from hubel.job.rungs.names import expect_rungs
from hubel.job.settings import clean, command_for
from hubel.job.stair import Stair
from hubel.runs import Run, expect_room, new_folder
from hubel.storage import write_json
from hubel.training.device import choose_device, describe_device
from hubel.training.recipe import Recipe
from hubel.training.rules import Facts, resolve

__all__ = ["SETTINGS", "ladder", "resume_ladder"]

SETTINGS = (
    *("budget", "size", "kind", "channels", "shape", "balance", "device", "workers", "seed"),
    *("split", "test_share", "val_share", "missing_classes"),
)
_BY_SET = ("test_share", "val_share", "missing_classes")
_BUDGET = 900.0


def ladder(
    data: str | os.PathLike[str] = "sample:trashnet",
    *,
    rungs: str | Sequence[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    sitting: Sitting | None = None,
    **settings: Any,
) -> Run:
    """Fit the rungs of the ladder on the same splits, compare them, and say which one to ship.

    Args:
        data: as `hubel.train` takes it.
        rungs: names, as a sequence or with commas between them; all of them where it is None.
        out: folder of the run; the first free `runs/<data>-<n>` where it is None.
        sitting: who listens; nobody by default.
        **settings: `budget="15m"`, `size`, `kind`, `channels`, `shape`, `balance`, `device`,
            `workers`, `seed`, `split`, `test_share`, `val_share`, `missing_classes`.

    Returns:
        The run: its classifier is that of the rung that was chosen on the validation split.

    Raises:
        DataError: the data can't be used as they are.
        RecipeError: a rung or a setting is unknown, impossible, or without effect.
        StorageError: the disk is full, or a folder can't be written.
        Interrupted: stopped by the user; the message says how to go on.
    """
    sitting = sitting or Sitting()
    keys = expect_rungs(rungs)
    chosen = _settings(settings)
    choose_device(Recipe(**chosen).device)
    expect_room(os.fspath(data), out)
    ledger = Ledger(sitting.started)
    with ledger.stage("scan"):
        dataset, wish = open_data(open_source(data), chosen, sitting.reporter)
        preprocess = preprocess_for(dataset, wish)
    counts, classes = dataset.manifest.counts(), len(dataset.manifest.classes)
    device, known = Recipe(**chosen).device, imbalance_of(dataset)
    facts = Facts.of(counts["train"], preprocess, device, classes, known)
    recipe, resolved = resolve(chosen, replace(facts, task=dataset.manifest.task))
    preprocess = with_buckets(dataset, preprocess, recipe)
    run = Run(new_folder(os.fspath(data), out))
    dataset.manifest.write(run.folder / "manifest.parquet")  # before run.json, which counts on it
    command = ["hubel", "ladder", "--rungs", ",".join(keys), *command_for(os.fspath(data), {})[2:]]
    ledger.begin(run, sitting.command or command + _options(chosen))
    ledger.write(
        kind="ladder",
        rungs=list(keys),
        data=describe(dataset),
        recipe={name: resolved[name].to_json() for name in SETTINGS},
        budget_seconds=recipe.budget,
        threads=torch.get_num_threads(),
        device={"name": str(facts.device), "text": describe_device(facts.device)},
        code=None,
    )
    desk = Desk(run, ledger, recipe, facts.device, sitting, _way_on(run))
    introduce(desk, dataset, preprocess, ())
    return _climb(desk, dataset, preprocess)


def resume_ladder(
    folder: str | os.PathLike[str], *, sitting: Sitting | None = None, workers: int | None = None
) -> Run:
    """Go on with a ladder that was stopped: finished rungs are kept, the next one goes on.

    Args:
        folder: of the run.
        sitting: who listens; nobody by default.
        workers: threads that read; the one setting that changes no result.

    Raises:
        ArtifactError: the folder holds no run.
        DataError: the pictures have changed since.
        RecipeError: the run is no ladder.
    """
    sitting = sitting or Sitting()
    run = Run.open(folder)
    facts = run.facts
    if facts.get("kind") != "ladder":
        raise RecipeError(f"{run.folder} is no ladder; go on with: hubel train --resume {folder}")
    if facts["status"] == "done":
        if run.report.is_file():
            sitting.reporter.say(f"{run.folder} is complete: there is nothing to resume")
        else:
            rewrite_report(run)
        return run
    return _climb(*reopen(run, sitting, workers, _way_on(run)))


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    chosen = {"budget": _BUDGET} | clean(settings)
    others = [name for name in chosen if name not in SETTINGS]
    if others:
        raise RecipeError(
            f"{others[0]} is a setting of hubel train, where one network is trained; the ladder "
            f"takes {', '.join(SETTINGS)}"
        )
    return chosen


def _options(chosen: dict[str, Any]) -> list[str]:
    words = command_for("", chosen)[3:]
    texts = [word.split("=", 1) for word in words if word != "--set"]
    return [
        part
        for name, value in texts
        for part in (("--set", f"{name}={value}") if name in _BY_SET else (f"--{name}", value))
    ]


def _way_on(run: Run) -> str:
    return f"hubel ladder --resume {run.folder}"


def _climb(desk: Desk, dataset: Dataset, preprocess: Preprocess) -> Run:
    return alone(desk, desk.run.folder / "rungs", lambda: _stages(desk, dataset, preprocess))


def _stages(desk: Desk, dataset: Dataset, preprocess: Preprocess) -> Run:
    with desk.ledger.stage("pixels"):
        material = gather(dataset, preprocess, desk.reporter, desk.recipe.workers or 1)
    load_solvers()
    stair = Stair(desk, material)
    try:
        with desk.ledger.stage("rungs"):
            for key in desk.ledger.facts["rungs"]:
                stair.climb(key)
                write_json(desk.run.folder / "ladder.json", stair.document())
        _ship(desk, stair, material)
    except KeyboardInterrupt:  # also that of a network, which speaks of its own half-trained one
        raise Interrupted(stair.stopped) from None
    with desk.ledger.stage("report"):
        write_report(desk.run, dataset.source)
    desk.ledger.write()
    return desk.run


def _ship(desk: Desk, stair: Stair, material: Material) -> None:
    """Choose a rung, score it on the test split, and put it where the run's own classifier is."""
    folder = desk.run.folder
    with desk.ledger.stage("evaluation"):
        rung = stair.choose()
        classifier = rung.classifier
        assert classifier is not None
        found = rung.probabilities["test"]
        _, document = record(desk.run, found, classifier, material)
        facts = classifier.facts | {"metrics": headline(document)}
        replace(classifier, facts=facts).save(folder / "classifier")
        write_json(folder / "ladder.json", stair.document(rung))
    desk.ledger.write(
        status="done", error=None, parameters=rung.parameters, multiply_adds=rung.multiply_adds
    )
