"""Bad data, from the user's side: a clear error, or named and left out; the folder untouched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

import hubel
from hubel.data.shelves import CacheNote
from hubel.errors import DataError, StorageError
from tests.conftest import fill, tree_hash
from tests.job.user import command, learn, left_out
from tests.places import files_no_longer_than, tiny_disk, under_permissions


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def empty(root: Path) -> None:
    shutil.rmtree(root / "dark")
    shutil.rmtree(root / "red")


def empty_classes(root: Path) -> None:
    empty(root)
    (root / "dark").mkdir()
    (root / "red").mkdir()


def one_class(root: Path) -> None:
    shutil.rmtree(root / "dark")


def one_picture(root: Path) -> None:
    fill(root / "blue", 1, hue=60)


def no_pictures(root: Path) -> None:
    for path in root.rglob("*.png"):
        path.write_text("hello")


def flat(root: Path) -> None:
    for path in list(root.rglob("*.png")):
        path.rename(root / f"{path.parent.name}-{path.name}")


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "an empty folder": (empty, "two holds no files; expected one folder a class"),
    "empty class folders": (empty_classes, "two holds no files; expected one folder a class"),
    "one class": (one_class, "only one class, 'red'; a classifier needs at least two"),
    "a class with one picture": (
        one_picture,
        "class 'blue' has 1 different picture; at least 3 are needed, one each for train, test "
        "and val: add pictures, take the class out, or say --set missing_classes=allow",
    ),
    "no picture at all": (
        no_pictures,
        r"no picture can be used; .* \(60 files were seen; left out: 60 x not a picture of",
    ),
    "no class folders": (
        flat,
        r"no picture can be used; .* \(60 files were seen; left out: 60 x not inside a class",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_data_that_cannot_be_learned_are_refused(
    two_classes: Path, tmp_path: Path, case: str
) -> None:
    change, message = REFUSED[case]
    change(two_classes)
    with pytest.raises(DataError, match=message):
        learn(two_classes, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_refusal_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    done = command("train", tmp_path / "nothing", "--out", tmp_path / "run")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "holds no files; expected one folder a class with pictures in it" in line


@dataclass(frozen=True)
class Bad:
    """What is done to a folder of two classes, and what must be said of it."""

    spoil: Callable[[Path], Any]
    said: dict[str, str]


def copy_to_other_class(root: Path) -> None:
    shutil.copy(root / "dark" / "000.png", root / "red" / "copy.png")


def cut(root: Path) -> None:
    path = root / "red" / "000.png"
    path.write_bytes(path.read_bytes()[:300])


def loop_of_links(root: Path) -> None:
    (root / "red" / "up").symlink_to("..")
    (root / "red" / "self").symlink_to("self")
    (root / "dark" / "other").symlink_to("../red")


def odd_neighbours(root: Path) -> None:
    os.mkfifo(root / "red" / "pipe.png")
    (root / "red" / "nowhere.png").symlink_to("nothing")
    (root / "red" / "folder.png").mkdir()
    (root / "red" / ".DS_Store").write_bytes(b"\0")
    (root / "readme.txt").write_text("hello")


NAMED = {
    "the same picture in two classes": Bad(
        copy_to_other_class,
        {
            "dark/000.png": "the same picture is also in class 'red'",
            "red/copy.png": "the same picture is also in class 'dark'",
        },
    ),
    "a file that is not an image": Bad(
        lambda root: (root / "red" / "a.png").write_text("<html>404</html>"),
        {"red/a.png": "not a picture of a format that Hubel reads"},
    ),
    "an empty file": Bad(
        lambda root: (root / "red" / "a.png").touch(), {"red/a.png": "empty file"}
    ),
    "a truncated one": Bad(cut, {"red/000.png": "broken or truncated"}),
    "symlink loops": Bad(
        loop_of_links,
        {
            "red/up": "a link to a folder that is read already",
            "red/self": "can't be reached: Too many levels of symbolic links",
            "dark/other": "a link to a folder that is read already",
        },
    ),
    "odd neighbours": Bad(
        odd_neighbours,
        {
            "red/pipe.png": "not a regular file",
            "red/nowhere.png": "a link to nothing",
            "red/.DS_Store": "hidden or system file",
            "readme.txt": "not inside a class folder",
        },
    ),
}


@pytest.mark.parametrize("case", NAMED)
def test_what_is_bad_is_named_and_left_out_and_the_rest_is_learned(
    two_classes: Path, tmp_path: Path, case: str
) -> None:
    NAMED[case].spoil(two_classes)
    run = learn(two_classes, tmp_path / "run")
    assert left_out(run) == NAMED[case].said
    assert run.facts["data"]["classes"] == ["dark", "red"]
    page = run.report.read_text()
    assert all(file in page for file in NAMED[case].said)


def test_files_without_permission_are_named_and_left_out(two_classes: Path, tmp_path: Path) -> None:
    fill(two_classes / "closed", 3)
    closed = (two_classes / "red" / "003.png", two_classes / "closed")
    modes = [path.stat().st_mode for path in closed]
    before = tree_hash(two_classes)
    for path in closed:
        path.chmod(0)
    try:
        with under_permissions():
            run = hubel.train(two_classes, out=tmp_path / "run", model="linear", epochs=1, size=16)
    finally:
        for path, mode in zip(closed, modes, strict=True):
            path.chmod(mode)
    assert tree_hash(two_classes) == before
    assert left_out(run) == {
        "red/003.png": "no permission to read",
        "closed": "folder can't be listed: Permission denied",
    }


def test_a_data_folder_without_permission_is_refused(two_classes: Path, tmp_path: Path) -> None:
    two_classes.chmod(0)
    try:
        with (
            under_permissions(),
            pytest.raises(DataError, match="folder can't be listed: Permission denied"),
        ):
            hubel.train(two_classes, out=tmp_path / "run")
    finally:
        two_classes.chmod(0o700)


def test_folders_of_folders_of_folders_are_a_class_each_and_this_is_said(tmp_path: Path) -> None:
    root = tmp_path / "deep"
    fill(root / "animal/cat/black", 8)
    fill(root / "animal/cat/red", 8, hue=120)
    fill(root / "plant/tree", 8, hue=60)
    run = learn(root, tmp_path / "run")
    data = run.facts["data"]
    assert data["classes"] == ["animal/cat/black", "animal/cat/red", "plant/tree"]
    assert left_out(run) == {}
    assert any("nested folders: each is a class of its own" in note for note in data["notes"])


def test_a_disk_without_room_for_the_cache_costs_time_and_a_line_that_says_so(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tiny_disk(tmp_path / "disk", "32k") as disk:
        monkeypatch.setenv("HUBEL_CACHE", str(disk))
        with pytest.warns(
            CacheNote,
            match="every epoch decodes anew, which is slower: .* of pixels don't fit into the "
            "cache, which may have .*; HUBEL_CACHE_LIMIT says otherwise",
        ):
            run = learn(two_classes, tmp_path / "run")
        assert run.facts["status"] == "done"
        assert not list(disk.rglob("*.pixels.npy"))


def test_a_larger_disk_helps(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with files_no_longer_than(20_000), pytest.raises(StorageError, match="set HUBEL_CACHE"):
        learn(two_classes, tmp_path / "run")
    monkeypatch.setenv("HUBEL_CACHE", str(tmp_path / "larger"))
    assert left_out(learn(two_classes, tmp_path / "run")) == {}


def test_a_full_disk_is_one_line_and_exit_code_1(two_classes: Path, tmp_path: Path) -> None:
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (20_000, 20_000))"
    words = ("train", two_classes, "--out", tmp_path / "run", "--model", "linear", "--epochs", "1")
    done = command(*words, first=limit)
    assert done.returncode == 1
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error"))
    assert "the disk is full" in line
    assert "set HUBEL_CACHE to a folder on a larger disk" in line
    assert "Traceback" not in done.stderr
