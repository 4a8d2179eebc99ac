"""Batches as one endless stream over the epochs.

Position p of the stream is sample `permutation(seed, p // n)[p % n]`. A batch is `batch_size`
positions in a row, so each epoch has each sample exactly once, every batch is full, and the batch
of any step can be made without the ones before it. Balanced, position p is the one of
`balanced_epoch`, and all else is the same.

Where the pixels have several shapes, a batch has one of them, an epoch is a whole number of batches
(`Mixture`), and the rest holds as well. On several ranks each has its part of every batch, so what
a step learns from doesn't depend on how many ranks there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.balanced import balanced_epoch
from hubel.data.keyed import permutation
from hubel.data.mixture import Mixture
from hubel.data.pixels import Pixels

__all__ = ["Batch", "Batches"]


@dataclass(frozen=True, slots=True)
class Batch:
    """The samples of one step.

    Attributes:
        indices: int64, (n,), which samples of the training set.
        epochs: int64, (n,), how often each was used before, which is the epoch where each is used
            once in each; keys the draws of its augmentation.
        pixels: (n, *size, channels), uint8 as a rule.
        targets: class indices, int64, (n,), or one column a class, uint8, (n, classes).
    """

    indices: NDArray[np.int64]
    epochs: NDArray[np.int64]
    pixels: NDArray[Any]
    targets: NDArray[Any]


class Batches:
    """The batch of any step, and their stream from any step on.

    Args:
        pixels: of the training samples.
        targets: of each sample, as in a `Batch`.
        batch_size: samples a step; where shapes differ, of the mean area.
        seed: of the run.
        balanced: each class equally often, instead of each sample.
        share: rank and number of ranks, where each has a part of every batch.
    """

    def __init__(
        self,
        pixels: Pixels,
        targets: NDArray[Any],
        batch_size: int,
        seed: int,
        *,
        balanced: bool = False,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        assert 0 <= share[0] < share[1]
        self.pixels = pixels
        self.targets = targets
        self.batch_size = batch_size
        self.seed = seed
        self.balanced = balanced
        self.share = share
        shapes = pixels.shapes
        areas = np.array([math.prod(shape[:-1]) for shape in shapes], np.int64)
        self._mixture = Mixture.of(pixels.kinds, areas, batch_size) if len(shapes) > 1 else None
        self._an_epoch = self._mixture.count(np.arange(self.count)) if self._mixture else 0
        self._counts: dict[int, int] = {}
        self._orders: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        self._cuts: dict[int, list[NDArray[np.int64]]] = {}

    @property
    def count(self) -> int:
        """Samples in one epoch."""
        return len(self.targets)

    @property
    def steps_an_epoch(self) -> float:
        """How many batches an epoch is; a part of one where batches reach into the next."""
        return self.count / self.batch_size if self._mixture is None else self._in_epoch(0)

    def steps(self, epochs: int) -> int:
        """Steps after which every sample was used `epochs` times; balanced, as many were."""
        if self._mixture is not None:
            return sum(map(self._in_epoch, range(epochs)))
        return -(-epochs * self.count // self.batch_size)

    def epochs_after(self, steps: int) -> int:
        """Whole epochs that are finished after `steps` steps."""
        if self._mixture is not None:
            return self._reached(steps)[0]
        return steps * self.batch_size // self.count

    def for_rank(self, rank: int, ranks: int) -> Batches:
        """The part of every batch that one of several ranks has.

        Sample i of a batch goes to rank i modulo `ranks`. The parts of a batch differ by one
        sample at most and may be empty, so gradients are to be averaged by their samples:
        `samples(step)` says how many the whole batch has.

        Args:
            rank: counted from 0.
            ranks: how many there are.
        """
        return Batches(
            self.pixels,
            self.targets,
            self.batch_size,
            self.seed,
            balanced=self.balanced,
            share=(rank, ranks),
        )

    def samples(self, step: int) -> int:
        """How many samples the batch of a step has, on all ranks together."""
        return len(self._places(step)[0])

    def batch(self, step: int) -> Batch:
        """The batch of one step, counted from 0; of the rank's part of it, where there are some."""
        rank, ranks = self.share
        indices, uses = (found[rank::ranks] for found in self._places(step))
        return Batch(indices, uses, self.pixels.take(indices), self.targets[indices])

    def _places(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The samples of the whole batch of a step, and how often each was used before."""
        if self._mixture is not None:
            epoch, place = self._reached(step)
            here = self._cut(epoch)[place]
            indices, uses = self._order(epoch)
            return indices[here], uses[here]
        positions = np.arange(step * self.batch_size, (step + 1) * self.batch_size, dtype=np.int64)
        epochs = positions // self.count
        indices, uses = np.empty_like(positions), np.empty_like(positions)
        for epoch in np.unique(epochs).tolist():
            here = epochs == epoch
            places = positions[here] % self.count
            indices[here], uses[here] = (found[places] for found in self._order(epoch))
        return indices, uses

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

    def _reached(self, step: int) -> tuple[int, int]:
        """The epoch of a step, and its place in it, where shapes differ."""
        epoch = 0
        while step >= self._in_epoch(epoch):
            step -= self._in_epoch(epoch)
            epoch += 1
        return epoch, step

    def _in_epoch(self, epoch: int) -> int:
        """How many batches an epoch is, where shapes differ."""
        assert self._mixture is not None
        if not self.balanced:
            return self._an_epoch
        if epoch not in self._counts:  # its samples are others than those of the one before
            self._counts[epoch] = self._mixture.count(self._order(epoch)[0])
        return self._counts[epoch]

    def _cut(self, epoch: int) -> list[NDArray[np.int64]]:
        """Of each batch of an epoch, places in its order."""
        assert self._mixture is not None
        if epoch not in self._cuts:
            kept = {key: cut for key, cut in self._cuts.items() if key >= epoch - 1}
            order, _ = self._order(epoch)
            self._cuts = kept | {epoch: self._mixture.cut(order, self.seed, epoch)}
        return self._cuts[epoch]
