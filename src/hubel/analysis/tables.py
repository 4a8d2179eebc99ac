"""A design as a table for people: plain text, or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import TYPE_CHECKING

from hubel.analysis.units import amount, bytes_text, shape_text

if TYPE_CHECKING:
    from hubel.analysis.design import Design, Layer
    from hubel.analysis.fields import Field

__all__ = ["VIEWS", "condensed", "markdown", "summary", "text"]

_MOST_ROWS = 48
_WIDEST_NAME = 30
_MARGIN = 15


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, what it shows of a layer, and whether to the left."""

    heading: str
    cell: Callable[[Layer, Design], str]
    left: bool = False


def _field(layer: Layer, _design: Design) -> str:
    return "" if layer.receptive_field is None else field_text(layer.receptive_field)


def field_text(field: Field) -> str:
    """A receptive field in a few characters: `427 /32`, its size and its stride in pixels."""
    if field.kind == "whole":
        return "all"
    stride = _numbers(field.stride)
    most = "<=" if field.kind == "bound" else ""
    return f"{most}{_numbers(field.size)}" + (f" /{stride}" if stride else "")


_NAME = Column("layer", lambda layer, _: _short(layer.name), left=True)
_OP = Column("op", lambda layer, _: layer.op[:18], left=True)
_OUTPUT = Column("output", lambda layer, _: shape_text(layer.output))
_PARAMETERS = Column("parameters", lambda layer, _: f"{layer.parameters:,}")
_SHARE = Column("share", lambda layer, design: _share(layer.parameters, design.total.parameters))
_PRODUCTS = Column("multiply-adds", lambda layer, _: f"{layer.multiply_adds:,}")
_FIELD = Column("field", _field)

VIEWS: dict[str, tuple[Column, ...]] = {
    "cost": (_NAME, _OUTPUT, _PARAMETERS, _SHARE, _PRODUCTS, _FIELD),
    "formulas": (
        _NAME,
        Column("output", lambda layer, _: layer.output_formula, left=True),
        Column("parameters", lambda layer, _: layer.parameters_formula, left=True),
    ),
    "memory": (
        _NAME,
        _OUTPUT,
        Column("kept", lambda layer, _: bytes_text(layer.saved_bytes)),
        Column("moved", lambda layer, _: bytes_text(layer.bytes_moved)),
        Column("FLOP/byte", lambda layer, _: f"{layer.intensity:.1f}"),
        Column("backward", lambda layer, _: amount(layer.backward_multiply_adds)),
    ),
    "fields": (
        _NAME,
        _OP,
        Column("size", lambda layer, _: _of_field(layer, lambda f: _numbers(f.size))),
        Column("stride", lambda layer, _: _of_field(layer, lambda f: _numbers(f.stride))),
        Column("start", lambda layer, _: _of_field(layer, lambda f: _numbers(f.start))),
        Column("seen", lambda layer, _: _of_field(layer, lambda f: f"{f.seen:.1%}")),
        Column("kind", lambda layer, _: _of_field(layer, lambda f: f.kind), left=True),
    ),
}


def _of_field(layer: Layer, show: Callable[[Field], str]) -> str:
    return "" if layer.receptive_field is None else show(layer.receptive_field)


def _numbers(values: Sequence[object]) -> str:
    """One number where the axes agree, else all with a cross; nothing where there is none."""
    if all(value is None for value in values):
        return ""
    return "x".join(map(str, values if len(set(values)) > 1 else values[:1]))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if part and whole else ""


def _short(name: str) -> str:
    return name if len(name) <= _WIDEST_NAME else "..." + name[3 - _WIDEST_NAME :]


def condensed(layers: Sequence[Layer], depth: int | None = None) -> tuple[Layer, ...]:
    """Sum the layers of one block into one row.

    Args:
        layers: of a design.
        depth: how many parts of the path to tell apart; 0: all; None: as many as give at most
            48 rows, and at least one.

    Example:
        >>> condensed([]), condensed((), 1)
        ((), ())
    """
    if depth is not None:
        return tuple(layers) if depth == 0 else _merged(layers, depth)
    if len(layers) <= _MOST_ROWS:
        return tuple(layers)
    deepest = max(layer.name.count(".") + 1 for layer in layers)
    for tried in range(deepest, 1, -1):
        merged = _merged(layers, tried)
        if len(merged) <= _MOST_ROWS:
            return merged
    return _merged(layers, 1)


def _merged(layers: Sequence[Layer], depth: int) -> tuple[Layer, ...]:
    blocks: list[Layer] = []
    for layer in layers:
        parts = layer.name.split(".")
        block = ".".join(parts[:depth])
        if len(parts) > depth and blocks and blocks[-1].name == block:
            blocks[-1] = _joined(blocks[-1], layer)
        else:
            blocks.append(replace(layer, name=block) if len(parts) > depth else layer)
    return tuple(blocks)


def _joined(block: Layer, layer: Layer) -> Layer:
    formulas = [text for text in (block.parameters_formula, layer.parameters_formula) if text]
    return replace(
        layer,
        name=block.name,
        op="block",
        description="block",
        parameters=block.parameters + layer.parameters,
        parameters_formula=" + ".join(formulas),
        multiply_adds=block.multiply_adds + layer.multiply_adds,
        flops=block.flops + layer.flops,
        bytes_moved=block.bytes_moved + layer.bytes_moved,
        saved_bytes=block.saved_bytes + layer.saved_bytes,
        backward_multiply_adds=block.backward_multiply_adds + layer.backward_multiply_adds,
    )


def text(design: Design, view: str = "cost", depth: int | None = None) -> str:
    """The table of one view with the totals below, in at most 80 columns where names allow."""
    columns = VIEWS[view]
    rows = [[column.heading for column in columns]]
    layers = condensed(design.layers, depth)
    rows += [[column.cell(layer, design) for column in columns] for layer in layers]
    lines = [f"{_title(design.network)} on {shape_text(design.input)}", ""]
    lines += _aligned(rows, [column.left for column in columns])
    if len(layers) < len(design.layers):
        lines.append(f"({len(design.layers)} layers in {len(layers)} rows; --depth 0 shows all)")
    return "\n".join([*lines, "", *summary(design)])


def _title(network: str) -> str:
    return network if len(network) <= 60 else network[:57] + "..."


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[bool]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in rows
    ]


def summary(design: Design) -> list[str]:
    """The totals, the sizes and the advice, wrapped to 80 columns."""
    return [line for heading, fact in _facts(design) for line in _wrapped(heading, fact)]


def _wrapped(heading: str, fact: str) -> list[str]:
    margin = " " * _MARGIN
    return wrap(f"{heading:{_MARGIN}}{fact}", 79, subsequent_indent=margin, break_on_hyphens=False)


def _facts(design: Design) -> Iterator[tuple[str, str]]:
    total, batch = design.total, design.batch
    of = f" for a batch of {batch}" if batch > 1 else ""
    size = bytes_text(total.parameter_bytes)
    yield "parameters", f"{total.parameters:,} ({size} with buffers)"
    yield "multiply-adds", f"{total.multiply_adds:,}{of} ({design.convention.meaning})"
    yield "FLOPs", f"{total.flops:,}{of} (2 a multiply-add, and all other arithmetic)"
    yield from _memory(design, of)
    field = design.map_field
    if field is not None:
        yield "field", _field_sentence(field)
    for place, sentence in enumerate(design.sizes.sentences() if design.sizes else ()):
        yield "" if place else "sizes", sentence
    for each in design.advice:
        yield "advice", str(each)
    for note in design.notes:
        yield "note", note


def _memory(design: Design, of: str) -> Iterator[tuple[str, str]]:
    total = design.total
    peak = bytes_text(total.activation_peak_bytes)
    yield "memory", f"{peak} of activations at the peak of inference{of}"
    if total.saved_bytes is not None:
        yield "", f"{bytes_text(total.saved_bytes)} kept for backward{of}"
    if total.training_peak_bytes is not None:
        peak = bytes_text(total.training_peak_bytes)
        yield "", f"{peak} at the peak of a training step{of}, without optimizer state"


def _field_sentence(field: Field) -> str:
    if field.kind == "whole":
        return "every position of the last map sees the whole input"
    size, stride = _numbers(field.size), _numbers(field.stride)
    most = "at most " if field.kind == "bound" else ""
    return (
        f"{most}{size} px{f' at stride {stride}' if stride else ''} in the last map; its centre "
        f"sees {field.seen:.0%} of the input"
    )


def markdown(design: Design, view: str = "cost", depth: int | None = None) -> str:
    """The same as a Markdown table, with the totals as a list."""
    columns = VIEWS[view]
    head = "| " + " | ".join(column.heading for column in columns) + " |"
    rule = "|" + "|".join("---" if column.left else "---:" for column in columns) + "|"
    rows = [
        "| " + " | ".join(column.cell(layer, design) for column in columns) + " |"
        for layer in condensed(design.layers, depth)
    ]
    facts = [f"- **{h}**: {fact}" if h else f"  - {fact}" for h, fact in _facts(design)]
    title = f"**{_title(design.network)}** on {shape_text(design.input)}"
    return "\n".join([title, "", head, rule, *rows, "", *facts])
