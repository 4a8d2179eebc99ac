"""Results as text that fits 80 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubel.job.search.found import Search
    from hubel.runs import Run

__all__ = ["aligned", "ladder_summary", "search_summary", "summary"]

_LONGEST = 35
_HEADS = {"accuracy": ("accuracy", "right %"), "mean_average_precision": ("mAP", "mAP %")}


def summary(run: Run) -> str:
    """The table at the end of a training: the rungs, the verdicts, where the report is."""
    facts, ladder = run.facts, run.ladder
    metric = ladder["metric"]
    if metric == "accuracy" and facts["data"].get("imbalance", {}).get("unbalanced"):
        legend = "balanced: the mean over the classes, with its 95% interval"
        lines = ["", aligned(_balanced_rows(ladder["rungs"])), "", legend, "Of accuracy:"]
    else:
        lines = ["", aligned(_rows(ladder["rungs"], metric)), ""]
    network = ladder["rungs"][-1]["name"]
    against = [found for found in ladder["comparisons"] if found["a"] == network]
    lines += [textwrap.fill(_verdict(found), 80) for found in against]
    total = facts["seconds"]["total"]
    n = run.evaluation["n"]
    code = facts.get("code")
    given = f" --code {code['name']}" if code else ""
    lines += [
        f"Scored once on {n:,} test pictures. {total:.0f} s in all.",
        "",
        f"report   {run.report}",
        f"use it   hubel predict {run.folder} PICTURES...{given}",
    ]
    return "\n".join(lines)


def _rows(rungs: list[dict[str, Any]], metric: str) -> list[list[str]]:
    rows = [["", _HEADS[metric][0], "95% interval", "params", "seconds"]]
    for rung in sorted(rungs, key=lambda rung: rung[metric]["value"] or 0.0):
        found = rung[metric]
        interval = f"{found['low']:.1%} to {found['high']:.1%}"
        rows.append([_short(rung["name"]), f"{found['value']:.1%}", interval, *_costs(rung)])
    return rows


def _balanced_rows(rungs: list[dict[str, Any]]) -> list[list[str]]:
    """With balanced accuracy first, where the classes are unequal."""
    rows = [["", "balanced", "interval", "accuracy", "params", "seconds"]]
    for rung in sorted(rungs, key=lambda rung: rung["balanced_accuracy"]["value"]):
        found = rung["balanced_accuracy"]
        interval = f"{100 * found['low']:.1f}-{100 * found['high']:.1f}"
        shares = [f"{found['value']:.1%}", interval, f"{rung['accuracy']['value']:.1%}"]
        rows.append([_short(rung["name"], _LONGEST - 5), *shares, *_costs(rung)])
    return rows


def _costs(rung: dict[str, Any]) -> list[str]:
    return [_compact(rung["parameters"]), f"{rung['seconds']:.1f}"]


def ladder_summary(run: Run) -> str:
    """The table of a ladder in the order of its rungs, the verdict, and what was left out."""
    ladder = run.ladder
    unequal = run.facts["data"].get("imbalance", {}).get("unbalanced", False)
    unbalanced = ladder["metric"] == "accuracy" and unequal
    legend = "* ships, chosen on the validation pictures; intervals are at 95%"
    if unbalanced:
        legend += "\nbalanced %: the mean over the classes; the sentences compare what is right"
    lines = ["", aligned(_ladder_rows(ladder, unbalanced)), "", legend, ""]
    sentences = list(ladder["verdict"]["sentences"])
    if ladder["learning_curve"] is not None:
        curve = ladder["learning_curve"]
        sentences.append(f"Of {curve['name']}: {curve['sentence']}")
    sentences += [f"Left out: {one['name']}, {one['why']}." for one in ladder["left_out"]]
    lines += [textwrap.fill(sentence, 80) for sentence in sentences]
    n, total = run.evaluation["n"], run.facts["seconds"]["total"]
    lines += [
        f"Scored on {n:,} test pictures. {total:.0f} s in all.",
        "",
        f"report   {run.report}",
        f"use it   hubel predict {run.folder} PICTURES...",
    ]
    return "\n".join(lines)


def _ladder_rows(ladder: dict[str, Any], unbalanced: bool) -> list[list[str]]:
    """Where classes are unequal, balanced accuracy first, for which the parameters make room."""
    metric = ladder["metric"]
    plain = [_HEADS[metric][1], "interval"]
    heads = ["balanced %", "interval", "right %"] if unbalanced else plain
    rows = [["", *heads, *([] if unbalanced else ["params"]), "mult-adds", "seconds"]]
    for rung in ladder["rungs"]:
        found = rung["balanced_accuracy" if unbalanced else metric]
        interval = f"{100 * found['low']:.1f}-{100 * found['high']:.1f}"
        right = [f"{100 * rung['accuracy']['value']:.1f}"]
        shares = [f"{100 * found['value']:.1f}", interval, *(right if unbalanced else [])]
        params = [] if unbalanced else [_compact(rung["parameters"])]
        mark = " *" if rung["name"] == ladder["chosen"] else ""
        costs = [_compact(rung["multiply_adds"]), f"{rung['seconds']:.1f}"]
        rows.append([rung["name"] + mark, *shares, *params, *costs])
    return rows


def _short(name: str, longest: int = _LONGEST) -> str:
    """A name that leaves room for the figures in 80 columns."""
    return name if len(name) <= longest else name[: longest - 4] + "...)"


def _compact(count: int | None) -> str:
    """A count in five characters or so."""
    if count is None:
        return "?"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return str(count)


def search_summary(search: Search) -> str:
    """The end of a search: the best settings, what matters, and the figures with their meaning."""
    facts = search.facts
    best, test, nested = facts["best"], facts["test"], facts.get("nested")
    counts = ", ".join(f"{number} {name}" for name, number in facts["counts"].items() if number)
    lines = [
        "",
        f"trials   {counts}; {facts['ended']}",
        "",
        f"best     trial {best['number']}{_valued(best)}",
    ]
    lines += [f"  {name} = {_shown(value)}" for name, value in best["settings"].items()]
    if facts["importance"]:
        rows = [[facts["labels"][name], f"{share:.0%}"] for name, share in
                sorted(facts["importance"].items(), key=lambda pair: -pair[1])]  # fmt: skip
        lines += ["", "what sets the best trials apart", aligned(rows)]
    figures = [["", "accuracy", "95% interval", "pictures"],
               ["out of fold (best of many: too high)", *_figure(best["accuracy"])]]  # fmt: skip
    if nested:
        figures.append(["nested: the whole search", *_figure(nested["accuracy"])])
    figures.append(["test, scored once", *_figure(test)])
    lines += ["", aligned(figures), *_gain(nested), "", f"page     {search.report}",
              f"report   {search.best.report}",
              f"use it   hubel predict {search.best.folder} PICTURES..."]  # fmt: skip
    return "\n".join(lines)


def _valued(best: dict[str, Any]) -> str:
    """By what the best was chosen, where that is not accuracy."""
    metric = best.get("metric", "accuracy")
    return "" if metric == "accuracy" else f", {metric.replace('_', ' ')} {best['value']:.1%}"


def _gain(nested: dict[str, Any] | None) -> list[str]:
    """What the search buys over the plain settings, where that was asked."""
    if not nested:
        return []
    gain, folds = nested["gain"], len(nested["settings"])
    low, high = 100 * gain["low"], 100 * gain["high"]
    said = (
        f"what the search buys over the plain settings: {100 * gain['value']:+.1f} points "
        f"({low:+.1f} to {high:+.1f})"
    )
    few = f"; with {folds} outer folds alone that is a rough figure" if folds < 5 else ""
    return [said + few]


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _figure(found: dict[str, Any]) -> list[str]:
    return [
        f"{found['value']:.1%}",
        f"{found['low']:.1%} to {found['high']:.1%}",
        f"{found['n']:,}",
    ]


def aligned(rows: list[list[str]]) -> str:
    """Columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _verdict(comparison: dict[str, Any]) -> str:
    difference = comparison["difference"]
    points = f"{100 * difference['low']:+.1f} to {100 * difference['high']:+.1f}"
    if comparison["verdict"] == "these data can't tell":
        return f"Against {comparison['b']}: these data can't tell ({points} points)."
    value = 100 * difference["value"]
    return f"Against {comparison['b']}: {value:+.1f} points ({points})."
