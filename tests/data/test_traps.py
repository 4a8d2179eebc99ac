"""Where other tools go wrong in silence: order of classes, suffixes, nested names, lost classes."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from hubel.data.dataset import Dataset, Wish, open_dataset, survey
from hubel.data.sources import open_source
from hubel.data.split.rule import SplitRule
from tests.conftest import fill, picture
from tests.places import zipped


def opened(data: Path) -> Dataset:
    source = open_source(data)
    found = survey(source, Wish(), 1, lambda _: None)
    return open_dataset(source, found, 0, SplitRule(missing="allow"))


def labels_by_target(dataset: Dataset) -> dict[str, str]:
    """The name of the class that each accepted file's number stands for."""
    manifest = dataset.manifest
    return {
        file: manifest.classes[target]
        for file, target in zip(manifest.table["file"].to_pylist(), manifest.targets, strict=True)
        if target >= 0
    }


def test_class_order_natural_and_lexicographic_give_the_same_class_names(tmp_path: Path) -> None:
    for number, name in enumerate(("1", "2", "10")):
        fill(tmp_path / name, 10, hue=number * 60)
    dataset = opened(tmp_path)
    assert sorted(dataset.manifest.classes) == ["1", "10", "2"]  # torchvision's order of names
    assert dataset.manifest.classes == ("1", "2", "10")  # timm's
    found = labels_by_target(dataset)
    assert found == {file: file.partition("/")[0] for file in found}


def test_every_suffix_counts_in_any_case(tmp_path: Path) -> None:
    names = ["a.webp", "b.tif", "c.bmp", "d.JPG", "e.Png", "f.TIFF", "g.jpeg", "h.gif", "i"]
    for place, label in enumerate(("cat", "dog")):
        (tmp_path / label).mkdir()
        for number, name in enumerate(names):
            form = {"webp": "WEBP", "tif": "TIFF", "tiff": "TIFF", "bmp": "BMP", "gif": "GIF",
                    "jpg": "JPEG", "jpeg": "JPEG"}.get(name.lower()[2:], "PNG")  # fmt: skip
            picture(number, hue=place * 100).save(tmp_path / label / name, form)
    assert labels_by_target(opened(tmp_path)) == {
        f"{label}/{name}": label for label in ("cat", "dog") for name in names
    }


def test_equal_names_of_folders_in_other_folders_stay_two_classes(tmp_path: Path) -> None:
    for number, name in enumerate(("car/black", "shirt/black", "shirt/red")):
        fill(tmp_path / name, 10, hue=number * 60)
    assert opened(tmp_path).manifest.classes == ("car/black", "shirt/black", "shirt/red")


def test_a_class_absent_from_validation_shifts_nothing(tmp_path: Path) -> None:
    for number, name in enumerate(("ant", "bee", "cow")):
        fill(tmp_path / "train" / name, 10, hue=number * 60)
        fill(tmp_path / "test" / name, 4, hue=number * 60, first=20)
        if name != "bee":
            fill(tmp_path / "val" / name, 4, hue=number * 60, first=40)
    dataset = opened(tmp_path)
    assert dataset.manifest.classes == ("ant", "bee", "cow")
    found = labels_by_target(dataset)
    assert {name for file, name in found.items() if file.startswith("val/")} == {"ant", "cow"}
    assert found == {file: file.split("/")[1] for file in found}


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_names_of_splits_are_no_classes(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "pets"
    for split, first in (("train", 0), ("validation", 20), ("test", 40)):
        for number, name in enumerate(("cat", "dog")):
            fill(root / split / name, 5, hue=number * 60, first=first)
    path = root
    if kind == "zip":
        path = zipped(root, tmp_path / "pets.zip", "pets/")
    elif kind == "tar":
        path = tmp_path / "pets.tar"
        with tarfile.open(path, "w") as archive:
            archive.add(root, "pets")
    dataset = opened(path)
    assert dataset.manifest.classes == ("cat", "dog")
    assert dataset.manifest.counts() == {"train": 10, "val": 10, "test": 10}
