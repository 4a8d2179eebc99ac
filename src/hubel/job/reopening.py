"""A run that was cut short, taken up again: with the settings, splits and pictures that it had."""

from __future__ import annotations

from dataclasses import replace

import torch

from hubel.data.dataset import Dataset, preprocess_for
from hubel.data.manifest import Manifest
from hubel.data.preprocess import Preprocess
from hubel.data.sources import open_source
from hubel.job.bucketing import with_buckets
from hubel.job.desk import Desk, Sitting
from hubel.job.introduction import compare_versions
from hubel.job.ledger import Ledger
from hubel.job.prepare import expect_unchanged
from hubel.runs import Run
from hubel.training.device import choose_device
from hubel.training.recipe import Recipe

__all__ = ["reopen"]


def reopen(
    run: Run, sitting: Sitting, workers: int | None, resumes: str | None = None
) -> tuple[Desk, Dataset, Preprocess]:
    """What a run works with, from its folder.

    Args:
        run: that was begun.
        sitting: who listens now.
        workers: threads that read; None: as many as before.
        resumes: as in `Desk`.

    Raises:
        DataError: the pictures have changed since.
        RecipeError: the device that it began on is not here.
    """
    facts = run.facts
    ledger = Ledger(sitting.started, facts)
    ledger.run = run
    torch.set_num_threads(facts["threads"])
    recipe = Recipe.from_json(facts["recipe"])
    if workers is not None:
        recipe = replace(recipe, workers=workers)
    device, _ = choose_device(recipe.device)
    compare_versions(facts["versions"], sitting)
    data = facts["data"]
    manifest = Manifest.read(run.folder / "manifest.parquet")
    dataset = Dataset(open_source(data["source"]), data["kind"], manifest, tuple(data["notes"]))
    wish = expect_unchanged(dataset, recipe, sitting.reporter)
    desk = Desk(run, ledger, recipe, device, sitting, resumes)
    return desk, dataset, with_buckets(dataset, preprocess_for(dataset, wish), recipe)
