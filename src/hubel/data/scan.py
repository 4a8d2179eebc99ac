"""Open every file once, in parallel, and record what is in it.

The records are kept in the user's cache; a later scan opens only the files that are new or whose
size or time has changed. They are columns: a million files fit in memory.
"""

from __future__ import annotations

import functools
import hashlib
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubel.data.audit.measures import Look, is_small, look, look_at_all
from hubel.data.audit.thumbnails import Room
from hubel.data.columns import begins_with, places_of
from hubel.data.decode import decode
from hubel.data.folders import Entry
from hubel.data.form import Decoded, Kind
from hubel.data.manifest import read_parquet, write_parquet
from hubel.data.pixels import PixelWriter
from hubel.data.preprocess import PIXEL_RULE
from hubel.data.sources import Listing, Source
from hubel.data.warned import listening, quiet_decoders
from hubel.errors import ArtifactError, PictureError, StorageError

__all__ = ["Progress", "Record", "Records", "ScanCache", "scan"]

Progress = Callable[[int], None]
"""Called with the number of files that were finished since the last call."""

_CHUNK = 128
_BLOCK = 2048  # files whose records, and pixels, are kept together: what a kill costs at most
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
    warning: str | None = None
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None
    entropy: float | None = None
    colourfulness: float | None = None


_SCHEMA: Any = pa.schema(
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
        ("warning", pa.string()),
        ("brightness", pa.float64()),
        ("contrast", pa.float64()),
        ("sharpness", pa.float64()),
        ("entropy", pa.float64()),
        ("colourfulness", pa.float64()),
    ],
    metadata={"pixel_rule": str(PIXEL_RULE), "modes": "2"},
)
_NONE: Any = _SCHEMA.empty_table()
_LISTED = ["path", "size", "stamp", "problem"]


class Records(Sequence[Record]):
    """Many records, as columns: a million of them take about 150 MB.

    Args:
        table: Arrow, with the fields of `Record` as columns.
    """

    def __init__(self, table: Any) -> None:
        self.table = table

    @classmethod
    def of(cls, records: Iterable[Record]) -> Records:
        """Columns from single records."""
        rows = list(records)
        if not rows:
            return cls(_NONE)
        columns = zip(*rows, strict=True)
        arrays = [pa.array(column, f.type) for column, f in zip(columns, _SCHEMA, strict=True)]
        return cls(pa.Table.from_arrays(arrays, schema=_SCHEMA))

    def __len__(self) -> int:
        return self.table.num_rows

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Records: ...
    def __getitem__(self, index: int | slice) -> Record | Records:
        if isinstance(index, slice):
            begin, end, step = index.indices(len(self))
            return Records(self.table.take(pa.array(range(begin, end, step), pa.int64())))
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        place = index % len(self)
        return Record._make(self.table[name][place].as_py() for name in Record._fields)

    def __iter__(self) -> Iterator[Record]:
        for batch in self.table.to_batches(max_chunksize=_BLOCK):
            columns = [batch[name].to_pylist() for name in Record._fields]
            yield from map(Record._make, zip(*columns, strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Records) and self.table.equals(other.table)

    def __hash__(self) -> int:
        return id(self)

    def column(self, name: str) -> Any:
        """One field of all records, as an Arrow column."""
        return self.table[name]


class ScanCache:
    """The records of earlier scans of one source.

    What a scan has found so far lies in small files beside the main one, so that a scan that is
    killed goes on where it was. When it ends, all is written into the main one.

    Args:
        path: of the main Parquet file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._parts: list[Path] = []

    @functools.cached_property
    def known(self) -> Records:
        """What is known: none where there is no cache, or one of another version.

        Where a path has several records the newest comes first.
        """
        self._parts = sorted(self._folder.glob("[0-9]*.parquet"), reverse=True)
        found = [_read(path) for path in (*self._parts, self.path)]
        return Records(pa.concat_tables([_NONE, *(table for table in found if table is not None)]))

    def find(self, entries: Sequence[Entry]) -> list[Record | None]:
        """What is known of some files that are still the same; None of those to be opened."""
        rows = _unchanged(self.known, _listed(entries)).tolist()
        return [self.known[row] if row >= 0 else None for row in rows]

    def keep(self, records: Records) -> None:
        """Keep what a scan has found so far."""
        part = self._folder / f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}.parquet"
        with suppress(StorageError):  # that nothing can be kept is said once, at the end
            write_parquet(records.table, part)
            self._parts.append(part)

    def save(self, records: Records) -> None:
        """Keep the records; a cache that can't be written costs time later, not the run."""
        try:
            write_parquet(records.table, self.path)
        except StorageError as error:
            warnings.warn(f"the scan could not be kept: {error}", stacklevel=2)
            return
        for part in self._parts:
            part.unlink(missing_ok=True)
        self._parts.clear()
        with suppress(OSError):  # another scan of the same source may be under way
            self._folder.rmdir()

    @property
    def _folder(self) -> Path:
        return self.path.with_suffix(".parts")


def _read(path: Path) -> Any:
    try:
        table = read_parquet(path)
    except ArtifactError:
        return None
    return table if table.schema.equals(_SCHEMA, check_metadata=True) else None


@dataclass(frozen=True, slots=True)
class _Task:
    """Files that one thread opens, and the row of the first among the pixels."""

    source: Source
    entries: list[Entry]
    writer: PixelWriter | Room | None
    start: int
    reading: Kind | None


def scan(
    source: Source,
    listing: Listing,
    cache: ScanCache | None = None,
    *,
    writer: Callable[[int], PixelWriter | Room | None] | None = None,
    workers: int = 2,
    progress: Progress = lambda _: None,
) -> Records:
    """Open the files of a listing that are not known yet, or have changed.

    What was found is kept every few thousand files, pixels with it.

    Args:
        source: gives the bytes.
        listing: what to open.
        cache: knows an earlier scan, and takes what this one finds.
        writer: makes room for the pixels of that many files, which are then decoded only once.
        workers: threads; decoding and hashing leave Python's lock.
        progress: see `Progress`; called from this thread.

    Returns:
        One record for each entry of the listing, in its order.

    Raises:
        StorageError: there is no room for the pixels.
    """
    listed = _listed(listing.entries)
    known = cache.known if cache else Records(_NONE)
    rows = _unchanged(known, listed)
    closed = listed["problem"].is_valid().to_numpy()
    stale = np.flatnonzero(~closed & (rows < 0))
    progress(len(rows) - len(stale))
    found = [_NONE]
    with quiet_decoders(), ThreadPoolExecutor(max(1, workers)) as pool:
        for begin in range(0, len(stale), _BLOCK):
            places = stale[begin : begin + _BLOCK].tolist()
            entries = [listing.entries[place] for place in places]
            block = _open_block(_Block(source, entries, writer, listing.reading), pool, progress)
            if cache and len(stale) > _BLOCK:
                cache.keep(Records(block))
            found.append(block)
    # Of each entry: what is known, what was found now, or that it was not opened.
    picked = np.where(rows >= 0, len(rows) + rows, np.arange(len(rows)))
    picked[stale] = len(rows) + len(known) + np.arange(len(stale))
    every = pa.concat_tables([_untouched(listed), known.table, *found])
    records = Records(every.take(pa.array(picked)))
    if cache and len(records) and (len(stale) or len(known) != len(records)):
        cache.save(records)
    return records


def _listed(entries: Sequence[Entry]) -> Any:
    """What a listing says of its files, as columns."""
    pieces = [_NONE.select(_LISTED)]
    for begin in range(0, len(entries), _BLOCK):
        rows = [
            (_bytes(entry.path), entry.size, entry.stamp, entry.problem)
            for entry in entries[begin : begin + _BLOCK]
        ]
        columns = zip(*rows, strict=True)
        types = (_SCHEMA.field(name).type for name in _LISTED)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
        pieces.append(pa.table(arrays, schema=pieces[0].schema))
    return pa.concat_tables(pieces)


def _untouched(listed: Any) -> Any:
    count = listed.num_rows
    columns = [
        listed[field.name] if field.name in _LISTED else pa.nulls(count, field.type)
        for field in _SCHEMA
    ]
    return pa.table(columns, schema=_SCHEMA)


def _unchanged(known: Records, listed: Any) -> NDArray[np.int64]:
    """The record of each file that is still what it was when it was opened; -1 of the others."""
    count = listed.num_rows
    if not len(known):
        return np.full(count, -1, np.int64)
    rows = places_of(listed["path"], known.column("path"))
    same = (rows >= 0) & listed["problem"].is_null().to_numpy()
    for name in ("size", "stamp"):
        same &= known.column(name).to_numpy()[rows] == listed[name].to_numpy()
    for reason in _TRANSIENT:
        same &= ~begins_with(known.column("problem"), reason)[rows]
    return np.where(same, rows, -1)


@dataclass(frozen=True, slots=True)
class _Block:
    """Files to open, whose records and pixels are kept together."""

    source: Source
    entries: list[Entry]
    writer: Callable[[int], PixelWriter | Room | None] | None
    reading: Kind | None


def _open_block(block: _Block, pool: ThreadPoolExecutor, progress: Progress) -> Any:
    room = block.writer(len(block.entries)) if block.writer is not None else None
    tasks = [
        _Task(block.source, block.entries[start : start + _CHUNK], room, start, block.reading)
        for start in range(0, len(block.entries), _CHUNK)
    ]
    pieces: list[Any] = []
    try:
        for records in pool.map(_open_chunk, tasks):
            pieces.append(records.table)
            progress(len(records))
        if room is not None:
            room.commit()
    except BaseException:
        pool.shutdown(cancel_futures=True)
        if room is not None:
            room.discard()
        raise
    return pa.concat_tables(pieces).combine_chunks()


def _open_chunk(task: _Task) -> Records:
    opened = [_open(task, offset) for offset in range(len(task.entries))]
    looks = look_at_all([looked if isinstance(looked, Decoded) else None for _, looked in opened])
    return Records.of(
        _seen(task, offset, record, looks[offset] if isinstance(looked, Decoded) else looked)
        for offset, (record, looked) in enumerate(opened)
    )


def _seen(task: _Task, offset: int, record: Record, looked: Look | None) -> Record:
    if looked is None:
        return record
    if isinstance(task.writer, Room):
        task.writer.show(task.start + offset, looked.thumbnail, record.digest or b"")
    return record if looked.measures is None else record._replace(**looked.measures._asdict())


def _open(task: _Task, offset: int) -> tuple[Record, Look | Decoded | None]:
    """What is in a file, and its look; a small picture itself, to be looked at with the others."""
    entry = task.entries[offset]
    seen = Record(_bytes(entry.path), entry.size, entry.stamp)
    digest = None
    said: list[str] = []
    try:
        content = task.source.read(entry.path)
        digest = hashlib.sha256(content).digest()
        enough = task.writer.preprocess.enough if task.writer is not None else None
        with listening(content) as said:
            sample = decode(content, kind=task.reading, enough=enough)
    except PictureError as error:
        return seen._replace(
            digest=digest, problem=error.reason, error=error.detail, warning=_joined(said)
        ), None
    if task.writer is not None:
        # What is of another kind than the headers promised has no such pixels.
        with suppress(PictureError):
            task.writer.write(task.start + offset, sample, digest)
    return seen._replace(
        width=sample.width,
        height=sample.height,
        mode=sample.mode,
        format=sample.format,
        frames=sample.frames,
        digest=digest,
        warning=_joined(said),
    ), sample if is_small(sample) else look(sample)


def _joined(said: list[str]) -> str | None:
    return "; ".join(dict.fromkeys(said)) or None


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
