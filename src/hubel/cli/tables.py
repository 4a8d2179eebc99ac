"""Results as text that fits 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubel.job.search.found import Search
    from hubel.runs import Run

__all__ = ["aligned", "search_summary", "summary"]


def summary(run: Run) -> str:
    """The table at the end of a training: the rungs, the verdicts, where the report is."""
    facts, ladder = run.facts, run.ladder
    rows = [["", "accuracy", "95% interval", "parameters", "seconds"]]
    for rung in sorted(ladder["rungs"], key=lambda rung: rung["accuracy"]["value"]):
        found = rung["accuracy"]
        interval = f"{found['low']:.1%} to {found['high']:.1%}"
        numbers = [f"{rung['parameters']:,}", f"{rung['seconds']:.1f}"]
        rows.append([rung["name"], f"{found['value']:.1%}", interval, *numbers])
    lines = ["", aligned(rows), ""]
    lines += [_verdict(comparison) for comparison in ladder["comparisons"]]
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


def search_summary(search: Search) -> str:
    """The end of a search: the best settings, what matters, and the figures with their meaning."""
    facts = search.facts
    best, test, nested = facts["best"], facts["test"], facts.get("nested")
    counts = ", ".join(f"{number} {name}" for name, number in facts["counts"].items() if number)
    lines = ["", f"trials   {counts}; {facts['ended']}", "", f"best     trial {best['number']}"]
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
    lines += ["", aligned(figures), "", f"page     {search.report}",
              f"report   {search.best.report}",
              f"use it   hubel predict {search.best.folder} PICTURES..."]  # fmt: skip
    return "\n".join(lines)


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
