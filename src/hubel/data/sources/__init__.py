"""Where samples come from: folders, tables, archives, arrays, data sets of a hub. One file a kind.

A source lists its samples and reads their bytes. It never writes, and executes nothing.
"""

from __future__ import annotations

from hubel.data.sources.base import Found, Listing, Source, read_file
from hubel.data.sources.folder import FolderSource
from hubel.data.sources.opening import lasting_name, open_source
from hubel.data.sources.table import TableSource
from hubel.data.sources.zipped import SAMPLES, ZipSource

__all__ = [
    "SAMPLES",
    "FolderSource",
    "Found",
    "Listing",
    "Source",
    "TableSource",
    "ZipSource",
    "lasting_name",
    "open_source",
    "read_file",
]
