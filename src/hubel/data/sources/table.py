"""Pictures named in a table."""

from __future__ import annotations

import os
from pathlib import Path

from hubel.data.folders import Entry
from hubel.data.sources.base import Found, Listing, digest, file_status, ignore, read_file
from hubel.data.sources.folder import counted
from hubel.data.tables import read_table
from hubel.errors import PictureError

__all__ = ["TableSource"]


class TableSource:
    """Pictures named in a CSV, TSV, JSON-lines or Parquet table, relative to the table's folder.

    Args:
        table: the file.
    """

    def __init__(self, table: Path) -> None:
        self.table = table
        self.root = table.parent
        self.name = str(table)

    @property
    def key(self) -> str:
        return digest(os.path.realpath(self.table))

    def list(self, found: Found = ignore) -> Listing:
        entries = [self._stamped(entry) for entry in counted(read_table(self.table), found)]
        return Listing("table", tuple(sorted(entries, key=lambda entry: entry.path)))

    def read(self, path: str) -> bytes:
        return read_file(os.path.join(self.root, path))

    def _stamped(self, entry: Entry) -> Entry:
        try:
            status = file_status(os.path.join(self.root, entry.path))
        except PictureError as error:
            return entry._replace(problem=error.reason)
        return entry._replace(size=status.st_size, stamp=status.st_mtime_ns)
