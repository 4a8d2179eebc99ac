"""A source lists its samples and reads their bytes, whatever it is made of, and never writes."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hubel.data.sources import (
    FolderSource,
    Source,
    TableSource,
    ZipSource,
    open_source,
    read_file,
)
from hubel.errors import DataError, PictureError
from tests.conftest import tree_hash
from tests.places import under_permissions, zipped


def listed(source: Source) -> dict[str, tuple[str | None, str | None]]:
    return {entry.path: (entry.label, entry.split) for entry in source.list().entries}


def as_folder(root: Path, _: Path) -> Path:
    return root


def as_zip(root: Path, beside: Path) -> Path:
    return zipped(root, beside / "data.zip")


def as_wrapped_zip(root: Path, beside: Path) -> Path:
    return zipped(root, beside / "data.anything", "two/")


def as_table(root: Path, beside: Path) -> Path:
    rows = [f"two/{path.relative_to(root)},{path.parent.name}" for path in root.rglob("*.png")]
    table = beside / "data.csv"
    table.write_text("\n".join(["file_name,label", *rows]))
    return table


@pytest.mark.parametrize("make", [as_folder, as_zip, as_wrapped_zip, as_table])
def test_all_kinds_of_sources_hold_the_same_samples(
    two_classes: Path, tmp_path: Path, make: Callable[[Path, Path], Path]
) -> None:
    source = open_source(make(two_classes, tmp_path))
    before = tree_hash(tmp_path)
    listing = source.list()
    contents = {source.read(entry.path): entry.label for entry in listing.entries}
    assert contents == {p.read_bytes(): p.parent.name for p in two_classes.rglob("*.png")}
    paths = [entry.path for entry in listing.entries]
    assert paths == sorted(paths)
    assert all(entry.size == len(source.read(entry.path)) for entry in listing.entries)
    assert tree_hash(tmp_path) == before


def test_a_key_follows_the_place_not_its_name(two_classes: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(two_classes)
    direct = FolderSource(two_classes)
    assert FolderSource(link).key == direct.key
    assert FolderSource(two_classes / "dark").key != direct.key


def test_the_sample_comes_with_the_package() -> None:
    source = open_source("sample:trashnet")
    labels = [entry.label for entry in source.list().entries if entry.problem is None]
    # The counts that TrashNet's authors publish: github.com/garythung/trashnet
    counts = {"glass": 501, "paper": 594, "cardboard": 403, "plastic": 482, "metal": 410}
    assert {name: labels.count(name) for name in set(labels)} == counts | {"trash": 137}
    assert source.name == "sample:trashnet"


def test_an_unknown_sample_is_refused_with_those_there_are() -> None:
    with pytest.raises(DataError, match="sample 'sample:mnist'; there are: sample:trashnet"):
        open_source("sample:mnist")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "no such file or folder; expected a folder of pictures"),
        ("x" * 300, "File name too long"),
        ("a\0b", "null byte"),
        (
            "notes.txt",
            r"expected a folder of pictures, a zip archive, or a table, tar .*; got a \.txt",
        ),
        ("notes", "got a file without a suffix"),
        ("text.zip", "text.zip is not a zip archive that can be read"),
        ("pipe", "expected a folder of pictures"),
        ("pipe.csv", "expected a folder of pictures"),
    ],
    ids=["missing", "too long", "null byte", "text", "no suffix", "no zip", "pipe", "pipe.csv"],
)
def test_what_is_no_source_is_refused(tmp_path: Path, name: str, message: str) -> None:
    for file in ("notes.txt", "notes", "text.zip"):
        (tmp_path / file).write_text("hello")
    for pipe in ("pipe", "pipe.csv"):
        os.mkfifo(tmp_path / pipe)
    with pytest.raises(DataError, match=message):
        open_source(f"{tmp_path}/{name}")


def test_a_place_that_may_not_be_reached_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed" / "data").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    try:
        with under_permissions(), pytest.raises(DataError, match="Permission denied"):
            open_source(tmp_path / "closed" / "data")
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_home_folder_is_found(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(open_source("~/two").list().entries) == 60


def test_every_reason_that_a_file_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "secret.png").chmod(0)
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    with open(tmp_path / "huge.png", "wb") as stream:
        stream.truncate((1 << 30) + 1)  # sparse: takes no room
    reasons = {
        "secret.png": "no permission to read",
        "folder.png": "a folder, not a file",
        "pipe.png": "not a regular file",
        "loop.png": "can't be read",
        "nothing.png": "no such file",
        "huge.png": "file too large",
    }
    found = {}
    for name in reasons:
        with under_permissions(), pytest.raises(PictureError) as caught:
            read_file(str(tmp_path / name))
        found[name] = caught.value.reason
    assert found == reasons


@pytest.mark.parametrize("name", ["nothing.png", "folder.png", "pipe.png"])
def test_a_table_that_names_no_file_gives_the_row_a_problem(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "t.csv").write_text(f"file,label\n{name},cat\n")
    (entry,) = TableSource(tmp_path / "t.csv").list().entries
    assert entry.path == name
    assert entry.problem in ("no such file", "a folder, not a file", "not a regular file")


def test_a_table_may_name_files_anywhere(two_classes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    rows = ["file,label", "../two/red/000.png,a", f"{two_classes}/dark/000.png,b"]
    (folder / "t.csv").write_text("\n".join(rows))
    source = TableSource(folder / "t.csv")
    assert [source.read(path)[:4] for path in listed(source)] == [b"\x89PNG"] * 2


def test_folders_of_the_system_in_an_archive_are_passed_over(
    two_classes: Path, tmp_path: Path
) -> None:
    archive = zipped(two_classes, tmp_path / "mac.zip", "two/train/")
    with zipfile.ZipFile(archive, "a") as target:
        target.writestr("__MACOSX/two/train/red/._000.png", b"resource fork")
        target.writestr("two/.git/objects/0", b"object")
        target.writestr("two/train/red/._000.png", b"resource fork")
    listing = ZipSource(archive).list()
    assert listing.kind == "split folders"
    assert {e.label for e in listing.entries if e.problem is None} == {"dark", "red"}
    assert [e.path for e in listing.entries if e.problem] == ["two/train/red/._000.png"]


def test_a_broken_member_of_an_archive_is_named(two_classes: Path, tmp_path: Path) -> None:
    archive = zipped(two_classes, tmp_path / "data.zip")
    content = bytearray(archive.read_bytes())
    content[100] ^= 0xFF  # inside the first member: dark/000.png
    archive.write_bytes(content)
    source = ZipSource(archive)
    with pytest.raises(PictureError, match=r"can't be read from the archive .*CRC"):
        source.read("dark/000.png")
    assert source.read("dark/001.png") == (two_classes / "dark" / "001.png").read_bytes()
    with pytest.raises(PictureError, match="no such file"):
        source.read("dark/999.png")


def test_a_member_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("a/1.png", bytes(1000))
    content = archive.read_bytes()
    size, claimed = (1000).to_bytes(4, "little"), ((1 << 30) + 1).to_bytes(4, "little")
    assert content.count(size) == 2
    archive.write_bytes(content.replace(size, claimed))
    with pytest.raises(PictureError, match="file too large"):
        ZipSource(archive).read("a/1.png")


def test_an_archive_may_be_read_by_several_threads(two_classes: Path, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    source = ZipSource(zipped(two_classes, tmp_path / "data.zip"))
    paths = [path for path in listed(source) for _ in range(20)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(source.read, paths))
    assert found == [(two_classes / path).read_bytes() for path in paths]


def test_an_archive_without_files_is_refused(tmp_path: Path) -> None:
    zipfile.ZipFile(tmp_path / "e.zip", "w").close()
    with pytest.raises(DataError, match=r"e\.zip holds no files"):
        ZipSource(tmp_path / "e.zip").list()
