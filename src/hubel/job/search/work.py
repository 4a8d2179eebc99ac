"""The order of the stages of a search: scan, fold, search, train the best, score it once."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hubel.data.dataset import Dataset
from hubel.data.manifest import Manifest
from hubel.data.sources import open_source
from hubel.errors import DataError, HubelError, Interrupted, RecipeError, StorageError
from hubel.job.desk import Sitting
from hubel.job.prepare import expect_unchanged, open_data
from hubel.job.search.asked import Asked
from hubel.job.search.bench import make_bench
from hubel.job.search.desk import SearchDesk, TimePlan
from hubel.job.search.finish import finish
from hubel.job.search.found import Search
from hubel.job.search.nested import expect_nested, nest
from hubel.job.search.searching import Searching, expect_some
from hubel.job.settings import clean
from hubel.runs import expect_room, machine, new_folder, versions
from hubel.training.recipe import Recipe
from hubel.tuning.storage import hidden, open_storage, url_of_file
from hubel.tuning.study import Study

__all__ = ["resume_search", "search"]

_FILE = "study.db"


def search(
    data: str | os.PathLike[str],
    *,
    space: str | None = None,
    out: str | os.PathLike[str] | None = None,
    sitting: Sitting | None = None,
    **options: Any,
) -> Search:
    """Search for the settings that answer pictures best that were not learned from.

    Args:
        data: as `hubel.train` takes it.
        space: settings with their values, such as `lr=log(0.01,1) optimizer=nesterov|adamw`;
            without it, what matters most for the default network.
        out: folder of the search; the first free `runs/<data>-<n>` where it is None.
        sitting: who listens; nobody by default.
        **options: `folds=5`, `budget="30m"`, `trials`, `epochs`, `metric`, `pruner`, `storage`,
            `study`, `nested`; and settings of the recipe that are the same in every trial.

    Returns:
        The search: its best run, every trial, and the figures.

    Raises:
        DataError: the data can't be used, or a class has fewer pictures than there are folds.
        RecipeError: the space can't be read or matches nothing; an option is not possible.
        StorageError: the database is locked, gone, or can't be reached.
        Interrupted: stopped by the user; the message says how to go on.
    """
    sitting = sitting or Sitting()
    asked = Asked.of(space, options)
    expect_room(os.fspath(data), out)
    if asked.storage is not None:
        hidden(asked.storage)
    dataset, _ = open_data(open_source(data), asked.chosen, sitting.reporter)
    _expect_one_label(dataset)
    bench = make_bench(dataset, asked.chosen, asked.folds, sitting.reporter, asked.metric)
    if asked.nested:
        expect_nested(bench, Recipe(**asked.chosen).seed)
    parsed = asked.read()
    first = expect_some(bench, parsed, Recipe(**asked.chosen).seed)
    probe = SearchDesk(Search(Path()), asked, parsed, bench, sitting)
    plan = probe.plan(first)
    if asked.storage is not None:
        _expect_agreed(probe, plan, asked.storage, asked.study or _name(out))
    found = Search(new_folder(os.fspath(data), out))
    dataset.manifest.write(found.folder / "manifest.parquet")
    desk = replace(probe, search=found)
    found.write_facts(_facts(desk, plan))
    sitting.reporter.say(f"{len(bench.rows):,} pictures in {bench.count} folds; {plan.text}")
    sitting.reporter.say(f"trials are valued by {bench.metric.replace('_', ' ')}")
    return _guarded(desk, plan, asked.storage or url_of_file(found.folder / _FILE))


def _expect_one_label(dataset: Dataset) -> None:
    """Raises `DataError` where pictures have several labels: folds and trials are for one."""
    if dataset.manifest.task == "multi-label":
        raise DataError(
            f"{dataset.source.name}: these pictures have several labels, and a search is for one "
            "label a picture; train with the settings that are to be compared (hubel train --set)"
        )


def resume_search(
    folder: str | os.PathLike[str],
    *,
    storage: str | None = None,
    sitting: Sitting | None = None,
) -> Search:
    """Go on with a search that was stopped or killed, or work at one beside other processes.

    Args:
        folder: of the search.
        storage: address of its database, where that has a password; it is never written down.
        sitting: who listens; nobody by default.

    Raises:
        ArtifactError: the folder holds no search.
        DataError: the pictures have changed since.
        StorageError: the database is locked, gone, or can't be reached.
    """
    sitting = sitting or Sitting()
    found = Search.open(folder)
    facts = found.facts
    if facts["status"] == "done":
        sitting.reporter.say(f"{found.folder} is complete: there is nothing to go on with")
        return found
    url = _url(found, facts, storage)
    given = facts["asked"]
    options = {name: given[name] for name in given if name not in ("space", "chosen")}
    asked = Asked(space=given["space"], chosen=clean(_tuples(given["chosen"])), **options)
    source = facts["data"]
    manifest = Manifest.read(found.folder / "manifest.parquet")
    dataset = Dataset(open_source(source["source"]), source["kind"], manifest, ())
    expect_unchanged(dataset, Recipe(**asked.chosen), sitting.reporter)
    bench = make_bench(dataset, asked.chosen, asked.folds, sitting.reporter, asked.metric)
    before = facts["seconds"]
    desk = SearchDesk(found, asked, asked.read(), bench, sitting, before)
    plan = TimePlan(facts["plan"]["epochs"], facts["plan"]["trial_seconds"], facts["plan"]["text"])
    return _guarded(desk, plan, url)


def _name(out: str | os.PathLike[str] | None) -> str | None:
    return None if out is None else Path(out).name


def _expect_agreed(desk: SearchDesk, plan: TimePlan, url: str, name: str | None) -> None:
    """Refuse a database that fails, or a study of another question, before a folder is made."""
    if name is None:  # the study takes the name of the folder
        open_storage(url).engine.dispose()
        return
    study = Study(url, name, "", 0, ("none", 1))
    try:
        study.agree(_question(desk, plan))
    finally:
        study.close()


def _guarded(desk: SearchDesk, plan: TimePlan, url: str) -> Search:
    """All stages; whatever ends them early says how to go on."""
    way = f"go on with: hubel search --resume {desk.search.folder}"
    try:
        return _stages(desk, plan, url)
    except KeyboardInterrupt:
        desk.write(status="interrupted")
        raise Interrupted(f"stopped; {way}") from None
    except HubelError as error:
        desk.write(status="failed", error=str(error))
        if isinstance(error, StorageError):
            desk.reporter.say(f"when that is mended, {way}")
        raise


def _stages(desk: SearchDesk, plan: TimePlan, url: str) -> Search:
    facts = desk.write(status="running", error=None)
    pruner = (desk.asked.pruner, max(1, plan.epochs // 3))
    seed = Recipe(**desk.asked.chosen).seed

    def open_study(name: str) -> Study:
        return Study(url, name, facts["home"], seed, pruner)

    if desk.asked.nested and not nest(desk, plan, facts["study"], open_study):
        return desk.search
    study = open_study(facts["study"])
    try:
        study.agree(_question(desk, plan))
        searching = Searching(desk.bench, study, desk.space, desk.search.folder, desk.limits(plan))
        why = searching.run()
        desk.reporter.say(f"the search ends: {why}")
        busy = searching.others()
        if busy:
            desk.reporter.say(
                f"{busy} trial{'s' * (busy != 1)} of other processes still run; the last process "
                "trains and scores the best"
            )
            return desk.search
        finish(desk, study, why)
    finally:
        study.close()
    return desk.search


def _question(desk: SearchDesk, plan: TimePlan) -> dict[str, Any]:
    asked = desk.asked.to_json()
    names = ("space", "chosen", "folds")
    return {name: asked[name] for name in names} | {
        "epochs": plan.epochs,
        "pictures": desk.bench.digest,
        "metric": desk.bench.metric,
    }


def _facts(desk: SearchDesk, plan: TimePlan) -> dict[str, Any]:
    dataset, folder = desk.bench.dataset, desk.search.folder
    name = dataset.source.name
    storage = desk.asked.storage
    return {
        "schema_version": 1,
        "kind": "search",
        "status": "running",
        "error": None,
        "name": folder.name,
        "command": desk.sitting.command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "asked": desk.asked.to_json(),
        "metric": desk.bench.metric,
        "plan": {"epochs": plan.epochs, "trial_seconds": plan.trial_seconds, "text": plan.text},
        "study": desk.asked.study or folder.name,
        "storage": None if storage is None else hidden(storage),
        "home": uuid.uuid4().hex,  # which trials are in this folder, wherever it is moved to
        "data": {
            "source": name if name.startswith("sample:") else os.path.abspath(name),
            "kind": dataset.kind,
            "classes": list(dataset.manifest.classes),
            "splits": dataset.manifest.counts(),
            "searched": len(desk.bench.rows),
        },
        "seconds": 0.0,
        "versions": versions(),
        "machine": machine(),
    }


def _url(found: Search, facts: dict[str, Any], given: str | None) -> str:
    if facts["storage"] is None:
        path = found.folder / _FILE
        if not path.is_file():
            raise StorageError(
                f"{path} is gone, and with it which trials there were; put it back, or start a new "
                f"search (what each trial gave is still in {found.folder / 'trials'})"
            )
        return url_of_file(path)
    if given is None and "***" in facts["storage"]:
        raise RecipeError(
            f"the storage {facts['storage']} has a password, which is not written down: give "
            "--storage with it"
        )
    return given or facts["storage"]


def _tuples(chosen: dict[str, Any]) -> dict[str, Any]:
    from hubel.training.recipe import as_tuples

    return {name: as_tuples(value) for name, value in chosen.items()}
