"""Pictures named in a table."""

from __future__ import annotations

import os
from pathlib import Path

from hubel.data.folders import Entry
from hubel.data.sources.arrow import ArrowShard, RowsSource, holds_pictures
from hubel.data.sources.base import Found, Listing, digest, file_status, ignore, read_file
from hubel.data.sources.folder import counted
from hubel.data.sources.options import Options
from hubel.data.tables import Reading, entries_of, read_columns
from hubel.errors import DataError, PictureError

__all__ = ["TableSource", "reading_of", "table_source"]


class TableSource:
    """Pictures named in a CSV, TSV, JSON-lines or Parquet table, relative to the table's folder.

    Args:
        table: the file.
        reading: how the user wants it read.
    """

    def __init__(self, table: Path, reading: Reading | None = None) -> None:
        self.table = table
        self.root = table.parent
        self.name = str(table)
        self.reading = reading or Reading()

    @property
    def key(self) -> str:
        return digest(os.path.realpath(self.table))

    def list(self, found: Found = ignore) -> Listing:
        rows, notes = entries_of(read_columns(self.table), self.table, self.reading)
        entries = [self._stamped(entry) for entry in counted(rows, found)]
        return Listing("table", tuple(sorted(entries, key=lambda e: e.path)), tuple(notes))

    def read(self, path: str) -> bytes:
        return read_file(os.path.join(self.root, path))

    def _stamped(self, entry: Entry) -> Entry:
        try:
            status = file_status(os.path.join(self.root, entry.path))
        except PictureError as error:
            return entry._replace(problem=error.reason)
        return entry._replace(size=status.st_size, stamp=status.st_mtime_ns)


def reading_of(options: Options, folder: Path | None, table: Path | None = None) -> Reading:
    """What the options of a table say; a class map that stands beside it is taken."""
    delimiter, label = options.take("delimiter"), options.take("label")
    if delimiter == "":
        raise DataError("the delimiter is empty")
    own = table is not None and table.stem == "classes" and "classes" not in options.given
    names = None if own else options.class_map(folder)
    return Reading(delimiter=delimiter, label=label, names=names)


def table_source(path: Path, options: Options) -> TableSource | RowsSource:
    """A table with the options `delimiter`, `label` and `classes`; it may hold the pictures."""
    reading = reading_of(options, path.parent, path)
    if path.suffix.lower() == ".parquet" and holds_pictures(path):
        return RowsSource([ArrowShard(path, path.name)], str(path), reading)
    return TableSource(path, reading)
