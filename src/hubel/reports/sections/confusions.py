"""What it confuses: the matrix, whose cells open their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hubel.reports.findings import results
from hubel.reports.formats import count, percent
from hubel.reports.sections.section import Material, Section, cards

MOST_CLASSES = 20
_PAIRS = 8
_A_CELL = 12
_A_RIGHT_CELL = 4
_PICTURES = 560
_RAMP = 8


def section(material: Material) -> Section | None:
    """Matrix, the most common pairs, and a panel of pictures for each cell."""
    evaluation = material.facts.evaluation
    if evaluation is None or not evaluation.get("confusion"):
        return None
    labels: list[str] = evaluation["confusion"]["labels"]
    counts: list[list[int]] = evaluation["confusion"]["counts"]
    shown = most_confused(counts)
    pairs = _pairs(counts)[:_PAIRS]
    cells = list(dict.fromkeys([*pairs, *_filled(counts, shown)]))
    panels = _panels(material, labels, counts, cells)
    brief = results.confusion(labels, counts)
    return Section(
        id="confusions",
        question="What does it confuse?",
        finding=f"{brief} {results.mistakes(counts)}".strip(),
        brief=brief,
        evidence={
            "labels": [labels[k] for k in shown],
            "rows": [_row(labels, counts, i, shown, panels) for i in shown],
            "most": percent(_largest_share(counts, shown)),
            "part": _part(labels, counts, shown),
            "pairs": [_pair(labels, counts, i, j, panels) for i, j in pairs],
            "panels": list(panels.values()),
            "beside": len(shown) <= 10,
            "ramp": range(_RAMP),
        },
    )


def most_confused(counts: Sequence[Sequence[int]]) -> list[int]:
    """Positions of the classes to show, in their order: all, or those of the commonest pairs."""
    size = len(counts)
    if size <= MOST_CLASSES:
        return list(range(size))
    shown: dict[int, None] = {}
    for pair in _pairs(counts):
        if len(shown.keys() | set(pair)) <= MOST_CLASSES:
            shown.update(dict.fromkeys(pair))
    for k in range(size):
        if len(shown) < MOST_CLASSES:
            shown[k] = None
    return sorted(shown)


def _pairs(counts: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Confused pairs, the most common first."""
    size = range(len(counts))
    found = [(i, j) for i in size for j in size if i != j and counts[i][j]]
    return sorted(found, key=lambda cell: -counts[cell[0]][cell[1]])


def _filled(counts: Sequence[Sequence[int]], shown: Sequence[int]) -> list[tuple[int, int]]:
    """Cells of the shown matrix that hold a picture: mistakes first, then what was right."""
    found = [(i, j) for i in shown for j in shown if counts[i][j]]
    return sorted(found, key=lambda cell: (cell[0] == cell[1], -counts[cell[0]][cell[1]]))


def _panels(
    material: Material,
    labels: Sequence[str],
    counts: Sequence[Sequence[int]],
    cells: Sequence[tuple[int, int]],
) -> dict[tuple[int, int], dict[str, Any]]:
    """One panel a cell, as deep as the page's room for pictures allows."""
    answers = material.answers
    if answers is None:
        return {}
    rows = {(i, j): answers.cell(labels[i], labels[j]) for i, j in cells}
    depths = _depths({cell: len(found) for cell, found in rows.items()})
    panels: dict[tuple[int, int], dict[str, Any]] = {}
    for (i, j), found in rows.items():
        if found:
            panels[i, j] = {
                "id": f"cell-{i}-{j}",
                "label": labels[i],
                "predicted": labels[j],
                "right": i == j,
                "n": counts[i][j],
                "cards": cards(material, found[: depths[i, j]]),
                "more": max(0, counts[i][j] - depths[i, j]),
            }
    return panels


def _depths(sizes: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """How many pictures each cell shows: all cells deepen together until the room is used."""
    limits = {
        cell: min(n, _A_RIGHT_CELL if cell[0] == cell[1] else _A_CELL) for cell, n in sizes.items()
    }
    depths = dict.fromkeys(limits, 0)
    room = _PICTURES
    for depth in range(_A_CELL):
        for cell, limit in limits.items():
            if limit > depth and room > 0:
                depths[cell] += 1
                room -= 1
    return depths


def _row(
    labels: Sequence[str],
    counts: Sequence[Sequence[int]],
    i: int,
    shown: Sequence[int],
    panels: dict[tuple[int, int], dict[str, Any]],
) -> dict[str, Any]:
    total, most = sum(counts[i]), _largest_share(counts, shown)
    return {
        "label": labels[i],
        "n": total,
        "cells": [
            {
                "n": counts[i][j],
                "right": i == j,
                "step": _step(counts[i][j], total * most),
                "panel": panels[i, j]["id"] if (i, j) in panels else None,
                "told": _told(labels[i], labels[j], counts[i][j], total),
            }
            for j in shown
        ],
    }


def _largest_share(counts: Sequence[Sequence[int]], shown: Sequence[int]) -> float:
    """The largest share of a class's pictures that is taken for one other class."""
    shares = [
        counts[i][j] / sum(counts[i]) for i in shown for j in shown if i != j and counts[i][j]
    ]
    return max(shares, default=0.0)


def _step(n: int, full: float) -> int:
    """Place on the ramp; the square root keeps rare mistakes apart from one another."""
    return min(_RAMP - 1, int((n / full) ** 0.5 * _RAMP)) if n and full else 0


def _told(label: str, predicted: str, n: int, total: int) -> str:
    what = "named right" if label == predicted else f"named {predicted}"
    return f"{label} {what}: {count(n)} of {count(total)} ({percent(n / total if total else 0)}%)"


def _part(labels: Sequence[str], counts: Sequence[Sequence[int]], shown: Sequence[int]) -> str:
    """What a matrix of the most confused classes leaves out."""
    if len(shown) == len(labels):
        return ""
    wrong = sum(sum(row) - row[i] for i, row in enumerate(counts))
    inside = sum(counts[i][j] for i in shown for j in shown if i != j)
    return (
        f"The matrix shows {len(shown)} of {count(len(labels), 'class', 'classes')}, those "
        f"of the most common confusions; it holds {count(inside)} of the {count(wrong, 'mistake')}."
    )


def _pair(
    labels: Sequence[str],
    counts: Sequence[Sequence[int]],
    i: int,
    j: int,
    panels: dict[tuple[int, int], dict[str, Any]],
) -> dict[str, Any]:
    total = sum(counts[i])
    return {
        "label": labels[i],
        "predicted": labels[j],
        "n": counts[i][j],
        "share": percent(counts[i][j] / total),
        "reverse": counts[j][i],
        "panel": panels[i, j]["id"] if (i, j) in panels else None,
    }
