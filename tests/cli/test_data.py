"""`hubel data`: every file accepted, or named with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.conftest import tree_hash
from tests.job.conftest import Finished

KEYS = {"source", "kind", "error", "files", "accepted", "rejected", "problems", "classes", "splits",
        "notes", "warnings"}  # fmt: skip


def test_json_has_the_documented_keys_and_counts_add_up(hubel: Command, finished: Finished) -> None:
    before = tree_hash(finished.data)
    done = hubel("data", finished.data, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document.keys() == KEYS
    assert document["error"] is None
    assert document["accepted"] + document["rejected"] == document["files"] == 74
    assert len(document["problems"]) == document["rejected"] == 2
    assert all(problem.keys() == {"file", "reason", "error"} for problem in document["problems"])
    assert {p["file"] for p in document["problems"]} == {
        "test/red/broken.png",
        "train/dark/notes.txt",
    }
    pictures = [sum(counts.values()) for counts in document["classes"].values()]
    assert sum(pictures) == sum(document["splits"].values()) == document["accepted"]
    assert tree_hash(finished.data) == before


def test_text_names_what_was_left_out_and_why(hubel: Command, finished: Finished) -> None:
    done = hubel("data", finished.data)
    assert done.returncode == 0
    assert "74 files, 72 accepted, 2 left out" in done.stdout
    assert "\n1 x " in done.stdout
    assert "\n  test/red/broken.png" in done.stdout


def test_data_that_cannot_be_trained_on_are_described_all_the_same(
    hubel: Command, tmp_path: Path
) -> None:
    from tests.conftest import fill

    fill(tmp_path / "one" / "alone", 3)
    done = hubel("data", tmp_path / "one", "--json")
    document = json.loads(done.stdout)
    assert document.keys() == KEYS
    assert "only one class, 'alone'" in document["error"]
    assert (document["files"], document["accepted"]) == (3, 3)
    assert done.returncode == 0
    assert "can't be trained on: " in hubel("data", tmp_path / "one").stdout


@pytest.mark.parametrize("seed", ["0", "7"])
def test_the_splits_are_those_that_training_would_draw(
    hubel: Command, seed: str, two_classes: Path, tmp_path: Path
) -> None:
    found = json.loads(hubel("data", two_classes, "--json", "--seed", seed).stdout)
    words = ["--model", "linear", "--epochs", "1", "--seed", seed, "--json"]
    trained = json.loads(hubel("train", two_classes, "--out", tmp_path / "run", *words).stdout)
    assert found["splits"] == trained["data"]["splits"]
    assert found["notes"] == trained["data"]["notes"]
