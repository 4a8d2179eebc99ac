"""Behind a file system's driver the samples are the same as on a disk."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from hubel.data.sources import open_source
from hubel.errors import DataError, PictureError
from tests.data.sources.reading import labelled
from tests.places import zipped


@pytest.fixture
def memory() -> Iterator[Any]:
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def put(files: Any, root: Path, at: str) -> None:
    for path in root.rglob("*"):
        if path.is_file():
            files.pipe_file(f"{at}/{path.relative_to(root)}", path.read_bytes())


@pytest.mark.parametrize("kind", ["folder", "table", "zip", "tar", "file"])
def test_every_kind_holds_what_it_holds_on_a_disk(
    two_classes: Path, tmp_path: Path, memory: Any, kind: str
) -> None:
    put(memory, two_classes, "/d/two")
    url = "memory://d/two"
    if kind == "table":
        rows = [
            f"two/{p.relative_to(two_classes)},{p.parent.name}" for p in two_classes.rglob("*.png")
        ]
        memory.pipe_file("/d/t.csv", "\n".join(["file,label", *rows]).encode())
        url = "memory://d/t.csv"
    elif kind == "zip":
        memory.pipe_file("/d/t.zip", zipped(two_classes, tmp_path / "t.zip").read_bytes())
        url = "memory://d/t.zip"
    elif kind == "tar":
        with tarfile.open(tmp_path / "t.tar", "w") as archive:
            archive.add(two_classes, "two")
        memory.pipe_file("/d/t.tar", (tmp_path / "t.tar").read_bytes())
        url = "memory://d/t.tar"
    elif kind == "file":
        url = f"file://{two_classes}"
    source = open_source(url)
    contents = {source.read(e.path): e.label for e in source.list().entries}
    assert contents == {p.read_bytes(): p.parent.name for p in two_classes.rglob("*.png")}
    assert source.name == url


def test_a_stamp_changes_with_the_file(two_classes: Path, memory: Any) -> None:
    put(memory, two_classes, "/d")
    before = {e.path: e.stamp for e in open_source("memory://d").list().entries}
    assert before == {e.path: e.stamp for e in open_source("memory://d").list().entries}
    memory.pipe_file("/d/red/000.png", b"other")
    after = {e.path: e.stamp for e in open_source("memory://d").list().entries}
    assert [path for path in before if before[path] != after[path]] == ["red/000.png"]


def test_split_folders_are_splits(two_classes: Path, memory: Any) -> None:
    for split in ("train", "val"):
        put(memory, two_classes, f"/d/{split}")
    found = set(labelled(open_source("memory://d")).values())
    assert found == {(label, split) for label in ("dark", "red") for split in ("train", "val")}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://gone", "there is no such file or folder, or it is empty"),
        ("memory://gone.csv", r"memory://gone\.csv: there is no such file or folder"),
        ("memory://gone.tar", r"gone\.tar: there is no such file or folder"),
        ("memory://gone.zip", r"gone\.zip: there is no such file or folder"),
        ("gs://bucket/photos", r"there is no driver for gs://; .*[Ii]nstall"),
        ("nonsense://x", "there is no file system called nonsense://"),
        ("https://example.org/photos/", "a web server can't be asked what a folder holds"),
    ],
)
def test_what_is_not_there_is_said(memory: Any, url: str, message: str) -> None:
    if url.startswith("gs") and _has("gcsfs"):
        pytest.skip("the driver is installed here")
    if url.startswith("https") and not _has("aiohttp"):
        message = "there is no driver for https://"
    with pytest.raises(DataError, match=message):
        open_source(url).list()


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def test_a_row_that_names_no_file_has_that_problem(memory: Any) -> None:
    memory.pipe_file("/d/t.csv", b"file,label\ngone.png,cat\n")
    source = open_source("memory://d/t.csv")
    assert [entry.problem for entry in source.list().entries] == ["no such file"]
    with pytest.raises(PictureError, match="no such file"):
        source.read("gone.png")
