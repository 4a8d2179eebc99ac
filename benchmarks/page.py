"""Make `docs/benchmarks.md` from `benchmarks/results/*.json`.

python benchmarks/page.py            writes the page
python benchmarks/page.py --check    fails when the page is not what it would write
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"


def page() -> str:
    """The whole page."""
    results = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    parts = [
        "# Benchmarks",
        "Made by `python benchmarks/page.py` from `benchmarks/results/*.json`; each section names "
        "the command that measured it. Machines are shared and noisy: medians, with the least and "
        "the most.",
    ]
    for path in results:
        document = json.loads(path.read_text(encoding="utf-8"))
        measured = document["measured"]
        body = start_up(measured) if "cold" in measured.get("seconds", {}) else accuracy(measured)
        parts += [f"## {document['name']}", body, provenance(document)]
    return "\n\n".join(parts) + "\n"


def start_up(measured: dict[str, Any]) -> str:
    """Seconds until something happens."""
    meaning = {
        "help": "`hubel --help`",
        "cold": "`hubel train` to the first batch, cold cache",
        "warm": "the same, warm cache",
        "rival": "a plain Pillow script that only reads and stacks all files",
        "rival / cold": "ratio: the plain script against the cold start",
    }
    rows = ["| what | median | least | most |", "|---|---:|---:|---:|"]
    for key, found in measured["seconds"].items():
        unit = "" if "/" in key else " s"
        cells = (f"{found[name]:.2f}{unit}" for name in ("median", "low", "high"))
        rows.append(f"| {meaning[key]} | {' | '.join(cells)} |")
    return "\n".join(rows)


def accuracy(measured: dict[str, Any]) -> str:
    """Accuracy over seeds, beside the rungs."""
    found = measured["accuracy"]
    half = found["half_width_over_seeds"]
    over = f" ± {100 * half:.1f} (95%, over {measured['seeds']} seeds)" if half else ", one seed"
    each = ", ".join(f"{100 * one['value']:.1f}%" for one in found["each"])
    rows = [
        f"`--budget {measured['budget']}`: **{100 * found['mean']:.1f}%**{over} of "
        f"{measured['test pictures']:,} test pictures; each seed: {each}. "
        f"Seconds in all: {measured['seconds']['median']:.0f} "
        f"({measured['seconds']['low']:.0f} to {measured['seconds']['high']:.0f}).",
        "",
        "| rung | median | least | most |",
        "|---|---:|---:|---:|",
    ]
    for name, rung in measured["rungs"].items():
        cells = (f"{100 * rung[key]:.1f}%" for key in ("median", "low", "high"))
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def provenance(document: dict[str, Any]) -> str:
    """Where the figures are from."""
    machine, versions = document["machine"], document["versions"]
    return (
        f"<sub>`{document['command']}`, {document['date']}, commit {document['commit']}, "
        f"{machine['cores']} cores {machine['processor']}, {machine['memory_gb']} GB, "
        f"torch {versions.get('torch')}, Python {versions.get('python')}</sub>"
    )


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != page() and "docs/benchmarks.md is stale")
    PAGE.write_text(page(), encoding="utf-8")
