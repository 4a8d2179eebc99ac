"""The most confident mistakes, where a wrong label often hides."""

from __future__ import annotations

from hubel.reports.findings import results
from hubel.reports.sections.section import Material, Section, cards

_SHOWN = 24


def section(material: Material) -> Section | None:
    """The surest mistakes; absent where there was none, which the confusions tell."""
    answers = material.answers
    if answers is None:
        return None
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
