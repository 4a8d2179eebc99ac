"""The small grey pictures in which near-duplicates are looked for, kept from the scan on.

They lie where cached pixels do, found by content. What is missing there is made from the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.audit.measures import THUMBNAIL, look
from hubel.data.decode import decode
from hubel.data.form import Decoded
from hubel.data.pixels import Pixels, PixelStore, PixelWriter
from hubel.data.preprocess import Preprocess
from hubel.data.shelves import CacheFullError, shelves_folder
from hubel.data.sources import Source
from hubel.data.warned import quiet_decoders
from hubel.errors import PictureError

__all__ = ["Room", "find_thumbnails", "make_room", "thumbnail_store"]


@dataclass(frozen=True, slots=True)
class Room:
    """Where a scan puts what it decodes: pixels at working size, and thumbnails.

    It is filled, made to count, or discarded as one.
    """

    pixels: PixelWriter
    thumbnails: PixelWriter

    @property
    def preprocess(self) -> Preprocess:
        """Of the pixels."""
        return self.pixels.preprocess

    def write(self, row: int, sample: Decoded | NDArray[Any], digest: bytes) -> None:
        """Put one decoded sample into its row.

        Raises:
            PictureError: as `PixelWriter.write`.
        """
        self.pixels.write(row, sample, digest)

    def show(self, row: int, small: NDArray[np.uint8], digest: bytes) -> None:
        """Put its thumbnail beside it."""
        self.thumbnails.write(row, small, digest)

    def commit(self) -> None:
        """Make both count."""
        try:
            self.pixels.commit()
            self.thumbnails.commit()
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave nothing behind that was not committed."""
        self.pixels.discard()
        self.thumbnails.discard()


def thumbnail_store(source: Source) -> PixelStore:
    """Where the thumbnails of a source are cached."""
    way = Preprocess(height=THUMBNAIL, width=THUMBNAIL, channels="grey")
    root = shelves_folder()
    return PixelStore(root / source.key, way, source.name, root)


def make_room(
    pixels: PixelStore, thumbnails: PixelStore
) -> Callable[[int], PixelWriter | Room | None]:
    """A function that makes room for so many samples, as far as the cache may have them."""

    def room(rows: int) -> PixelWriter | Room | None:
        try:
            writer = pixels.writer(rows)
        except CacheFullError:
            return None
        try:
            return Room(writer, thumbnails.writer(rows))
        except CacheFullError:
            return writer
        except BaseException:
            writer.discard()
            raise

    return room


def find_thumbnails(
    source: Source, paths: Sequence[str], digests: NDArray[np.uint8], workers: int
) -> tuple[Pixels, NDArray[np.int64]]:
    """The thumbnails of some files, from the cache or made now.

    Args:
        source: of the files.
        paths: as the source names them.
        digests: (n, 32), of their content as it was scanned.
        workers: threads.

    Returns:
        The thumbnails, and the places of files that could not be read again.
    """
    store = thumbnail_store(source)
    found, missing = store.find(digests)
    if len(missing) == 0:
        return found, missing
    made = np.zeros((len(missing), THUMBNAIL, THUMBNAIL, 1), np.uint8)
    there = np.zeros(len(missing), np.bool_)

    def make(row: int) -> None:
        with suppress(PictureError):
            looked = look(decode(source.read(paths[int(missing[row])])))
            if looked is not None:
                made[row, ..., 0] = looked.thumbnail
                there[row] = True

    with quiet_decoders(), ThreadPoolExecutor(max(1, workers)) as pool:
        list(pool.map(make, range(len(missing))))
    with suppress(CacheFullError):  # they are made again the next time
        if there.any():
            _keep(store.writer(int(there.sum())), made[there], digests[missing[there]])
    places = found.places.copy()
    places[missing] = np.stack([np.full(len(missing), len(found.segments)),
                                np.arange(len(missing))], 1)  # fmt: skip
    return Pixels((*found.segments, made), places), missing[~there]


def _keep(writer: PixelWriter, made: NDArray[np.uint8], digests: NDArray[np.uint8]) -> None:
    try:
        for row, small in enumerate(made):
            writer.write(row, small[..., 0], digests[row].tobytes())
        writer.commit()
    finally:
        writer.discard()
