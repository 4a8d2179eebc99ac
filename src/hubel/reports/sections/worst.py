"""The most confident mistakes, where a wrong label often hides."""

from __future__ import annotations

from dataclasses import replace

from hubel.reports.findings import labels, results
from hubel.reports.formats import percent
from hubel.reports.sections.section import Material, Section, cards
from hubel.reports.several import Several

_SHOWN = 24


def section(material: Material) -> Section | None:
    """The surest mistakes; absent where there was none, which the confusions tell."""
    answers = material.answers
    if answers is None:
        return None
    if material.several is not None:
        return _of_labels(material, material.several)
    rows = answers.mistakes()
    if not rows:
        return None
    confidences = [float(answers.confidence[row]) for row in rows]
    first = rows[0]
    return Section(
        id="worst",
        question="Where was it sure, and wrong?",
        finding=results.worst(confidences, answers.predicted[first], answers.labels[first]),
        evidence={"cards": cards(material, rows[:_SHOWN]), "total": len(rows)},
    )


def _of_labels(material: Material, several: Several) -> Section | None:
    """The surest wrong yes or no: a picture comes as often as its labels are wrong."""
    found = several.mistakes()
    if not found:
        return None
    shown = found[:_SHOWN]
    sure = [f"{percent(several.sure(*one), 0)}%" for one in shown]
    made = cards(material, [row for row, _ in shown], sure)
    for place, (row, label) in enumerate(shown):
        name = several.classes[label]
        no, yes = f"no {name}", name
        said, truth = (yes, no) if several.given[row, label] else (no, yes)
        made[place] = replace(made[place], predicted=said, label=truth)
    return Section(
        id="worst",
        question="Where was it sure, and wrong?",
        finding=labels.worst(several, found),
        evidence={"cards": made, "total": len(found)},
    )
