"""Is it worth it: the rungs, their cost, each against each, what more pictures would buy."""

from __future__ import annotations

from typing import Any

from hubel.reports.charts.cost import Priced, cost_chart
from hubel.reports.charts.growth import growth_chart
from hubel.reports.charts.tracks import bar
from hubel.reports.findings import ladder as findings
from hubel.reports.formats import compact, duration, interval, percent, plain_interval
from hubel.reports.ladder import Comparison, Curve, Ladder, Rung, is_network
from hubel.reports.sections.section import Material, Section

_LISTED = 6  # comparisons that are read faster as sentences than as a matrix


def section(material: Material) -> Section | None:
    """The verdict, the table of rungs, accuracy against cost, comparisons, the learning curve."""
    ladder = Ladder.read(material.facts.ladder)
    if ladder is None:
        return None
    asked = not ladder.chosen and any(is_network(rung.name) for rung in ladder.rungs)
    shipped = findings.ship(ladder)
    finding = findings.worth(strongest(ladder)) if asked else shipped or "None was chosen yet."
    return Section(
        id="worth",
        question="Is the network worth it?" if asked else "Which is worth its cost?",
        finding=finding,
        brief=finding,
        evidence={
            "verdict": [
                text for text in (shipped, *findings.steps(ladder)) if text not in ("", finding)
            ],
            "chosen": ladder.chosen,
            "measure": ladder.measure,
            "left_out": ladder.left_out,
            "chart": cost_chart([_priced(ladder, rung) for rung in ladder.rungs], ladder.measure),
            "curve": _curve(ladder.curve),
            **_table(ladder),
            **_against(ladder),
        },
    )


def strongest(ladder: Ladder) -> Comparison | None:
    """The network (as `a`) beside the most accurate rung that is not the network."""
    accuracy = {rung.name: rung.accuracy.value or 0.0 for rung in ladder.rungs}
    turned = [found if is_network(found.a) else found.turned() for found in ladder.comparisons]
    against = [found for found in turned if is_network(found.a) and not is_network(found.b)]
    return max(against, key=lambda found: accuracy.get(found.b, 0.0), default=None)


def _priced(ladder: Ladder, rung: Rung) -> Priced:
    return Priced(rung.name, rung.accuracy, rung.multiply_adds, ladder.main(rung.name))


def _table(ladder: Ladder) -> dict[str, Any]:
    """Rows, and which of the columns have anything to show."""
    rungs = ladder.rungs
    return {
        "rungs": [_row(rung, main=ladder.main(rung.name)) for rung in rungs],
        "losses": any(rung.log_loss.value is not None for rung in rungs),
        "calibrated": any(rung.calibration_error.value is not None for rung in rungs),
        "noted": any(rung.note for rung in rungs),
    }


def _row(rung: Rung, *, main: bool) -> dict[str, Any]:
    loss = rung.log_loss
    return {
        "name": rung.name,
        "main": main,
        "bar": bar(rung.accuracy, "c1" if main else "c0"),
        "value": percent(rung.accuracy.value),
        "interval": interval(rung.accuracy),
        "loss": "–" if loss.value is None else f"{loss.value:.3f}",
        "loss_interval": plain_interval(loss),
        "calibration": percent(rung.calibration_error.value),
        "calibration_interval": interval(rung.calibration_error),
        "parameters": compact(rung.parameters),
        "multiply_adds": compact(rung.multiply_adds),
        "seconds": duration(rung.seconds),
        "note": rung.note,
    }


def _against(ladder: Ladder) -> dict[str, Any]:
    """Every comparison in words; beyond a few, as a matrix too."""
    found = ladder.comparisons
    corrected = any(comparison.corrected for comparison in found)
    return {
        "pairs": [findings.pair(comparison) for comparison in found],
        "matrix": _matrix(ladder) if len(found) > _LISTED else None,
        "tested": findings.tested(len(found), ladder.measure, corrected=corrected),
    }


def _matrix(ladder: Ladder) -> dict[str, Any]:
    """A row a rung but the first, a column a rung but the last: the row less the column."""
    names = [rung.name for rung in ladder.rungs]
    return {
        "columns": names[:-1],
        "rows": [
            {
                "name": name,
                "main": ladder.main(name),
                "cells": [_cell(ladder.between(name, other)) for other in names[:place]],
                "empty": len(names) - 1 - place,
            }
            for place, name in enumerate(names)
            if place
        ],
    }


def _cell(comparison: Comparison | None) -> dict[str, str]:
    if comparison is None:
        return {"text": "", "look": "none", "told": "not compared"}
    value = comparison.difference.value
    text = percent(value)
    better = {comparison.a: "gain", comparison.b: "loss"}.get(comparison.better or "", "doubt")
    return {
        "text": f"+{text}" if value and value > 0 else text,
        "look": better,
        "told": findings.pair(comparison),
    }


def _curve(curve: Curve | None) -> dict[str, Any] | None:
    if curve is None:
        return None
    return {
        "name": curve.name,
        "sentence": curve.sentence,
        "chart": growth_chart(curve),
        "fitted": curve.law is not None,
    }
