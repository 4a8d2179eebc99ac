"""Decoded samples, kept once at working size: memory-mapped, found by content.

A store is a folder of segments that never change once written. A segment is a pair of files:
`<name>.pixels.npy`, (rows, *size, channels) of the depth of its preprocessing, which for pictures
is (rows, height, width, channels) in uint8, and `<name>.digests.npy`, (rows, 32), the SHA-256 of
the file that each row came from. The second is written last and makes the pair count.
A pair that can't be read, or is of another shape, doesn't count: its pixels are made again.
Two runs on the same data at the same time cost double work, never a broken store.

While a segment is written its file is `.<name>.part`, and locked: what a killed process left is
told from what another is writing by the lock, and cleared away before the next is written.
"""

from __future__ import annotations

import errno
import io
import os
import re
import time
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hubel.data.form import Decoded, Depth
from hubel.data.preprocess import Preprocess
from hubel.data.shelves import CacheNote, Use, give_up, make_room
from hubel.errors import StorageError
from hubel.storage import claimed, locked, reserve, storage_errors, write_with

__all__ = ["PixelStore", "PixelWriter", "Pixels"]

_WAY_OUT = "free some space, or set HUBEL_CACHE to a folder on a larger disk"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PART = re.compile(r"\.[0-9a-f]{12}\.part")
_LONG = 3600.0  # seconds after which a commit is no longer under way


@dataclass(frozen=True, slots=True)
class Pixels:
    """The pixels of some samples, in their order, without holding them in memory.

    Samples may have several shapes, each a segment's; those taken together share one.

    Attributes:
        segments: memory maps, (rows, *size, channels) each, uint8 as a rule.
        places: int64, (n, 2): segment and row of each sample.
    """

    segments: tuple[NDArray[Any], ...]
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes that samples have, sorted: (*size, channels) each."""
        used = np.unique(self.places[:, 0]) if len(self.segments) > 1 else range(len(self.segments))
        return tuple(sorted({self.segments[number].shape[1:] for number in used}))

    @property
    def kinds(self) -> NDArray[np.int64]:
        """(n,), the place in `shapes` of each sample's shape."""
        index = {shape: place for place, shape in enumerate(self.shapes)}
        own = [index.get(segment.shape[1:], -1) for segment in self.segments]
        return np.array(own, np.int64)[self.places[:, 0]]

    def blocks(self, size: int) -> Iterator[NDArray[np.int64]]:
        """The indices of all samples, at most `size` at a time, of one shape each time."""
        if len(self.shapes) <= 1:
            every = [np.arange(len(self), dtype=np.int64)]
        else:
            kinds = self.kinds
            every = [np.flatnonzero(kinds == kind) for kind in range(len(self.shapes))]
        for indices in every:
            yield from (indices[at : at + size] for at in range(0, len(indices), size))

    def take(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """The pixels at `indices`, (m,), of one shape: (m, *size, channels), of their depth."""
        places = self.places[indices]
        if len(self.segments) == 1:
            return self.segments[0][places[:, 1]]
        first = self.segments[int(places[0, 0]) if len(places) else 0]
        taken = np.empty((len(indices), *first.shape[1:]), first.dtype)
        for number in np.unique(places[:, 0]):
            here = places[:, 0] == number
            assert self.segments[number].shape[1:] == taken.shape[1:]
            taken[here] = self.segments[number][places[here, 1]]
        return taken

    def select(self, indices: NDArray[np.int64]) -> Pixels:
        """The pixels of a subset of the samples."""
        return Pixels(self.segments, self.places[indices])

    @classmethod
    def joined(cls, parts: Sequence[tuple[NDArray[np.int64], Pixels]]) -> Pixels:
        """Samples of several stores as one; each part comes with its samples' places, (m,)."""
        places = np.empty((sum(len(part) for _, part in parts), 2), np.int64)
        segments: list[NDArray[Any]] = []
        for indices, part in parts:
            places[indices] = part.places + np.array([len(segments), 0])
            segments += part.segments
        return cls(tuple(segments), places)


class PixelWriter:
    """Fills one new segment; several threads may fill different rows.

    Args:
        folder: of the store.
        rows: how many rows there will be.
        preprocess: decides the shape of a row.
        use: keeps the store from being taken away meanwhile.

    Raises:
        StorageError: the disk has no room; it is asked for before the first row is written.
    """

    def __init__(
        self, folder: Path, rows: int, preprocess: Preprocess, use: Use | None = None
    ) -> None:
        self._folder = folder
        self._use = use
        self.preprocess = preprocess
        self._claim = ExitStack()
        self.digests = np.zeros((rows, 32), np.uint8)
        shape = (rows, *preprocess.size, preprocess.num_channels)
        with storage_errors(folder, _WAY_OUT):
            folder.mkdir(parents=True, exist_ok=True)
            self._part = self._claim.enter_context(claimed(self._new_part))
        self._name = self._part.name[1:13]
        try:
            with storage_errors(self._part, _WAY_OUT):
                self._map = _create(self._part, shape, preprocess.depth)
        except BaseException:
            self.discard()
            raise

    def write(self, row: int, sample: Decoded | NDArray[Any], digest: bytes) -> None:
        """Put one decoded sample into its row.

        Raises:
            PictureError: it can't be brought to the working size, channels and depth.
        """
        self._map[row] = self.preprocess.pixels(sample)
        self.digests[row] = np.frombuffer(digest, np.uint8)

    def commit(self) -> None:
        """Make the segment count."""
        pixels = self._folder / f"{self._name}.pixels.npy"
        try:
            with storage_errors(self._part, _WAY_OUT):
                self._map.flush()
                del self._map
                os.replace(self._part, pixels)
            write_with(self._folder / f"{self._name}.digests.npy", self._write_digests, _WAY_OUT)
        except BaseException:
            pixels.unlink(missing_ok=True)
            raise
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave nothing behind that was not committed."""
        self._part.unlink(missing_ok=True)
        self._claim.close()

    def _new_part(self) -> Path:
        part = self._folder / f".{uuid.uuid4().hex[:12]}.part"
        part.touch(exist_ok=False)
        return part

    def _write_digests(self, path: Path) -> None:
        with open(path, "wb") as stream:
            np.save(stream, self.digests, allow_pickle=False)


class PixelStore:
    """The cached pixels of one source, for one geometry.

    Args:
        folder: where the segments are.
        preprocess: what made them.
        source: as the user named it.
        shelves: folder of all stores that share the cache's limit; None where there is no limit.
    """

    def __init__(
        self, folder: Path, preprocess: Preprocess, source: str = "?", shelves: Path | None = None
    ) -> None:
        self.folder = folder / preprocess.geometry
        self.preprocess = preprocess
        named = os.path.realpath(source) if os.path.exists(source) else source
        self._about = {"source": named, "pixels": preprocess.in_words}
        self._shelves = shelves

    def writer(self, rows: int) -> PixelWriter:
        """A writer for a new segment, in the place of what killed writers have left.

        Raises:
            CacheFullError: the cache may not have so much, whatever is given up for it.
            StorageError: as `PixelWriter`, when nothing more can be given up.
        """
        use = None if self._shelves is None else Use(self.folder, self._about)
        way = self.preprocess
        each = int(np.prod(way.size)) * way.num_channels * np.dtype(way.depth).itemsize + 32
        for path in [*self.folder.glob(".*.part"), *self.folder.glob("*.pixels.npy")]:
            with suppress(OSError), locked(path) as ours:
                if ours and _abandoned(path):
                    path.unlink()
        if self._shelves is None:
            return PixelWriter(self.folder, rows, way, use)
        _say(make_room(rows * each, self._shelves, self.folder))
        try:
            return PixelWriter(self.folder, rows, way, use)
        except StorageError as error:
            full = isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL
            given_up = give_up(rows * each, self._shelves, self.folder) if full else []
            if not given_up:
                raise
            _say(given_up)
            return PixelWriter(self.folder, rows, way, use)

    def find(self, digests: NDArray[np.uint8]) -> tuple[Pixels, NDArray[np.int64]]:
        """Look samples up by content.

        Args:
            digests: (n, 32).

        Returns:
            The pixels, and the indices of the samples that are not in the store: their places in
            the pixels are not valid.
        """
        shelved = self._shelves is not None and self.folder.is_dir()
        use = Use(self.folder, self._about) if shelved else None
        names = sorted(path.name.partition(".")[0] for path in self.folder.glob("*.digests.npy"))
        segments: list[NDArray[Any]] = []
        known: dict[bytes, tuple[int, int]] = {}
        for name in names:
            segment = self._open(name)
            if segment is None:
                continue
            rows, pixels = segment
            pixels.use = use  # as long as they are mapped, they are in use
            segments.append(pixels)
            content = rows.tobytes()
            for row in range(len(rows)):
                known[content[32 * row : 32 * row + 32]] = (len(segments) - 1, row)
        wanted = np.ascontiguousarray(digests).tobytes()
        found = [known.get(wanted[32 * i : 32 * i + 32], (-1, -1)) for i in range(len(digests))]
        places = np.array(found, np.int64).reshape(-1, 2)
        return Pixels(tuple(segments), places), np.flatnonzero(places[:, 0] < 0)

    def _open(self, name: str) -> tuple[NDArray[np.uint8], Any] | None:
        try:
            rows = np.load(self.folder / f"{name}.digests.npy", allow_pickle=False)
            pixels = np.load(self.folder / f"{name}.pixels.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        way = self.preprocess
        shape = (len(rows), *way.size, way.num_channels)
        fits = rows.shape == (len(rows), 32) and pixels.shape == shape
        deep = (rows.dtype, pixels.dtype) == (np.uint8, way.depth)
        return (rows, pixels) if fits and deep else None


def _say(sentences: list[str]) -> None:
    for sentence in sentences:
        warnings.warn(sentence, CacheNote, stacklevel=3)


def _abandoned(path: Path) -> bool:
    """Whether a file that nobody has locked will never count."""
    if _PART.fullmatch(path.name):
        return True
    if path.name.endswith(".pixels.npy"):
        name = path.name.partition(".")[0]
        if path.with_name(f"{name}.digests.npy").exists():
            return False
    return time.time() - path.stat().st_mtime > _LONG


def _create(path: Path, shape: tuple[int, ...], depth: Depth) -> Any:
    dtype = np.dtype(depth)
    stream = io.BytesIO()
    npy.write_array_header_1_0(
        stream, {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    )
    head = stream.getvalue()
    reserve(path, len(head) + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
    with open(path, "r+b") as file:
        file.write(head)
    return np.memmap(path, dtype, "r+", offset=len(head), shape=shape)
