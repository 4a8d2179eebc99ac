"""How good it is, class by class."""

from __future__ import annotations

from typing import Any

from hubel.reports.charts.tracks import dots
from hubel.reports.facts import Estimate
from hubel.reports.findings import results
from hubel.reports.formats import interval, percent, plain_interval
from hubel.reports.sections.section import Material, Section

_LOOKS = {"recall": "c1", "precision": "c2"}


def section(material: Material) -> Section | None:
    """Precision, recall and F1 of each class, the worst found first."""
    evaluation = material.facts.evaluation
    if evaluation is None or not evaluation.get("classes"):
        return None
    scores: dict[str, dict[str, Any]] = evaluation["classes"]
    recalls = {name: (int(row["n"]), Estimate.read(row["recall"])) for name, row in scores.items()}
    order = sorted(scores, key=lambda name: _rank(recalls[name][1]))
    return Section(
        id="classes",
        question="How good is it, class by class?",
        finding=results.classes(recalls),
        evidence={
            "rows": [_row(name, scores[name]) for name in order],
            "overall": _overall(evaluation),
        },
    )


def _rank(recall: Estimate) -> float:
    return 2.0 if recall.value is None else recall.value


def _row(name: str, scores: dict[str, Any]) -> dict[str, Any]:
    found = {key: Estimate.read(scores[key]) for key in ("recall", "precision", "f1")}
    return {
        "name": name,
        "n": int(scores["n"]),
        "dots": dots([(key, found[key], look) for key, look in _LOOKS.items()]),
        "scores": [(percent(estimate.value), interval(estimate)) for estimate in found.values()],
    }


def _overall(evaluation: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Name, value, interval and meaning of the numbers over all classes."""
    rows: list[tuple[str, str, str, str]] = []
    for key, name, meaning in (
        ("accuracy", "Accuracy", "of all pictures, named right"),
        ("balanced_accuracy", "Balanced accuracy", "mean recall: each class counts alike"),
        ("macro_f1", "Macro F1", "mean F1 of the classes"),
    ):
        estimate = Estimate.read(evaluation.get(key))
        if estimate.value is not None:
            rows.append((name, f"{percent(estimate.value)}%", interval(estimate), meaning))
    loss = Estimate.read(evaluation.get("log_loss"))
    if loss.value is not None:
        meaning = "surprise at the labels, in nats; lower is better"
        rows.append(("Log loss", f"{loss.value:.3f}", plain_interval(loss), meaning))
    return rows
