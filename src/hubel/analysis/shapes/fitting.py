"""Sizes on a grid: which roundings of known sizes, and which products of them, fit some values."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any

import numpy as np

from hubel.analysis.shapes.expressions import Expression

__all__ = ["Known", "products", "roundings"]

Known = tuple[Expression, tuple[int, ...]]  # a size, and its value at every probe
Kind = tuple[bool, bool]  # whether an offset is arbitrary, whether something is added
Grid = tuple[Expression, int, int]  # floor((x + b)/c)

_LARGEST_DIVISOR = 64
_PLAIN = 4 * (_LARGEST_DIVISOR - 1)  # ways to go up or down to a grid
_MANY = 64  # that fit alike: more of them tell nothing more
_TELLING = 4  # different numbers, below which a fit by an arbitrary offset would be a guess


def roundings(values: Sequence[int], known: Sequence[Known]) -> list[Expression]:
    """a*floor((x + b)/c) + d for all of the plainest numbers that fit, of any known size.

    Example:
        >>> from hubel.analysis.shapes.expressions import symbol
        >>> sides = (224, 225, 383, 512, 171)
        >>> print(*roundings((112, 112, 191, 256, 85), [(symbol("H"), sides)]))
        floor(H/2)
    """
    found = [fit for each in known for fit in _roundings(values, each)]
    plainest = min((kind for kind, _ in found), default=None)
    return [expression for kind, expression in found if kind == plainest][:_MANY]


def _roundings(values: Sequence[int], known: Known) -> list[tuple[Kind, Expression]]:
    dim, sizes = known
    if min(len(set(sizes)), len(set(values)) + 1) < _TELLING:
        return []
    count = None if len(set(values)) >= _TELLING else _PLAIN
    c, b, a = (numbers[:count] for numbers in _grids())
    moved = np.array(values)[:, None] - a * ((np.array(sizes)[:, None] + b) // c)
    fits = np.flatnonzero((moved == moved[0]).all(axis=0))
    if not fits.size:
        return []
    kinds = [(bool(fit >= _PLAIN), bool(moved[0][fit] != 0)) for fit in fits]
    plainest = [fit for fit, kind in zip(fits, kinds, strict=True) if kind == min(kinds)]
    rows = ([int(x[fit]) for x in (c, b, a, moved[0])] for fit in plainest[:_MANY])
    return [(min(kinds), a * ((dim + b) // c) + d) for c, b, a, d in rows]


@cache
def _grids() -> tuple[Any, Any, Any]:
    """c, b and a of a*floor((x + b)/c): up and down to a grid first, then with other offsets."""
    divisors = range(2, _LARGEST_DIVISOR + 1)
    plain = [(c, b, a) for c in divisors for b, a in ((c - 1, c), (c - 1, 1), (0, 1), (0, c))]
    shifted = [(c, b, a) for c in divisors for b in range(1, c - 1) for a in (1, c)]
    c, b, a = np.array(plain + shifted).T
    return c, b, a


def products(values: Sequence[int], known: Sequence[Known]) -> list[Expression]:
    """Whole multiples of two sizes, each as it is or on a grid; those with the fewest grids.

    Args:
        values: of the size that is looked for.
        known: sizes; the batch is on no grid.
    """
    if len(set(values)) < _TELLING or min(values) < 1:
        return []
    by_direction: dict[tuple[int, ...], list[tuple[Grid, int]]] = defaultdict(list)
    for grid, sizes in _on_grids(known):
        by_direction[_direction(sizes)].append((grid, sizes[0]))
    found: dict[int, list[Expression]] = {0: [], 1: [], 2: []}
    for direction, firsts in by_direction.items():
        seconds = by_direction.get(_quotient(values, direction), ())
        for (first, base), (second, other) in islice(_pairs(firsts, seconds), _MANY):
            times, left = divmod(values[0], base * other)
            if times and not left:
                made = times * _expression(first) * _expression(second)
                found[(first[1] > 1) + (second[1] > 1)].append(made)
    return next((list(dict.fromkeys(some))[:_MANY] for some in found.values() if some), [])


def _pairs(firsts: Sequence[Any], seconds: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return ((first, second) for first in firsts for second in seconds)


def _on_grids(known: Sequence[Known]) -> Iterator[tuple[Grid, tuple[int, ...]]]:
    for dim, sizes in known:
        if min(sizes) < 1:
            continue
        yield (dim, 1, 0), sizes
        for c in range(2, _LARGEST_DIVISOR + 1) if "N" not in dim.symbols else ():
            for b in (c - 1, 0):
                rounded = tuple((size + b) // c for size in sizes)
                if min(rounded) > 0 and len(set(rounded)) > 1:
                    yield (dim, c, b), rounded


def _expression(grid: Grid) -> Expression:
    dim, c, b = grid
    return (dim + b) // c


def _direction(sizes: Sequence[int]) -> tuple[int, ...]:
    """The same for all multiples of a sequence."""
    common = math.gcd(*sizes)
    return tuple(size // common for size in sizes)


def _quotient(values: Sequence[int], by: Sequence[int]) -> tuple[int, ...]:
    """Direction of the quotients."""
    whole = math.lcm(*by)
    return _direction([value * (whole // size) for value, size in zip(values, by, strict=True)])
