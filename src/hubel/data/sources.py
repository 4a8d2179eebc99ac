"""Where samples come from: class folders, split folders, tables, and zip archives of folders.

A source lists its samples and reads their bytes. It never writes.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hubel.data.folders import Entry, interpret, is_hidden_folder, walk
from hubel.data.form import Kind, Limits
from hubel.data.tables import TABLE_SUFFIXES, read_table
from hubel.errors import DataError, PictureError

__all__ = [
    "SAMPLES",
    "FolderSource",
    "Listing",
    "Source",
    "TableSource",
    "ZipSource",
    "open_source",
    "read_file",
]

SAMPLES = {"sample:trashnet": "trashnet-128.zip"}


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source holds, before any file of it was opened.

    `kind` says how labels were found ("class folders", "split folders", "table"); `notes` are
    sentences that the user should read; `reading` is the kind of sample that arrays and stacks
    are read as, where it is not left to their own rule.
    """

    kind: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = field(default=())
    reading: Kind | None = None


class Source(Protocol):
    """Samples that can be listed and read."""

    name: str

    @property
    def key(self) -> str:
        """What caches of this source are filed under."""
        ...

    def list(self) -> Listing:
        """List all samples, sorted by path."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of one sample; `PictureError` names why they can't be read."""
        ...


class FolderSource:
    """Pictures in folders on a disk.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = str(root)

    @property
    def key(self) -> str:
        return _digest(os.path.realpath(self.root))

    def list(self) -> Listing:
        kind, entries, notes = interpret(walk(self.root), self.name)
        return Listing(kind, tuple(entries), tuple(notes))

    def read(self, path: str) -> bytes:
        return read_file(os.path.join(self.root, path))


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
        return _digest(os.path.realpath(self.table))

    def list(self) -> Listing:
        entries = [self._stamped(entry) for entry in read_table(self.table)]
        return Listing("table", tuple(sorted(entries, key=lambda entry: entry.path)))

    def read(self, path: str) -> bytes:
        return read_file(os.path.join(self.root, path))

    def _stamped(self, entry: Entry) -> Entry:
        try:
            status = _status(os.path.join(self.root, entry.path))
        except PictureError as error:
            return entry._replace(problem=error.reason)
        return entry._replace(size=status.st_size, stamp=status.st_mtime_ns)


class ZipSource:
    """Pictures in the folders of a zip archive.

    Args:
        archive: the file.
        name: how people refer to it.
    """

    def __init__(self, archive: Path, name: str | None = None) -> None:
        self.archive = archive
        self.name = name or str(archive)
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(archive)
        except Exception as error:  # foreign bytes
            raise DataError(f"{archive} is not a zip archive that can be read: {error}") from error

    @property
    def key(self) -> str:
        return _digest(os.path.realpath(self.archive))

    def list(self) -> Listing:
        files = [
            Entry(path=info.filename, size=info.file_size, stamp=info.CRC)
            for info in self._zip.infolist()
            if not info.is_dir() and not any(map(is_hidden_folder, info.filename.split("/")[:-1]))
        ]
        kind, entries, notes = interpret(files, self.name)
        return Listing(kind, tuple(entries), tuple(notes))

    def read(self, path: str) -> bytes:
        try:
            _check_size(self._zip.getinfo(path).file_size)
            with self._lock:
                return self._zip.read(path)
        except PictureError:
            raise
        except KeyError as error:
            raise PictureError("no such file") from error
        except Exception as error:  # foreign bytes: a broken or encrypted member
            detail = f"{type(error).__name__}: {error}"
            raise PictureError("can't be read from the archive", detail) from error


def open_source(data: str | os.PathLike[str]) -> Source:
    """Open what a user named: a folder, a table, a zip archive, or `sample:trashnet`.

    Raises:
        DataError: nothing stands there, or it is of another kind.
    """
    text = os.fspath(data)
    if text in SAMPLES:
        return ZipSource(Path(__file__).parent / "samples" / SAMPLES[text], text)
    if text.startswith("sample:"):
        raise DataError(f"there is no built-in sample {text!r}; there are: {', '.join(SAMPLES)}")
    path = Path(text).expanduser()
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        why = "no such file or folder" if isinstance(error, FileNotFoundError) else error
        raise DataError(f"{text}: {why}; expected a folder of pictures, a table, a zip archive or "
                        "sample:trashnet") from error  # fmt: skip
    if stat.S_ISDIR(mode):
        return FolderSource(path)
    if stat.S_ISREG(mode) and path.suffix.lower() in TABLE_SUFFIXES:
        return TableSource(path)
    if stat.S_ISREG(mode) and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)):
        return ZipSource(path)
    raise DataError(
        f"{text}: expected a folder of pictures, a zip archive, or a table "
        f"({' '.join(TABLE_SUFFIXES)}); got a {path.suffix or 'file without a suffix'}"
    )


def read_file(path: str) -> bytes:
    """The bytes of a file; `PictureError` names why they can't be had."""
    size = _status(path).st_size
    _check_size(size)
    try:  # the system's own calls: Python's file objects take longer than a small picture
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            content = os.read(descriptor, size + 1)
            if len(content) == size:
                return content
            parts = [content]
            while parts[-1]:
                parts.append(os.read(descriptor, 1 << 20))
            return b"".join(parts)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _read_problem(error) from error


def _status(path: str) -> os.stat_result:
    """Of a regular file; opening a pipe or a device may never return."""
    try:
        status = os.stat(path)
    except ValueError as error:  # a NUL in the name
        raise PictureError("no such file") from error
    except OSError as error:
        raise _read_problem(error) from error
    if stat.S_ISDIR(status.st_mode):
        raise PictureError("a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError("not a regular file")
    return status


def _check_size(size: int) -> None:
    """Before a byte is read: what `decode` would refuse need not fill the memory first."""
    if size > Limits().bytes:
        raise PictureError("file too large", f"{size:,} bytes, at most {Limits().bytes:,}")


def _read_problem(error: OSError) -> PictureError:
    if isinstance(error, FileNotFoundError):
        return PictureError("no such file")
    if isinstance(error, PermissionError):
        return PictureError("no permission to read")
    return PictureError("can't be read", f"{type(error).__name__}: {error.strerror}")


def _digest(path: str) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:24]
