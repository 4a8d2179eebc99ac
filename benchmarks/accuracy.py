"""What a time budget buys: accuracy on the test split over several seeds.

    python benchmarks/accuracy.py NAME DATA BUDGET [seeds]

    python benchmarks/accuracy.py cifar10-10m cifar10 10m 3
    python benchmarks/accuracy.py trashnet-4m sample:trashnet 4m 3

Each seed is a whole `hubel train`, alone on the machine, with whatever caches there are. Where the
data have no test split, each seed draws its own. The interval over seeds is Student's.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from record import spread, write
from scipy import stats


def one(data: str, budget: str, seed: int) -> dict[str, Any]:
    """One run; what it says of itself."""
    with tempfile.TemporaryDirectory() as scratch:
        options = ["--budget", budget, "--seed", str(seed), "--out", f"{scratch}/run", "--json"]
        command = [sys.executable, "-m", "hubel", "train", data, *options]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _shown(data: str) -> str:
    """The sample by its name, a folder by its last part: not where it stands on this machine."""
    return data if data.startswith("sample:") else Path(data).name


def main(name: str, data: str, budget: str, seeds: int) -> None:
    """Run all seeds and write their mean with its interval."""
    runs = [one(data, budget, seed) for seed in range(seeds)]
    rungs: dict[str, list[float]] = {}
    for run in runs:
        for rung in run["ladder"]["rungs"]:
            rungs.setdefault(rung["name"], []).append(rung["accuracy"]["value"])
    network = [run["evaluation"]["accuracy"] for run in runs]
    values = [found["value"] for found in network]
    mean = statistics.mean(values)
    half = None
    if seeds > 1:
        half = float(stats.t.ppf(0.975, seeds - 1)) * statistics.stdev(values) / math.sqrt(seeds)
    measured = {
        "budget": budget,
        "seeds": seeds,
        "test pictures": runs[0]["evaluation"]["n"],
        "accuracy": {"mean": mean, "half_width_over_seeds": half, "each": network},
        "rungs": {rung: spread(found) for rung, found in rungs.items()},
        "epochs": [run["made"]["epochs"] for run in runs],
        "steps": [run["made"]["steps"] for run in runs],
        "seconds": spread([run["seconds"]["total"] for run in runs]),
    }
    write(name, f"python benchmarks/accuracy.py {name} {_shown(data)} {budget} {seeds}", measured)


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]) if len(sys.argv) > 4 else 3)
