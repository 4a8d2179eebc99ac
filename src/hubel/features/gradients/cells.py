"""From votes of pixels to histograms of the cells of blocks.

Shapes: P pixels a side of a cell, b cells a side of a block, o orientations, n pictures,
y x cells or blocks down and across.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

__all__ = ["plain_cells", "weighted_cells"]


def plain_cells(votes: Iterable[Tensor], cell: int, block: int, stride: int) -> Tensor:
    """Means over cells, each cell by itself.

    Args:
        votes: for each orientation (P, P, n, y, x).
        cell: P.
        block: cells a side.
        stride: cells from one block to the next.

    Returns:
        (b, b, o, n, y, x): cells of blocks, by row and column.
    """
    sums = [vote.flatten(0, 1).sum(0) for vote in votes]
    cells = torch.stack(sums).div_(cell**2)
    rows = torch.stack([_every(cells, 2, first, block, stride) for first in range(block)])
    columns = [_every(rows, 4, first, block, stride) for first in range(block)]
    return torch.stack(columns, 1)


def weighted_cells(votes: Iterable[Tensor], block: int, stride: int) -> Tensor:
    """Sums over blocks, each pixel shared between the cells of the block that it is near to.

    Weights are bilinear between the middles of cells, times a Gaussian around the middle of the
    block with a deviation of a quarter of its side, as OpenCV has them. They are products of one
    for rows and one for columns, and so is the sum.

    Args:
        votes: for each orientation (P, P, n, y, x).
        block: cells a side.
        stride: cells from one block to the next.

    Returns:
        (b, b, o, n, y, x): cells of blocks, by row and column.
    """
    found = [_weighted(vote, block, stride) for vote in votes]
    return torch.stack(found, 2)


def _weighted(vote: Tensor, block: int, stride: int) -> Tensor:
    """One orientation: (P, P, n, y, x) to (b, b, n, y, x)."""
    cell, _, *rest = vote.shape
    weights = _weights(cell, block, vote)
    rows = torch.mm(weights, vote.flatten(1)).view(block, block, cell, *rest)
    rows = _overlaid(rows.unbind(), 3, block, stride)
    flat = torch.matmul(weights, rows.flatten(2))
    across = flat.view(block, block, block, *rows.shape[2:]).unbind(1)
    return _overlaid(across, 4, block, stride)


def _overlaid(parts: Iterable[Tensor], dim: int, block: int, stride: int) -> Tensor:
    """What blocks get from the first of their cells, the second, ..., added up."""
    shares = [_every(part, dim, first, block, stride) for first, part in enumerate(parts)]
    total = shares[0]
    for share in shares[1:]:
        total = total + share
    return total


def _every(cells: Tensor, dim: int, first: int, block: int, stride: int) -> Tensor:
    """The cells that are the `first` one of some block."""
    blocks = (cells.shape[dim] - block) // stride + 1
    places = [slice(None)] * cells.ndim
    places[dim] = slice(first, first + (blocks - 1) * stride + 1, stride)
    return cells[tuple(places)]


def _weights(cell: int, block: int, like: Tensor) -> Tensor:
    """What a pixel gives along one axis: (cell that it lies in * cell that it votes for, P)."""
    side = cell * block
    deviation = (side + side) / 8
    rows: list[list[float]] = []
    for lies in range(block):
        for votes in range(block):
            places = [lies * cell + pixel for pixel in range(cell)]
            rows.append([_weight(place, votes, cell, side, deviation) for place in places])
    return torch.tensor(rows, dtype=like.dtype, device=like.device)


def _weight(place: int, votes: int, cell: int, side: int, deviation: float) -> float:
    near = max(0.0, 1 - abs((place + 0.5) / cell - 0.5 - votes))
    # The Gaussian stands half a pixel off the middle in OpenCV, and so here.
    return near * math.exp(-((place - side / 2) ** 2) / (2 * deviation**2))
