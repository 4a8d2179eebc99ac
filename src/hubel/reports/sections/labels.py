"""Which labels it misses, and which it invents, where a picture may have several."""

from __future__ import annotations

from typing import Any

from hubel.reports.findings import labels as findings
from hubel.reports.formats import count, percent
from hubel.reports.sections.section import Material, Section, cards
from hubel.reports.several import Several

_SHOWN = 12
_PICTURES = 480
_MOST = 20  # labels of the table of what comes together


def section(material: Material) -> Section | None:
    """A row a label, whose mistakes open their pictures, and what comes together."""
    several, answers = material.several, material.answers
    if several is None or answers is None or not answers.files:
        return None
    missed = [several.missed(label) for label in range(len(several.classes))]
    invented = [several.invented(label) for label in range(len(several.classes))]
    order = sorted(range(len(several.classes)), key=lambda k: -(len(missed[k]) + len(invented[k])))
    panels = _panels(material, several, order, (missed, invented))
    finding = findings.labels(several)
    return Section(
        id="labels",
        question="Which labels does it miss, and which does it invent?",
        finding=finding,
        brief=finding,
        evidence={
            "rows": [_row(several, k, (missed[k], invented[k]), panels) for k in order],
            "panels": list(panels.values()),
            "together": _together(several),
        },
    )


def _row(
    several: Several, label: int, wrong: tuple[list[int], list[int]], panels: dict[str, Any]
) -> dict[str, Any]:
    n = int(several.truth[:, label].sum())
    instead = several.instead(label)
    missed, invented = (len(rows) for rows in wrong)
    return {
        "name": several.classes[label],
        "n": n,
        "found": n - missed,
        "missed": missed,
        "invented": invented,
        "open": {kind: _id(kind, label) for kind in ("missed", "invented")
                 if _id(kind, label) in panels},
        "instead": f"{instead[0]}, {count(instead[1])}" if instead else "",
    }  # fmt: skip


def _id(kind: str, label: int) -> str:
    return f"{kind}-{label}"


def _panels(
    material: Material, several: Several, order: list[int], wrong: tuple[list[list[int]], ...]
) -> dict[str, dict[str, Any]]:
    """One panel a label and kind of mistake, as deep as the page's room for pictures allows."""
    cells = [
        (kind, label, rows[label])
        for label in order
        for kind, rows in zip(("missed", "invented"), wrong, strict=True)
        if rows[label]
    ]
    each = max(1, min(_SHOWN, _PICTURES // max(1, len(cells))))
    return {
        _id(kind, label): {
            "id": _id(kind, label),
            "title": f"{several.classes[label]}, {kind}: {count(len(rows))}",
            "cards": cards(
                material,
                rows[:each],
                [percent(float(several.probabilities[row, label]), 0) + "%" for row in rows[:each]],
            ),
            "about": several.classes[label],
            "more": max(0, len(rows) - each),
        }
        for kind, label, rows in cells
    }


def _together(several: Several) -> dict[str, Any] | None:
    """How often two labels come together, as a share of the rarer one's pictures."""
    counts = several.together()
    alone = counts.diagonal()
    order = sorted(range(len(alone)), key=lambda k: -int(alone[k]))[:_MOST]
    if len(order) < 2:
        return None
    return {
        "names": [several.classes[k] for k in order],
        "rows": [
            {
                "name": several.classes[i],
                "n": int(alone[i]),
                "cells": [_cell(several, counts, i, j) for j in order],
            }
            for i in order
        ],
        "hidden": len(alone) - len(order),
    }


def _cell(several: Several, counts: Any, i: int, j: int) -> dict[str, Any]:
    n, both, names = int(counts[i, i]), int(counts[i, j]), several.classes
    share = percent(both / n, 0) if n else "–"
    told = f"of {count(n)} with {names[i]}, {count(both)} have {names[j]}"
    step = min(7, int((both / n) ** 0.5 * 8)) if n and both else 0
    return {"same": i == j, "n": both, "share": share, "told": told, "step": step}
