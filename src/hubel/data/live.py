"""Samples that are decoded from their files each time they are asked for.

For data sets that don't fit into the cache: slower, and the very same pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.decode import decode
from hubel.data.preprocess import Preprocess

__all__ = ["LiveSegment"]


class LiveSegment:
    """Stands where a segment of the cache would, and decodes the rows that are indexed.

    Holds no pixels: memory is that of the rows that are asked for at once.

    Args:
        read: gives the bytes of a row's file, or raises what is wrong with it.
        rows: how many there are.
        preprocess: brings them to size.
        workers: threads that read and decode.
    """

    def __init__(
        self, read: Callable[[int], bytes], rows: int, preprocess: Preprocess, workers: int
    ) -> None:
        self._read = read
        self._preprocess = preprocess
        self._workers = max(1, workers)
        self.shape = (rows, *preprocess.size, preprocess.num_channels)
        self.dtype = np.dtype(preprocess.depth)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The pixels of some rows, (m,): (m, *size, channels)."""
        taken = np.empty((len(rows), *self.shape[1:]), self.dtype)

        def fill(place: int) -> None:
            way = self._preprocess
            content = self._read(int(rows[place]))
            taken[place] = way.pixels(decode(content, kind=way.kind, enough=way.enough))

        with ThreadPoolExecutor(self._workers) as pool:
            for _ in pool.map(fill, range(len(rows))):
                pass
        return taken
