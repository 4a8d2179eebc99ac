"""From a source to a checked and split manifest, and to the pixels of its samples."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hubel.data.dataset import (
    Dataset,
    Wish,
    open_dataset,
    survey,
)
from hubel.data.manifest import Manifest
from hubel.data.sources import FolderSource, Listing, open_source
from hubel.data.split import SplitRule, redraw
from hubel.errors import ArtifactError, DataError
from tests.conftest import fill, tree_hash


def opened(data: Path, seed: int = 0, rule: SplitRule | None = None) -> Dataset:
    source = open_source(data)
    return open_dataset(source, survey(source, Wish(), 2, lambda _: None), seed, rule)


class Timed(FolderSource):
    """Its pictures were taken one after the other, in no order of their names."""

    def list(self, found: Callable[[int], None] = lambda _: None) -> Listing:
        listing = super().list(found)
        moments = np.random.default_rng(1).permutation(len(listing.entries))
        entries = [
            entry._replace(time=float(moment))
            for entry, moment in zip(listing.entries, moments, strict=True)
        ]
        return Listing(listing.kind, tuple(entries), listing.notes)


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


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_class_that_a_split_lacks_is_refused_unless_the_user_says_so(
    given_splits: Path, split: str
) -> None:
    for filled in {"train", "val", "test"} - {split}:
        fill(given_splits / filled / "blue", 3, hue=60, first=len(filled))
    message = rf"'blue' has no pictures in the {split} split, .* --set missing_classes=allow"
    with pytest.raises(DataError, match=message):
        opened(given_splits)
    allowed = opened(given_splits, rule=SplitRule(missing="allow"))
    assert allowed.manifest.classes == ("blue", "dark", "red")


def test_a_class_absent_from_validation_shifts_nothing(given_splits: Path) -> None:
    """`alpha` comes first, and stands in train and test alone."""
    for split, first in (("train", 0), ("test", 50)):
        fill(given_splits / split / "alpha", 3, hue=60, first=first)
    manifest = opened(given_splits, rule=SplitRule(missing="allow")).manifest
    assert manifest.classes == ("alpha", "dark", "red")
    for split in ("train", "val", "test"):
        for row in manifest.rows(split):
            folder = manifest.path(int(row)).split("/")[1]
            assert manifest.classes[manifest.targets[row]] == folder


def test_a_class_without_training_pictures_is_refused_whatever_is_allowed(
    given_splits: Path,
) -> None:
    fill(given_splits / "test" / "blue", 2, hue=60)
    with pytest.raises(DataError, match="'blue' has no training pictures"):
        opened(given_splits, rule=SplitRule(missing="allow"))


@pytest.mark.parametrize("twice", ["train", "val"])
def test_the_same_pictures_given_as_two_splits_are_refused(given_splits: Path, twice: str) -> None:
    shutil.rmtree(given_splits / twice)
    shutil.copytree(given_splits / "test", given_splits / twice)
    message = f"{twice} and test are the same: each of the 8 pictures of {twice} shares its picture"
    with pytest.raises(DataError, match=message):
        opened(given_splits)


@pytest.mark.parametrize("twice", ["train", "val"])
def test_a_split_that_links_to_another_is_refused(given_splits: Path, twice: str) -> None:
    shutil.rmtree(given_splits / twice)
    (given_splits / twice).symlink_to(given_splits / "test")
    with pytest.raises(DataError, match=f"'{twice}' is a link to pictures that are read already"):
        opened(given_splits)


def test_a_table_that_names_all_its_training_files_for_the_test_too_is_refused(
    two_classes: Path,
) -> None:
    files = [f"{name}/{number:03}.png" for name in ("dark", "red") for number in range(30)]
    rows = [
        {"file": file, "label": file.split("/")[0], "split": split}
        for file in files
        for split in ("train", "test")
    ]
    with pytest.raises(DataError, match=r"train and test are the same|named twice"):
        opened(table(two_classes, rows))


def test_the_newest_are_tested_and_the_next_validate(two_classes: Path) -> None:
    source = Timed(two_classes)
    found = survey(source, Wish(), 2, lambda _: None)
    manifest = open_dataset(source, found, 0, SplitRule(kind="time")).manifest
    times = np.array(manifest.table["time"].to_pylist())
    train, val, test = (times[manifest.rows(split)] for split in ("train", "val", "test"))
    assert (len(train), len(val), len(test)) == (42, 6, 12)
    assert train.max() < val.min()
    assert val.max() < test.min()


@pytest.mark.parametrize(
    "rule",
    [
        SplitRule(),
        SplitRule(test=0.3, val=0.2),
        SplitRule(kind="time", val=0.2),
        SplitRule(missing="allow", asked=frozenset(["split"])),
    ],
)
def test_a_manifest_alone_gives_its_splits_again(
    two_classes: Path, tmp_path: Path, rule: SplitRule
) -> None:
    (two_classes / "red" / "bad.png").write_bytes(b"no")
    shutil.copy(two_classes / "red" / "003.png", two_classes / "red" / "again.png")
    source = Timed(two_classes)
    found = survey(source, Wish(), 2, lambda _: None)
    manifest = open_dataset(source, found, 7, rule).manifest
    manifest.write(tmp_path / "manifest.parquet")
    again = Manifest.read(tmp_path / "manifest.parquet")
    assert redraw(again) == manifest.table["split"].to_pylist()


@pytest.mark.parametrize("absent", ["val", "test", "train", None])
def test_given_splits_come_back_from_a_manifest_too(given_splits: Path, absent: str | None) -> None:
    if absent == "train":  # its pictures have no split
        files = sorted(given_splits.rglob("*.png"))
        rows: list[dict[str, Any]] = [
            {"file": str(p), "label": p.parts[-2], "split": p.parts[-3]} for p in files
        ]
        rows = [row | {"split": None} if row["split"] == "train" else row for row in rows]
        manifest = opened(table(given_splits, rows)).manifest
    else:
        if absent:
            shutil.rmtree(given_splits / absent)
        manifest = opened(given_splits).manifest
    assert redraw(manifest) == manifest.table["split"].to_pylist()


def test_a_manifest_that_does_not_say_how_it_was_split_is_refused(two_classes: Path) -> None:
    manifest = opened(two_classes).manifest
    with pytest.raises(ArtifactError, match="doesn't say how its splits were drawn"):
        redraw(Manifest(manifest.table.replace_schema_metadata(None)))


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
