"""What it is made of: the layer table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hubel.reports.charts.tracks import share
from hubel.reports.findings import making
from hubel.reports.formats import compact, count, percent
from hubel.reports.sections.section import Material, Section


def section(material: Material) -> Section | None:
    """Layers with shapes, parameters and multiply-adds; absent where nothing is known."""
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
        },
    )


def _row(layer: Mapping[str, Any], totals: Mapping[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": layer["name"],
        "op": layer["op"],
        "output": _shape(layer["output"]),
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
