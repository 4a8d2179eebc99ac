"""The shelves of the pixel cache: what stands there, how much it may be, and what goes first.

A shelf is the folder of one source and one geometry: `pixels/<source>/<geometry>/`. Its file
`.used` says what it is for, has the time of its last use, and is locked (shared) by everyone who
reads or writes the shelf; only a shelf that nobody has locked is ever taken away.

Together the shelves may have `limit()` bytes. Before pixels are written, the shelves that were
used longest ago go until the new ones fit.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubel.caches import cache_folder
from hubel.errors import StorageError
from hubel.storage import canonical_json, locked

__all__ = [
    "CacheFullError",
    "CacheNote",
    "Shelf",
    "Use",
    "give_up",
    "limit",
    "make_room",
    "parse_bytes",
    "remove",
    "shelves",
    "shelves_folder",
    "shown_bytes",
]

_MOST = 20 * 10**9
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)B?", re.IGNORECASE)
_OURS = re.compile(r"(?:\.?[0-9a-f]{12}\.(?:pixels|digests)\.npy|\..*\.part)\Z")
_USED = ".used"


class CacheFullError(StorageError):
    """The pixels don't fit into what the cache may have; training goes on without it."""


def shelves_folder() -> Path:
    """Where all shelves are."""
    return cache_folder() / "pixels"


def parse_bytes(text: str) -> int:
    """Bytes that a text such as `500MB`, `20 GB` or `1.5T` means.

    Raises:
        StorageError: it means none.

    Example:
        >>> parse_bytes("1.5 GB"), parse_bytes("2048")
        (1500000000, 2048)
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise StorageError(f"HUBEL_CACHE_LIMIT: expected bytes such as 500MB or 20GB, got {text!r}")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def shown_bytes(count: int) -> str:
    """Bytes for people.

    Example:
        >>> shown_bytes(912), shown_bytes(93_200_000)
        ('912 B', '93.2 MB')
    """
    for unit in ("T", "G", "M", "k"):
        size = _UNITS[unit.upper()]
        if count >= size:
            return f"{count / size:.1f} {unit}B"
    return f"{count} B"


def limit() -> int:
    """What all shelves may have together, in bytes.

    `$HUBEL_CACHE_LIMIT`; where it is not set 20 GB, and never more than the shelves have already
    with half of what is free on their disk.

    Raises:
        StorageError: the variable is no number of bytes.
    """
    said = os.environ.get("HUBEL_CACHE_LIMIT")
    if said:
        return parse_bytes(said)
    folder = cache_folder()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return min(_MOST, _bytes_in(shelves_folder()) + shutil.disk_usage(folder).free // 2)


class CacheNote(UserWarning):
    """What the cache did that its owner should know."""


class Use:
    """Keeps a shelf from being taken away, as long as this object lives.

    Args:
        folder: of the shelf; it is made where it is not there.
        about: JSON types that say what it is for.
    """

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        descriptor = _share(folder, about)
        if descriptor is not None:
            weakref.finalize(self, os.close, descriptor)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is cached of one source at one geometry.

    Attributes:
        folder: where.
        source: as the user named it; "?" where that was not written down.
        way: the size and shape of the pixels, in words.
        bytes: of its files.
        used: when it was last used, in seconds since 1970.
        in_use: whether a living process has it.
    """

    folder: Path
    source: str
    way: str
    bytes: int
    used: float
    in_use: bool

    @property
    def source_exists(self) -> bool | None:
        """Whether the source is still there; None where it is not on this machine's disks."""
        if self.source == "?" or "://" in self.source:
            return None
        return self.source.startswith("sample:") or os.path.exists(self.source)

    def to_json(self) -> dict[str, Any]:
        """The shelf as JSON types."""
        return {
            "source": self.source,
            "source_exists": self.source_exists,
            "pixels": self.way,
            "bytes": self.bytes,
            "last_use": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.used)),
            "in_use": self.in_use,
            "folder": str(self.folder),
        }


def shelves(root: Path | None = None) -> list[Shelf]:
    """All shelves, the one that was used longest ago first."""
    folders = [path for path in (root or shelves_folder()).glob("*/*") if path.is_dir()]
    found: list[Shelf] = []
    for folder in folders:
        with suppress(OSError):  # another process took it away at this moment
            found.append(_shelf(folder))
    return sorted(found, key=lambda shelf: shelf.used)


def make_room(need: int, root: Path, own: Path, most: int | None = None) -> list[str]:
    """Take shelves away until `need` more bytes are within the limit.

    Args:
        need: bytes that are about to be written.
        root: of the shelves.
        own: the shelf that they are for; it stays.
        most: bytes in all; `limit()` where it is None.

    Returns:
        A sentence for each shelf that went.

    Raises:
        CacheFullError: there is not so much that may go.
    """
    most = limit() if most is None else most
    found = shelves(root)
    held = sum(shelf.bytes for shelf in found)
    going = [shelf for shelf in found if shelf.folder != own and not shelf.in_use]
    if held - sum(shelf.bytes for shelf in going) + need > most:
        raise CacheFullError(
            f"{shown_bytes(need)} of pixels don't fit into the cache, which may have "
            f"{shown_bytes(most)}; HUBEL_CACHE_LIMIT says otherwise, `hubel cache` shows what is "
            "there"
        )
    said: list[str] = []
    while held + need > most and going:
        shelf = going.pop(0)
        if remove(shelf):
            held -= shelf.bytes
            said.append(_gone(shelf, f"it may have {shown_bytes(most)}"))
    return said


def give_up(need: int, root: Path, own: Path) -> list[str]:
    """Take shelves away, the one that was used longest ago first, until the disk has `need` bytes.

    Returns:
        A sentence for each that went; none where none may go.
    """
    said: list[str] = []
    for shelf in shelves(root):
        if said and shutil.disk_usage(root).free > need:
            break
        if shelf.folder != own and not shelf.in_use and shelf.bytes and remove(shelf):
            said.append(_gone(shelf, "the disk is full"))
    return said


def remove(shelf: Shelf) -> bool:
    """Take one shelf away; False where a living process has it."""
    with locked(shelf.folder / _USED) as ours:
        if ours is False:
            return False
        names = sorted(os.listdir(shelf.folder))  # digests first: what is left never counts
        for name in names:
            if _OURS.match(name):
                with suppress(OSError):
                    os.unlink(shelf.folder / name)
        with suppress(OSError):
            os.unlink(shelf.folder / _USED)
        for folder in (shelf.folder, shelf.folder.parent):
            with suppress(OSError):  # something that is not ours stands there
                folder.rmdir()
    return True


def _gone(shelf: Shelf, why: str) -> str:
    size = shown_bytes(shelf.bytes)
    return f"the cache gave up {size} of {shelf.source}, used longest ago: {why}"


def _shelf(folder: Path) -> Shelf:
    marker = folder / _USED
    about: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        about = json.loads(marker.read_bytes())
    used = (marker if marker.exists() else folder).stat().st_mtime
    with locked(marker) as ours:
        in_use = ours is False
    source, way = str(about.get("source", "?")), str(about.get("pixels", folder.name))
    return Shelf(folder, source, way, _bytes_in(folder), used, in_use)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _share(folder: Path, about: dict[str, Any]) -> int | None:
    """A descriptor that holds the shared lock of a shelf; None where there are no locks."""
    marker = folder / _USED
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(marker, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # taken away between the two lines
            continue
        try:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_SH)
        except (ImportError, OSError):
            os.close(descriptor)
            return None
        if marker.exists() and os.path.samestat(os.fstat(descriptor), marker.stat()):
            break
        os.close(descriptor)  # it was taken away while we waited
    if os.fstat(descriptor).st_size == 0:
        os.write(descriptor, canonical_json(about))
    os.utime(descriptor)
    return descriptor
