"""How it was trained: curves, the recipe and who set it, the plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from hubel.reports.charts.curves import Series, line_chart
from hubel.reports.facts import ReportFacts, number
from hubel.reports.findings import making
from hubel.reports.formats import percent
from hubel.reports.sections.section import Material, Section

_SETTERS = {"user": "you", "rule": "a rule", "default": "default"}


def section(material: Material) -> Section | None:
    """Absent for a run that stopped before it had a recipe."""
    facts = material.facts
    recipe = facts.part("recipe")
    if not facts.results and not recipe:
        return None
    plan, measure = facts.part("plan"), facts.measure
    return Section(
        id="training",
        question="How was it trained?",
        finding=making.training(
            facts.results, number(facts.part("seconds").get("training")), measure
        ),
        evidence={
            "charts": [chart for chart in _charts(facts) if chart is not None],
            "plan": plan.get("text") or "",
            "epoch": facts.part("epoch").get("text") or "",
            "balanced": any(row.get("val_balanced_accuracy") is not None for row in facts.results),
            "replans": facts.run.get("replans") or [],
            "recipe": _recipe(recipe),
            "epochs": _epochs(facts),
            "measure": measure.name,
        },
    )


def _shipped(facts: ReportFacts) -> float | None:
    """The epoch whose weights were shipped, where it was chosen."""
    choice = facts.part("epoch")
    if not choice or not facts.results:
        return None
    last = facts.results[-1]["epoch"]
    return number(choice["best"]["epoch"]) if choice["ships"] == "best" else last


def _charts(facts: ReportFacts) -> list[Any]:
    rows, measure = facts.results, facts.measure
    epochs = [row["epoch"] or 0.0 for row in rows]

    def column(name: str) -> list[float | None]:
        return [row.get(name) for row in rows]

    accuracies = [value for value in column(measure.column) if value is not None]
    best = _shipped(facts)
    if best is None and len(accuracies) > 1:
        best = epochs[column(measure.column).index(max(accuracies))]
    losses = [
        Series("train", column("train_loss"), "c2"),
        Series("validation", column("val_loss"), "c1"),
    ]
    right = [Series(measure.name, column(measure.column), "c1")]
    if facts.unbalanced and any(x is not None for x in column("val_balanced_accuracy")):
        right.insert(0, Series("balanced", column("val_balanced_accuracy"), "c2"))
    rates = [Series("", column("lr"), "c3")]
    return [
        line_chart("loss, nats", epochs, losses, _loss, best),
        line_chart(f"validation {measure.name}, %", epochs, right, _percent, best, fraction=True),
        line_chart("learning rate", epochs, rates, _rate, fraction=True),
    ]


def _loss(value: float) -> str:
    return f"{value:.3g}"


def _percent(value: float) -> str:
    return f"{value * 100:.3g}"


def _rate(value: float) -> str:
    return f"{value:.2g}"


def _recipe(recipe: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the user set first, then the rules, then the defaults."""
    order = list(_SETTERS)
    rows = sorted(
        recipe.items(),
        key=lambda entry: (
            order.index(by) if (by := entry[1].get("set_by")) in order else len(order)
        ),
    )
    return [
        {
            "setting": name,
            "value": shown(entry.get("value"), "x" if name == "size" else ","),
            "set_by": _SETTERS.get(entry.get("set_by"), str(entry.get("set_by") or "")),
            "why": entry.get("why") or "",
            "look": str(entry.get("set_by")),
        }
        for name, entry in rows
    ]


def shown(value: object, between: str = ",") -> str:
    """A setting's value as `--set` takes it; `between` stands between the parts of a list."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return between.join(shown(part, ":") for part in cast(list[object], value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _epochs(facts: ReportFacts) -> list[dict[str, str]]:
    """The table behind the curves."""
    return [
        {
            "epoch": f"{row['epoch']:g}",
            "train_loss": _or_dash(row.get("train_loss"), ".4f"),
            "val_loss": _or_dash(row.get("val_loss"), ".4f"),
            "measure": percent(row.get(facts.measure.column)),
            "val_balanced_accuracy": percent(row.get("val_balanced_accuracy")),
            "val_macro_f1": percent(row.get("val_macro_f1")),
            "lr": _or_dash(row.get("lr"), ".3g"),
            "seconds": _or_dash(row.get("seconds"), ",.1f"),
        }
        for row in facts.results
    ]


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
