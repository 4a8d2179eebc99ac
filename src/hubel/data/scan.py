"""Open every file once, in parallel, and record what is in it.

The records are kept in the user's cache; a later scan opens only the files that are new or whose
size or time has changed.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from hubel.data.audit.measures import measure, shrink, thumbnail
from hubel.data.audit.thumbnails import Room
from hubel.data.decode import decode, quiet_decoders
from hubel.data.folders import Entry
from hubel.data.manifest import read_parquet, write_parquet
from hubel.data.pixels import PixelWriter
from hubel.data.preprocess import PIXEL_RULE
from hubel.data.sources import Listing, Source
from hubel.errors import ArtifactError, PictureError, StorageError

__all__ = ["Progress", "Record", "ScanCache", "scan", "unchanged"]

Progress = Callable[[int], None]
"""Called with the number of files that were finished since the last call."""

_CHUNK = 128
_TRANSIENT = ("no permission", "can't be read", "no such file", "needs too much memory")


class Record(NamedTuple):
    """What one file turned out to be. `size` and `stamp` tell whether it has changed since."""

    path: bytes
    size: int
    stamp: int
    width: int | None = None
    height: int | None = None
    mode: str | None = None
    format: str | None = None
    frames: int | None = None
    digest: bytes | None = None
    problem: str | None = None
    error: str | None = None
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None
    entropy: float | None = None
    colourfulness: float | None = None


_SCHEMA = pa.schema(
    [
        ("path", pa.binary()),
        ("size", pa.int64()),
        ("stamp", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("mode", pa.string()),
        ("format", pa.string()),
        ("frames", pa.int32()),
        ("digest", pa.binary(32)),
        ("problem", pa.string()),
        ("error", pa.string()),
        ("brightness", pa.float64()),
        ("contrast", pa.float64()),
        ("sharpness", pa.float64()),
        ("entropy", pa.float64()),
        ("colourfulness", pa.float64()),
    ],
    metadata={"pixel_rule": str(PIXEL_RULE)},
)


class ScanCache:
    """The records of earlier scans of one source.

    Args:
        path: of the Parquet file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> dict[bytes, Record]:
        """Records by path; none where there is no cache, or one of another version."""
        try:
            table = read_parquet(self.path)
        except ArtifactError:
            return {}
        if not table.schema.equals(_SCHEMA, check_metadata=True):
            return {}
        columns = [table[name].to_pylist() for name in Record._fields]
        return {row[0]: Record._make(row) for row in zip(*columns, strict=True)}

    def save(self, records: list[Record]) -> None:
        """Keep the records; a cache that can't be written costs time later, not the run."""
        columns = zip(*records, strict=True)
        arrays = [pa.array(column, f.type) for column, f in zip(columns, _SCHEMA, strict=True)]
        try:
            write_parquet(pa.Table.from_arrays(arrays, schema=_SCHEMA), self.path)
        except StorageError as error:
            warnings.warn(f"the scan could not be kept: {error}", stacklevel=2)


@dataclass(frozen=True, slots=True)
class _Task:
    """Files to open: their places in the listing, and in the segment of pixels."""

    source: Source
    paths: list[str]
    records: list[Record]
    writer: PixelWriter | Room | None
    start: int


def scan(
    source: Source,
    listing: Listing,
    known: dict[bytes, Record],
    *,
    writer: Callable[[int], PixelWriter | Room] | None = None,
    workers: int = 2,
    progress: Progress = lambda _: None,
) -> list[Record]:
    """Open the files of a listing that are not known yet, or have changed.

    Args:
        source: gives the bytes.
        listing: what to open.
        known: records of an earlier scan, by path.
        writer: makes room for the pixels of that many files, which are then decoded only once.
        workers: threads; decoding and hashing leave Python's lock.
        progress: see `Progress`; called from this thread.

    Returns:
        One record for each entry of the listing, in its order.

    Raises:
        StorageError: there is no room for the pixels.
    """
    records: list[Record] = []
    stale: list[int] = []
    for place, entry in enumerate(listing.entries):
        before = unchanged(known, entry) if entry.problem is None else None
        if entry.problem is None and before is None:
            stale.append(place)
        records.append(before or _untouched(entry))
    progress(len(records) - len(stale))
    if stale:
        room = writer(len(stale)) if writer is not None else None
        paths = [listing.entries[place].path for place in stale]
        tasks = [
            _Task(
                source,
                paths[at : at + _CHUNK],
                [records[p] for p in stale[at : at + _CHUNK]],
                room,
                at,
            )
            for at in range(0, len(stale), _CHUNK)
        ]
        for place, record in zip(stale, _open_all(tasks, workers, progress), strict=True):
            records[place] = record
        if room is not None:
            room.commit()
    return records


def unchanged(known: dict[bytes, Record], entry: Entry) -> Record | None:
    """What an earlier scan found in a file that is still the same; None when it must be opened."""
    before = known.get(_bytes(entry.path))
    if before is None or (before.size, before.stamp) != (entry.size, entry.stamp):
        return None
    return None if (before.problem or "").startswith(_TRANSIENT) else before


def _untouched(entry: Entry) -> Record:
    return Record(_bytes(entry.path), entry.size, entry.stamp, problem=entry.problem)


def _open_all(tasks: list[_Task], workers: int, progress: Progress) -> list[Record]:
    found: list[Record] = []
    with quiet_decoders(), ThreadPoolExecutor(max(1, workers)) as pool:
        try:
            for records in pool.map(_open_chunk, tasks):
                found += records
                progress(len(records))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            if tasks[0].writer is not None:
                tasks[0].writer.discard()
            raise
    return found


def _open_chunk(task: _Task) -> list[Record]:
    return [
        _open(task.source, path, record, task.writer, task.start + offset)
        for offset, (path, record) in enumerate(zip(task.paths, task.records, strict=True))
    ]


def _open(
    source: Source, path: str, seen: Record, writer: PixelWriter | Room | None, row: int
) -> Record:
    digest = None
    try:
        content = source.read(path)
        digest = hashlib.sha256(content).digest()
        picture = decode(content)
    except PictureError as error:
        return Record(seen.path, seen.size, seen.stamp, digest=digest, problem=error.reason,
                      error=error.detail)  # fmt: skip
    small = shrink(picture.pixels)
    if writer is not None:
        writer.write(row, picture.pixels, digest)
    if isinstance(writer, Room):
        writer.show(row, thumbnail(small), digest)
    return Record(
        *(seen.path, seen.size, seen.stamp),
        *(picture.width, picture.height, picture.mode, picture.format, picture.frames, digest),
        *(None, None, *measure(picture.pixels, small)),
    )


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
