"""A loss that is no number stops the run, and what was good is kept, scored and reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hubel
from hubel.errors import DivergedError, RecipeError
from hubel.runs import Run
from tests.job.runs import TINY, TINY_OPTIONS
from tests.job.runs import hubel as command

MESSAGE = (
    r"became (nan|inf|-inf) at step \d+ of \d+; try a lower --lr \(it was 1e\+30\); what is kept"
)


def check_kept(out: Path, picture: Path) -> None:
    run = Run.open(out)
    assert run.facts["status"] == "diverged"
    assert "what is kept are the weights of step 0" in run.facts["error"]
    assert hubel.load(out).predict(picture).error is None
    assert run.evaluation["n"] == 12
    assert [rung["name"] for rung in run.ladder["rungs"]][-1] == "network (convnet)"
    assert "what is kept are the weights of step 0" in run.report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "settings",
    [{}, {"epochs": 1, "batch_size": 42}, {"optimizer": "adamw", "averaging": 0.0}],
    ids=["many steps", "one step", "adamw"],
)
def test_a_rate_beyond_reason_leaves_the_last_good_weights(
    settings: dict[str, Any], two_classes: Path, tmp_path: Path
) -> None:
    with pytest.raises(DivergedError, match=MESSAGE):
        hubel.train(two_classes, out=tmp_path / "run", **TINY | {"lr": 1e30} | settings)
    check_kept(tmp_path / "run", next(two_classes.rglob("*.png")))


def test_on_the_command_line_it_is_the_users_to_mend(two_classes: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = command("train", two_classes, "--out", out, *TINY_OPTIONS, "--lr", "1e30")
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("error: the ")
    assert "try a lower --lr (it was 1e+30)" in last
    assert "Traceback" not in done.stderr
    check_kept(out, next(two_classes.rglob("*.png")))


def test_a_diverged_run_is_not_resumed(two_classes: Path, tmp_path: Path) -> None:
    """It would diverge again, and score the test split twice."""
    out = tmp_path / "run"
    with pytest.raises(DivergedError):
        hubel.train(two_classes, out=out, **TINY | {"lr": 1e30})
    with pytest.raises(RecipeError, match=r"has diverged and would again: the loss became"):
        hubel.resume(out)
    check_kept(out, next(two_classes.rglob("*.png")))
