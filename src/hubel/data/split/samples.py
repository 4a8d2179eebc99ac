"""The columns that splitting looks at, and which samples must stay together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubel.data.columns import sorted_places
from hubel.data.keyed import uniform

__all__ = ["Samples", "numbered"]


@dataclass(frozen=True, slots=True)
class Samples:
    """The columns that splitting looks at, one value a sample.

    Attributes:
        labels: the class of each.
        digests: SHA-256 of the content of each.
        groups: samples of one group are never torn apart; None for a sample on its own.
        splits: what the user gave; None where nothing was given.
        times: numbers that order the samples, where there are such.
        several: the classes of each, where a sample may have several at once, or none of them.
        clusters: near-duplicates share a number, and are never torn apart either.
    """

    labels: list[str]
    digests: list[bytes]
    groups: list[str | None]
    splits: list[str | None]
    times: list[float | None] | None = None
    several: list[tuple[str, ...]] | None = None
    clusters: list[int | None] | None = None

    def units(self) -> NDArray[np.int64]:
        """A number for each set of samples that stay together: equal content, group or cluster.

        Where one picture is in two groups, these are one unit.
        """
        units = self.contents()
        for column in (self.groups, self.clusters):
            if column is not None and any(key is not None for key in column):
                units = _joined(units, numbered(column))
        return units

    def contents(self) -> NDArray[np.int64]:
        """A number for each content, in the order of the digests."""
        joined = b"".join(self.digests)
        if len(joined) == 32 * len(self.digests) > 0:
            words = np.frombuffer(joined, ">u8").reshape(-1, 4)
            _, first, numbers = np.unique(words[:, 0], return_index=True, return_inverse=True)
            if (words[first[numbers]] == words).all():  # nobody has made two with one beginning
                return numbers.astype(np.int64)
        return numbered(self.digests)

    @property
    def is_grouped(self) -> bool:
        """Whether some samples must stay together although their contents differ."""
        columns = (self.groups, self.clusters or ())
        return any(key is not None for column in columns for key in column)

    def rank(self, seed: int, stream: str) -> NDArray[np.float64]:
        """(n,), a number in [0, 1) that depends on the content, the seed and the stream alone."""
        heads = np.array([digest[:8] for digest in self.digests], dtype="S8")
        return uniform(seed, stream, 0, np.frombuffer(heads.tobytes(), "<i8"))

    def take(self, places: NDArray[np.int64]) -> Samples:
        """Some of the samples."""
        index = places.tolist()

        def chosen(column: list[Any] | None) -> list[Any] | None:
            return None if column is None else [column[place] for place in index]

        return Samples(
            [self.labels[place] for place in index],
            [self.digests[place] for place in index],
            [self.groups[place] for place in index],
            [self.splits[place] for place in index],
            chosen(self.times),
            chosen(self.several),
            chosen(self.clusters),
        )


def numbered(keys: Sequence[str | bytes | int | None]) -> NDArray[np.int64]:
    """Equal keys get equal numbers, from 0, in sorted order; None is -1.

    Example:
        >>> numbered(["b", None, "a", "b"]).tolist()
        [1, -1, 0, 1]
    """
    column: Any = pa.array(keys)
    if column.null_count == len(column):
        return np.full(len(column), -1, np.int64)
    encoded = column.dictionary_encode()
    values = encoded.dictionary
    ranks = np.empty(len(values) + 1, np.int64)
    ranks[-1] = -1
    ranks[sorted_places(values)] = np.arange(len(values))
    return ranks[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


def _joined(units: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Units that share a key become one."""
    from scipy import sparse

    rows = np.flatnonzero(keys >= 0)
    first = int(units.max()) + 1
    size = first + int(keys.max()) + 1
    links = sparse.coo_array(
        (np.ones(len(rows), np.int8), (units[rows], first + keys[rows])), (size, size)
    )
    _, joined = sparse.csgraph.connected_components(links, directed=False)
    return joined[units].astype(np.int64)
