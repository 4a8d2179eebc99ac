"""The cache: within its limit, oldest first, never what is in use; what can't fit still trains."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hubel.data.dataset import load_pixels, open_dataset, survey
from hubel.data.pixels import PixelStore
from hubel.data.preprocess import Preprocess
from hubel.data.shelves import (
    CacheFullError,
    CacheNote,
    limit,
    parse_bytes,
    remove,
    shelves,
    shelves_folder,
)
from hubel.data.sources import open_source
from hubel.data.wish import Wish
from hubel.errors import DataError, StorageError
from tests.conftest import fill
from tests.places import tiny_disk

WAY = Preprocess(height=8, width=8)
EACH = 8 * 8 * 3 + 32


def store(name: str, root: Path | None = None) -> PixelStore:
    root = root or shelves_folder()
    return PixelStore(root / name, WAY, f"/data/{name}", root)


def put(name: str, rows: int, root: Path | None = None, used: float | None = None) -> PixelStore:
    """A shelf with that many rows, last used at that time."""
    made = store(name, root)
    writer = made.writer(rows)
    for row in range(rows):
        picture = np.full((8, 8, 3), row % 256, np.uint8)
        writer.write(row, picture, digest(row))
    writer.commit()
    del writer
    if used is not None:
        os.utime(made.folder / ".used", (used, used))
    return made


def digest(row: int) -> bytes:
    return row.to_bytes(32, "big")


def digests(rows: int) -> np.ndarray:
    return np.frombuffer(b"".join(map(digest, range(rows))), np.uint8).reshape(-1, 32)


def names() -> list[str]:
    return [Path(shelf.source).name for shelf in shelves()]


def allow(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setenv("HUBEL_CACHE_LIMIT", str(count))


def test_what_was_used_longest_ago_goes_first_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for age, name in enumerate(["new", "middle", "old"]):
        put(name, 20, used=1e9 - age)
    assert names() == ["old", "middle", "new"]
    allow(monkeypatch, 75 * EACH)
    with pytest.warns(CacheNote, match=r"gave up 4\.\d kB of /data/old, used longest ago"):
        put("more", 20)
    assert names() == ["middle", "new", "more"]


def test_looking_a_shelf_up_is_a_use() -> None:
    first = put("first", 5, used=1e9)
    put("second", 5, used=1e9 + 1)
    first.find(digests(5))
    assert names() == ["second", "first"]


def test_what_is_mapped_is_in_use_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, _ = put("mapped", 20).find(digests(20))
    os.utime(next(shelves_folder().glob("mapped/*/.used")), (1e9, 1e9))
    put("idle", 20)
    allow(monkeypatch, 50 * EACH)
    with pytest.warns(CacheNote, match="of /data/idle"):
        put("more", 20)
    assert set(names()) == {"mapped", "more"}
    assert [shelf.in_use for shelf in shelves()] == [True, False]
    assert pixels.take(np.arange(20))[:, 0, 0, 0].tolist() == list(range(20))
    del pixels
    assert not any(shelf.in_use for shelf in shelves())


HOLDS = """
import sys
import numpy as np
from tests.data.test_shelves import put, digests
pixels, _ = put("theirs", 20).find(digests(20))
print("ready", flush=True)
sys.stdin.read()
assert pixels.take(np.arange(20))[:, 0, 0, 0].tolist() == list(range(20))
"""


@pytest.mark.parametrize("killed", [True, False])
def test_what_another_process_uses_stays_until_it_ends(
    monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    pipe, where = subprocess.PIPE, Path(__file__).parents[2]
    command = [sys.executable, "-c", HOLDS]
    with subprocess.Popen(command, cwd=where, stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        allow(monkeypatch, 30 * EACH)
        (theirs,) = shelves()
        assert theirs.in_use
        assert not remove(theirs)
        with pytest.raises(CacheFullError, match="don't fit into the cache, which may have"):
            put("ours", 20)
        if killed:
            other.kill()
        other.communicate()
    assert other.returncode == (-9 if killed else 0)
    with pytest.warns(CacheNote, match="of /data/theirs"):
        put("ours", 20)


def test_a_full_disk_gives_up_shelves_first_and_only_then_fails(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", "96k") as root:
        put("old", 150, root)
        with pytest.warns(CacheNote, match="of /data/old, used longest ago: the disk is full"):
            put("new", 300, root)
        held, _ = store("new", root).find(digests(300))
        with pytest.raises(StorageError, match=r"the disk is full.*set HUBEL_CACHE"):
            put("more", 300, root)
        assert len(held) == 300


def test_the_default_limit_is_20_gb_or_what_is_held_and_half_of_what_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HUBEL_CACHE_LIMIT", raising=False)
    free = shutil.disk_usage(shelves_folder().parent).free
    assert limit() == pytest.approx(min(20e9, free / 2), rel=0.05)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Disk", (), {"free": 1000}))
    assert limit() == 500


@pytest.mark.parametrize("text", ["much", "-1", "20 XB", "1e9", "nan"])
def test_a_limit_that_is_no_number_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(StorageError, match="HUBEL_CACHE_LIMIT: expected bytes such as 500MB"):
        parse_bytes(text)


def test_what_is_not_ours_in_a_shelf_stays() -> None:
    made = put("one", 3)
    (made.folder / "notes.txt").write_text("mine")
    assert remove(shelves()[0])
    assert [path.name for path in made.folder.iterdir()] == ["notes.txt"]


def test_data_that_do_not_fit_are_decoded_anew_with_the_same_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hue, label in ((0, "a"), (100, "b")):
        fill(tmp_path / "data" / label, 20, hue=hue)
    source = open_source(str(tmp_path / "data"))
    found = survey(source, Wish(), 2, lambda _: None)
    dataset = open_dataset(source, found, 0)
    rows = np.arange(40)
    cached = load_pixels(dataset, rows, WAY, lambda _: None, 2)
    expected = cached.take(rows)
    allow(monkeypatch, 1000)
    shutil.rmtree(shelves_folder())
    with pytest.warns(CacheNote, match="every epoch decodes anew, which is slower: 9.0 kB of"):
        live = load_pixels(dataset, rows, WAY, lambda _: None, 2)
    assert list(shelves_folder().rglob("*.npy")) == []
    np.testing.assert_array_equal(live.take(rows[::-1]), expected[::-1])
    np.testing.assert_array_equal(live.select(rows[5:9]).take(np.array([3, 0])), expected[[8, 5]])
    (tmp_path / "data" / dataset.manifest.path(3)).write_bytes(b"another")
    with pytest.raises(DataError, match="has changed since the data were scanned"):
        live.take(np.array([3]))
