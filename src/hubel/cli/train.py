"""`hubel train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubel.cli.data import SOURCES
from hubel.errors import RecipeError

if TYPE_CHECKING:
    from hubel.runs import Run

__all__ = ["SAMPLE", "assignments", "command", "command_line"]

SAMPLE = "sample:trashnet"


Data = Annotated[
    str | None,
    typer.Argument(help=f"{SOURCES}. Without it: sample:trashnet, which comes with hubel."),
]
Out = Annotated[Path | None, typer.Option(help="Folder of the run [runs/<data>-<n>].")]
Resume = Annotated[Path | None, typer.Option(help="Go on with this run.")]
Budget = Annotated[str | None, typer.Option(help="Time for everything, as 90s, 10m [10m].")]
Epochs = Annotated[int | None, typer.Option(help="Passes over the data, instead of a budget.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="The network [convnet]: a name (hubel models lists them), timm:NAME, "
        "torchvision:NAME, a line of notation such as 'conv3x3(32) bn relu gap fc', or net.py:make."
    ),
]
Size = Annotated[str | None, typer.Option(help="Input in pixels: 64 or 96x128 (height x width).")]
KindOf = Annotated[
    str | None,
    typer.Option(help="What arrays are: picture, signal or volume [by the number of their axes]."),
]
Channels = Annotated[
    str | None,
    typer.Option(help="rgb, grey, or rgba, which keeps the alpha [grey where all are]."),
]
Shape = Annotated[
    str | None,
    typer.Option(help="Pictures of other ratios: squash, crop, pad or bucket [squash]."),
]
BatchSize = Annotated[int | None, typer.Option("--batch-size", "-b", help="Pictures a step.")]
LossName = Annotated[
    str | None,
    typer.Option(
        "--loss",
        help="cross_entropy, focal, hinge, crammer_singer, one_vs_rest or binary_cross_entropy "
        "[cross_entropy].",
    ),
]
BalanceName = Annotated[
    str | None,
    typer.Option(
        "--balance",
        help="Of unequal classes: none, weights, sampler or logit-adjust [sampler where one has 3 "
        "times the pictures of another].",
    ),
]
MonitorName = Annotated[
    str | None,
    typer.Option(
        "--monitor",
        help="By which the best epoch is chosen: accuracy, balanced_accuracy, macro_f1, log_loss "
        "or last [what suits the classes].",
    ),
]
OptimizerName = Annotated[
    str | None,
    typer.Option(
        "--optimizer",
        help="sgd, momentum, nesterov, rmsprop, adam, adamw or muon [what suits the network].",
    ),
]
Rate = Annotated[float | None, typer.Option(help="Largest learning rate.")]
Split = Annotated[
    str | None,
    typer.Option(help="stratified by class, or time: the newest are held out [stratified]."),
]
Seed = Annotated[int | None, typer.Option(help="Decides every draw [0].")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps [auto].")]
Workers = Annotated[int | None, typer.Option("--workers", "-j", help="Threads that read.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any other setting, as mixup=0.2; --settings lists them."),
]
List = Annotated[bool, typer.Option("--settings", help="List all settings and leave.")]
Json = Annotated[bool, typer.Option("--json", help="Print the run as JSON.")]


def command(  # noqa: PLR0917 (typer calls it by name)
    data: Data = None,
    out: Out = None,
    resume: Resume = None,
    budget: Budget = None,
    epochs: Epochs = None,
    model: Model = None,
    size: Size = None,
    kind: KindOf = None,
    channels: Channels = None,
    shape: Shape = None,
    batch_size: BatchSize = None,
    loss: LossName = None,
    balance: BalanceName = None,
    monitor: MonitorName = None,
    optimizer: OptimizerName = None,
    lr: Rate = None,
    split: Split = None,
    seed: Seed = None,
    device: Device = None,
    workers: Workers = None,
    set_: Sets = None,
    settings: List = False,
    json: Json = False,
) -> None:
    """Train a classifier, compare it with cheaper ones, and write a report."""
    if settings:
        _list_settings()
        return
    chosen = {"budget": budget, "epochs": epochs, "model": model, "size": size, "kind": kind,
              "channels": channels, "shape": shape, "lr": lr, "loss": loss,
              "balance": balance, "monitor": monitor, "optimizer": optimizer,
              "batch_size": batch_size, "seed": seed, "device": device,
              "workers": workers, "split": split}  # fmt: skip
    chosen = {name: value for name, value in chosen.items() if value is not None}
    chosen |= assignments(set_ or [], chosen)
    run = _resume(resume, data, out, chosen) if resume is not None else _train(data, out, chosen)
    _print(run, json)


def _train(data: str | None, out: Path | None, chosen: dict[str, Any]) -> Run:
    from hubel.cli.console import Terminal
    from hubel.cli.main import STARTED

    with Terminal() as terminal:
        if data is None:
            terminal.say(
                f"no data are named: training on {SAMPLE}, photographs of waste in 6 classes"
            )
        from hubel.job.desk import Sitting
        from hubel.job.work import train

        sitting = Sitting(reporter=terminal, started=STARTED, command=command_line())
        return train(data or SAMPLE, out=out, sitting=sitting, **chosen)


def _resume(folder: Path, data: str | None, out: Path | None, chosen: dict[str, Any]) -> Run:
    from hubel.cli.console import Terminal
    from hubel.cli.main import STARTED

    workers = chosen.pop("workers", None)
    if data is not None or out is not None or chosen:
        given = ", ".join([*(["DATA"] if data else []), *(["--out"] if out else []), *chosen])
        raise RecipeError(
            f"--resume goes on exactly as the run began, so {given} would have no effect; leave "
            "that out, or start a new run"
        )
    from hubel.job.desk import Sitting
    from hubel.job.work import resume

    with Terminal() as terminal:
        sitting = Sitting(reporter=terminal, started=STARTED, command=command_line())
        return resume(folder, sitting=sitting, workers=workers)


def assignments(texts: list[str], chosen: dict[str, Any]) -> dict[str, Any]:
    """Settings from `--set name=value`, as texts; `chosen` are those set by options of their own.

    Raises:
        RecipeError: a text is no assignment, or a setting is set twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise RecipeError(f"--set {text}: expected name=value, as in --set mixup=0.2")
        if name in found or name in chosen:
            raise RecipeError(f"{name} is set twice")
        found[name] = value.strip()
    return found


def command_line() -> list[str]:
    """What was typed."""
    return ["hubel", *sys.argv[1:]]


def _list_settings() -> None:
    from hubel.training.recipe import setting_names

    for name, default, meaning in setting_names():
        shown = "by rule" if default is None else default
        print(f"{name:16} {meaning} [{shown}]")


def _print(run: Run, as_json: bool) -> None:
    from hubel.cli.console import print_json
    from hubel.cli.tables import summary

    if as_json:
        documents = {"evaluation": run.evaluation, "ladder": run.ladder}
        print_json({"run": str(run.folder)} | run.facts | documents)
    else:
        print(summary(run))
