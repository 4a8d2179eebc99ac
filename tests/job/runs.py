"""Runs that many tests look at: the smallest that has every part."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from hubel.data.manifest import read_parquet
from hubel.job.reporter import Silent

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


class Heard(Silent):
    """Keeps what is said, and may press Ctrl-C once so much of the training is done."""

    def __init__(self, stop_at: int | None = None, presses: int = 1) -> None:
        self.said: list[str] = []
        self.stop_at, self.presses = stop_at, presses
        self.what, self.done = "", 0

    def say(self, text: str) -> None:
        self.said.append(text)

    def begin(self, what: str, total: int) -> None:
        self.what, self.done = what, 0

    def advance(self, count: int, note: str = "") -> None:
        self.done += count
        if self.what == "training" and self.stop_at is not None and self.done >= self.stop_at:
            self.stop_at = None
            for _ in range(self.presses):
                os.kill(os.getpid(), signal.SIGINT)
