"""Runs that many tests look at: the smallest that has every part."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from hubel.data.manifest import read_parquet

REPO = Path(__file__).parents[2]

TINY: dict[str, Any] = {"size": 16, "widths": "8,8", "epochs": 4, "batch_size": 8, "mixup": 0.2}
STEPS = 21  # of 42 training pictures in batches of 8, 4 times
TINY_OPTIONS = ["--size", "16", "--epochs", "4", "--batch-size", "8"]
TINY_OPTIONS += ["--set", "widths=8,8", "--set", "mixup=0.2"]


def environment(**more: str) -> dict[str, str]:
    """One thread: there may be many processes beside this one."""
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"} | more


def hubel(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "hubel", *map(str, words)]
    settings = {"capture_output": True, "encoding": "utf-8", "env": environment(), "cwd": REPO}
    return subprocess.run(command, check=False, **settings | options)


def weights(run: Path) -> dict[str, bytes]:
    """Every bit of a run's classifier."""
    tensors = load_file(run / "classifier" / "model.safetensors")
    return {name: value.numpy().tobytes() for name, value in tensors.items()}


def state(run: Path) -> dict[str, bytes]:
    """Every bit of a run's last checkpoint: weights, averages, optimizer."""
    newest = max((run / "checkpoints").glob("step-*"))
    tensors = load_file(newest / "state.safetensors")
    return {name: value.numpy().tobytes() for name, value in tensors.items()}


def results(run: Path) -> list[list[str]]:
    """The rows of results.csv without the clock."""
    lines = [line.split(",") for line in (run / "results.csv").read_text().splitlines()]
    return [[*line[:1], *line[2:]] for line in lines]


def outcome(run: Path) -> Any:
    """What must not depend on how often a run was stopped."""
    predictions = read_parquet(run / "predictions.parquet").to_pylist()
    return weights(run), state(run), results(run), predictions
