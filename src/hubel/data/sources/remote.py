"""Samples behind an fsspec file system: object storage, or anything else that has a driver.

The same kinds of source as on a disk: class folders, tables, zip archives and tar shards. A table
names samples relative to its folder. Stamps come from what the storage says of a file: its etag or
digest, its time, its size.
"""

from __future__ import annotations

import hashlib
import posixpath
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubel.data.folders import Entry, interpret, is_hidden_folder
from hubel.data.sources.base import Found, Listing, Source, check_size, digest, ignore
from hubel.data.sources.blob import Blob
from hubel.data.sources.folder import counted
from hubel.data.sources.options import Options
from hubel.data.sources.table import reading_of
from hubel.data.sources.tars import TarSource, expand_braces
from hubel.data.sources.zipped import ZipSource
from hubel.data.tables import TABLE_SUFFIXES, Reading, entries_of, read_columns
from hubel.errors import DataError, PictureError

__all__ = ["RemoteBlob", "is_url", "remote_source"]

_WEB = ("http", "https")
_STAMPS = ("etag", "ETag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified",
           "updated", "created", "size")  # fmt: skip


def is_url(text: str) -> bool:
    """Whether a name is that of something behind a file system's driver."""
    protocol, mark, _ = text.partition("://")
    return bool(mark) and protocol.replace("+", "").isalnum()


def remote_source(text: str, options: Options) -> Source:
    """Open a URL: a folder, a table, a zip archive or tar shards.

    Raises:
        DataError: there is no driver, nothing stands there, or it is of another kind.
    """
    files, path = _file_system(text)
    suffix = posixpath.splitext(path)[1].lower()
    if suffix == ".tar":
        blobs: list[Blob] = [RemoteBlob(files, one, text) for one in expand_braces(path)]
        return TarSource(blobs, text, options.class_map(None))
    if suffix == ".zip":
        blob = RemoteBlob(files, path, text)
        return ZipSource(blob, text)
    if suffix in TABLE_SUFFIXES:
        return _Table(files, path, text, reading_of(options, None))
    if text.partition("://")[0] in _WEB:
        raise DataError(
            f"{text}: a web server can't be asked what a folder holds; expected one table "
            f"({' '.join(TABLE_SUFFIXES)}), .zip or .tar file, or object storage (s3://, gs://)"
        )
    return _Folder(files, path, text)


def _file_system(text: str) -> tuple[Any, str]:
    import fsspec

    protocol = text.partition("://")[0]
    try:
        return fsspec.core.url_to_fs(text)
    except ImportError as error:
        raise DataError(f"{text}: there is no driver for {protocol}://; {error}") from error
    except ValueError as error:
        raise DataError(f"{text}: there is no file system called {protocol}://: {error}") from error
    except Exception as error:  # a driver's own
        raise _unreached(text, error) from error


def _unreached(text: str, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{text}: there is no such file or folder")
    detail = (str(error).strip().splitlines() or [""])[0][:160]
    return DataError(f"{text} can't be reached: {type(error).__name__}: {detail}")


def _stamp(info: dict[str, Any]) -> int:
    told = repr([info.get(name) for name in _STAMPS])
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big", signed=True)


def _read(files: Any, path: str, start: int | None = None, end: int | None = None) -> bytes:
    try:
        return files.cat_file(path, start=start, end=end)
    except FileNotFoundError as error:
        raise PictureError("no such file") from error
    except Exception as error:  # a driver's own
        raise PictureError("can't be read", f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class RemoteBlob:
    """One file of an fsspec file system."""

    files: Any
    path: str
    url: str

    @property
    def name(self) -> str:
        return self.files.unstrip_protocol(self.path)

    @property
    def base(self) -> str:
        return posixpath.basename(self.path)

    @property
    def key(self) -> str:
        return digest(self.name)

    def state(self) -> tuple[int, int]:
        try:
            info = self.files.info(self.path)
        except Exception as error:  # a driver's own
            raise _unreached(self.name, error) from error
        return int(info.get("size") or 0), _stamp(info)

    def open(self) -> Any:
        try:
            return self.files.open(self.path, "rb")
        except Exception as error:  # a driver's own
            raise _unreached(self.name, error) from error

    def read(self, start: int, length: int) -> bytes:
        return _read(self.files, self.path, start, start + length)


class _Folder:
    """Class folders, or folders of splits."""

    def __init__(self, files: Any, root: str, url: str) -> None:
        self.files, self.root, self.name = files, root.rstrip("/"), url

    @property
    def key(self) -> str:
        return digest(self.files.unstrip_protocol(self.root))

    def list(self, found: Found = ignore) -> Listing:
        kind, entries, notes = interpret(counted(self._walk(), found), self.name)
        return Listing(kind, tuple(entries), tuple(notes))

    def read(self, path: str) -> bytes:
        return _read(self.files, f"{self.root}/{path}")

    def _walk(self) -> Iterator[Entry]:
        try:
            found = self.files.find(self.root, detail=True)
        except Exception as error:  # a driver's own
            raise _unreached(self.name, error) from error
        if not found:
            raise DataError(f"{self.name}: there is no such file or folder, or it is empty")
        for path, info in found.items():
            name = path[len(self.root) :].lstrip("/")
            if name and not any(map(is_hidden_folder, name.split("/")[:-1])):
                yield Entry(name, size=int(info.get("size") or 0), stamp=_stamp(info))


class _Table:
    """Pictures named in a table."""

    def __init__(self, files: Any, path: str, url: str, reading: Reading) -> None:
        self.files, self.path, self.name, self.reading = files, path, url, reading
        self.root = posixpath.dirname(path)

    @property
    def key(self) -> str:
        return digest(self.files.unstrip_protocol(self.path))

    def list(self, found: Found = ignore) -> Listing:
        content = _fetched(self.files, self.path, self.name)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / posixpath.basename(self.path)
            copy.write_bytes(content)
            rows, notes = entries_of(read_columns(copy), Path(self.name), self.reading)
        entries = [self._stamped(entry) for entry in counted(rows, found)]
        return Listing("table", tuple(sorted(entries, key=lambda e: e.path)), tuple(notes))

    def read(self, path: str) -> bytes:
        return _read(self.files, self._place(path))

    def _place(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self.root, path))

    def _stamped(self, entry: Entry) -> Entry:
        try:
            info = self.files.info(self._place(entry.path))
            check_size(int(info.get("size") or 0))
        except PictureError as error:
            return entry._replace(problem=error.reason)
        except Exception:  # a driver's own
            return entry._replace(problem="no such file")
        return entry._replace(size=int(info.get("size") or 0), stamp=_stamp(info))


def _fetched(files: Any, path: str, url: str) -> bytes:
    try:
        return files.cat_file(path)
    except Exception as error:  # a driver's own
        raise _unreached(url, error) from error
