"""Nested cross-validation: how well the whole search does on pictures that it never saw."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hubel.errors import DataError, RecipeError
from hubel.evaluation.folds import corrected_t, pooled
from hubel.job.search.bench import Bench, FoldJob
from hubel.job.search.desk import SearchDesk, TimePlan
from hubel.job.search.searching import Searching
from hubel.storage import locked, read_json, storage_errors, write_json
from hubel.training.recipe import Recipe
from hubel.tuning.study import Study

__all__ = ["expect_nested", "nest"]


_FEW = 5  # outer folds; with fewer the interval of the gain rests on next to nothing


def expect_nested(bench: Bench, seed: int) -> None:
    """Make sure that there are folds inside of each outer fold, and warn of few.

    Raises:
        DataError: what an outer fold leaves can't be dealt into as many folds again.
    """
    count = bench.count
    for fold in range(count):
        try:
            bench.without(fold, count, seed)
        except DataError as error:
            raise DataError(
                f"--nested: without the pictures of outer fold {fold + 1} of {count}, {error}\n"
                f"{count} folds inside of {count} need at least {count + 2} different pictures (or "
                f"groups) of each class outside of the test split{_shortest(bench)}; give fewer "
                "--folds, or leave --nested out"
            ) from error
    if count < _FEW:
        bench.reporter.say(
            f"{count} outer folds: the interval of what the search buys will be wide; "
            f"--folds {_FEW} or more says more"
        )


def _shortest(bench: Bench) -> str:
    """The smallest class, with its count before an outer fold is taken away."""
    manifest = bench.dataset.manifest
    counts = np.bincount(bench.targets, minlength=len(manifest.classes))
    least = int(counts.argmin())
    return f" (class {manifest.classes[least]!r} has {counts[least]:,})"


def nest(desk: SearchDesk, plan: TimePlan, name: str, open_study: Callable[[str], Study]) -> bool:
    """A search inside of each outer fold, whose best answers the pictures of that fold.

    The plain settings are trained and asked beside it, so that what the search buys has an
    interval.

    Returns:
        Whether all outer folds are answered; False while other processes are at some.
    """
    for fold in range(desk.bench.count):
        path = desk.search.folder / "outer" / str(fold) / "held.json"
        if not path.is_file() and not _outer(desk, plan, fold, open_study(f"{name}/outer-{fold}")):
            return False
    documents = [
        read_json(desk.search.folder / "outer" / str(fold) / "held.json")
        for fold in range(desk.bench.count)
    ]
    best = [np.array(each["right"]) for each in documents]
    plain = [np.array(each["plain"]) for each in documents]
    gains = [float(a.mean() - b.mean()) for a, b in zip(best, plain, strict=True)]
    gain, p_value = corrected_t(gains, 1 / desk.bench.count)
    desk.write(
        nested={
            "accuracy": pooled(best).to_json() | {"n": sum(map(len, best))},
            "plain": pooled(plain).to_json(),
            "gain": gain.to_json(),
            "p_value": p_value,
            "settings": [each["settings"] for each in documents],
        }
    )
    return True


def _outer(desk: SearchDesk, plan: TimePlan, fold: int, study: Study) -> bool:
    folder = desk.search.folder / "outer" / str(fold)
    seed = Recipe(**desk.asked.chosen).seed
    inner = desk.bench.without(fold, desk.bench.count, seed)
    limits = desk.limits(plan, 1 / (desk.rounds - fold))
    try:
        study.agree({"pictures": inner.digest, "space": desk.space.text, "epochs": plan.epochs})
        searching = Searching(inner, study, desk.space, folder, limits)
        searching.run()
        best = study.best()
        if searching.others():
            return _left(desk, fold)
        if best is None:
            raise RecipeError(
                f"no trial of outer fold {fold + 1} came to its end: raise --budget, give fewer "
                "--folds, or leave --nested out"
            )
        settings = study.settings_of(best, desk.space)
    finally:
        study.close()
    with locked(folder) as ours:
        if ours is False:
            return _left(desk, fold)
        _write_held(desk, plan, fold, settings)
    return True


def _left(desk: SearchDesk, fold: int) -> bool:
    desk.reporter.say(f"outer fold {fold + 1}: other processes are still at it and go on")
    return False


def _write_held(desk: SearchDesk, plan: TimePlan, fold: int, settings: dict[str, Any]) -> None:
    folder = desk.search.folder / "outer" / str(fold)
    document: dict[str, Any] = {
        "settings": settings,
        "right": _answer(desk, plan, fold, settings, folder / "best"),
        "plain": _answer(desk, plan, fold, {}, folder / "plain"),
    }
    write_json(folder / "held.json", document)
    share = float(np.mean(document["right"]))
    desk.reporter.say(f"outer fold {fold + 1} of {desk.bench.count}: {share:.1%} held out")


def _answer(
    desk: SearchDesk, plan: TimePlan, fold: int, settings: dict[str, Any], folder: Path
) -> list[bool]:
    """Whether each picture of an outer fold is answered right by settings chosen without it."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    job = FoldJob(settings, plan.epochs, *desk.bench.sides(fold), folder)
    found = desk.bench.train(job)
    shutil.rmtree(folder, ignore_errors=True)
    return found.right.tolist()
