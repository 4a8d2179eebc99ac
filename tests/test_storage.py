"""Files are whole or absent, and what stood there before outlives a failure."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from hubel import storage
from hubel.errors import StorageError
from hubel.storage import (
    atomic_folder,
    canonical_json,
    json_digest,
    read_json,
    read_tensors,
    reserve,
    sha256_file,
    storage_errors,
    write_bytes,
    write_json,
    write_tensors,
    write_with,
)
from tests.places import files_no_longer_than

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip

FAILURES = [RuntimeError("bug"), OSError(errno.ENOSPC, "No space left on device"),
            KeyboardInterrupt(), OSError(errno.EACCES, "Permission denied")]  # fmt: skip


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
@pytest.mark.parametrize("before", [None, b"old"])
def test_a_failing_writer_leaves_the_old_content_and_nothing_else(
    failure: BaseException, before: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "file.bin"
    if before is not None:
        path.write_bytes(before)

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"half of the n")
        assert not before or path.read_bytes() == before
        raise failure

    with pytest.raises(StorageError if isinstance(failure, OSError) else type(failure)):
        write_with(path, write)
    assert names(tmp_path) == (["file.bin"] if before else [])
    assert not before or path.read_bytes() == before


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    both = threading.Barrier(2, timeout=60)

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"x")
        both.wait()

    other = threading.Thread(target=write_with, args=(path, write))
    other.start()
    write_with(path, write)
    other.join()
    assert (path.read_bytes(), names(tmp_path)) == (b"x", ["file.bin"])


def test_a_writer_replaces_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.bin"
    write_bytes(path, b"one")
    reader = path.open("rb")
    write_bytes(path, b"two")
    with reader:
        assert reader.read() == b"one", "who has the old file open keeps it whole"
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["file.bin"]


def test_what_is_written_is_on_the_disk_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def spy(name: str) -> None:
        real: Callable[..., Any] = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given: (events.append(name), real(*given))[1])

    spy("fsync")
    spy("replace")
    write_bytes(tmp_path / "file.bin", b"x")
    assert events == ["fsync", "replace", "fsync"]
    events.clear()
    with atomic_folder(tmp_path / "folder") as folder:
        (folder / "a").write_bytes(b"a")
        (folder / "b").write_bytes(b"b")
    assert events == ["fsync", "fsync", "fsync", "replace", "fsync"]


def refusing(monkeypatch: pytest.MonkeyPatch, name: str, number: int, folders: bool) -> None:
    """Let a function of `os` fail on folders, or on files."""
    real: Callable[..., Any] = getattr(os, name)

    def call(place: Any, *given: Any, **named: Any) -> Any:
        if os.path.isdir(place) == folders:
            raise OSError(number, os.strerror(number))
        return real(place, *given, **named)

    monkeypatch.setattr(storage.os, name, call)


@pytest.mark.parametrize("function", ["open", "fsync", "chmod"])
@pytest.mark.parametrize(
    "number", [errno.EINVAL, errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.EBADF]
)
def test_a_file_system_that_flushes_no_folders_is_written_all_the_same(
    number: int, function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, function, number, folders=True)
    write_bytes(tmp_path / "file", b"x")
    with atomic_folder(tmp_path / "folder") as folder:
        (folder / "a").write_bytes(b"a")
    monkeypatch.undo()
    assert (names(tmp_path), names(tmp_path / "folder")) == (["file", "folder"], ["a"])


@pytest.mark.parametrize("folders", [True, False])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_what_may_not_be_on_the_disk_is_an_error(
    number: int, folders: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, "fsync", number, folders)
    with pytest.raises(StorageError, match=r"could not write .*file"):
        write_bytes(tmp_path / "file", b"x")
    with (
        pytest.raises(StorageError, match=r"could not write .*folder"),
        atomic_folder(tmp_path / "folder") as folder,
    ):
        (folder / "a").write_bytes(b"a")


def test_a_file_that_cannot_be_flushed_is_an_error_whatever_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, "fsync", errno.EINVAL, folders=False)
    with pytest.raises(StorageError, match="Invalid argument"):
        write_bytes(tmp_path / "file", b"x")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, r"the disk is full: could not write .*f\.bin \(No space .*\); free some"),
        (errno.EDQUOT, r"the disk is full: could not write .*f\.bin"),
        (errno.EFBIG, r"the disk is full: could not write .*f\.bin"),
        (errno.EACCES, r"could not write .*f\.bin: Permission denied; free some space"),
        (errno.EROFS, r"could not write .*f\.bin: Read-only file system"),
    ],
)
def test_a_refusal_of_the_system_says_why_and_the_way_out(
    number: int, message: str, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match=message), storage_errors(tmp_path / "f.bin"):
        raise OSError(number, os.strerror(number))


def test_the_first_error_is_the_one_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^the inner one$"), storage_errors(tmp_path):
        raise StorageError("the inner one")


def test_a_file_in_the_place_of_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"could not write .*file/inner"):
        write_bytes(tmp_path / "file" / "inner", b"")


def test_a_disk_that_fills_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    write_bytes(path, b"old")
    with (
        files_no_longer_than(1000),
        pytest.raises(StorageError, match="the disk is full: could not write"),
    ):
        write_bytes(path, bytes(5000))
    assert (path.read_bytes(), names(tmp_path)) == (b"old", ["file.bin"])


@pytest.mark.parametrize("native", [True, False])
def test_reserved_bytes_are_promised_by_the_disk(
    native: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    path = tmp_path / "room"
    reserve(path, 3_000_001)
    status = path.stat()
    assert status.st_size == 3_000_001
    assert status.st_blocks * 512 >= 3_000_001, "a sparse file is no promise"
    reserve(path, 0)
    assert path.stat().st_size == 0


@pytest.mark.parametrize("native", [True, False])
def test_what_the_disk_has_no_room_for_is_not_reserved(
    native: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    with files_no_longer_than(10_000), pytest.raises(OSError, match="File too large"):
        reserve(tmp_path / "room", 20_000)


@given(JSON)
def test_json_comes_back(document: Any) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        write_json(path, document)
        assert read_json(path) == document


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), st.integers()))
def test_a_digest_does_not_depend_on_the_order_of_keys(document: dict[str, int]) -> None:
    turned = dict(reversed(document.items()))
    assert canonical_json(document) == canonical_json(turned)
    assert json_digest(document) == json_digest(turned)
    assert json.loads(canonical_json(document)) == document


BAD_JSON = [
    ('{"a": 1, "a": 2}', "a key stands twice in one JSON object"),
    ('[{"b": {"a": 1, "a": 1}}]', "a key stands twice in one JSON object"),
    ("NaN", "NaN is not JSON"),
    ('{"a": [Infinity]}', "Infinity is not JSON"),
    ("-Infinity", "-Infinity is not JSON"),
    ("", "Expecting value"),
    ("{} {}", "Extra data"),
    ("[" * 200_000, "the JSON is nested too deep"),
]


@pytest.mark.parametrize(("text", "message"), BAD_JSON, ids=[text[:12] for text, _ in BAD_JSON])
def test_what_is_not_strict_json_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_json(tmp_path / "x.json")


def test_json_of_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes('"é"'.encode("latin-1"))
    with pytest.raises(ValueError, match="utf-8"):
        read_json(tmp_path / "x.json")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_never_written(number: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"a": number})
    assert names(tmp_path) == []


def test_the_digest_of_a_file_is_its_sha_256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(tmp_path / "abc") == expected


def test_tensors_come_back_in_any_layout(tmp_path: Path) -> None:
    values = torch.from_numpy(np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5))
    tensors = {"last": values.to(memory_format=torch.channels_last), "view": values[:, 1],
               "grad": values.clone().requires_grad_(), "count": torch.tensor(3)}  # fmt: skip
    write_tensors(tmp_path / "x.safetensors", tensors)
    found = load_file(tmp_path / "x.safetensors")
    assert found.keys() == tensors.keys()
    for name, value in tensors.items():
        assert torch.equal(found[name], value), name


def test_tensors_that_share_memory_are_read_back_equal(tmp_path: Path) -> None:
    whole = torch.arange(6.0)
    tied = {"one": whole, "same": whole, "part": whole[2:4], "empty": torch.zeros(0)}
    write_tensors(tmp_path / "tied.safetensors", tied)
    found = read_tensors(tmp_path / "tied.safetensors", sha256_file(tmp_path / "tied.safetensors"))
    assert found.keys() == tied.keys()
    assert all(torch.equal(found[name], value) for name, value in tied.items())
