"""The small grey pictures in which near-duplicates are looked for, kept from the scan on.

They lie where cached pixels do, found by content. What is missing there is made from the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubel.caches import cache_folder
from hubel.data.audit.measures import THUMBNAIL, look
from hubel.data.decode import decode
from hubel.data.pixels import Pixels, PixelStore, PixelWriter
from hubel.data.preprocess import Preprocess
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

    def write(self, row: int, picture: NDArray[np.uint8], digest: bytes) -> None:
        """Put one decoded picture into its row."""
        self.pixels.write(row, picture, digest)

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
    return PixelStore(cache_folder() / "pixels" / source.key, way)


def make_room(pixels: PixelStore, thumbnails: PixelStore) -> Callable[[int], Room]:
    """A function that makes room for so many pictures in both stores."""

    def room(rows: int) -> Room:
        writer = pixels.writer(rows)
        try:
            return Room(writer, thumbnails.writer(rows))
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
    writer = store.writer(len(missing))

    def make(row: int) -> None:
        place = int(missing[row])
        try:
            looked = look(decode(source.read(paths[place])).pixels)
        except PictureError:
            return
        if looked is not None:
            writer.write(row, looked[1], digests[place].tobytes())

    try:
        with quiet_decoders(), ThreadPoolExecutor(max(1, workers)) as pool:
            list(pool.map(make, range(len(missing))))
        writer.commit()
    finally:
        writer.discard()
    return store.find(digests)
