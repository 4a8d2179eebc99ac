"""A run folder is found, read, and never written over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hubel.errors import ArtifactError, StorageError
from hubel.runs import Run, machine, new_folder, versions
from tests.places import under_permissions


@pytest.fixture
def run(tmp_path: Path) -> Run:
    found = Run(tmp_path / "run")
    found.write_facts({"name": "<b>", "status": "running"})
    return found


@pytest.mark.parametrize(
    ("data", "stem"),
    [
        ("photos/", "photos"),
        ("/a/b/cats & dogs", "cats-dogs"),
        ("sample:trashnet", "trashnet"),
        ("table.csv", "table"),
        ("...", "data"),
        ("Größe", "Größe"),
        ("a\nb", "a-b"),
    ],
)
def test_a_run_is_named_after_its_data(
    data: str, stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = [new_folder(data, None) for _ in range(3)]
    assert found == [Path("runs") / f"{stem}-{n}" for n in (1, 2, 3)]
    assert all(path.is_dir() for path in found)


def test_an_empty_folder_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    assert new_folder("photos", tmp_path / "here") == tmp_path / "here"
    assert new_folder("photos", tmp_path / "deep" / "er").is_dir()


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StorageError, match=r"is not empty; choose another --out$"):
        new_folder("photos", tmp_path)


def test_a_run_in_the_place_of_the_folder_may_be_resumed(run: Run) -> None:
    message = rf"is not empty; choose another --out, or .*: hubel train --resume {run.folder}$"
    with pytest.raises(StorageError, match=message):
        new_folder("photos", run.folder)


@pytest.mark.parametrize("out", [None, "runs", "a/b", "../data/out"])
@pytest.mark.parametrize("data", [".", "../data"])
def test_no_run_is_put_inside_the_data(
    data: str, out: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    with pytest.raises(StorageError, match=r"inside the data folder .*; choose another --out"):
        new_folder(data, out)
    assert list((tmp_path / "data").iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(StorageError, match=r"could not write .*out: .*; .*another folder"):
        new_folder("photos", tmp_path / "out")


def test_a_place_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    monkeypatch.chdir(tmp_path / "locked")
    with under_permissions():
        with pytest.raises(StorageError, match=r"Permission denied; choose another .* --out"):
            new_folder("photos", None)
        with pytest.raises(StorageError, match=r"could not write .*out: Permission denied"):
            new_folder("photos", "out")


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no run\.json there; expected the folder of a run"):
        Run.open(tmp_path)


def test_facts_come_back(run: Run) -> None:
    facts = {"status": "done", "name": "ü", "seconds": {"total": 1 / 3}}
    run.write_facts(facts)
    assert Run.open(run.folder).facts == facts


@pytest.mark.parametrize("name", ["run.json", "evaluation.json", "ladder.json"])
@pytest.mark.parametrize("content", ["", "{", '{"a": NaN}', '{"a": 1, "a": 2}'])
def test_a_document_that_is_broken_is_named(name: str, content: str, run: Run) -> None:
    (run.folder / name).write_text(content)
    reads: dict[str, Any] = {
        "run.json": lambda: run.facts,
        "evaluation.json": lambda: run.evaluation,
        "ladder.json": lambda: run.ladder,
    }
    with pytest.raises(ArtifactError, match=rf"{name} can't be read: "):
        reads[name]()


@pytest.mark.parametrize("name", ["evaluation", "ladder"])
def test_what_is_not_there_yet_is_said_with_the_status(name: str, run: Run) -> None:
    with pytest.raises(ArtifactError, match=rf"{name}\.json is not there: the run is running"):
        getattr(run, name)


def test_results_are_a_table_with_a_row_an_epoch(run: Run) -> None:
    rows = [
        {"epoch": n, "seconds": 0.5 * n, "train_loss": 1 / n, "val_loss": 2 / n,
         "val_accuracy": 0.5, "lr": 0.1, "val_macro_f1": 0.4}
        for n in (1, 2)
    ]  # fmt: skip
    run.write_results(rows)
    lines = (run.folder / "results.csv").read_text().splitlines()
    assert lines == [
        "epoch,seconds,train_loss,val_loss,val_accuracy,lr,val_macro_f1",
        "1,0.5,1.0,2.0,0.5,0.1,0.4",
        "2,1.0,0.5,1.0,0.5,0.1,0.4",
    ]


def test_a_notebook_shows_name_status_and_accuracy_escaped(run: Run) -> None:
    show = run._repr_html_  # pyright: ignore[reportPrivateUsage]
    assert show() == "<b>&lt;b&gt;: running</b>"
    accuracy = {"value": 0.5, "low": 0.25, "high": 0.75}
    (run.folder / "evaluation.json").write_text(json.dumps({"accuracy": accuracy}))
    assert "accuracy 50.0% (25.0% to 75.0%)" in show()


def test_versions_and_machine_are_facts_that_json_takes() -> None:
    assert {"python", "hubel", "torch", "numpy", "pillow"} <= versions().keys()
    found = machine()
    assert json.loads(json.dumps(found)) == found
    assert found["cores"] >= 1
