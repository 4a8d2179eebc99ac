"""The pixel store: what is put in comes out, by content; what was not finished doesn't count."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hubel.caches import cache_folder
from hubel.data.pixels import PixelStore
from hubel.data.preprocess import Preprocess
from hubel.errors import StorageError
from hubel.storage import reserve
from tests.places import files_no_longer_than, tiny_disk, under_permissions

WAY = Preprocess(height=3, width=5)


def image(number: int) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 256, (3, 5, 3), dtype=np.uint8)


def names(*numbers: int) -> NDArray[np.uint8]:
    joined = b"".join(hashlib.sha256(bytes([number])).digest() for number in numbers)
    return np.frombuffer(joined, np.uint8).reshape(-1, 32)


def add(store: PixelStore, *numbers: int) -> None:
    writer = store.writer(len(numbers))
    for row, number in enumerate(numbers):
        writer.write(row, image(number), names(number).tobytes())
    writer.commit()


@pytest.fixture
def store(tmp_path: Path) -> PixelStore:
    return PixelStore(tmp_path, WAY)


@given(
    st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=5), min_size=1, max_size=4),
    st.lists(st.integers(0, 25), min_size=1, max_size=12),
)
def test_what_was_put_in_comes_out_from_any_number_of_segments(
    tmp_path_factory: pytest.TempPathFactory, segments: list[list[int]], wanted: list[int]
) -> None:
    store = PixelStore(tmp_path_factory.mktemp("store"), WAY)
    for numbers in segments:
        add(store, *numbers)
    held = {number for numbers in segments for number in numbers}
    pixels, missing = store.find(names(*wanted))
    assert [wanted[place] for place in missing] == [n for n in wanted if n not in held]
    there = np.array([place for place, n in enumerate(wanted) if n in held], np.int64)
    taken = pixels.take(there)
    assert taken.dtype == np.uint8
    np.testing.assert_array_equal(
        taken, np.array([image(wanted[place]) for place in there]).reshape(-1, 3, 5, 3)
    )
    chosen = pixels.select(there)
    assert len(chosen) == len(there)
    np.testing.assert_array_equal(chosen.take(np.arange(len(there))[::-1]), taken[::-1])


def test_an_empty_store_has_nothing(store: PixelStore) -> None:
    _, missing = store.find(names(1, 2))
    assert missing.tolist() == [0, 1]


def test_pictures_are_brought_to_size_as_they_are_written(tmp_path: Path) -> None:
    way = Preprocess(height=4, width=4, channels="grey")
    store = PixelStore(tmp_path, way)
    large = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    writer = store.writer(1)
    writer.write(0, large, names(1).tobytes())
    writer.commit()
    pixels, _ = store.find(names(1))
    np.testing.assert_array_equal(pixels.take(np.array([0]))[0], way.pixels(large))


def test_two_geometries_do_not_meet(tmp_path: Path, store: PixelStore) -> None:
    add(store, 1)
    other = PixelStore(tmp_path, Preprocess(height=5, width=3))
    assert other.find(names(1))[1].tolist() == [0]


def test_two_writers_at_once_do_not_disturb_each_other(store: PixelStore) -> None:
    first, second = store.writer(2), store.writer(2)
    for row, (one, two) in enumerate([(1, 3), (2, 1)]):
        first.write(row, image(one), names(one).tobytes())
        second.write(row, image(two), names(two).tobytes())
    second.commit()
    first.commit()
    pixels, missing = store.find(names(1, 2, 3))
    assert missing.size == 0
    np.testing.assert_array_equal(pixels.take(np.arange(3)), [image(n) for n in (1, 2, 3)])


def test_a_writer_that_does_not_commit_leaves_nothing(store: PixelStore) -> None:
    writer = store.writer(1)
    writer.write(0, image(1), names(1).tobytes())
    assert store.find(names(1))[1].tolist() == [0]
    writer.discard()
    assert list(store.folder.iterdir()) == []


WAITS = """
import sys
from pathlib import Path
from tests.data.test_pixels import WAY, image, names
from hubel.data import pixels
def wait(*given):
    print("ready", flush=True)
    sys.stdin.read()
    if given:
        write_with(*given)
write_with, pixels.write_with = pixels.write_with, wait
writer = pixels.PixelStore(Path(sys.argv[1]), WAY).writer(1)
if sys.argv[2] == "before":
    wait()
    pixels.write_with = write_with
writer.write(0, image(1), names(1).tobytes())
writer.commit()
"""


@pytest.mark.parametrize("moment", ["before", "between"])
@pytest.mark.parametrize("killed", [True, False])
def test_what_another_process_writes_stays_and_what_it_left_goes(
    store: PixelStore, moment: str, killed: bool
) -> None:
    command = [sys.executable, "-c", WAITS, str(store.folder.parent), moment]
    pipe = subprocess.PIPE
    where = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=where, stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        (theirs,) = store.folder.iterdir()
        os.utime(theirs, (1e9, 1e9))  # however long it has been writing
        add(store, 2)
        assert theirs.exists()
        if killed:
            other.kill()
        other.communicate()
    add(store, 3)
    assert store.find(names(1, 2, 3))[1].tolist() == [0] * killed
    assert len(list(store.folder.iterdir())) == (4 if killed else 6)


@pytest.mark.parametrize("name", ["0123456789ab.pixels.npy", ".0123456789ab.digests.npy.1f.part"])
@pytest.mark.parametrize(("age", "stays"), [(3000, True), (4000, False)])
def test_what_may_belong_to_a_commit_under_way_stays_for_an_hour(
    store: PixelStore, name: str, age: int, stays: bool
) -> None:
    store.folder.mkdir(parents=True)
    (store.folder / name).touch()
    os.utime(store.folder / name, (time.time() - age,) * 2)
    store.writer(1).discard()
    assert (store.folder / name).exists() == stays


def test_segments_that_count_stay_however_old(store: PixelStore) -> None:
    add(store, 1)
    for path in store.folder.iterdir():
        os.utime(path, (1e9, 1e9))
    add(store, 2)
    assert store.find(names(1, 2))[1].size == 0


def test_without_locks_nothing_is_cleared_away(
    store: PixelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    store.folder.mkdir(parents=True)
    left = store.folder / ".0123456789ab.part"
    left.touch()
    os.utime(left, (1e9, 1e9))
    add(store, 1)
    assert left.exists()
    assert store.find(names(1))[1].size == 0


@pytest.mark.parametrize("kind", ["pixels", "digests"])
@pytest.mark.parametrize("keep", [None, 0, 10, 128, -1])
def test_a_segment_that_is_damaged_does_not_count(
    store: PixelStore, kind: str, keep: int | None
) -> None:
    add(store, 1)
    (path,) = store.folder.glob(f"*.{kind}.npy")
    if keep is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:keep])
    add(store, 2)
    pixels, missing = store.find(names(1, 2))
    assert missing.tolist() == [0]
    np.testing.assert_array_equal(pixels.take(np.array([1]))[0], image(2))


@pytest.mark.parametrize("kind", ["pixels", "digests"])
def test_a_segment_of_another_shape_does_not_count(store: PixelStore, kind: str) -> None:
    add(store, 1)
    (path,) = store.folder.glob(f"*.{kind}.npy")
    np.save(path, np.zeros((1, 7), np.uint8))
    assert store.find(names(1))[1].tolist() == [0]


def test_a_segment_with_a_pickle_is_not_unpickled(store: PixelStore, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    add(store, 1)
    (path,) = store.folder.glob("*.digests.npy")
    np.save(path, np.array([Trap()], dtype=object), allow_pickle=True)
    assert store.find(names(1))[1].tolist() == [0]
    assert not (tmp_path / "sprung").exists()


def test_room_is_asked_for_before_the_first_row(store: PixelStore) -> None:
    with (
        files_no_longer_than(1000),
        pytest.raises(
            StorageError,
            match=r"the disk is full: could not write .*\.part \(File too large\); free some "
            "space, or set HUBEL_CACHE to a folder on a larger disk",
        ),
    ):
        store.writer(100)
    assert list(store.folder.iterdir()) == []


def test_a_full_disk_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", "64k") as disk:
        store = PixelStore(disk, WAY)
        with pytest.raises(StorageError, match=r"No space left on device.*set HUBEL_CACHE"):
            store.writer(5000)
        add(store, 1)
        assert store.find(names(1))[1].size == 0


def test_a_disk_that_fills_before_the_digests_leaves_nothing(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", "64k") as disk:
        store = PixelStore(disk, WAY)
        writer = store.writer(1)
        writer.write(0, image(1), names(1).tobytes())
        free = os.statvfs(disk)
        reserve(disk / "filler", free.f_bavail * free.f_frsize)
        with pytest.raises(StorageError, match="set HUBEL_CACHE"):
            writer.commit()
        assert list(store.folder.iterdir()) == []


def test_a_cache_that_may_not_be_written_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with under_permissions(), pytest.raises(StorageError, match=r"denied.*set HUBEL_CACHE"):
        PixelStore(closed, WAY).writer(1)


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HUBEL_CACHE", "~/fast")
    assert cache_folder() == Path("/home/me/fast")
    monkeypatch.delenv("HUBEL_CACHE")
    assert cache_folder() == Path("/home/me/.cache/hubel")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/me")
    assert cache_folder() == Path("/var/me/hubel")
