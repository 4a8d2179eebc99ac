"""Designs side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hubel.analysis.design import Design
from hubel.analysis.tables import field_text
from hubel.analysis.units import amount, bytes_text, shape_text

__all__ = ["side_by_side"]

_LONGEST_NAME = 24


def side_by_side(
    designs: Sequence[Design], more: Sequence[Sequence[str]] = (), *, as_markdown: bool = False
) -> str:
    """One column a design, one row a fact; the first column names the fact.

    Args:
        designs: at least one; of one convention.
        more: further rows: a heading, and a cell for each design.
        as_markdown: with rules of Markdown.

    Example:
        >>> side_by_side([])
        ''
    """
    if not designs:
        return ""
    rows = [["", *(_name(design.network) for design in designs)]]
    rows += [[name, *map(show, designs)] for name, show in _FACTS.items()]
    rows += map(list, more)
    if as_markdown:
        rule = ["---", *("---:" for _ in designs)]
        return "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], rule, *rows[1:]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", f"multiply-adds count {designs[0].convention.meaning}"])


def _name(network: str) -> str:
    return network if len(network) <= _LONGEST_NAME else network[: _LONGEST_NAME - 3] + "..."


def _kept(design: Design) -> str:
    saved = design.total.saved_bytes
    return "can't train" if saved is None else bytes_text(saved)


def _field(design: Design) -> str:
    field = design.map_field
    return "none" if field is None else field_text(field)


def _seen(design: Design) -> str:
    field = design.map_field
    return "" if field is None else f"{field.seen:.0%}"


def _heaviest(design: Design) -> str:
    layer = max(design.layers, key=lambda layer: layer.parameters)
    share = layer.parameters / max(1, design.total.parameters)
    return f"{_name(layer.name)} {share:.0%}"


def _smallest(design: Design) -> str:
    return "" if design.sizes is None else shape_text(design.sizes.smallest)


_FACTS: dict[str, Callable[[Design], str]] = {
    "input": lambda design: shape_text(design.input),
    "batch": lambda design: str(design.batch),
    "layers": lambda design: str(len(design.layers)),
    "parameters": lambda design: amount(design.total.parameters),
    "most in": _heaviest,
    "multiply-adds": lambda design: amount(design.total.multiply_adds),
    "FLOPs": lambda design: amount(design.total.flops),
    "bytes moved": lambda design: bytes_text(design.total.bytes_moved),
    "FLOP/byte": lambda design: f"{design.total.flops / max(1, design.total.bytes_moved):.1f}",
    "peak of inference": lambda design: bytes_text(design.total.activation_peak_bytes),
    "kept for backward": _kept,
    "receptive field": _field,
    "centre sees": _seen,
    "smallest input": _smallest,
}
