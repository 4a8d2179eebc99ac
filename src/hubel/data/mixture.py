"""Batches of pictures that have several shapes: each of one shape, all of about as many pixels.

An epoch is its order of samples, cut up: the samples of one shape, in that order, make batches
whose sizes differ by one at most, so that none is a small rest. How many there are follows from the
budget of pixels a batch. The batches of all shapes are then mixed, by a draw that is keyed on the
epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubel.data.keyed import uniform

__all__ = ["Mixture"]

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Mixture:
    """How epochs are cut into batches.

    Attributes:
        kinds: (n,), the shape of each sample, numbered from 0.
        most: (shapes,), how many samples of each shape the budget of a batch allows, at least 1.
    """

    kinds: Indices
    most: Indices

    @classmethod
    def of(cls, kinds: Indices, areas: Indices, batch_size: int) -> Mixture:
        """With the pixels of `batch_size` pictures of the mean area as the budget of a batch.

        Args:
            kinds: (n,), the shape of each sample.
            areas: (shapes,), in pixels.
            batch_size: samples a batch, on average.
        """
        budget = batch_size * float(areas[kinds].mean())
        # Of equal areas all have batch_size, whatever the quotient rounds to.
        most = np.maximum(1, np.floor(budget / areas + 1e-9)).astype(np.int64)
        return cls(kinds, most)

    def count(self, order: Indices) -> int:
        """How many batches the samples of an epoch, (m,), make."""
        return int(self._batches(np.bincount(self.kinds[order], minlength=len(self.most))).sum())

    def cut(self, order: Indices, seed: int, epoch: int) -> list[Indices]:
        """The batches of an epoch: a pure function of its arguments.

        Args:
            order: (m,), the samples of the epoch.
            seed: of the run.
            epoch: counted from 0.

        Returns:
            For each batch the places in `order` of its samples; every place stands in one batch.

        Example:
            >>> mixture = Mixture(np.array([0, 0, 1, 0, 1, 0]), np.array([2, 2]))
            >>> [places.tolist() for places in mixture.cut(np.arange(6), 0, 0)]
            [[2, 4], [3, 5], [0, 1]]
        """
        here = self.kinds[order]
        batches: list[Indices] = []
        for kind, count in enumerate(self._batches(np.bincount(here, minlength=len(self.most)))):
            if count:
                places = np.flatnonzero(here == kind).astype(np.int64)
                batches += np.array_split(places, int(count))
        draws = uniform(seed, "batches", epoch, np.arange(len(batches), dtype=np.int64))
        return [batches[place] for place in np.argsort(draws, kind="stable")]

    def _batches(self, counts: Indices) -> Indices:
        """How many of each shape; one sample alone says little, and normalises nothing."""
        needed = -(-counts // self.most)
        pairs = np.maximum(counts // 2, np.minimum(counts, 1))
        return np.where(self.most > 1, np.minimum(needed, pairs), needed)
