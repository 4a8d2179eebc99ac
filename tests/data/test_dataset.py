"""From a source to a checked and split manifest, and to the pixels of its samples."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from hubel.data.dataset import (
    Dataset,
    Wish,
    open_dataset,
    survey,
)
from hubel.data.sources import open_source
from hubel.errors import DataError
from tests.conftest import fill, tree_hash


def opened(data: Path, seed: int = 0) -> Dataset:
    source = open_source(data)
    return open_dataset(source, survey(source, Wish(), 2, lambda _: None), seed)


def problems(dataset: Dataset) -> dict[str | None, str | None]:
    found = {row["file"]: row["reason"] for row in dataset.manifest.problems()}
    assert len(found) + dataset.manifest.accepted.sum() == len(dataset.manifest)
    return found


def splits(dataset: Dataset) -> dict[str, str | None]:
    columns = (dataset.manifest.table[name].to_pylist() for name in ("file", "split"))
    return dict(zip(*columns, strict=True))


def table(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "table.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def given_splits(tmp_path: Path) -> Path:
    """12 training, 4 validation and 4 test pictures each of `dark` and `red`."""
    root = tmp_path / "given"
    for first, (split, count) in enumerate([("train", 12), ("val", 4), ("test", 4)]):
        fill(root / split / "dark", count, first=100 * first)
        fill(root / split / "red", count, hue=120, first=100 * first)
    return root


def test_every_file_is_a_row_with_a_split_or_a_problem(two_classes: Path) -> None:
    (two_classes / "red" / "bad.png").write_bytes(b"no")
    before = tree_hash(two_classes)
    dataset = opened(two_classes)
    assert dataset.manifest.classes == ("dark", "red")
    assert dataset.manifest.counts() == {"train": 42, "val": 6, "test": 12}
    assert problems(dataset) == {"red/bad.png": "not a picture of a format that Hubel reads"}
    assert splits(dataset)["red/bad.png"] is None
    assert tree_hash(two_classes) == before


def test_the_same_seed_splits_alike_and_another_does_not(two_classes: Path) -> None:
    assert splits(opened(two_classes)) == splits(opened(two_classes))
    assert splits(opened(two_classes)) != splits(opened(two_classes, seed=1))


def test_where_the_data_lie_does_not_decide_the_split(two_classes: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "x"
    shutil.copytree(two_classes, other)
    assert splits(opened(other)) == splits(opened(two_classes))


def test_given_splits_are_kept(given_splits: Path) -> None:
    dataset = opened(given_splits)
    assert dataset.kind == "split folders"
    assert dataset.manifest.classes == ("dark", "red")
    assert all(file.startswith(f"{split}/") for file, split in splits(dataset).items())


def test_a_given_validation_is_the_test_where_there_is_none(given_splits: Path) -> None:
    shutil.rmtree(given_splits / "test")
    dataset = opened(given_splits)
    assert {split for file, split in splits(dataset).items() if file.startswith("val/")} == {"test"}
    assert dataset.manifest.counts()["val"] == 2
    assert any("scored once as the test" in note for note in dataset.notes)


def test_a_class_in_test_that_train_lacks_is_refused(given_splits: Path) -> None:
    fill(given_splits / "test" / "blue", 2, hue=60)
    message = r"'blue' has no training pictures; .* must be among those of train: 'dark', 'red'"
    with pytest.raises(DataError, match=message):
        opened(given_splits)


def test_a_class_that_test_lacks_is_allowed(given_splits: Path) -> None:
    fill(given_splits / "train" / "blue", 3, hue=60)
    assert opened(given_splits).manifest.classes == ("blue", "dark", "red")


def test_one_class_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "red", 5)
    with pytest.raises(DataError, match="only one class, 'red'; a classifier needs at least two"):
        opened(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no files; expected one folder a class"):
        opened(tmp_path)


def test_folders_without_a_picture_are_refused_with_what_was_seen(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "a.txt").write_text("hello")
    message = r"no picture can be used; .* \(3 files were seen; left out: 3 x not a picture of"
    with pytest.raises(DataError, match=message):
        opened(tmp_path)


def test_a_class_with_one_picture_is_refused(two_classes: Path) -> None:
    fill(two_classes / "blue", 1, hue=60)
    with pytest.raises(DataError, match="class 'blue' has 1 different picture; at least 3 are"):
        opened(two_classes)


def test_a_class_of_which_all_are_broken_is_noted(two_classes: Path) -> None:
    (two_classes / "blue").mkdir()
    (two_classes / "blue" / "1.png").write_bytes(b"no")
    dataset = opened(two_classes)
    assert dataset.manifest.classes == ("dark", "red")
    assert "no picture can be used of: 'blue'; no such class is learned" in dataset.notes


def test_the_same_picture_in_two_classes_is_left_out_and_named_both_times(
    two_classes: Path,
) -> None:
    shutil.copy(two_classes / "dark" / "003.png", two_classes / "red" / "copy.png")
    dataset = opened(two_classes)
    assert problems(dataset) == {
        "dark/003.png": "the same picture is also in class 'red'",
        "red/copy.png": "the same picture is also in class 'dark'",
    }
    assert dataset.manifest.counts() == {"train": 41, "val": 6, "test": 12}


def test_copies_within_a_class_are_used_on_one_side(two_classes: Path) -> None:
    for number in range(10):
        for copy in "xyz":
            shutil.copy(two_classes / f"red/{number:03}.png", two_classes / f"red/{number}{copy}")
    dataset = opened(two_classes)
    found = splits(dataset)
    assert problems(dataset) == {}
    for number in range(10):
        names = [f"red/{number:03}.png", *(f"red/{number}{copy}" for copy in "xyz")]
        assert len({found[name] for name in names}) == 1


def test_a_training_picture_that_is_in_test_is_left_out(given_splits: Path) -> None:
    shutil.copy(given_splits / "test/red/200.png", given_splits / "train/red/copy.png")
    shutil.copy(given_splits / "val/red/100.png", given_splits / "train/red/copy2.png")
    dataset = opened(given_splits)
    assert problems(dataset) == {
        "train/red/copy.png": "the same picture is also in the test split",
        "train/red/copy2.png": "the same picture is also in the val split",
    }
    assert splits(dataset)["test/red/200.png"] == "test"


def test_a_group_on_both_sides_is_left_out_of_train(given_splits: Path) -> None:
    files = [str(p.relative_to(given_splits)) for p in sorted(given_splits.rglob("*.png"))]
    rows: list[dict[str, Any]] = [
        {"file": file, "label": file.split("/")[1], "split": file.split("/")[0], "group": file[-7:]}
        for file in files
    ]
    shared = [row for row in rows if row["file"] in ("train/red/000.png", "test/red/200.png")]
    for row in shared:
        row["group"] = "both"
    dataset = opened(table(given_splits, rows))
    assert problems(dataset) == {"train/red/000.png": "the same group is also in the test split"}


def test_a_row_without_a_split_that_copies_a_test_picture_is_left_out(given_splits: Path) -> None:
    files = [str(p.relative_to(given_splits)) for p in sorted(given_splits.rglob("*.png"))]
    rows: list[dict[str, Any]] = [
        {"file": file, "label": file.split("/")[1], "split": file.split("/")[0]} for file in files
    ]
    rows = [{**row, "split": None} if row["split"] == "train" else row for row in rows]
    rows.append({"file": "test/red/200.png", "label": "red", "split": None})
    dataset = opened(table(given_splits, rows))
    assert [row["reason"] for row in dataset.manifest.problems()] == [
        "the same picture is also in the test split"
    ]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_broken_picture_of_a_given_split_keeps_it(given_splits: Path, split: str) -> None:
    (given_splits / split / "red" / "bad.png").write_bytes(b"no")
    dataset = opened(given_splits)
    assert list(problems(dataset)) == [f"{split}/red/bad.png"]
    assert splits(dataset)[f"{split}/red/bad.png"] == split
    row = dataset.manifest.table["file"].to_pylist().index(f"{split}/red/bad.png")
    assert row not in dataset.manifest.rows(split)


def test_odd_names_are_shown_and_still_found(two_classes: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \n.png")
    shutil.move(two_classes / "red" / "000.png", two_classes / "red" / name)
    dataset = opened(two_classes)
    row = dataset.manifest.table["file"].to_pylist().index("red/caf\\xe9 \n.png")
    assert dataset.source.read(dataset.manifest.path(row)).startswith(b"\x89PNG")
