"""The reach of a value under another shape, its elements in the same order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hubel.analysis.fields.joins import collapsed
from hubel.analysis.fields.reach import TOO_MANY, Reach, crowded_dims
from hubel.analysis.fields.span import Span

__all__ = ["reshaped"]


@dataclass(frozen=True, slots=True)
class _Group:
    """Neighbouring dims of one shape that become neighbouring dims of another.

    Attributes:
        dims: of the one.
        targets: of the other; their sizes have the same product.
        is_same: only dims of size 1 come or go.
    """

    dims: tuple[int, ...]
    targets: tuple[int, ...]
    is_same: bool


def reshaped(reach: Reach, shape: Sequence[int]) -> Reach:
    """The same elements, row by row, under another shape.

    Args:
        reach: of the value.
        shape: with as many elements.

    Returns:
        Dims that are merged or split are written out where elements differ along them; the others
        stay as they are.
    """
    if reach.shape == tuple(shape):
        return reach
    if 0 in shape:
        return collapsed([reach], tuple(shape))
    groups = _groups(reach.shape, shape)
    affordable = reach.mapped(lambda span: _affordable(span, reach.shape, groups))
    is_cut = any(a is not b for a, b in zip(affordable.spans, reach.spans, strict=True))
    result = affordable.mapped(lambda span: _reshaped(span, reach.shape, shape, groups), shape)
    return result.settled().noted(TOO_MANY if is_cut else "")


def _groups(old: Sequence[int], new: Sequence[int]) -> list[_Group]:
    """The finest pairing of runs of dims with equal products, from the last dim on.

    A dim of size 1 that comes or goes is most often one beside the channels, before the sides.
    """
    groups: list[_Group] = []
    i, j = len(old) - 1, len(new) - 1
    while i >= 0 or j >= 0:
        dims, targets = [i] * (i >= 0), [j] * (j >= 0)
        i, j = i - len(dims), j - len(targets)
        while (have := math.prod(old[d] for d in dims)) != (
            want := math.prod(new[d] for d in targets)
        ):
            if have < want:
                dims.insert(0, i)
                i -= 1
            else:
                targets.insert(0, j)
                j -= 1
        groups.append(_group(dims, targets, old, new))
    return groups


def _group(dims: list[int], targets: list[int], old: Sequence[int], new: Sequence[int]) -> _Group:
    left, right = [old[d] for d in dims if old[d] != 1], [new[d] for d in targets if new[d] != 1]
    return _Group(tuple(dims), tuple(targets), left == right and len(left) <= 1)


def _written(span: Span, old: Sequence[int], groups: list[_Group]) -> list[int]:
    """Sizes of the rows once the dims that are merged or split are written out."""
    sizes = list(span.rows.shape[1:])
    for group in groups:
        if not group.is_same and any(sizes[dim] > 1 for dim in group.dims):
            for dim in group.dims:
                sizes[dim] = old[dim]
    return sizes


def _affordable(span: Span, old: Sequence[int], groups: list[_Group]) -> Span:
    while crowded := crowded_dims(_written(span, old, groups), span.varying):
        span = span.merged(crowded).unordered()
    return span


def _reshaped(span: Span, old: Sequence[int], new: Sequence[int], groups: list[_Group]) -> Span:
    have, want = _written(span, old, groups), [1] * len(new)
    for group in groups:
        if any(have[dim] > 1 for dim in group.dims):
            for target in group.targets:
                want[target] = new[target]
    rows = np.broadcast_to(span.rows, (len(span.rows), *have)).reshape(-1, *want)
    return span.laid(rows, lambda dim: _target(dim, old, new, groups))


def _target(dim: int, old: Sequence[int], new: Sequence[int], groups: list[_Group]) -> int | None:
    """Where a dim has gone, if it is still one."""
    for group in groups:
        if dim in group.dims and group.is_same:
            same = [t for t in group.targets if new[t] == old[dim]]
            return same[0] if same else None
    return None
