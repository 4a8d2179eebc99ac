"""`hubel design`."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

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
Classes = Annotated[int | None, typer.Option(help="Scores of fc [as published, or 1000].")]
Batch = Annotated[int, typer.Option("--batch", "-b", help="Samples that the totals are for.")]
Count = Annotated[
    str, typer.Option(help="What multiply-adds count: products, bias, fvcore, thop or all.")
]
View = Annotated[str, typer.Option(help="Table: cost, formulas, memory or fields.")]
Depth = Annotated[
    int | None, typer.Option(min=0, help="Parts of a layer's path to tell apart; 0: all.")
]
Init = Annotated[str, typer.Option(help="Initialisation of a line of notation.")]
Machine = Annotated[
    str | None, typer.Option(help="Predict times on `this` machine, or h100, a100, phone, ...")
]
Measure = Annotated[bool, typer.Option("--measure", help="Run it, and set times side by side.")]
Fits = Annotated[str | None, typer.Option(help="Largest batch that trains in so much: 16GB.")]
Optimizer = Annotated[str, typer.Option(help="Whose state a training step holds.")]
Collapse = Annotated[
    bool, typer.Option("--collapse", help="Build the one equivalent of each linear stack.")
]
Svg = Annotated[Path | None, typer.Option(help="Draw the graph into this file.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown.")]
Json = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]


def command(  # noqa: PLR0917 (typer calls it by name)
    networks: Networks,
    input: Input = None,
    classes: Classes = None,
    batch: Batch = 1,
    count: Count = "products",
    view: View = "cost",
    depth: Depth = None,
    init: Init = "kaiming",
    machine: Machine = None,
    measure: Measure = False,
    fits: Fits = None,
    optimizer: Optimizer = "adamw",
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
                   count=count, view=view, depth=depth, init=init, machine=machine,
                   measure=measure, fits=fits, optimizer=optimizer, collapse=collapse,
                   form=form)  # fmt: skip
    _expect(request)
    from hubel.caches import remembered

    if svg is not None:
        _draw(request, svg)
    is_timed = measure or machine == "this"  # and what is timed never comes from a cache
    printed = (
        _answer(request)
        if is_timed
        else remembered("designs", _key(request), lambda: _answer(request))
    )
    sys.stdout.write(printed)


def _shape(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d+(x\d+){1,3}", text):
        raise typer.BadParameter(
            f"expected channels and one to three sides, as 3x224x224; got {text!r}",
            param_hint="--input",
        )
    return tuple(map(int, text.split("x")))


def _expect(request: Request) -> None:
    views = ("cost", "formulas", "memory", "fields")
    if request.view not in views:
        raise typer.BadParameter(f"expected one of {', '.join(views)}, got {request.view!r}")
    if len(request.networks) > 1 and (request.collapse or request.measure):
        raise RecipeError("--collapse and --measure take one network; give one")


def _key(request: Request) -> dict[str, Any]:
    from hubel.caches import code_state
    from hubel.storage import sha256_file

    files = {
        name: sha256_file(path)
        for name in request.networks
        if (path := Path(name.rpartition(":")[0])).suffix == ".py" and path.is_file()
    }
    state = code_state("torch", "torchvision", "timm", folders=("analysis", "models", "cli"))
    return {"request": asdict(request), "files": files, "code": state}


def _answer(request: Request) -> str:
    from hubel.analysis.answer import answer

    return answer(request)


def _draw(request: Request, path: Path) -> None:
    from hubel.analysis.answer import drawing
    from hubel.storage import write_bytes

    write_bytes(path, drawing(request).encode())
