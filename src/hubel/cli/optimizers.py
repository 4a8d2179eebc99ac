"""`hubel optimizers`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubel.errors import RecipeError

if TYPE_CHECKING:
    from hubel.training.walks.walking import Walk

__all__ = ["command"]

_FORMATS = (".svg", ".png")


def command(
    out: Annotated[Path, typer.Option(help="The picture, .svg or .png.")] = Path("optimizers.svg"),
    json: Annotated[bool, typer.Option("--json", help="Print the walks as JSON.")] = False,
) -> None:
    """Draw how each optimizer walks on three surfaces and trains on a small real problem.

    Each has the rate that serves it best: the one that ends lowest, out of the same few, with the
    same number of steps. Takes about a minute.
    """
    if out.suffix not in _FORMATS:
        raise RecipeError(f"--out {out}: expected a file that ends in .svg or .png")
    walks = _walk()
    _draw(walks, out)
    if json:
        from hubel.cli.console import print_json

        print_json({"picture": str(out), "rates": _rates(), "walks": [w.to_json() for w in walks]})
    else:
        print(_table(walks))
        print(f"\npicture  {out}")


def _walk() -> list[Walk]:
    from hubel.cli.console import Terminal
    from hubel.training.choices import OPTIMIZERS
    from hubel.training.walks.digits import walk_on_digits
    from hubel.training.walks.surfaces import SURFACES
    from hubel.training.walks.walking import walk_everywhere

    with Terminal() as terminal:
        terminal.begin("walking", (len(SURFACES) + 1) * len(OPTIMIZERS))
        return walk_everywhere(terminal.advance) + walk_on_digits(terminal.advance)


def _draw(walks: list[Walk], out: Path) -> None:
    from hubel.reports.walks import draw_walks
    from hubel.storage import write_bytes
    from hubel.training.walks.surfaces import SURFACES

    write_bytes(out, draw_walks(walks, SURFACES, out.suffix[1:]))


def _rates() -> dict[str, Any]:
    from hubel.training.walks.digits import DIGIT_RATES
    from hubel.training.walks.walking import RATES

    return {"surfaces": RATES, "digits": DIGIT_RATES}


def _table(walks: list[Walk]) -> str:
    from hubel.cli.tables import aligned
    from hubel.reports.walks import answer, merged, number

    table = merged(walks)
    problems = list(next(iter(table.values())))
    rows = [["end (rate)", *problems]]
    for names, found in table.items():
        cells = [f"{number(walk.end)} ({number(walk.rate)})" for walk in found.values()]
        rows.append([names, *cells])
    return f"{aligned(rows)}\n\n{answer(table)}."
