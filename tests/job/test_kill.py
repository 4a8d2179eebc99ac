"""A process that was stopped or killed at any moment is resumed to the same end."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import hubel
from hubel.data.manifest import Manifest
from hubel.runs import Run
from tests.job.runs import REPO, TINY_OPTIONS, environment, outcome
from tests.job.runs import hubel as command


def test_ctrl_c_in_a_terminal_leaves_with_130_and_the_way_on(
    whole: Path, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    process = start(two_classes, out)
    wait_for(lambda: process.poll() is not None or came(out, 1))
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=120)
    if process.returncode != 0:  # else it was done before the signal came
        assert process.returncode == 130, errors
        assert printed == ""
        assert errors.rstrip().endswith(f"go on with: hubel train --resume {out}")
        assert Run.open(out).facts["status"] == "interrupted"
        assert hubel.load(out).classes == ("dark", "red")
        done = command("train", "--resume", out)
        assert done.returncode == 0, done.stderr
    assert outcome(out) == outcome(whole)


def start(data: Path, out: Path, *words: str) -> subprocess.Popen[str]:
    where = ["train", "--resume", str(out)] if (out / "run.json").exists() else [
        "train", str(data), "--out", str(out), *TINY_OPTIONS,
    ]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", SLOWLY, *where, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(),
        cwd=REPO,
    )


# Checkpoints after every step, and steps that take a while: a kill finds every moment.
SLOWLY = """
import time
from hubel.training import loop, trainer
step = trainer.Trainer.step
trainer.Trainer.step = lambda self, *given: (time.sleep(0.03), step(self, *given))[1]
loop.Controls.__init__.__kwdefaults__["seconds_between"] = 0.0
from hubel.cli.main import main
main()
"""


def came(out: Path, moment: str | int) -> bool:
    """Whether a file of the run is there, or a checkpoint of this step or a later one."""
    if isinstance(moment, str):
        return (out / moment).exists()
    names = [path.name for path in (out / "checkpoints").glob("step-*")]
    return max(names, default="") >= f"step-{moment:010d}"


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def kill_and_resume(data: Path, out: Path, moments: list[str | int]) -> None:
    """Kill a run soon after each file or step came, resume it each time, and let it end."""
    draws = random.Random(len(moments))
    for moment in moments:
        process = start(data, out)
        wait_for(lambda moment=moment, it=process: it.poll() is not None or came(out, moment))
        time.sleep(draws.uniform(0.0, 0.15))
        process.kill()
        _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), errors
        assert Run.open(out).facts["status"] in ("running", "done")
        assert len(Manifest.read(out / "manifest.parquet")) == 60
        if (out / "classifier").is_dir():
            assert hubel.load(out).classes == ("dark", "red")
    last = start(data, out)
    _, errors = last.communicate(timeout=240)
    assert last.returncode == 0, errors


def test_killed_and_resumed_it_ends_the_same(
    whole: Path, two_classes: Path, tmp_path: Path
) -> None:
    kill_and_resume(two_classes, tmp_path / "run", [2, 13])
    assert outcome(tmp_path / "run") == outcome(whole)
    assert Run.open(tmp_path / "run").facts["status"] == "done"


@pytest.mark.slow
def test_killed_ten_times_and_resumed_each_time_it_ends_the_same(
    whole: Path, two_classes: Path, tmp_path: Path
) -> None:
    late = ["ladder.json", "predictions.parquet"]
    kill_and_resume(two_classes, tmp_path / "run", ["run.json", 0, 1, 3, 6, 9, 14, 19, *late])
    assert outcome(tmp_path / "run") == outcome(whole)
    left = {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()}
    assert {name for name in left if not name.startswith("step-")} <= {".lock"}
