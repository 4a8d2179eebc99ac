"""Every file is opened once; a later scan opens only what is new or has changed."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest

from hubel.data import scan as module
from hubel.data.dataset import Wish, survey
from hubel.data.pixels import PixelStore
from hubel.data.preprocess import Preprocess
from hubel.data.scan import Record, Records, ScanCache, scan
from hubel.data.sources import FolderSource, Listing, ZipSource
from hubel.errors import StorageError
from tests.conftest import fill, picture, tree_hash
from tests.places import files_no_longer_than, under_permissions, zipped


class Counting(FolderSource):
    """A folder that remembers which of its files were read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads: list[str] = []

    def read(self, path: str) -> bytes:
        self.reads.append(path)
        return super().read(path)


def encoded(mode: str, width: int, height: int = 90) -> bytes:
    stream = io.BytesIO()
    picture(1, 90).resize((width, height)).convert(mode).save(stream, "PNG")
    return stream.getvalue()


def known(records: Records) -> dict[bytes, Record]:
    return {record.path: record for record in records}


def surveyed(root: Path) -> tuple[list[str], Records]:
    """What a survey reads, and what it finds."""
    source = Counting(root)
    _, records = survey(source, Wish(), 2, lambda _: None)
    return sorted(set(source.reads)), records


def test_a_record_says_what_the_file_is(tmp_path: Path) -> None:
    content = encoded("RGBA", 7, 5)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").write_bytes(content)
    source = FolderSource(tmp_path)
    (record,) = scan(source, source.list())
    assert (
        record[:9]
        == Record(
            b"a/1.jpg",
            len(content),
            os.stat(tmp_path / "a" / "1.jpg").st_mtime_ns,
            *(7, 5, "RGBA", "PNG", 1),
            hashlib.sha256(content).digest(),
        )[:9]
    )


@pytest.mark.parametrize(
    ("content", "reason", "error"),
    [
        (b"", "empty file", None),
        (b"hello" * 99, "not a picture of a format that Hubel reads", None),
        (encoded("RGB", 90)[:5000], "broken or truncated", "OSError"),
    ],
)
def test_a_file_that_is_no_picture_is_named_and_the_rest_goes_on(
    two_classes: Path, content: bytes, reason: str, error: str | None
) -> None:
    (two_classes / "red" / "bad.png").write_bytes(content)
    source = FolderSource(two_classes)
    records = scan(source, source.list())
    (bad,) = (record for record in records if record.problem is not None)
    assert (bad.path, bad.problem, bad.width) == (b"red/bad.png", reason, None)
    assert bad.digest == hashlib.sha256(content).digest()
    assert error is None or error in (bad.error or "")
    assert len(records) == 61


@pytest.mark.parametrize("pixels", [True, False])
def test_any_number_of_workers_finds_the_same(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixels: bool
) -> None:
    monkeypatch.setattr(module, "_CHUNK", 7)
    (two_classes / "red" / "bad.png").write_bytes(b"no")
    source = FolderSource(two_classes)
    listing = source.list()
    found, stored = [], []
    for workers in (1, 2, 5):
        store = PixelStore(tmp_path / str(workers), Preprocess(height=8, width=8))
        writer = store.writer if pixels else None
        records = scan(source, listing, writer=writer, workers=workers)
        found.append(records)
        if pixels:
            (segment,) = store.folder.glob("*.pixels.npy")
            (digests,) = store.folder.glob("*.digests.npy")
            stored.append(segment.read_bytes() + digests.read_bytes())
    assert found[0] == found[1] == found[2]
    assert len(set(stored)) == int(pixels)
    assert [record.path for record in found[0]] == [os.fsencode(e.path) for e in listing.entries]


def test_progress_adds_up(two_classes: Path, tmp_path: Path) -> None:
    os.mkfifo(two_classes / "red" / "pipe")
    source, counts = FolderSource(two_classes), []
    path = tmp_path / "x.parquet"
    scan(source, source.list(), ScanCache(path), progress=counts.append)
    assert sum(counts) == 61
    counts.clear()
    scan(source, source.list(), ScanCache(path), progress=counts.append)
    assert sum(counts) == 61


def test_a_file_with_a_problem_from_outside_is_not_opened(two_classes: Path) -> None:
    os.mkfifo(two_classes / "red" / "pipe")
    (two_classes / "red" / ".hidden").write_bytes(b"x")
    source = Counting(two_classes)
    records = scan(source, source.list())
    assert {"red/pipe", "red/.hidden"}.isdisjoint(source.reads)
    assert len(source.reads) == 60
    assert [record.problem for record in records if record.problem] == [
        "hidden or system file",
        "not a regular file",
    ]


def test_a_second_survey_reads_no_file(two_classes: Path) -> None:
    (two_classes / "red" / "bad.png").write_bytes(b"no")
    before = tree_hash(two_classes)
    reads, first = surveyed(two_classes)
    assert len(reads) == 61
    assert surveyed(two_classes) == ([], first)
    assert tree_hash(two_classes) == before


def test_a_survey_reads_only_what_was_added_or_has_changed(two_classes: Path) -> None:
    _, first = surveyed(two_classes)
    fill(two_classes / "red", 1, hue=120, first=99)
    picture(7, 20, 50).save(two_classes / "dark" / "004.png")
    (two_classes / "dark" / "005.png").unlink()
    (two_classes / "dark" / "006.png").rename(two_classes / "dark" / "renamed.png")
    reads, second = surveyed(two_classes)
    assert reads == ["dark/004.png", "dark/renamed.png", "red/099.png"]
    assert len(second) == 60
    assert known(second)[b"dark/004.png"].width == 20
    assert known(second)[b"dark/renamed.png"].digest == known(first)[b"dark/006.png"].digest
    assert surveyed(two_classes) == ([], second)


def test_a_change_that_keeps_the_size_is_seen_by_its_time(two_classes: Path) -> None:
    surveyed(two_classes)
    path = two_classes / "dark" / "004.png"
    status = os.stat(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert surveyed(two_classes)[0] == ["dark/004.png"]


def test_a_member_of_an_archive_has_changed_when_its_checksum_has(
    two_classes: Path, tmp_path: Path
) -> None:
    source = ZipSource(zipped(two_classes, tmp_path / "data.zip"))
    path = tmp_path / "x.parquet"
    records = scan(source, source.list(), ScanCache(path))
    picture(7, 16, 50).save(two_classes / "dark" / "004.png")
    source = ZipSource(zipped(two_classes, tmp_path / "data.zip"))
    again = scan(source, source.list(), ScanCache(path))
    assert [a.path for a, b in zip(again, records, strict=True) if a != b] == [b"dark/004.png"]


def test_what_was_out_of_reach_is_tried_again(two_classes: Path) -> None:
    path = two_classes / "red" / "003.png"
    path.chmod(0)
    with under_permissions():
        _, records = surveyed(two_classes)
    assert known(records)[b"red/003.png"].problem == "no permission to read"
    status = os.stat(path)
    path.chmod(0o600)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    reads, records = surveyed(two_classes)
    assert reads == ["red/003.png"]
    assert known(records)[b"red/003.png"].problem is None


@pytest.fixture
def cache(two_classes: Path, tmp_path: Path) -> ScanCache:
    (two_classes / "red" / os.fsdecode(b"caf\xe9.png")).write_bytes(b"no")
    source = FolderSource(two_classes)
    cache = ScanCache(tmp_path / "scans" / "x.parquet")
    cache.save(scan(source, source.list()))
    return cache


def test_a_cache_gives_back_what_it_was_given(two_classes: Path, cache: ScanCache) -> None:
    source = FolderSource(two_classes)
    again = ScanCache(cache.path).known
    assert again == scan(source, source.list())
    assert b"red/caf\xe9.png" in known(again)


def test_no_cache_is_an_empty_cache(tmp_path: Path) -> None:
    assert len(ScanCache(tmp_path / "none.parquet").known) == 0


def test_a_cache_of_another_pixel_rule_is_ignored(
    cache: ScanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = module._SCHEMA  # pyright: ignore[reportPrivateUsage]
    assert len(ScanCache(cache.path).known) == 61
    monkeypatch.setattr(module, "_SCHEMA", schema.with_metadata({"pixel_rule": "0"}))
    assert len(ScanCache(cache.path).known) == 0


def test_a_cache_with_other_columns_is_ignored(cache: ScanCache) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schema = module._SCHEMA  # pyright: ignore[reportPrivateUsage]
    table = pa.table({"path": [b"x"]}).replace_schema_metadata(schema.metadata)
    parquet.write_table(table, cache.path)
    assert len(ScanCache(cache.path).known) == 0


@pytest.mark.parametrize("keep", [0, 3, 100, -1, -9])
def test_a_cut_cache_is_ignored(cache: ScanCache, keep: int) -> None:
    cache.path.write_bytes(cache.path.read_bytes()[:keep])
    assert len(ScanCache(cache.path).known) == 0


def test_a_cache_that_cannot_be_kept_is_a_warning(cache: ScanCache) -> None:
    records = cache.known
    before = cache.path.read_bytes()
    with (
        files_no_longer_than(100),
        pytest.warns(UserWarning, match=r"the scan could not be kept: the disk is full"),
    ):
        cache.save(records)
    assert cache.path.read_bytes() == before


def test_a_scan_without_room_for_pixels_stops_before_it_reads(
    two_classes: Path, tmp_path: Path
) -> None:
    source = Counting(two_classes)
    store = PixelStore(tmp_path / "pixels", Preprocess(height=64, width=64))
    with files_no_longer_than(10_000), pytest.raises(StorageError, match="set HUBEL_CACHE"):
        scan(source, source.list(), writer=store.writer)
    assert source.reads == []
    assert list(store.folder.iterdir()) == []


def test_a_scan_that_fails_leaves_no_pixels(two_classes: Path, tmp_path: Path) -> None:
    class Failing(FolderSource):
        def read(self, path: str) -> bytes:
            if path == "red/007.png":
                raise KeyboardInterrupt
            return super().read(path)

    source = Failing(two_classes)
    store = PixelStore(tmp_path / "pixels", Preprocess(height=8, width=8))
    with pytest.raises(KeyboardInterrupt):
        scan(source, source.list(), writer=store.writer)
    assert list(store.folder.iterdir()) == []


def test_nothing_to_scan_is_nothing(tmp_path: Path) -> None:
    assert scan(FolderSource(tmp_path), Listing("class folders", ())) == Records.of([])
