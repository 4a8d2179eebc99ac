"""`hubel search` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

SMALL = ["--folds", "2", "--trials", "2", "--epochs", "1", "--size", "16", "-b", "8"]


def test_a_search_prints_the_figures_and_what_they_are(
    hubel: Command, two_classes: Path, tmp_path: Path
) -> None:
    space = "model=conv3x3({2|4}) bn relu gap fc"
    done = hubel("search", two_classes, "--space", space, "--out", tmp_path / "run", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "out of fold (best of many: too high)" in done.stdout
    assert "test, scored once" in done.stdout
    assert f"hubel predict {tmp_path / 'run' / 'best'} PICTURES..." in done.stdout
    again = hubel("search", "--resume", tmp_path / "run", "--json")
    assert "is complete: there is nothing to go on with" in again.stderr
    document = json.loads(again.stdout)
    assert (document["status"], document["counts"]["complete"]) == ("done", 2)


def test_an_error_in_the_space_is_drawn(hubel: Command, two_classes: Path) -> None:
    done = hubel("search", two_classes, "--space", "lr=log(0.1,1) optimiser=sgd|adam")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: no setting 'optimiser' to search; did you mean optimizer?",
        "  lr=log(0.1,1) optimiser=sgd|adam",
        "                ^^^^^^^^^",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--folds", "3"], "search what? Name a folder"),
        (["--resume", "x", "--folds", "3"], "so folds would have no effect"),
        (["x", "--pruner", "mean"], "pruner: expected median, halving, none, got 'mean'"),
        (["x", "--folds", "1"], "folds: expected at least 2, got 1"),
        (["x", "--space", "lr=log(0.1,1)", "--set", "lr=1"], "lr: both set and searched"),
        (["x", "--space", ""], "the space is empty"),
        (["x", "--space", "epochs=1|2"], "give --epochs in place of it"),
        (["x", "--set", "lrr=1"], "Did you mean 'lr'?"),
        (["x", "--storage", "nothing"], "storage: expected the address of a database"),
        (["--resume", "nowhere"], "no search.json there"),
    ],
)
def test_what_can_not_be_asked_is_said(hubel: Command, words: list[str], message: str) -> None:
    done = hubel("search", *words)
    assert done.returncode == 1
    assert message in done.stderr
