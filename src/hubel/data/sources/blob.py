"""One file, wherever it is: on a disk, or behind an fsspec file system."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from hubel.data.sources.base import digest

__all__ = ["Blob", "LocalBlob"]


class Blob(Protocol):
    """A file of which parts can be read by several threads."""

    @property
    def name(self) -> str:
        """How people refer to it."""
        ...

    @property
    def base(self) -> str:
        """The last part of its name."""
        ...

    @property
    def key(self) -> str:
        """What caches of this file are filed under."""
        ...

    def state(self) -> tuple[int, int]:
        """Its size in bytes, and a number that changes when it does."""
        ...

    def open(self) -> BinaryIO:
        """Open it, to be read from anywhere."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Some of its bytes; fewer where it ends."""
        ...


@dataclass(frozen=True, slots=True)
class LocalBlob:
    """A file on a disk."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def base(self) -> str:
        return self.path.name

    @property
    def key(self) -> str:
        return digest(os.path.realpath(self.path))

    def state(self) -> tuple[int, int]:
        status = os.stat(self.path)
        return status.st_size, status.st_mtime_ns

    def open(self) -> Any:
        return open(self.path, "rb")

    def read(self, start: int, length: int) -> bytes:
        with open(self.path, "rb") as stream:
            stream.seek(start)
            return stream.read(length)
