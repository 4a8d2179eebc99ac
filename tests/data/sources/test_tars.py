"""Tar shards: any member at once, grouped as WebDataset groups, nothing run, nothing lost."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.data.sources import open_source
from hubel.data.sources.blob import LocalBlob
from hubel.data.sources.tar_index import index_of
from hubel.data.sources.tars import expand_braces
from hubel.errors import DataError, PictureError
from tests.conftest import picture, tree_hash
from tests.data.sources.reading import labelled


def png(seed: int) -> bytes:
    stream = io.BytesIO()
    picture(seed).save(stream, "PNG")
    return stream.getvalue()


def write(path: Path, members: dict[str, bytes | str], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # pyright: ignore
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def shard(path: Path, count: int = 3, first: int = 0) -> Path:
    members: dict[str, bytes | str] = {}
    for number in range(first, first + count):
        members |= {f"{number:04}.png": png(number), f"{number:04}.cls": str(number % 2)}
    return write(path, members)


def test_every_member_is_read_as_tar_reads_it(two_classes: Path, tmp_path: Path) -> None:
    path = tmp_path / "two.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(two_classes, "two")
    before = tree_hash(tmp_path)
    source, folder = open_source(path), open_source(two_classes)
    assert source.list().kind == "class folders"
    assert {p.removeprefix("two/"): what for p, what in labelled(source).items()} == (
        labelled(folder)
    )  # fmt: skip
    for name in labelled(folder):
        assert source.read(f"two/{name}") == folder.read(name)
    again = open_source(path)  # from the index in the cache, without a listing
    assert again.read("two/red/007.png") == folder.read("red/007.png")
    assert tree_hash(tmp_path) == before


@pytest.mark.parametrize(
    ("suffix", "content", "label"),
    [
        ("cls", "3", "3"),
        ("cls", " cat\n", "cat"),
        ("label", "cat", "cat"),
        ("json", '{"label": "cat", "caption": "a cat"}', "cat"),
        ("json", '{"class": 4}', "4"),
        ("json", "4", "4"),
        ("json", '{"labels": ["cat", "big", "cat"]}', ("cat", "big")),
        ("json", '{"labels": []}', ()),
        ("txt", "cat", "cat"),
    ],
)
def test_a_label_stands_in_the_member_beside_the_picture(
    tmp_path: Path, suffix: str, content: str, label: str | tuple[str, ...]
) -> None:
    path = write(tmp_path / "s.tar", {"01.x.png": png(0), f"01.{suffix}": content})
    (entry,) = open_source(path).list().entries
    assert entry.path == "01.x.png"
    assert (entry.labels if isinstance(label, tuple) else entry.label) == label
    assert entry.problem is None


def test_a_caption_in_a_class_folder_is_no_class(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {"cat/1.png": png(1), "cat/1.txt": "a cat on a mat"}
    found = labelled(open_source(write(tmp_path / "s.tar", members)))
    assert found["cat/1.png"] == ("cat", None)


@pytest.mark.parametrize(
    ("members", "problems"),
    [
        ({"2.png": b"x"}, {"2.png": "no label"}),
        ({"2.cls": "1"}, {"2.cls": "no picture beside it"}),
        ({"2.png": b"x", "2.jpg": b"x", "2.cls": "0"}, {"2.jpg": "a second picture of one sample"}),
        ({"2.png": b"x", "2.json": "{"}, {"2.png": "its label can't be read: Expecting property"}),
        ({"2.png": b"x", "2.json": '{"label": {}}'}, {"2.png": "its label can't be read: expec"}),
        ({"2.png": b"x", "2.cls": b"\xff"}, {"2.png": "its label can't be read: 'utf-8'"}),
        ({"2.png": b"x", "2.cls": "x" * (2 << 20)}, {"2.png": "its label can't be read: 2,097"}),
        ({"2.png": b"x", "2.cls": "0", "2.pyd": b"x"}, {"2.pyd": "a pickle or the like, which is"}),
        ({"/etc/2.png": b"x"}, {"/etc/2.png": "an absolute name in the archive"}),
        ({"../2.png": b"x"}, {"../2.png": "a name that leads out of the archive"}),
    ],
)  # fmt: skip
def test_what_a_shard_lacks_is_named(
    tmp_path: Path, members: dict[str, bytes | str], problems: dict[str, str]
) -> None:
    source = open_source(write(tmp_path / "s.tar", {"1.png": png(1), "1.cls": "1"} | members))
    found = {entry.path: entry.problem for entry in source.list().entries}
    named = {path: problem for path, problem in found.items() if problem}
    assert named.keys() == problems.keys()
    for path, start in problems.items():
        assert (named[path] or "").startswith(start)
    assert found["1.png"] is None


def test_links_are_named_and_never_followed(tmp_path: Path) -> None:
    path = shard(tmp_path / "s.tar")
    with tarfile.open(path, "a") as archive:
        for name, kind in (("soft.png", tarfile.SYMTYPE), ("hard.png", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    source = open_source(path)
    problems = {e.path: e.problem for e in source.list().entries if e.problem}
    assert problems == dict.fromkeys(("hard.png", "soft.png"), "a link in the archive")
    with pytest.raises(PictureError, match="no such file"):
        source.read("soft.png")


def test_a_later_member_stands_for_one_of_the_same_name(tmp_path: Path) -> None:
    path = shard(tmp_path / "s.tar", 2)
    write(path, {"0000.png": png(9)}, "a")
    source = open_source(path)
    assert source.read("0000.png") == png(9)
    problems = [entry.problem for entry in source.list().entries if entry.path == "0000.png"]
    assert sorted(problems, key=str) == [None, "a later member has the same name"]


def test_no_pickle_is_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    content = pickle.dumps(Trap())
    path = write(tmp_path / "s.tar", {"1.png": png(1), "1.cls": "0", "1.pyd": content,
                                      "1.pickle": content})  # fmt: skip
    source = open_source(path)
    assert [e.path for e in source.list().entries if e.problem] == ["1.pickle", "1.pyd"]
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("how", ["folder", "braces"])
def test_shards_are_one_source_and_their_names_say_the_split(tmp_path: Path, how: str) -> None:
    for number in range(3):
        shard(tmp_path / f"data-train-{number:03}.tar", 3, number * 3)
    shard(tmp_path / "data-val-000.tar", 2, 20)
    name = tmp_path if how == "folder" else f"{tmp_path}/data-{{train-{{000..002}},val-000}}.tar"
    if how == "braces":
        name = f"{tmp_path}/data-train-{{000..002}}.tar"
    source = open_source(name)
    found = labelled(source)
    splits = [split for _, split in found.values()]
    assert splits.count("train") == 9
    assert splits.count("val") == (2 if how == "folder" else 0)
    assert {label for label, _ in found.values()} == {"0", "1"}
    assert source.read("data-train-001.tar/0004.png") == png(4)
    assert labelled(open_source(source.name)) == found


def test_a_class_map_names_the_classes_of_shards(tmp_path: Path) -> None:
    shard(tmp_path / "s.tar")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    source = open_source(tmp_path / "s.tar")
    assert {label for label, _ in labelled(source).values()} == {"cat", "dog"}
    off = open_source(f"{tmp_path}/s.tar?classes=none")
    assert {label for label, _ in labelled(off).values()} == {"0", "1"}


@pytest.mark.parametrize("kept", [100, 512, 700, 1024, 2000, -1, -512, -1024, -10_000])
def test_a_tar_that_was_cut_is_refused_with_its_last_whole_member(
    tmp_path: Path, kept: int
) -> None:
    content = shard(tmp_path / "s.tar", 4).read_bytes()
    whole = content.rstrip(b"\0")
    length = -(-len(whole) // 512) * 512
    cut = content[:length][:kept]
    (tmp_path / "cut.tar").write_bytes(cut)
    with pytest.raises(DataError, match=r"cut\.tar is no whole tar file: .*get it again"):
        open_source(tmp_path / "cut.tar").list()


def test_noise_in_the_middle_is_no_end(tmp_path: Path) -> None:
    content = bytearray(shard(tmp_path / "s.tar", 4).read_bytes())
    with tarfile.open(tmp_path / "s.tar") as archive:
        start = archive.getmember("0002.png").offset
    content[start : start + 512] = b"\xa5" * 512
    (tmp_path / "s.tar").write_bytes(content)
    with pytest.raises(DataError, match="is no whole tar file"):
        open_source(tmp_path / "s.tar").list()


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
def test_a_compressed_tar_is_refused_with_the_way_out(tmp_path: Path, mode: str) -> None:
    path = write(tmp_path / f"s.tar.{mode[2:]}", {"a/1.png": png(1)}, mode)
    what = {"gz": "gzip", "xz": "xz", "bz2": "bzip2"}[mode[2:]]
    with pytest.raises(DataError, match=r"is compressed \(s\.tar\..*\), .*uncompress it once"):
        open_source(path)
    hidden = path.rename(tmp_path / "hidden.tar")
    with pytest.raises(DataError, match=rf"hidden\.tar is compressed \({what}\)"):
        open_source(hidden).list()


def test_several_tars_without_labels_are_refused(two_classes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tars"
    folder.mkdir()
    for name in ("dark", "red"):
        with tarfile.open(folder / f"{name}.tar", "w") as archive:
            archive.add(two_classes / name, name)
    with pytest.raises(DataError, match=r"2 tar files without labels \(\.cls, \.json or \.txt"):
        open_source(folder).list()


def test_an_empty_tar_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no files"):
        open_source(write(tmp_path / "s.tar", {})).list()


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    shard(tmp_path / "s-0.tar")
    with pytest.raises(DataError, match=r"there is no file .*s-1\.tar"):
        open_source(f"{tmp_path}/s-{{0..1}}.tar")


def test_an_index_is_made_anew_when_the_tar_changes(tmp_path: Path) -> None:
    path = shard(tmp_path / "s.tar", 1)
    assert len(index_of(LocalBlob(path))) == 2
    shard(path, 2)
    assert len(index_of(LocalBlob(path))) == 4


def test_indexing_tells_how_far_it_is(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {f"{n}.cls": "0" for n in range(2500)}
    told: list[int] = []
    index_of(LocalBlob(write(tmp_path / "s.tar", members)), told.append)
    assert told == [1000, 2000]


@given(
    names=st.lists(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1,
                max_size=150),
        min_size=1, max_size=5, unique=True,
    ),
    form=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)  # fmt: skip
def test_the_index_finds_what_tar_finds(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], form: int
) -> None:
    path = tmp_path_factory.mktemp("t") / "s.tar"
    with tarfile.open(path, "w", format=form) as archive:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(f"d/{name}")
            info.size = number
            archive.addfile(info, io.BytesIO(bytes([number]) * number))
    content = path.read_bytes()
    with tarfile.open(path) as archive:
        expected = {info.name: info.size for info in archive}
    members = index_of(LocalBlob(path))
    assert {member.name: member.size for member in members} == expected
    for number, member in enumerate(members):
        assert content[member.start : member.start + member.size] == bytes([number]) * number


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a-{0..2}.tar", ["a-0.tar", "a-1.tar", "a-2.tar"]),
        ("a-{09..11}.tar", ["a-09.tar", "a-10.tar", "a-11.tar"]),
        ("a-{8..10}.tar", ["a-8.tar", "a-9.tar", "a-10.tar"]),
        ("{a,b}{1..2}", ["a1", "a2", "b1", "b2"]),
        ("plain.tar", ["plain.tar"]),
    ],
)
def test_braces_stand_for_what_the_shell_makes_of_them(pattern: str, names: list[str]) -> None:
    assert expand_braces(pattern) == names


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("{5..2}.tar", r"the range 5\.\.2 is no range"), ("{0..999999999}.tar", "is no range of at"),
     ("{0..999}{0..999}.tar", "stands for 1,000,000 files; at most 100,000")],
)  # fmt: skip
def test_braces_that_stand_for_too_much_are_refused(pattern: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        expand_braces(pattern)


def test_trashnet_as_a_tar_has_its_authors_counts(shared: Callable[[str], Path]) -> None:
    found = [label for label, _ in labelled(open_source(shared("trashnet.tar"))).values()]
    # github.com/garythung/trashnet
    counts = {"glass": 501, "paper": 594, "cardboard": 403, "plastic": 482, "metal": 410}
    assert {name: found.count(name) for name in set(found)} == counts | {"trash": 137}


def test_labels_in_json_may_be_numbers_of_names(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {"1.png": png(1), "1.json": json.dumps({"labels": [0, 1]})}
    path = write(tmp_path / "s.tar", members)
    (tmp_path / "classes.json").write_text('["cat", "dog"]')
    (entry,) = open_source(path).list().entries
    assert entry.labels == ("cat", "dog")
