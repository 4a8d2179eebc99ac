"""`hubel data`: every file accepted, or named with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Command
from tests.conftest import tree_hash
from tests.job.conftest import Finished

KEYS = {"source", "kind", "error", "files", "accepted", "rejected", "problems", "classes", "splits",
        "notes", "audit", "warnings", "shape", "task"}  # fmt: skip


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
    text = hubel("data", tmp_path / "one").stdout
    assert "can't be trained on: " in text
    assert "labels were not judged: the data can't be split" in text


@pytest.mark.parametrize("seed", ["0", "7"])
def test_the_splits_are_those_that_training_would_draw(
    hubel: Command, seed: str, two_classes: Path, tmp_path: Path
) -> None:
    found = json.loads(hubel("data", two_classes, "--json", "--seed", seed).stdout)
    words = ["--model", "linear", "--epochs", "1", "--seed", seed, "--json"]
    trained = json.loads(hubel("train", two_classes, "--out", tmp_path / "run", *words).stdout)
    assert found["splits"] == trained["data"]["splits"]
    assert found["notes"] == trained["data"]["notes"]


def test_findings_fit_the_terminal_and_their_files_are_named_on_request(
    hubel: Command, finished: Finished
) -> None:
    plain = hubel("data", finished.data, "--no-labels").stdout
    assert max(map(len, plain.splitlines())) <= max(80, len(str(finished.data)) + 60)
    table = [line.split() for line in plain.splitlines()]
    assert ["broken", "error", "1", "broken", "or", "truncated"] in table
    assert plain.index("broken ") < plain.index("foreign ")
    assert "--list names the files" in plain
    listed = hubel("data", finished.data, "--no-labels", "--list").stdout
    assert "\nbroken: fetch the files again\n  test/red/broken.png: broken or truncated" in listed


def test_the_command_fails_where_it_is_asked_to_and_only_there(
    hubel: Command, finished: Finished
) -> None:
    words = ("data", finished.data, "--no-labels", "--fail-on")
    for names, code in (("error", 1), ("broken", 1), ("leak,dark", 0), ("warning", 1)):
        done = hubel(*words, names)
        assert (names, done.returncode) == (names, code)
        assert ("--fail-on: found broken" in done.stderr) == (code == 1)
    wrong = hubel(*words, "brokn")
    assert wrong.returncode == 1
    assert "there is no finding 'brokn'; did you mean broken?" in wrong.stderr


def test_the_folder_holds_the_page_the_table_and_the_document(
    hubel: Command, finished: Finished, tmp_path: Path
) -> None:
    before = tree_hash(finished.data)
    out = tmp_path / "audit"
    done = hubel("data", finished.data, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert tree_hash(finished.data) == before
    document = json.loads(done.stdout)
    assert json.loads((out / "audit.json").read_text("utf-8")) == document
    table = pq.read_table(out / "audit.parquet")
    assert table.num_rows == document["files"]
    for finding in document["audit"]["findings"]:
        named = table.filter(table[finding["name"]])["file"].to_pylist()
        assert sorted(named) == sorted(one["file"] for one in finding["files"])
        assert len(named) == finding["count"]
    assert document["audit"]["judged"]["pictures"] == 72
    page = (out / "audit.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "test/red/broken.png" in page
    assert len(page) < 6_000_000


def test_a_folder_inside_the_data_is_refused(hubel: Command, finished: Finished) -> None:
    done = hubel("data", finished.data, "--out", finished.data / "audit")
    assert done.returncode == 1
    assert "stands inside the data" in done.stderr
    assert not (finished.data / "audit").exists()
