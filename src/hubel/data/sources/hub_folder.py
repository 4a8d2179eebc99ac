"""Folders as Hugging Face's `datasets` writes and reads them.

| what stands there | read as |
|---|---|
| `dataset_dict.json`, or `state.json` with `.arrow` files | what `save_to_disk` wrote; subfolders are splits |
| `.parquet` files that hold pictures, at the top, in `data/` or in folders of splits | shards; the split is a word in their names |
| `metadata.csv`, `.jsonl` or `.parquet`, at the top or in each folder of a split | a table beside the pictures |
"""  # noqa: E501

from __future__ import annotations

import os
from pathlib import Path

from hubel.data.folders import Entry, split_of, walk
from hubel.data.sources.arrow import ArrowShard, RowsSource, holds_pictures
from hubel.data.sources.base import Found, Listing, Source, digest, ignore, read_file
from hubel.data.sources.folder import counted
from hubel.data.sources.options import Options
from hubel.data.sources.table import TableSource, reading_of
from hubel.data.sources.tars import split_in
from hubel.data.tables import Reading, names_labels, read_columns
from hubel.errors import DataError

__all__ = ["MetadataSource", "hub_folder", "shards_in"]

_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


def hub_folder(path: Path, options: Options) -> Source | None:
    """The source that a folder is, where it is laid out by `datasets`."""
    saved = _saved(path)
    shards = saved or shards_in(_parquet_files(path), path)
    if shards:
        return RowsSource(shards, str(path), reading_of(options, path))
    tables = _tables(path)
    if tables and all(names_labels(read_columns(table)) for table in tables):
        return MetadataSource(path, tables, reading_of(options, path))
    return None


def shards_in(files: list[Path], root: Path) -> list[ArrowShard]:
    """Shards named by where they stand; a folder or a word of the name says the split."""
    shards: list[ArrowShard] = []
    for path in files:
        name = path.relative_to(root).as_posix()
        *folders, base = name.split("/")
        split = next((s for f in reversed(folders) if (s := split_of(f))), None) or split_in(base)
        shards.append(ArrowShard(path, name, split))
    return shards


def _saved(path: Path) -> list[ArrowShard]:
    if (path / "dataset_dict.json").is_file():
        parts = sorted(part for part in path.iterdir() if (part / "state.json").is_file())
        if not parts:
            raise DataError(f"{path} has a dataset_dict.json, but no folder with a saved split")
        return [shard for part in parts for shard in _arrow(part, path)]
    return _arrow(path, path) if (path / "state.json").is_file() else []


def _arrow(part: Path, root: Path) -> list[ArrowShard]:
    files = sorted(part.glob("*.arrow"))
    split = split_of(part.name) if part != root else None
    return [ArrowShard(file, file.relative_to(root).as_posix(), split) for file in files]


def _parquet_files(path: Path) -> list[Path]:
    inside = [part for part in sorted(path.iterdir())
              if part.is_dir() and (part.name == "data" or split_of(part.name))]  # fmt: skip
    files = [file for folder in (path, *inside) for file in sorted(folder.glob("*.parquet"))]
    return [file for file in files if file.name not in _METADATA and holds_pictures(file)]


def _tables(path: Path) -> list[Path]:
    inside = [part for part in sorted(path.iterdir()) if part.is_dir() and split_of(part.name)]
    found: list[Path] = []
    for folder in (path, *inside):
        here = [folder / name for name in _METADATA if (folder / name).is_file()]
        if len(here) > 1:
            names = " and ".join(file.name for file in here)
            raise DataError(f"{folder}: {names} both describe the pictures; keep one")
        found += here
    return found


class MetadataSource:
    """Pictures in folders with tables beside them; a picture that no table names is named.

    Args:
        root: the folder.
        tables: below it; the folder of a split gives its rows that split.
        reading: how the user wants them read.
    """

    def __init__(self, root: Path, tables: list[Path], reading: Reading | None = None) -> None:
        self.root = root
        self.tables = tuple(tables)
        self.name = str(root)
        self.reading = reading or Reading()

    @property
    def key(self) -> str:
        return digest(os.path.realpath(self.root))

    def list(self, found: Found = ignore) -> Listing:
        entries: list[Entry] = []
        notes: dict[str, None] = {}
        for table in self.tables:
            prefix = table.parent.relative_to(self.root).as_posix()
            split = split_of(prefix)
            listing = TableSource(table, self.reading).list()
            notes |= dict.fromkeys(listing.notes)
            for entry in listing.entries:
                path = os.path.normpath(os.path.join("" if prefix == "." else prefix, entry.path))
                own = entry.split or split or split_of(path.partition("/")[0])
                entries.append(entry._replace(path=path, split=own))
        known = {entry.path for entry in entries}
        known |= {table.relative_to(self.root).as_posix() for table in self.tables}
        for entry in counted(walk(self.root), found):
            if entry.path not in known:
                name = self.tables[0].name
                entries.append(entry._replace(problem=entry.problem or f"not named in {name}"))
        return Listing("table", tuple(sorted(entries, key=lambda e: e.path)), tuple(notes))

    def read(self, path: str) -> bytes:
        return read_file(os.path.join(self.root, path))
