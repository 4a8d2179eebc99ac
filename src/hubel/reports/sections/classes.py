"""How good it is, class by class."""

from __future__ import annotations

from typing import Any

from hubel.reports.charts.tracks import dots
from hubel.reports.facts import Estimate
from hubel.reports.findings import labels, results
from hubel.reports.formats import interval, percent, plain_interval
from hubel.reports.measures import ACCURACY
from hubel.reports.sections.section import Material, Section

_SCORES, _LOOKS = ("recall", "precision", "f1"), {"recall": "c1", "precision": "c2"}
_LABEL_SCORES = ("average_precision", "f1", "prevalence")
_LABEL_LOOKS = {"average_precision": "c1", "f1": "c2", "prevalence": "c0"}
_OF_CLASSES = (
    ("accuracy", "Accuracy", "of all pictures, named right"),
    ("balanced_accuracy", "Balanced accuracy", "mean recall: each class counts alike"),
    ("macro_f1", "Macro F1", "mean F1 of the classes"),
)
_OF_LABELS = (
    ("mean_average_precision", "Mean average precision", "each label's pictures stand first"),
    ("macro_f1", "Macro F1", "mean F1 of the labels, at their thresholds"),
    ("micro_f1", "Micro F1", "F1 of all answers together: common labels count more"),
    ("accuracy", "Exact match", "of all pictures, every label right and none beside"),
    ("hamming_loss", "Hamming loss", "of all yes-or-no answers, wrong; lower is better"),
)


def section(material: Material) -> Section | None:
    """Precision, recall and F1 of each class, the worst found first."""
    evaluation = material.facts.evaluation
    if evaluation is None or not evaluation.get("classes"):
        return None
    scores: dict[str, dict[str, Any]] = evaluation["classes"]
    if material.facts.measure != ACCURACY:
        return _of_labels(evaluation, scores)
    recalls = {name: (int(row["n"]), Estimate.read(row["recall"])) for name, row in scores.items()}
    order = sorted(scores, key=lambda name: _rank(recalls[name][1]))
    return Section(
        id="classes",
        question="How good is it, class by class?",
        finding=results.classes(recalls),
        evidence={
            "rows": [_row(name, scores[name], _SCORES, _LOOKS) for name in order],
            "columns": ["recall", "precision", "F1"],
            "several": False,
            "overall": _overall(evaluation),
        },
    )


def _rank(recall: Estimate) -> float:
    return 2.0 if recall.value is None else recall.value


def _of_labels(evaluation: dict[str, Any], scores: dict[str, dict[str, Any]]) -> Section:
    """Average precision, F1 and how common each label is, the worst ranked first."""
    ranked = {
        name: (int(row["n"]), Estimate.read(row["average_precision"]))
        for name, row in scores.items()
    }
    order = sorted(scores, key=lambda name: _rank(ranked[name][1]))
    return Section(
        id="classes",
        question="How good is it, label by label?",
        finding=labels.classes(ranked),
        evidence={
            "rows": [_row(name, scores[name], _LABEL_SCORES, _LABEL_LOOKS) for name in order],
            "columns": ["average precision", "F1", "prevalence"],
            "several": True,
            "overall": _overall(evaluation, _OF_LABELS),
        },
    )


def _row(
    name: str, scores: dict[str, Any], keys: tuple[str, ...], looks: dict[str, str]
) -> dict[str, Any]:
    found = {key: Estimate.read(scores[key]) for key in keys}
    return {
        "name": name,
        "n": int(scores["n"]),
        "dots": dots([(key.replace("_", " "), found[key], look) for key, look in looks.items()]),
        "scores": [(percent(estimate.value), interval(estimate)) for estimate in found.values()],
    }


def _overall(
    evaluation: dict[str, Any], metrics: tuple[tuple[str, str, str], ...] = _OF_CLASSES
) -> list[tuple[str, str, str, str]]:
    """Name, value, interval and meaning of the numbers over all classes."""
    rows: list[tuple[str, str, str, str]] = []
    for key, name, meaning in metrics:
        estimate = Estimate.read(evaluation.get(key))
        if estimate.value is not None:
            rows.append((name, f"{percent(estimate.value)}%", interval(estimate), meaning))
    loss = Estimate.read(evaluation.get("log_loss"))
    if loss.value is not None:
        meaning = "surprise at the labels, in nats; lower is better"
        rows.append(("Log loss", f"{loss.value:.3f}", plain_interval(loss), meaning))
    return rows
