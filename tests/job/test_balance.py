"""Unequal classes: measured, said, treated in every rung alike, and the epoch that ships."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hubel
from hubel.cli.tables import ladder_summary, summary
from hubel.errors import Interrupted, RecipeError
from hubel.job import learn
from hubel.job.desk import Sitting
from hubel.job.work import resume, train
from hubel.training.selection import Choice, choose_epoch
from tests.conftest import fill
from tests.job.runs import TINY, Heard, outcome, weights


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """Four times as many pictures of one class."""
    fill(tmp_path / "uneven" / "dark", 60)
    fill(tmp_path / "uneven" / "red", 15, hue=120)
    return tmp_path / "uneven"


def test_imbalance_is_measured_said_and_looked_at_by_balanced_accuracy(
    uneven: Path, tmp_path: Path
) -> None:
    heard = Heard()
    sitting = Sitting(reporter=heard)
    run = train(uneven, out=tmp_path / "run", sitting=sitting, balance="logit-adjust", **TINY)
    known = run.facts["data"]["imbalance"]
    assert known["counts"] == {"dark": 42, "red": 10}
    assert known["ratio"] == pytest.approx(42 / 10)
    assert (
        f"training classes: {known['text']}; balance logit-adjust (set by the user)" in heard.said
    )
    recipe = run.facts["recipe"]
    assert (recipe["monitor"]["value"], recipe["monitor"]["set_by"]) == (
        "balanced_accuracy",
        "rule",
    )
    choice = run.facts["epoch"]
    assert (choice["monitor"], choice["ships"]) == ("balanced_accuracy", "last")
    assert choice["text"] in heard.said
    assert run.classifier.facts["balance"] == "logit-adjust"
    notes = {rung["name"]: rung["note"] for rung in run.ladder["rungs"]}
    assert notes["linear on pixels"].endswith("logits adjusted")
    for name in ("largest class", "nearest neighbours on pixels"):
        assert notes[name].endswith("; its classes are not balanced")
    table = summary(run)
    assert table.split("\n")[1].split()[:3] == ["balanced", "interval", "accuracy"]
    assert max(map(len, table.partition("report")[0].splitlines())) <= 80
    assert "Of each class " in run.report.read_text(encoding="utf-8")


def test_the_rungs_of_a_ladder_are_treated_alike_or_say_that_they_are_not(
    uneven: Path, tmp_path: Path
) -> None:
    rungs = ("largest", "pixels", "pixels-svm")
    run = hubel.ladder(uneven, rungs=rungs, balance="logit-adjust", out=tmp_path / "run")
    notes = [rung["note"] for rung in run.ladder["rungs"]]
    ends = ("; its classes are not balanced", "logits adjusted", "; its classes are not balanced")
    assert all(note.endswith(end) for note, end in zip(notes, ends, strict=True))
    assert run.facts["recipe"]["balance"]["value"] == "logit-adjust"
    assert "--balance" in run.facts["command"]
    lines = ladder_summary(run).splitlines()
    assert lines[1].split()[:5] == ["balanced", "%", "interval", "right", "%"]


def test_a_balance_of_another_name_is_answered_with_the_nearest(uneven: Path) -> None:
    message = r"balance: expected one of none, weights, sampler, logit-adjust; got 'weight'\. Did"
    with pytest.raises(RecipeError, match=message):
        hubel.train(uneven, balance="weight")


ROUGH: dict[str, Any] = TINY | {"resolutions": "1:1", "monitor": "log_loss", "lr": 0.5,
                                "final_lr": 1.0, "averaging": 0.0}  # fmt: skip


def best_of(monitor: str, kept: Any, last: Any) -> Choice:
    """Ships the best by however little it is ahead."""
    return replace(choose_epoch(monitor, kept, last), ships="best")


@pytest.mark.parametrize("step", [2, 12, 20])
def test_the_epoch_that_ships_is_the_same_however_a_run_was_stopped(
    step: int, two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "choose_epoch", best_of)
    whole = train(two_classes, out=tmp_path / "whole", **ROUGH)
    best = whole.facts["epoch"]["best"]["epoch"]
    assert best < 4
    last = train(two_classes, out=tmp_path / "last", **ROUGH | {"monitor": "last"})
    assert "epoch" not in last.facts
    assert weights(last.folder) != weights(whole.folder)
    with pytest.raises(Interrupted):
        train(two_classes, out=tmp_path / "part", sitting=Sitting(reporter=Heard(step)), **ROUGH)
    found = resume(tmp_path / "part")
    assert outcome(found.folder) == outcome(whole.folder)
    assert found.facts["epoch"] == whole.facts["epoch"]


@pytest.mark.parametrize("balance", ["none", "logit-adjust"])
def test_prediction_says_what_the_evaluation_said(
    balance: str, uneven: Path, tmp_path: Path
) -> None:
    """One probability, calibrated at the frequencies of the data, whatever the treatment."""
    run = train(uneven, out=tmp_path / "run", balance=balance, **TINY)
    from hubel.data.manifest import read_parquet

    for row in read_parquet(run.folder / "predictions.parquet").to_pylist():
        found = run.classifier.predict(uneven / row["file"])
        stored = [row[f"probability:{name}"] for name in found.labels]
        np.testing.assert_allclose(found.probabilities, stored, atol=1e-5)
        assert found.label == row["predicted"]
