"""What it is made of: the layer table, the drawing, and what the arithmetic says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from hubel.reports.charts.tracks import share
from hubel.reports.findings import making
from hubel.reports.formats import compact, count, percent
from hubel.reports.sections.section import Material, Section


def section(material: Material) -> Section | None:
    """Layers with shapes, costs and receptive fields; absent where nothing is known."""
    facts = material.facts
    if not facts.layers and not facts.totals.get("parameters"):
        return None
    return Section(
        id="structure",
        question="What is it made of?",
        finding=making.structure(facts.layers, facts.totals),
        evidence={
            "rows": [_row(layer, facts.totals) for layer in facts.layers],
            "totals": {key: count(value) for key, value in facts.totals.items()},
            "drawing": Markup(facts.drawing),
            "advice": list(facts.advice),
        },
    )


def _row(layer: Mapping[str, Any], totals: Mapping[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": layer["name"],
        "op": layer["op"],
        "output": _shape(layer["output"]),
        "field": _field(layer.get("receptive_field")),
    }
    for key in ("parameters", "multiply_adds"):
        part = layer[key] / totals[key] if totals.get(key) else 0.0
        row[key] = {
            "value": count(layer[key]) if layer[key] else "0",
            "compact": compact(layer[key]),
            "bar": share(part, "c1" if key == "parameters" else "c2") if layer[key] else "",
            "share": _share(part) if layer[key] else "",
        }
    return row


def _share(part: float) -> str:
    return "< 0.1" if part < 0.0005 else percent(part)


def _shape(output: str | Sequence[int]) -> str:
    return output if isinstance(output, str) else " × ".join(f"{size}" for size in output)


def _field(field: Mapping[str, Any] | None) -> str:
    """Pixels that one position sees, `35 × 35`; "all" where that is the whole picture."""
    if field is None:
        return ""
    size = field["size"]
    sides = size if isinstance(size, list) else [size, size]
    most = "≤ " if field["kind"] == "bound" else ""
    return "all" if field["kind"] == "whole" else most + " × ".join(f"{side}" for side in sides)
