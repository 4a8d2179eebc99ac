"""The order of the stages: scan, plan, train, evaluate, compare, report."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import torch

from hubel.classifier import Classifier
from hubel.data.dataset import Dataset, preprocess_for
from hubel.data.preprocess import Preprocess
from hubel.data.sources import open_source
from hubel.errors import RecipeError
from hubel.evaluation.labelling import Judgement
from hubel.job.bucketing import with_buckets
from hubel.job.desk import Desk, Sitting
from hubel.job.finish import answers, evaluate
from hubel.job.guard import alone
from hubel.job.introduction import describe, headline, imbalance_of, introduce
from hubel.job.learn import Learned, cheap_seconds, learn, save_final
from hubel.job.ledger import Ledger
from hubel.job.prepare import (
    Material,
    as_pretrained,
    gather,
    make_architecture,
    open_data,
)
from hubel.job.reopening import reopen
from hubel.job.report import rewrite_report, write_report
from hubel.job.rungs.beside import climb_cheap
from hubel.job.rungs.rung import Rung
from hubel.job.settings import clean, command_for
from hubel.job.standings import Extras, ladder_document
from hubel.job.structure import structure_of
from hubel.models.program import Program
from hubel.runs import Run, expect_room, new_folder
from hubel.storage import write_json
from hubel.training.device import choose_device, describe_device
from hubel.training.recipe import Recipe
from hubel.training.rules import Facts, refuse_without_effect, resolve

__all__ = ["resume", "train"]


def train(
    data: str | os.PathLike[str] = "sample:trashnet",
    *,
    out: str | os.PathLike[str] | None = None,
    sitting: Sitting | None = None,
    **settings: Any,
) -> Run:
    """Train a classifier on labelled pictures and say how good it is.

    Args:
        data: a folder of class folders, a folder of split folders, a table, a zip archive, or
            `sample:trashnet`, which comes with the package.
        out: folder of the run; the first free `runs/<data>-<n>` where it is None.
        sitting: who listens; nobody by default.
        **settings: of the `Recipe`, by name: `budget="10m"`, `epochs=20`, `seed=1`.

    Returns:
        The run: its folder holds the classifier, the evaluation, the ladder and the report.

    Raises:
        DataError: the data can't be used as they are.
        RecipeError: a setting is unknown, impossible, or without effect.
        DivergedError: the loss stopped being a number; the last good weights were kept.
        StorageError: the disk is full, or a folder can't be written.
        Interrupted: stopped by the user; the message says how to go on.
    """
    sitting = sitting or Sitting()
    chosen = clean(settings)
    _expect_possible(os.fspath(data), out, chosen)
    ledger = Ledger(sitting.started)
    with ledger.stage("scan"):
        dataset, wish = open_data(open_source(data), chosen, sitting.reporter)
        preprocess = preprocess_for(dataset, wish)
    pictures = dataset.manifest.counts()["train"]
    classes = len(dataset.manifest.classes)
    device = Recipe(**chosen).device
    facts = Facts.of(pictures, preprocess, device, classes, imbalance_of(dataset))
    recipe, resolved = resolve(chosen, replace(facts, task=dataset.manifest.task))
    network = make_architecture(dataset, preprocess, recipe).check()  # before a folder is made
    preprocess = with_buckets(dataset, preprocess, recipe)
    run = Run(new_folder(os.fspath(data), out), network.code)
    dataset.manifest.write(run.folder / "manifest.parquet")  # before run.json, which counts on it
    ledger.begin(run, sitting.command or command_for(os.fspath(data), chosen))
    ledger.write(
        data=describe(dataset),
        recipe={name: setting.to_json() for name, setting in resolved.items()},
        budget_seconds=recipe.budget,
        threads=torch.get_num_threads(),
        device={"name": str(facts.device), "text": describe_device(facts.device)},
        code=None if network.code is None else {"name": network.code, "sha256": network.sha256},
    )
    desk = Desk(run, ledger, recipe, facts.device, sitting)
    introduce(desk, dataset, preprocess, network.notes)
    return _work(desk, dataset, preprocess)


def _expect_possible(data: str, out: str | os.PathLike[str] | None, chosen: dict[str, Any]) -> None:
    """Find out what can't be before the scan, which may take minutes."""
    asked = Recipe(**chosen)
    refuse_without_effect(chosen, asked)
    choose_device(asked.device)
    expect_room(data, out)


def resume(
    folder: str | os.PathLike[str],
    *,
    sitting: Sitting | None = None,
    workers: int | None = None,
) -> Run:
    """Go on with a run that was interrupted, crashed, or killed, as if it had not been.

    Args:
        folder: of the run.
        sitting: who listens; nobody by default.
        workers: threads that read; the one setting that changes no result.

    Raises:
        ArtifactError: the folder holds no run, or its checkpoints are all damaged.
        DataError: the pictures have changed since.
        RecipeError: the device that it began on is not here, or the run has diverged.
    """
    sitting = sitting or Sitting()
    run = Run.open(folder)
    facts = run.facts
    if facts.get("kind") == "ladder":
        from hubel.job.climb import resume_ladder

        return resume_ladder(folder, sitting=sitting, workers=workers)
    if facts.get("kind") == "rung":
        whole = run.folder.parent.parent
        raise RecipeError(f"{run.folder} is a rung; go on with: hubel ladder --resume {whole}")
    if facts.get("code"):
        run = replace(run, code=_same_code(facts["code"]).name)
    if facts["status"] == "done":
        return _complete(run, sitting)
    if facts["status"] == "diverged":
        raise RecipeError(f"{run.folder} has diverged and would again: {facts['error']}")
    return _work(*reopen(run, sitting, workers))


def _same_code(code: dict[str, str]) -> Program:
    """The user's own file that a run began with, unchanged."""
    return Program.parse(code["name"]).expect_same(code["sha256"])


def _complete(run: Run, sitting: Sitting) -> Run:
    """A run that is done may still lack its report, which is written last."""
    if run.report.is_file():
        sitting.reporter.say(f"{run.folder} is complete: there is nothing to resume")
    else:
        sitting.reporter.say("only the report was missing")
        rewrite_report(run)
    return run


def _work(desk: Desk, dataset: Dataset, preprocess: Preprocess) -> Run:
    locked = desk.run.folder / "checkpoints"
    return alone(desk, locked, lambda: _stages(desk, dataset, preprocess))


def _stages(desk: Desk, dataset: Dataset, preprocess: Preprocess) -> Run:
    ledger, run = desk.ledger, desk.run
    with ledger.stage("pixels"):
        preprocess = as_pretrained(preprocess, desk.recipe)
        material = gather(dataset, preprocess, desk.reporter, desk.recipe.workers or 1)
    learned = learn(desk, material)
    classifier = save_final(desk, material, learned)
    with ledger.stage("baselines"):
        desk.reporter.say("climbing the cheap rungs")
        climbed = climb_cheap(desk, material, cheap_seconds(desk, material))
    with ledger.stage("evaluation"):
        evaluation, document = evaluate(run, classifier, material, learned.trainer)
        rungs = [*climbed.rungs, _as_rung(desk, material, evaluation, classifier, learned)]
        extras = Extras(folders=climbed.folders, left_out=tuple(climbed.left_out))
        write_json(run.folder / "ladder.json", ladder_document(rungs, material, extras))
        facts = classifier.facts | {"metrics": headline(document)}
        replace(classifier, facts=facts).save(run.folder / "classifier")
    status = "done" if learned.problem is None else "diverged"
    ledger.write(status=status, error=None if learned.problem is None else str(learned.problem))
    with ledger.stage("report"):
        write_report(run, dataset.source)
    ledger.write()
    if learned.problem is not None:
        raise learned.problem
    return run


def _as_rung(
    desk: Desk, material: Material, evaluation: Judgement, classifier: Classifier, learned: Learned
) -> Rung:
    architecture = learned.trainer.task.architecture
    found = structure_of(architecture)
    desk.ledger.write(parameters=found.parameters, multiply_adds=found.multiply_adds)
    note = "from the zoo's weights" if desk.recipe.pretrained else "trained from scratch"
    return Rung(
        f"network ({architecture.short_name})",
        {
            "val": answers(classifier, material, learned.trainer, "val"),
            "test": evaluation.probabilities[: len(material.rows["test"])],
        },
        found.parameters, found.multiply_adds, learned.journey.seconds, note, classifier,
    )  # fmt: skip
