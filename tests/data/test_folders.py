"""A tree of folders becomes labels and splits; what can't be read is named."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.data.folders import SPLIT_NAMES, Entry, interpret, split_of, walk
from hubel.errors import DataError
from tests.places import under_permissions


def tree(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(file.encode("utf-8", "surrogateescape"))
    return root


def places(*files: str) -> tuple[str, dict[str, tuple[str | None, str | None]], list[str]]:
    """Kind, (label, split) by path, and notes of files that stand in such places."""
    kind, entries, notes = interpret([Entry(file) for file in files], "data")
    return kind, {e.path: (e.label, e.split) for e in entries}, notes


def problems(root: Path) -> dict[str, str | None]:
    return {entry.path: entry.problem for entry in walk(root)}


def test_the_folder_of_a_file_is_its_class() -> None:
    kind, found, notes = places("dog/2.png", "cat/1.png")
    assert kind == "class folders"
    assert found == {"cat/1.png": ("cat", None), "dog/2.png": ("dog", None)}
    assert notes == []


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title], ids=lambda f: f.__name__)
@pytest.mark.parametrize("test", SPLIT_NAMES["test"])
@pytest.mark.parametrize("val", SPLIT_NAMES["val"])
@pytest.mark.parametrize("train", SPLIT_NAMES["train"])
def test_split_folders_have_synonyms_in_any_case(
    train: str, val: str, test: str, change: Callable[[str], str]
) -> None:
    names = [change(name) for name in (train, val, test)]
    kind, found, _ = places(*(f"{name}/cat/1.png" for name in names))
    assert kind == "split folders"
    assert [found[f"{name}/cat/1.png"] for name in names] == [
        ("cat", "train"),
        ("cat", "val"),
        ("cat", "test"),
    ]


@given(st.text(max_size=12))
def test_only_listed_names_are_splits(name: str) -> None:
    listed = {word: split for split, words in SPLIT_NAMES.items() for word in words}
    assert split_of(name) == listed.get(name.strip().lower())


def test_a_folder_beside_two_splits_is_left_out_and_never_a_class() -> None:
    files = ("train/a/1.png", "test/a/2.png", "runs/a/3.png")
    kind, entries, _ = interpret([Entry(file) for file in files], "data")
    assert kind == "split folders"
    assert {(e.path, e.label, e.split, e.problem) for e in entries} == {
        ("train/a/1.png", "a", "train", None),
        ("test/a/2.png", "a", "test", None),
        ("runs/a/3.png", None, None, "beside the split folders"),
    }


def test_train_alone_beside_others_is_a_class_like_them() -> None:
    kind, found, _ = places("train/a/1.png", "bus/a/2.png")
    assert kind == "class folders"
    assert found["train/a/1.png"] == ("train/a", None)


def test_test_alone_is_a_class_like_any_other() -> None:
    assert places("test/a/1.png", "test/b/2.png")[0] == "class folders"


def test_two_names_of_one_split_are_refused() -> None:
    with pytest.raises(DataError, match="Train and train both name the train split; keep one"):
        places("train/a/1.png", "Train/a/2.png")


def test_a_nested_folder_is_one_class_by_its_path_and_this_is_said() -> None:
    _, found, notes = places("car/red/1.png", "car/blue/2.png", "car/3.png", "dog/4.png")
    assert [label for label, _ in found.values()] == ["car", "car/blue", "car/red", "dog"]
    (note,) = notes
    assert "'car/blue'" in note


@pytest.mark.parametrize("wrapper", ["data/", "a/b/c/"])
@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (("cat/1.png", "dog/2.png"), "class folders"),
        (("train/cat/1.png", "val/cat/2.png"), "split folders"),
        (("train/cat/1.png", "train/dog/2.png"), "split folders"),
    ],
    ids=["classes", "splits", "train only"],
)
def test_a_wrapper_folder_changes_nothing_but_is_said(
    wrapper: str, files: tuple[str, ...], kind: str
) -> None:
    _, bare, _ = places(*files)
    found_kind, found, notes = places(*(wrapper + file for file in files))
    assert found_kind == kind
    assert list(found.values()) == list(bare.values())
    assert any(repr(wrapper) in note for note in notes)


def test_a_hidden_file_does_not_hide_a_wrapper() -> None:
    _, found, _ = places(".DS_Store", "data/.DS_Store", "data/cat/1.png", "data/dog/2.png")
    assert found["data/cat/1.png"] == ("cat", None)


def test_a_lone_folder_with_pictures_is_a_class() -> None:
    assert places("cat/1.png", "cat/kitten/2.png")[1]["cat/1.png"] == ("cat", None)


@pytest.mark.parametrize("file", [".DS_Store", "Thumbs.db", "desktop.ini", "._1.png"])
def test_files_of_systems_are_named_and_left_out(file: str) -> None:
    _, entries, _ = interpret([Entry(f"a/{file}"), Entry("a/1.png"), Entry("b/2.png")], "data")
    assert {e.path: e.problem for e in entries if e.problem} == {
        f"a/{file}": "hidden or system file"
    }


@pytest.mark.parametrize(
    ("files", "loose"),
    [
        (("a/1.png", "b/2.png", "3.png"), "3.png"),
        (("train/a/1.png", "train/b/2.png", "train/3.png"), "train/3.png"),
        (("train/a/1.png", "train/b/2.png", "test/3.png"), "test/3.png"),
    ],
    ids=["root", "split", "flat test folder"],
)
def test_a_file_outside_the_class_folders_is_named(files: tuple[str, ...], loose: str) -> None:
    _, entries, _ = interpret([Entry(file) for file in files], "data")
    assert [(e.path, e.problem) for e in entries if e.problem] == [
        (loose, "not inside a class folder")
    ]
    assert next(e for e in entries if e.path == loose).label is None


def test_a_problem_found_while_walking_is_kept() -> None:
    _, entries, _ = interpret([Entry("a/1.png", problem="a link to nothing")], "data")
    assert entries == [Entry("a/1.png", problem="a link to nothing")]


def test_nothing_is_an_error() -> None:
    with pytest.raises(DataError, match=r"data holds no files; expected one folder a class"):
        interpret([], "data")


NAMES = st.text(st.sampled_from("ab.é \n"), min_size=1, max_size=3).filter(
    lambda name: name not in (".", "..")
)


@given(st.lists(st.lists(NAMES, min_size=1, max_size=4).map("/".join), min_size=1, max_size=12))
def test_every_file_gets_a_label_or_a_problem(files: list[str]) -> None:
    _, entries, _ = interpret([Entry(file) for file in files], "data")
    assert sorted(e.path for e in entries) == sorted(files)
    assert all((e.label is None) == (e.problem is not None) for e in entries)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"with space", "with space"),
        (b"two\nlines", "two\nlines"),
        (b"latin-\xe9", r"latin-\xe9"),
        ("日本".encode(), "日本"),
        (b"-rf", "-rf"),
        (b"'\"`$(x)", "'\"`$(x)"),
    ],
    ids=["space", "newline", "not UTF-8", "not ASCII", "dash", "quotes"],
)
def test_any_name_that_the_disk_takes_is_a_class(tmp_path: Path, name: bytes, shown: str) -> None:
    name_text = os.fsdecode(name)
    tree(tmp_path, f"{name_text}/{name_text}.png")
    _, (entry,), _ = interpret(walk(tmp_path), "data")
    assert entry.label == shown
    assert (tmp_path / entry.path).read_bytes() == name + b"/" + name + b".png"


def test_entries_tell_size_and_time(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.png")
    (entry,) = walk(tmp_path)
    status = os.stat(tmp_path / "a/1.png")
    assert entry == Entry("a/1.png", size=status.st_size, stamp=status.st_mtime_ns)


def test_a_walk_is_the_same_every_time_and_misses_nothing(tmp_path: Path) -> None:
    files = [f"{a}/{b}/{c}.png" for a in "xy" for b in "12" for c in "pq"] + ["x/0.png", "r.txt"]
    tree(tmp_path, *reversed(files))
    found = [entry.path for entry in walk(tmp_path)]
    assert sorted(found) == sorted(files)
    assert found == [entry.path for entry in walk(tmp_path)]


@pytest.mark.parametrize("name", [".git", ".ipynb_checkpoints", "__MACOSX", "@eaDir"])
def test_hidden_folders_are_not_entered(tmp_path: Path, name: str) -> None:
    tree(tmp_path, "a/1.png", f"{name}/2.png", f"a/{name}/3.png")
    assert [entry.path for entry in walk(tmp_path)] == ["a/1.png"]


def test_a_folder_named_like_a_picture_is_a_folder(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.jpg/1.png", "a/2.png")
    (tmp_path / "a" / "empty.jpg").mkdir()
    assert problems(tmp_path) == {"a/x.jpg/1.png": None, "a/2.png": None}


@pytest.mark.parametrize("target", [".", "..", "../..", "../../..", "../a/loop", "/"])
def test_a_link_that_leads_back_ends_there(tmp_path: Path, target: str) -> None:
    root = tree(tmp_path / "root", "a/1.png", "b/2.png")
    (tmp_path / "beside").write_text("not part of the data")
    (root / "a" / "loop").symlink_to(target)
    found = problems(root)
    assert found.pop("a/loop") in (
        "a link to a folder that is read already",
        "can't be reached: Too many levels of symbolic links",
    )
    assert found == {"a/1.png": None, "b/2.png": None}


@pytest.mark.parametrize("alias", ["0", "z"])
def test_a_folder_and_a_link_to_it_are_one_folder_under_its_own_name(
    tmp_path: Path, alias: str
) -> None:
    root = tree(tmp_path, "cat/1.png")
    (root / alias).symlink_to("cat")
    assert problems(root) == {
        "cat/1.png": None,
        alias: "a link to a folder that is read already",
    }


def test_links_that_double_at_every_level_are_read_once(tmp_path: Path) -> None:
    for level in range(40):  # 2 ** 40 ways to the last folder
        folder = tree(tmp_path / f"{level}", f"{level}.png") / "x"
        folder.symlink_to(f"../{level + 1}")
        folder.with_name("y").symlink_to(f"../{level + 1}")
    found = problems(tmp_path)
    assert sum(problem is None for problem in found.values()) == 40


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    tree(tmp_path / "store", "1.png")
    root = tree(tmp_path / "root", "b/2.png")
    (root / "a").symlink_to("../store")
    (root / "b" / "3.png").symlink_to("../../store/1.png")
    assert problems(root) == {"a/1.png": None, "b/2.png": None, "b/3.png": None}


def test_a_broken_link_is_named(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.png")
    (tmp_path / "a" / "2.png").symlink_to("nowhere")
    (tmp_path / "b").symlink_to("nowhere either")
    assert problems(tmp_path) == {
        "a/1.png": None,
        "a/2.png": "a link to nothing",
        "b": "a link to nothing",
    }


def test_a_pipe_is_named_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert problems(tmp_path) == {"pipe.png": "not a regular file"}


def test_folders_may_be_nested_deeper_than_python_recurses(tmp_path: Path) -> None:
    folders = [f"{tmp_path}/{'d/' * depth}" for depth in range(1, 1101)]
    for folder in folders:
        os.mkdir(folder)
    Path(folders[-1], "1.png").touch()
    try:
        assert problems(tmp_path) == {"d/" * 1100 + "1.png": None}
    finally:  # pytest's own clean-up recurses
        os.unlink(folders[-1] + "1.png")
        for folder in reversed(folders):
            os.rmdir(folder)


def test_a_folder_that_may_not_be_listed_is_named(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/1.png", "b/2.png", "c/3.png")
    (root / "b").chmod(0)
    (root / "c").chmod(stat.S_IRUSR)  # names can be listed, files can't be reached
    try:
        with under_permissions():
            found = problems(root)
    finally:
        (root / "b").chmod(0o700)
        (root / "c").chmod(0o700)
    assert found == {
        "a/1.png": None,
        "b": "folder can't be listed: Permission denied",
        "c/3.png": "can't be reached: Permission denied",
    }
