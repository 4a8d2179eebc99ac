"""Class-balanced order: which sample stands at a position, where each class comes equally often.

Slots are dealt to the K classes in turn, slot s to class s mod K, over all epochs; so after any
number of slots two classes differ by one at most. The draw d = s div K of a class of m samples is
the sample at place d mod m of its lap d div m, and each lap has an order of its own; so each sample
of a class has been used equally often, up to one. An epoch is as many slots as there are samples,
shuffled: as many steps as without balance, in which a small class is seen several times and a
large one in part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubel.data.keyed import permutation, uniform

__all__ = ["balanced_epoch"]

Indices = NDArray[np.int64]


def balanced_epoch(seed: int, epoch: int, targets: Indices) -> tuple[Indices, Indices]:
    """The samples of one epoch, in order: a pure function of its arguments.

    Args:
        seed: of the run.
        epoch: counted from 0.
        targets: class indices, (n,); classes without samples have no slot.

    Returns:
        Indices of samples, (n,), and the lap of each, (n,): how often the sample was used before,
        which keys its augmentation, so that no two uses look alike.

    Example:
        >>> targets = np.array([0, 0, 0, 0, 0, 0, 1, 1])
        >>> indices, laps = balanced_epoch(0, 0, targets)
        >>> np.bincount(targets[indices]).tolist(), laps[targets[indices] == 1].tolist()
        ([4, 4], [1, 0, 0, 1])
    """
    present, classes = np.unique(targets, return_inverse=True)
    members = np.split(np.argsort(classes, kind="stable"), np.cumsum(np.bincount(classes))[:-1])
    sizes = np.array([len(own) for own in members], np.int64)
    slots = epoch * len(targets) + permutation(seed, epoch, len(targets))
    turns, draws = slots % len(present), slots // len(present)
    laps, places = np.divmod(draws, sizes[turns])
    indices = np.empty_like(slots)
    for number, own in enumerate(members):
        mine = turns == number
        for lap in np.unique(laps[mine]).tolist():
            here = mine & (laps == lap)
            indices[here] = _lap(seed, lap, own)[places[here]]
    return indices, laps


def _lap(seed: int, lap: int, members: Indices) -> Indices:
    draws = uniform(seed, "class order", lap, members)
    return members[np.argsort(draws, kind="stable")].astype(np.int64)
