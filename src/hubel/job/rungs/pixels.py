"""The rungs that learn no weights: the largest class, and the nearest pictures."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hubel.data.keyed import permutation
from hubel.data.pixels import Pixels
from hubel.data.preprocess import Preprocess
from hubel.job.prepare import Material
from hubel.job.rungs.described import by_features
from hubel.job.rungs.rung import Rung

__all__ = ["largest_class", "nearest_neighbours"]

_SIDES = {"picture": 32, "signal": 1024, "volume": 10}
_POOLS: dict[str, Any] = {
    "picture": functional.adaptive_avg_pool2d,
    "signal": functional.adaptive_avg_pool1d,
    "volume": functional.adaptive_avg_pool3d,
}
_NEIGHBOURS = (1, 3, 5, 10, 20, 50)
_BLOCK = 1024
_TIE = 1e-4  # what the nearest of equals is ahead by


def largest_class(material: Material) -> Rung:
    """Answers every picture with the shares of the classes among the training pictures.

    The largest class then is always the answer; where pictures have several labels, those that are
    so common that naming them always is the best.
    """
    targets, names = material.targets("train"), material.dataset.manifest.classes
    if targets.ndim == 2:
        share = (targets.sum(0, dtype=np.int64) + 1) / (len(targets) + 2)
        bias, name = np.log(share / (1 - share)), "label frequencies"
        note = "says of every picture how common each label is"
    else:
        counts = np.bincount(targets, minlength=len(names))
        share = (counts + 1) / (counts.sum() + len(names))
        bias, name = np.log(share), "largest class"
        note = f"always answers {names[int(counts.argmax())]!r}"
    answers = {split: np.tile(share, (len(material.rows[split]), 1)) for split in ("val", "test")}
    described = by_features(material, "pixels(side=1)")
    head = (torch.zeros_like(described.head.weight), torch.from_numpy(bias).float())
    classifier = described.classifier(head, 1.0, material, answers["val"])
    return Rung(name, answers, 0, 0, 0.0, note, classifier)


def nearest_neighbours(material: Material, seconds: float, seed: int) -> Rung:
    """The classes of the training pictures whose pixels are nearest, at most 32 x 32 of them.

    How many neighbours vote is chosen on the validation split, by what the ladder compares by. A
    share of the votes becomes a probability by Laplace's rule of succession; of equal shares, the
    class of the nearer neighbours wins. Where pictures have several labels, each is voted on.

    Args:
        material: the data.
        seconds: that comparing may take; where all training pictures are too many, some are drawn.
        seed: draws them.
    """
    start = time.monotonic()
    way = material.preprocess
    splits = {name: _flat(material.pixels[name], way) for name in ("val", "test")}
    take = permutation(seed, 0, len(material.rows["train"]))
    some = take[: _affordable(material, seconds)]
    train = _flat(material.pixels["train"].select(some), way)
    targets = torch.from_numpy(material.targets("train")[take[: len(train)]])
    classes, labelling = len(material.dataset.manifest.classes), material.labelling
    near = {name: _nearest(x, train, targets) for name, x in splits.items()}
    truth = material.targets("val")
    tried = [k for k in _NEIGHBOURS if k <= len(train)]
    shares = {k: _shares(near["val"][:, :k], classes) for k in tried}
    best = max(tried, key=lambda k: float(labelling.merits(truth, shares[k].numpy()).mean()))
    found = {name: _shares(rows[:, :best], classes).numpy() for name, rows in near.items()}
    note = (
        f"{best} neighbour{'s' * (best > 1)}, chosen on validation, among {len(train):,} pictures"
    )
    return Rung(
        "nearest neighbours on pixels", found, train.numel(), train.numel(),
        time.monotonic() - start, note,
    )  # fmt: skip


def _flat(pixels: Pixels, way: Preprocess) -> Tensor:
    """Pixels from 0 to 1, at most 32 a side by averaging: (n, d).

    All that is no plain 8-bit picture is standardised, so that no channel outweighs the others,
    and averaged likewise: signals to 1,024 moments, volumes to 10 a side.
    """
    parts: list[Tensor] = []
    for start in range(0, len(pixels), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(pixels)), dtype=np.int64)
        values = torch.from_numpy(pixels.take(block))
        if way.plain:
            x = values.permute(0, 3, 1, 2).float().div_(255)
        else:
            x = way.tensor(values).contiguous()
        sides = [min(side, _SIDES[way.kind]) for side in x.shape[2:]]
        parts.append(_POOLS[way.kind](x, sides).flatten(1))
    return torch.cat(parts)


def _affordable(material: Material, seconds: float) -> int:
    """Training pictures that all others can be held against in half of the time."""
    asked = len(material.rows["val"]) + len(material.rows["test"])
    return max(1_000, int(seconds / 2 * _PRODUCTS_A_SECOND / (asked * _numbers(material))))


_PRODUCTS_A_SECOND = 1e10


def _numbers(material: Material) -> int:
    way = material.preprocess
    return math.prod(min(side, _SIDES[way.kind]) for side in way.size) * way.num_channels


def _nearest(x: Tensor, train: Tensor, targets: Tensor) -> Tensor:
    """Targets of the nearest training pictures, nearest first: (n, at most 50), or with one
    column more a class.
    """
    squares = train.square().sum(1)
    count = min(_NEIGHBOURS[-1], len(train))
    # |x - t|^2 without |x|^2, which is the same for all t.
    rows = [
        torch.addmm(squares, block, train.T, alpha=-2).topk(count, largest=False).indices
        for block in x.split(_BLOCK)
    ]
    return targets[torch.cat(rows)]


def _shares(votes: Tensor, classes: int) -> Tensor:
    """Probabilities, float64, (n, classes), of the targets of the neighbours, (n, k, ...)."""
    ahead = _TIE * torch.arange(votes.shape[1], 0, -1, dtype=torch.float64) / votes.shape[1] ** 2
    if votes.ndim == 3:
        for_it = (votes.double() * (1 + ahead)[:, None]).sum(1)
        return (1 + for_it) / (2 + (1 + ahead).sum())
    weights = (1 + ahead).expand(votes.shape)
    counted = torch.ones((len(votes), classes), dtype=torch.float64)
    counted.scatter_add_(1, votes, weights)
    return counted / counted.sum(1, keepdim=True)
