"""From what a user typed to a source."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

from hubel.data.sources.base import Source
from hubel.data.sources.folder import FolderSource
from hubel.data.sources.table import TableSource
from hubel.data.sources.zipped import ZipSource, sample
from hubel.data.tables import TABLE_SUFFIXES
from hubel.errors import DataError

__all__ = ["open_source"]


def open_source(data: str | os.PathLike[str]) -> Source:
    """Open what a user named: a folder, a table, an archive, arrays, or `sample:trashnet`.

    Raises:
        DataError: nothing stands there, or it is of another kind.
    """
    text = os.fspath(data)
    if text.startswith("sample:"):
        return sample(text)
    path = Path(text).expanduser()
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        why = "no such file or folder" if isinstance(error, FileNotFoundError) else error
        raise DataError(f"{text}: {why}; expected a folder of pictures, a table, a zip archive or "
                        "sample:trashnet") from error  # fmt: skip
    if stat.S_ISDIR(mode):
        return _open_folder(path)
    if stat.S_ISREG(mode):
        found = _open_file(path)
        if found is not None:
            return found
    raise DataError(
        f"{text}: expected a folder of pictures, a zip archive, or a table "
        f"({' '.join(TABLE_SUFFIXES)}); got a {path.suffix or 'file without a suffix'}"
    )


def _open_folder(path: Path) -> Source:
    from hubel.data.sources.idx import idx_files, idx_source

    if idx_files(path):
        return idx_source(path)
    return FolderSource(path)


def _open_file(path: Path) -> Source | None:
    from hubel.data.sources.idx import idx_file, idx_source

    suffix = path.suffix.lower()
    if idx_file(path) is not None:
        return idx_source(path)
    if suffix in TABLE_SUFFIXES:
        return TableSource(path)
    if suffix == ".zip" or zipfile.is_zipfile(path):
        return ZipSource(path)
    return None
