"""The page of a search: the figures and what they mean, what mattered, every trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from hubel.reports.build import asset, environment
from hubel.reports.charts.trials import Tried, importance_chart, trials_chart
from hubel.reports.formats import count, duration, percent

__all__ = ["search_page"]

Facts = dict[str, Any]


def search_page(facts: Facts) -> str:
    """One HTML document that asks for nothing outside of itself.

    Args:
        facts: of `search.json`.
    """
    page = (
        environment()
        .get_template("search.html.j2")
        .render(
            name=facts["name"],
            style=Markup(asset("style.css")),
            hubel=facts["versions"].get("hubel", ""),
            finding=_finding(facts),
            figures=_figures(facts),
            settings=[(name, _shown(value)) for name, value in facts["best"]["settings"].items()],
            best=facts["best"]["number"],
            gain=_gain(facts),
            chart=_chart(facts),
            importance=_importance(facts),
            shares=_shares(facts),
            trials=[_row(facts, trial) for trial in _ranked(facts["trials"])],
            counts=_counts(facts),
            plan=facts["plan"]["text"],
            space=facts["asked"]["space"],
        )
    )
    return page.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _finding(facts: Facts) -> str:
    test = facts["test"]
    return (
        f"Trial {facts['best']['number']} of {count(len(facts['trials']), 'trial')} has the best "
        f"settings{_valued(facts['best'])}. Trained once more, it is right on "
        f"{percent(test['value'])}% of {count(test['n'], 'test picture')} that no trial has seen."
    )


def _valued(best: Facts) -> str:
    """By what the best was chosen, where that is not accuracy."""
    metric = best.get("metric", "accuracy")
    if metric == "accuracy":
        return ""
    return f" by {metric.replace('_', ' ')} out of fold ({percent(best['value'])}%)"


def _figures(facts: Facts) -> list[tuple[str, str, str, int, str]]:
    """What was measured, the figure, its interval, the pictures, and what it is good for."""
    found = [("test, scored once", facts["test"], "honest: these pictures decided nothing")]
    if facts.get("nested"):
        text = "honest: of the whole search, on outer folds that it did not see"
        found.append(("nested cross-validation", facts["nested"]["accuracy"], text))
    text = "too high: the best of many is chosen by this very figure"
    found.append(("out of fold, best trial", facts["best"]["accuracy"], text))
    return [
        (name, percent(it["value"]), f"{percent(it['low'])} to {percent(it['high'])}", it["n"], why)
        for name, it, why in found
    ]


def _gain(facts: Facts) -> str:
    nested = facts.get("nested")
    if not nested:
        return ""
    gain = nested["gain"]
    points = " to ".join(f"{100 * gain[end]:+.1f}" for end in ("low", "high"))
    said = f"Over the plain settings the search buys {100 * gain['value']:+.1f} points ({points})"
    told = "" if nested["p_value"] < 0.05 else "; these data can't tell whether it buys any"
    return f"{said}, over {count(len(nested['settings']), 'outer fold')}{told}."


def _chart(facts: Facts) -> Markup | None:
    complete = [
        Tried(trial["number"], trial["value"], f"trial {trial['number']}: {_given(facts, trial)}")
        for trial in facts["trials"]
        if trial["value"] is not None
    ]
    return trials_chart(complete, facts["best"]["number"]) if complete else None


def _shares(facts: Facts) -> list[tuple[str, str]]:
    return [(name, f"{percent(share)}%") for name, share in _sorted(facts)]


def _importance(facts: Facts) -> Markup | None:
    shares = _sorted(facts)
    return importance_chart(shares) if shares and shares[0][1] > 0 else None


def _sorted(facts: Facts) -> list[tuple[str, float]]:
    found: dict[str, float] = facts["importance"] or {}
    return [
        (facts["labels"].get(name, name), share)
        for name, share in sorted(found.items(), key=lambda pair: -pair[1])
    ]


def _ranked(trials: Sequence[Facts]) -> list[Facts]:
    trained = [trial for trial in trials if trial["ending"] not in ("impossible", "repeated")]
    return sorted(trained, key=lambda trial: (-(trial["value"] or -1.0), trial["number"]))


def _row(facts: Facts, trial: Facts) -> Facts:
    return {
        "number": trial["number"],
        "main": trial["number"] == facts["best"]["number"],
        "ending": trial["ending"],
        "value": "" if trial["value"] is None else percent(trial["value"]),
        "seconds": duration(trial["seconds"]),
        "given": _given(facts, trial),
        "why": trial["why"] or "",
    }


def _given(facts: Facts, trial: Facts) -> str:
    labels = facts["labels"]
    given = trial["parameters"].items()
    return ", ".join(f"{labels.get(name, name)}: {_shown(value)}" for name, value in given)


def _counts(facts: Facts) -> str:
    told = ", ".join(f"{number:,} {name}" for name, number in facts["counts"].items() if number)
    return f"{told}. The search ended: {facts['ended']}. {duration(facts['seconds'])} in all."


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
