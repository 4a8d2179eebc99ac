"""Folders are replaced as a whole, come back after a kill, and are locked while in use."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hubel import storage
from hubel.errors import StorageError
from hubel.storage import (
    atomic_folder,
    claimed,
    lock_folder,
    locked,
    recover_folder,
    write_bytes,
    write_tensors,
)
from tests.conftest import tree_hash
from tests.places import tiny_disk
from tests.test_storage import FAILURES, names, refusing


def half_written(folder: Path, failure: BaseException) -> None:
    (folder / "new").write_bytes(b"new")
    raise failure


def test_a_disk_that_fills_leaves_the_old_folder(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", "64k") as disk:
        write_bytes(disk / "folder" / "old", b"old")
        with (
            pytest.raises(StorageError, match="the disk is full: could not write"),
            atomic_folder(disk / "folder") as folder,
        ):
            write_tensors(folder / "model.safetensors", {"a": torch.zeros(50_000)})
        assert names(disk) == ["folder"]
        assert names(disk / "folder") == ["old"]


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_a_failing_block_leaves_the_old_folder_and_nothing_else(
    failure: BaseException, tmp_path: Path
) -> None:
    path = tmp_path / "folder"
    write_bytes(path / "old", b"old")
    with (
        pytest.raises(StorageError if isinstance(failure, OSError) else type(failure)),
        atomic_folder(path) as folder,
    ):
        half_written(folder, failure)
    assert (names(tmp_path), names(path)) == (["folder"], ["old"])


@pytest.fixture(params=["exchange", "step aside"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way in which a folder is replaced."""
    if request.param == "step aside":
        monkeypatch.setattr(storage, "_exchange", lambda *_: False)
    return request.param


@pytest.mark.usefixtures("way")
def test_a_folder_takes_the_place_of_the_old_one_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    for name in ("one", "two"):
        with atomic_folder(path) as folder:
            (folder / name).write_bytes(b"")
            (folder / name).chmod(0o600)
        assert (names(tmp_path), names(path)) == (["folder"], [name])
        mask = os.umask(0)
        os.umask(mask)
        assert path.stat().st_mode & 0o777 == 0o777 & ~mask
        assert (path / name).stat().st_mode & 0o777 == 0o666 & ~mask


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "folder"
    write_bytes(path / "old", b"old")
    monkeypatch.setattr(storage, "_exchange", lambda *_: False)
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if Path(target) == path and (Path(source) / "new").exists():
            raise OSError(errno.EIO, "Input/output error")
        real(source, target)

    monkeypatch.setattr(storage.os, "replace", replace)
    with (
        pytest.raises(StorageError, match=r"could not write .*: Input/output error"),
        atomic_folder(path) as folder,
    ):
        (folder / "new").write_bytes(b"")
    assert (names(tmp_path), names(path)) == (["folder"], ["old"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges folders")
def test_on_linux_the_folder_is_never_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "folder"
    write_bytes(path / "old", b"old")
    refusing(monkeypatch, "replace", errno.EIO, folders=True)
    with atomic_folder(path) as folder:
        (folder / "new").write_bytes(b"")
    assert (names(tmp_path), names(path)) == (["folder"], ["new"])


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_is_replaced_and_what_it_leads_to_stays(dangling: bool, tmp_path: Path) -> None:
    path, other = tmp_path / "folder", tmp_path / "other"
    if not dangling:
        write_bytes(other / "old", b"old")
    path.symlink_to(other)
    with atomic_folder(path) as folder:
        (folder / "new").write_bytes(b"")
    assert not path.is_symlink()
    assert names(path) == ["new"]
    assert names(tmp_path) == ["folder"] + ["other"] * (not dangling)


# Kills itself before or after the call of that number of os.replace or shutil.rmtree.
DIES = """
import os, shutil, signal, sys
from pathlib import Path
from hubel import storage
if sys.argv[2] == "step aside":
    storage._exchange = lambda *_: False
calls = 0
def deadly(real):
    def call(*given, **named):
        global calls
        calls += 1
        if calls == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)
    return call
os.replace, shutil.rmtree = deadly(os.replace), deadly(shutil.rmtree)
with storage.atomic_folder(Path(sys.argv[1])) as folder:
    (folder / "new").write_bytes(b"new")
"""


@pytest.mark.parametrize(
    ("how", "call", "left"),
    [
        ("exchange", 1, "new"),
        ("step aside", 1, "old"),
        ("step aside", 2, "old"),
        ("step aside", 3, "new"),
        ("step aside", 4, "new"),
        ("step aside", 5, "new"),
    ],
)
def test_a_kill_at_any_moment_leaves_the_old_folder_or_the_new_one(
    how: str, call: int, left: str, tmp_path: Path
) -> None:
    path = tmp_path / "folder[1]"
    write_bytes(path / "old", b"old")
    command = [sys.executable, "-c", DIES, str(path), how, str(call)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert path.exists() == ((how, call) != ("step aside", 2))
    recover_folder(path)
    assert names(path) == [left]
    assert (path / left).read_bytes() == left.encode()


def test_the_newest_of_those_that_were_set_aside_comes_back(tmp_path: Path) -> None:
    for age, name in ((3, "b"), (1, "c"), (2, "a")):
        write_bytes(tmp_path / f".folder.old.{name}" / "folder" / name, b"")
        os.utime(tmp_path / f".folder.old.{name}", (1e9 - age, 1e9 - age))
    recover_folder(tmp_path / "folder")
    assert names(tmp_path / "folder") == ["c"]
    assert names(tmp_path) == [".folder.old.a", ".folder.old.b", "folder"]


def test_what_is_being_replaced_at_this_moment_is_not_put_back(tmp_path: Path) -> None:
    aside = tmp_path / ".folder.old.abc"
    write_bytes(aside / "folder" / "a", b"")
    with locked(aside) as ours:
        assert ours
        recover_folder(tmp_path / "folder")
        assert names(tmp_path) == [aside.name]


def test_where_nothing_can_be_recovered_nothing_happens(tmp_path: Path) -> None:
    write_bytes(tmp_path / ".folder.old.abc" / "gone" / "a", b"")
    write_bytes(tmp_path / ".there.old.abc" / "there" / "old", b"")
    write_bytes(tmp_path / "there" / "new", b"")
    before = tree_hash(tmp_path)
    for name in ("folder", "there", "nowhere/folder"):
        recover_folder(tmp_path / name)
    assert tree_hash(tmp_path) == before


STAYS = """
import sys
from pathlib import Path
from hubel.storage import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("inside", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_worked_on_by_one_process_and_a_kill_frees_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STAYS, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"inside\n"
        message = r"is being worked on by another process; wait for it, or stop it$"
        with pytest.raises(StorageError, match=message), lock_folder(tmp_path):
            pytest.fail("two are inside")
        other.kill()
    with lock_folder(tmp_path):
        assert names(tmp_path) == [".lock"]
    with pytest.raises(FileNotFoundError), lock_folder(tmp_path):  # as it is: not of the lock
        (tmp_path / "missing").read_bytes()


def test_a_folder_that_is_not_there_is_not_locked(tmp_path: Path) -> None:
    message = "could not write .*missing: No such file"
    with pytest.raises(StorageError, match=message), lock_folder(tmp_path / "missing"):
        pytest.fail("there is no folder")


def test_without_locks_nobody_is_kept_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with lock_folder(tmp_path), lock_folder(tmp_path), locked(tmp_path) as ours:
        assert ours is None
    assert names(tmp_path) == []


def test_what_is_claimed_is_locked_until_the_end(tmp_path: Path) -> None:
    def make() -> Path:
        path = tmp_path / "file"
        path.touch()
        return path

    with claimed(make) as path, locked(path) as ours:
        assert ours is False
    with locked(path) as ours:
        assert ours is True


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_what_is_cleared_away_before_it_is_locked_is_made_again(when: str, tmp_path: Path) -> None:
    made: list[Path] = []
    with contextlib.ExitStack() as cleaner:

        def make() -> Path:
            path = tmp_path / str(len(made))
            path.touch()
            if not made:
                cleaner.enter_context(locked(path))
                if when == "before":
                    path.unlink()
                    cleaner.close()
            made.append(path)
            return path

        with claimed(make) as path:
            assert (path.name, path.exists()) == ("1", True)
