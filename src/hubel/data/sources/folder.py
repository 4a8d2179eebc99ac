"""Pictures in folders on a disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from hubel.data.folders import Entry, interpret, walk
from hubel.data.sources.base import Found, Listing, digest, ignore, read_file

__all__ = ["FolderSource", "counted"]

_EVERY = 1_000


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
        return digest(os.path.realpath(self.root))

    def list(self, found: Found = ignore) -> Listing:
        kind, entries, notes = interpret(counted(walk(self.root), found), self.name)
        return Listing(kind, tuple(entries), tuple(notes))

    def read(self, path: str) -> bytes:
        return read_file(os.path.join(self.root, path))


def counted(entries: Iterable[Entry], found: Found) -> Iterator[Entry]:
    """The entries as they come, saying every thousand how many there were."""
    for number, entry in enumerate(entries, 1):
        if number % _EVERY == 0:
            found(number)
        yield entry
