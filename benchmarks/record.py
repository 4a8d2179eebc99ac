"""What every benchmark writes down: results as JSON with machine, versions, commit and date."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hubel.runs import machine, versions

RESULTS = Path(__file__).parent / "results"


def spread(values: list[float]) -> dict[str, Any]:
    """Median, least and most of repeated measurements."""
    return {
        "median": round(statistics.median(values), 4),
        "low": round(min(values), 4),
        "high": round(max(values), 4),
        "values": [round(value, 4) for value in values],
    }


def student(values: list[float]) -> dict[str, Any]:
    """Mean of repeated measurements with Student's 95% interval."""
    from scipy import stats

    mean, half = statistics.mean(values), math.nan
    if len(values) > 1:
        half = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values)
        half /= math.sqrt(len(values))
    return {
        "mean": round(mean, 5),
        "low": round(mean - half, 5),
        "high": round(mean + half, 5),
        "values": [round(value, 5) for value in values],
    }


def write(name: str, command: str, measured: dict[str, Any]) -> None:
    """Write `results/<name>.json` and say what is in it."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    ).stdout.strip()
    document = {
        "schema_version": 1,
        "name": name,
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit,
        "machine": machine(),
        "versions": versions(),
        "measured": measured,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(path, json.dumps(measured, indent=2), sep="\n")
