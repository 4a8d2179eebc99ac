"""Batches as one endless stream over the epochs.

Position p of the stream is sample `permutation(seed, p // n)[p % n]`. A batch is `batch_size`
positions in a row, so each epoch has each sample exactly once, every batch is full, and the batch
of any step can be made without the ones before it. Balanced, position p is the one of
`balanced_epoch`, and all else is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubel.data.balanced import balanced_epoch
from hubel.data.keyed import permutation
from hubel.data.pixels import Pixels

__all__ = ["Batch", "Batches"]


@dataclass(frozen=True, slots=True)
class Batch:
    """The samples of one step.

    Attributes:
        indices: int64, (n,), which samples of the training set.
        epochs: int64, (n,), how often each was used before, which is the epoch where each is used
            once in each; keys the draws of its augmentation.
        pixels: uint8, (n, height, width, channels).
        targets: int64, (n,), class indices.
    """

    indices: NDArray[np.int64]
    epochs: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    targets: NDArray[np.int64]


class Batches:
    """The batch of any step, and their stream from any step on.

    Args:
        pixels: of the training samples.
        targets: int64, (n,), their class indices.
        batch_size: samples a step.
        seed: of the run.
        balanced: each class equally often, instead of each sample.
    """

    def __init__(
        self,
        pixels: Pixels,
        targets: NDArray[np.int64],
        batch_size: int,
        seed: int,
        *,
        balanced: bool = False,
    ) -> None:
        self.pixels = pixels
        self.targets = targets
        self.batch_size = batch_size
        self.seed = seed
        self.balanced = balanced
        self._orders: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    @property
    def count(self) -> int:
        """Samples in one epoch."""
        return len(self.targets)

    def steps(self, epochs: int) -> int:
        """Steps after which every sample was used `epochs` times; balanced, as many were."""
        return -(-epochs * self.count // self.batch_size)

    def epochs_after(self, steps: int) -> int:
        """Whole epochs that are finished after `steps` steps."""
        return steps * self.batch_size // self.count

    def batch(self, step: int) -> Batch:
        """The batch of one step, counted from 0."""
        positions = np.arange(step * self.batch_size, (step + 1) * self.batch_size, dtype=np.int64)
        epochs = positions // self.count
        indices, uses = np.empty_like(positions), np.empty_like(positions)
        for epoch in np.unique(epochs).tolist():
            here = epochs == epoch
            places = positions[here] % self.count
            indices[here], uses[here] = (found[places] for found in self._order(epoch))
        return Batch(indices, uses, self.pixels.take(indices), self.targets[indices])

    def stream(self, first: int, last: int, workers: int) -> Iterator[Batch]:
        """The batches of the steps from `first` up to `last`; with workers, made ahead of use."""
        if workers == 0:
            yield from map(self.batch, range(first, last))
            return
        with ThreadPoolExecutor(1) as pool:
            ahead = [pool.submit(self.batch, step) for step in range(first, min(first + 2, last))]
            for step in range(first, last):
                ready = ahead.pop(0).result()
                if step + 2 < last:
                    ahead.append(pool.submit(self.batch, step + 2))
                yield ready

    def _order(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of the samples of an epoch, and how often each was used before."""
        if epoch not in self._orders:
            kept = {key: order for key, order in self._orders.items() if key >= epoch - 1}
            if self.balanced:
                order = balanced_epoch(self.seed, epoch, self.targets)
            else:
                plain = permutation(self.seed, epoch, self.count)
                order = (plain, np.full_like(plain, epoch))
            self._orders = kept | {epoch: order}
        return self._orders[epoch]
