"""Is the network worth it: the ladder and its paired comparisons."""

from __future__ import annotations

from typing import Any

from hubel.reports.charts.cost import Priced, cost_chart
from hubel.reports.charts.tracks import bar
from hubel.reports.facts import Estimate, number
from hubel.reports.findings import results
from hubel.reports.findings.results import Comparison
from hubel.reports.formats import compact, duration, interval, percent
from hubel.reports.sections.section import Material, Section, is_network


def section(material: Material) -> Section | None:
    """Table of rungs, accuracy against cost, and every comparison in words."""
    ladder = material.facts.ladder
    if ladder is None or not ladder.get("rungs"):
        return None
    rungs: list[dict[str, Any]] = ladder["rungs"]
    comparisons = [_comparison(written) for written in ladder.get("comparisons", ())]
    priced = [
        Priced(
            rung["name"],
            Estimate.read(rung["accuracy"]),
            int(rung.get("multiply_adds") or 0),
            is_network(rung["name"]),
        )
        for rung in rungs
    ]
    finding = results.worth(strongest(comparisons, rungs))
    return Section(
        id="worth",
        question="Is the network worth it?",
        finding=finding,
        brief=finding,
        evidence={
            "rungs": [_row(rung) for rung in rungs],
            "noted": any(rung.get("note") for rung in rungs),
            "chart": cost_chart(priced),
            "pairs": [results.pair(comparison) for comparison in comparisons],
        },
    )


def strongest(comparisons: list[Comparison], rungs: list[dict[str, Any]]) -> Comparison | None:
    """The network (as `a`) beside the most accurate rung that is not the network."""
    accuracy = {rung["name"]: Estimate.read(rung["accuracy"]).value or 0.0 for rung in rungs}
    turned = [found if is_network(found.a) else found.turned() for found in comparisons]
    against = [found for found in turned if is_network(found.a) and not is_network(found.b)]
    return max(against, key=lambda found: accuracy.get(found.b, 0.0), default=None)


def _comparison(written: dict[str, Any]) -> Comparison:
    return Comparison(
        a=str(written["a"]),
        b=str(written["b"]),
        difference=Estimate.read(written["difference"]),
        p_value=number(written.get("p_value")),
        n=int(written.get("n") or 0),
        verdict=str(written.get("verdict", "")),
    )


def _row(rung: dict[str, Any]) -> dict[str, Any]:
    accuracy = Estimate.read(rung["accuracy"])
    return {
        "name": rung["name"],
        "main": is_network(rung["name"]),
        "bar": bar(accuracy, "c1" if is_network(rung["name"]) else "c0"),
        "value": percent(accuracy.value),
        "interval": interval(accuracy),
        "parameters": compact(number(rung.get("parameters"))),
        "multiply_adds": compact(number(rung.get("multiply_adds"))),
        "seconds": duration(number(rung.get("seconds"))),
        "note": rung.get("note") or "",
    }
