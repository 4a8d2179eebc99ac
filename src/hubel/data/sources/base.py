"""What every source is, and what reading one file of a disk may run into."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from hubel.data.folders import Entry
from hubel.data.form import Kind, Limits
from hubel.errors import PictureError

__all__ = [
    "Found",
    "Listing",
    "Source",
    "check_size",
    "digest",
    "file_status",
    "ignore",
    "read_file",
]

Found = Callable[[int], None]
"""Called during a listing with the number of samples that were found so far."""


def ignore(_: int) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source holds, before any file of it was opened.

    `kind` says how labels were found ("class folders", "split folders", "table", "arrays", …);
    `notes` are sentences that the user should read; `reading` is the kind of sample that arrays
    and stacks are read as, where it is not left to their own rule.
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

    def list(self, found: Found = ignore) -> Listing:
        """List all samples in a fixed order: files by path, rows by number."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of one sample; `PictureError` names why they can't be read."""
        ...


def read_file(path: str) -> bytes:
    """The bytes of a file; `PictureError` names why they can't be had."""
    size = file_status(path).st_size
    check_size(size)
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


def file_status(path: str) -> os.stat_result:
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


def check_size(size: int) -> None:
    """Before a byte is read: what `decode` would refuse need not fill the memory first."""
    if size > Limits().bytes:
        raise PictureError("file too large", f"{size:,} bytes, at most {Limits().bytes:,}")


def _read_problem(error: OSError) -> PictureError:
    if isinstance(error, FileNotFoundError):
        return PictureError("no such file")
    if isinstance(error, PermissionError):
        return PictureError("no permission to read")
    return PictureError("can't be read", f"{type(error).__name__}: {error.strerror}")


def digest(*names: str) -> str:
    """A file name for what is kept of a place, in the user's cache."""
    return hashlib.sha256(b"\0".join(map(os.fsencode, names))).hexdigest()[:24]
