"""`hubel ladder`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubel.cli.train import (
    SAMPLE,
    BalanceName,
    Channels,
    Data,
    Device,
    Json,
    KindOf,
    Out,
    Resume,
    Seed,
    Sets,
    Shape,
    Size,
    Split,
    Workers,
    assignments,
)
from hubel.errors import RecipeError
from hubel.job.rungs.names import RUNGS

if TYPE_CHECKING:
    from hubel.runs import Run

__all__ = ["command"]

Rungs = Annotated[
    str | None,
    typer.Option(help=f"Names with commas between them, of: {', '.join(RUNGS)} [all]."),
]
Budget = Annotated[str | None, typer.Option(help="Time for everything, as 90s, 15m [15m].")]


def command(  # noqa: PLR0917 (typer calls it by name)
    data: Data = None,
    rungs: Rungs = None,
    budget: Budget = None,
    out: Out = None,
    resume: Resume = None,
    size: Size = None,
    kind: KindOf = None,
    channels: Channels = None,
    shape: Shape = None,
    balance: BalanceName = None,
    split: Split = None,
    seed: Seed = None,
    device: Device = None,
    workers: Workers = None,
    set_: Sets = None,
    json: Json = False,
) -> None:
    """Fit classifiers from the largest class to networks, and say which differences are real."""
    given = {"budget": budget, "size": size, "kind": kind, "channels": channels, "shape": shape,
             "seed": seed, "balance": balance, "device": device, "workers": workers,
             "split": split}  # fmt: skip
    chosen = {name: value for name, value in given.items() if value is not None}
    chosen |= assignments(set_ or [], chosen)
    if resume is not None:
        run = _resume(resume, {"DATA": data, "--out": out, "--rungs": rungs}, chosen)
    else:
        run = _climb(data, rungs, out, chosen)
    _print(run, json)


def _climb(data: str | None, rungs: str | None, out: Path | None, chosen: dict[str, Any]) -> Run:
    from hubel.cli.console import Terminal
    from hubel.cli.main import STARTED
    from hubel.cli.train import command_line
    from hubel.job.climb import ladder
    from hubel.job.desk import Sitting

    with Terminal() as terminal:
        if data is None:
            terminal.say(
                f"no data are named: climbing on {SAMPLE}, photographs of waste in 6 classes"
            )
        sitting = Sitting(reporter=terminal, started=STARTED, command=command_line())
        return ladder(data or SAMPLE, rungs=rungs, out=out, sitting=sitting, **chosen)


def _resume(folder: Path, begun: dict[str, Any], chosen: dict[str, Any]) -> Run:
    from hubel.cli.console import Terminal
    from hubel.cli.main import STARTED
    from hubel.cli.train import command_line
    from hubel.job.climb import resume_ladder
    from hubel.job.desk import Sitting

    workers = chosen.pop("workers", None)
    given = [*(name for name, value in begun.items() if value is not None), *chosen]
    if given:
        raise RecipeError(
            f"--resume goes on exactly as the run began, so {', '.join(given)} would have no "
            "effect; leave that out, or start a new run"
        )
    with Terminal() as terminal:
        sitting = Sitting(reporter=terminal, started=STARTED, command=command_line())
        return resume_ladder(folder, sitting=sitting, workers=workers)


def _print(run: Run, as_json: bool) -> None:
    from hubel.cli.console import print_json
    from hubel.cli.tables import ladder_summary

    if as_json:
        documents = {"evaluation": run.evaluation, "ladder": run.ladder}
        print_json({"run": str(run.folder)} | run.facts | documents)
    else:
        print(ladder_summary(run))
