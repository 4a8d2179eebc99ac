"""`hubel search`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubel.cli.train import (
    BatchSize,
    Device,
    Model,
    Seed,
    Sets,
    Size,
    Split,
    Workers,
    assignments,
)
from hubel.errors import RecipeError

if TYPE_CHECKING:
    from hubel.job.search.found import Search

__all__ = ["command"]

Data = Annotated[str | None, typer.Argument(help="As hubel train takes it.")]
SpaceText = Annotated[
    str | None,
    typer.Option(
        "--space",
        help="Settings with their values, as 'lr=log(0.01,1) optimizer=nesterov|adamw' or "
        "'model=[conv{3|5}x{same}({16..64*2}) bn relu]*{1..3} gap fc' [for the default network].",
    ),
]
Folds = Annotated[int | None, typer.Option(help="Of the cross-validation [5].")]
Budget = Annotated[str | None, typer.Option(help="Time for everything, as 90s, 30m [30m].")]
Trials = Annotated[int | None, typer.Option(help="At most so many [what fits].")]
Epochs = Annotated[int | None, typer.Option(help="Of each training [by rule].")]
Metric = Annotated[
    str | None,
    typer.Option(
        help="By which trials are valued: accuracy or balanced_accuracy [what suits the classes]."
    ),
]
Prune = Annotated[str | None, typer.Option("--pruner", help="median, halving or none [median].")]
Storage = Annotated[
    str | None, typer.Option(help="Address of a database that machines share [a file in --out].")
]
StudyName = Annotated[str | None, typer.Option("--study", help="Its name there [that of --out].")]
Nested = Annotated[bool, typer.Option("--nested", help="Search inside of outer folds as well.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the search [runs/<data>-<n>].")]
Resume = Annotated[
    Path | None, typer.Option(help="Go on with this search, or work at it beside others.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the search as JSON.")]


def command(  # noqa: PLR0917 (typer calls it by name)
    data: Data = None,
    space: SpaceText = None,
    folds: Folds = None,
    budget: Budget = None,
    trials: Trials = None,
    epochs: Epochs = None,
    metric: Metric = None,
    pruner: Prune = None,
    storage: Storage = None,
    study: StudyName = None,
    nested: Nested = False,
    out: Out = None,
    resume: Resume = None,
    model: Model = None,
    size: Size = None,
    batch_size: BatchSize = None,
    split: Split = None,
    seed: Seed = None,
    device: Device = None,
    workers: Workers = None,
    set_: Sets = None,
    json: Json = False,
) -> None:
    """Search settings by cross-validation; train the best, and score it once on test."""
    asked = {"folds": folds, "budget": budget, "trials": trials, "epochs": epochs,
             "metric": metric, "pruner": pruner, "study": study,
             "nested": nested or None}  # fmt: skip
    chosen = {"model": model, "size": size, "batch_size": batch_size, "seed": seed,
              "device": device, "workers": workers, "split": split}  # fmt: skip
    given = {name: value for name, value in (asked | chosen).items() if value is not None}
    given |= assignments(set_ or [], given)
    if resume is not None:
        found = _resume(resume, storage, {"DATA": data, "--space": space, "--out": out} | given)
    elif data is None:
        raise RecipeError("search what? Name a folder, a table or a zip archive, or --resume RUN")
    else:
        found = _search(data, out, {"space": space, "storage": storage} | given)
    _print(found, json)


def _search(data: str, out: Path | None, options: dict[str, Any]) -> Search:
    from hubel.cli.console import Terminal
    from hubel.cli.main import STARTED
    from hubel.job.desk import Sitting
    from hubel.job.search.work import search

    with Terminal() as terminal:
        sitting = Sitting(reporter=terminal, started=STARTED, command=["hubel", *sys.argv[1:]])
        return search(data, out=out, sitting=sitting, **options)


def _resume(folder: Path, storage: str | None, others: dict[str, Any]) -> Search:
    from hubel.cli.console import Terminal
    from hubel.cli.main import STARTED
    from hubel.job.desk import Sitting
    from hubel.job.search.work import resume_search

    idle = [name for name, value in others.items() if value is not None]
    if idle:
        raise RecipeError(
            f"--resume goes on exactly as the search began, so {', '.join(idle)} would have no "
            "effect; leave that out, or start a new search"
        )
    with Terminal() as terminal:
        sitting = Sitting(reporter=terminal, started=STARTED)
        return resume_search(folder, storage=storage, sitting=sitting)


def _print(search: Search, as_json: bool) -> None:
    from hubel.cli.console import print_json
    from hubel.cli.tables import search_summary

    facts = search.facts
    if as_json:
        print_json({"search": str(search.folder)} | facts)
    elif facts["status"] == "done":
        print(search_summary(search))
