"""`hubel design`."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hubel.analysis.request import Request
from hubel.errors import RecipeError

__all__ = ["command"]

Networks = Annotated[
    list[str],
    typer.Argument(
        help="A line of notation, a name as `hubel models` lists them, timm:NAME, "
        "torchvision:NAME, or FILE.py:FUNCTION. Several are set side by side."
    ),
]
Input = Annotated[
    str | None,
    typer.Option("--input", help="Channels and sides: 3x224x224 [as published, or 3x224x224]."),
]
Classes = Annotated[int | None, typer.Option(min=1, help="Scores of fc [as published, or 1000].")]
Batch = Annotated[
    int, typer.Option("--batch", "-b", min=1, help="Samples that the totals are for.")
]
Count = Annotated[
    str, typer.Option(help="What multiply-adds count: products, bias, fvcore, thop or all.")
]
View = Annotated[str, typer.Option(help="Table: cost, formulas, memory or fields.")]
Depth = Annotated[
    int | None, typer.Option(min=0, help="Parts of a layer's path to tell apart; 0: all.")
]
Init = Annotated[str | None, typer.Option(help="Initialisation of a line of notation [kaiming].")]
Machine = Annotated[
    str | None, typer.Option(help="Predict times on `this` machine, or h100, a100, phone, ...")
]
Measure = Annotated[bool, typer.Option("--measure", help="Run it, and set times side by side.")]
Fits = Annotated[str | None, typer.Option(help="Largest batch that trains in so much: 16GB.")]
Optimizer = Annotated[
    str | None, typer.Option(help="With --fits: whose state a step of training holds [adamw].")
]
Collapse = Annotated[
    bool, typer.Option("--collapse", help="Build the one equivalent of each linear stack.")
]
Svg = Annotated[Path | None, typer.Option(help="Draw the graph into this file.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown.")]
Json = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]

_VIEWS = ("cost", "formulas", "memory", "fields")


def command(  # noqa: PLR0917 (typer calls it by name)
    networks: Networks,
    input: Input = None,
    classes: Classes = None,
    batch: Batch = 1,
    count: Count = "products",
    view: View = "cost",
    depth: Depth = None,
    init: Init = None,
    machine: Machine = None,
    measure: Measure = False,
    fits: Fits = None,
    optimizer: Optimizer = None,
    collapse: Collapse = False,
    svg: Svg = None,
    markdown: AsMarkdown = False,
    json: Json = False,
) -> None:
    """Say what a network comes to before a weight exists.

    Shapes, parameters, multiply-adds, memory and receptive fields of every layer, as numbers and
    as formulas; which input sizes it takes; and what the arithmetic advises.
    """
    if json and markdown:
        raise RecipeError("--json and --markdown exclude each other; leave one out")
    form = "json" if json else "markdown" if markdown else "text"
    request = Request(networks=tuple(networks), input=_shape(input), classes=classes, batch=batch,
                   count=count, view=view, depth=depth, init=init,
                   machine=machine and machine.lower(), measure=measure, fits=fits,
                   optimizer=optimizer, collapse=collapse, form=form)  # fmt: skip
    _expect(request)
    if svg is not None:
        _expect_one(request, "--svg")
        _draw(request, svg)
    sys.stdout.write(_answer(request) if _is_fresh(request) else _kept_answer(request))


def _is_fresh(request: Request) -> bool:
    """Whether it is answered anew each time: times, and a user's code, which may import more."""
    from hubel.models.program import Program

    timed = request.measure or request.machine == "this"
    return timed or any(map(Program.is_named, request.networks))


def _shape(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d+([xX×]\d+){1,3}", text):
        raise typer.BadParameter(
            f"expected channels and one to three sides, as 3x224x224; got {text!r}",
            param_hint="--input",
        )
    return tuple(map(int, re.split("[xX×]", text)))


def _expect(request: Request) -> None:
    if request.view not in _VIEWS:
        raise typer.BadParameter(
            f"expected one of {', '.join(_VIEWS)}, got {request.view!r}", param_hint="--view"
        )
    if request.optimizer is not None and request.fits is None:
        raise RecipeError("--optimizer has no effect without --fits; leave it out, or give both")
    one_alone = {
        "--collapse": request.collapse,
        "--measure": request.measure,
        "--view": request.view != "cost",
        "--depth": request.depth is not None,
    }
    for option, given in one_alone.items():
        if given:
            _expect_one(request, option)


def _expect_one(request: Request, option: str) -> None:
    if len(request.networks) > 1:
        raise RecipeError(
            f"{option} takes one network, and there are {len(request.networks)}; give one"
        )


def _kept_answer(request: Request) -> str:
    from hubel.caches import code_state, remembered

    state = code_state("torch", "torchvision", "timm", folders=("analysis", "models", "cli"))
    key = {"request": asdict(request), "code": state}
    return remembered("designs", key, lambda: _answer(request))


def _answer(request: Request) -> str:
    from hubel.analysis.answer import answer

    return answer(request)


def _draw(request: Request, path: Path) -> None:
    from hubel.analysis.answer import drawing
    from hubel.storage import write_bytes

    if path.is_dir():
        raise RecipeError(f"--svg {path} is a folder; name a file in it, as {path / 'net.svg'}")
    write_bytes(path, drawing(request).encode())
