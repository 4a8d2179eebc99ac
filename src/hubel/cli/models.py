"""`hubel models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hubel.analysis.listing import Listed

__all__ = ["command"]

_FEW = 20  # matches that are measured without being asked to
_HEAD = ["name", "year", "input", "parameters", "multiply-adds", "field, px"]


def command(
    pattern: Annotated[
        str | None,
        typer.Argument(
            help="A part of a name, or a glob such as 'timm:*vit*'. "
            "Without it: Hubel's own and the published networks."
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Count every match, however many there are.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the networks that --model and hubel design take, with what they cost.

    Parameters, multiply-adds, and the receptive field of the last layer with more than one
    position, at the input that the network was published for.
    """
    from hubel.analysis.listing import find_networks, measured

    found = find_networks(pattern)
    counted = measure or pattern is None or len(found) <= _FEW
    rows = [_row(network, measured(network) if counted else None) for network in found]
    if json:
        from hubel.cli.console import print_json

        print_json(rows)
    else:
        print(_table(rows) if counted else "\n".join(row["name"] for row in rows))
        _explain(found, counted, pattern)


def _row(network: Listed, numbers: dict[str, Any] | None) -> dict[str, Any]:
    return network.to_json() | (numbers or {})


def _table(rows: list[dict[str, Any]]) -> str:
    from hubel.analysis.units import amount, shape_text
    from hubel.cli.tables import aligned

    cells = [_HEAD]
    for row in rows:
        count = [row["parameters"], row["multiply_adds"]]
        cells.append(
            [
                row["name"],
                str(row["year"] or ""),
                shape_text(row["input"]),
                *("-" if number is None else amount(number) for number in count),
                _field_text(row["receptive_field"]),
            ]
        )
    problems = [f"{row['name']}: {row['error']}" for row in rows if row["error"] is not None]
    return "\n".join([aligned(cells), *problems])


def _field_text(field: dict[str, Any] | None) -> str:
    from hubel.analysis.units import shape_text

    if field is None or field["kind"] == "whole":
        return "-" if field is None else "whole"
    bound = "<= " if field["kind"] == "bound" else ""
    return bound + shape_text(field["size"])


def _explain(found: list[Listed], counted: bool, pattern: str | None) -> None:
    """What else there is, on standard error: the list itself may be piped on."""
    import sys

    if pattern is None:
        text = (
            "and: timm:NAME and torchvision:NAME (hubel models 'timm:*'), FILE.py:FUNCTION, "
            "and lines of notation"
        )
    elif counted:
        return
    else:
        text = f"{len(found):,} networks; --measure counts them too"
    print(text, file=sys.stderr)
