"""Expressions for sizes of which only their values at a few input sizes are known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from hubel.analysis.expressions import Expression, Floor, alone, ceil_div, constant
from hubel.analysis.printing import factors

__all__ = ["Column", "Matcher"]

Column = tuple[int | None, ...]
_LARGEST_DIVISOR = 64
_PLAIN = 4 * (_LARGEST_DIVISOR - 1)  # ways to go up or down to a grid
_NAMED = 48  # sizes of a network that are tried in pairs
_TELLING = 4  # different numbers before and after rounding, below which a fit would be a guess


class Matcher:
    """Finds expressions that give the right number at every probe.

    Args:
        points: sizes by symbol, for each probe; the first probe is the base.

    Attributes:
        has_fitted: some size was found by its values alone, not from the inputs of its operator.

    Example:
        >>> from hubel.analysis.expressions import symbol
        >>> matcher = Matcher([{"H": h} for h in (224, 225, 383, 512, 171)])
        >>> print(matcher.beside((112, 112, 191, 256, 85), [(symbol("H"),)], -1))
        None
        >>> print(matcher.fitted((112, 112, 191, 256, 85), [(symbol("H"),)]))
        floor(H/2)
    """

    def __init__(self, points: Sequence[dict[str, int]]) -> None:
        self.points = points
        self.has_fitted = False
        self._columns: dict[Expression, tuple[int, ...]] = {}
        self._known: dict[tuple[int | None, ...], Expression] = {}
        self._learned: set[Expression] = set()
        self._unfit: set[Column] = set()

    def column(self, expression: Expression) -> tuple[int, ...]:
        """The value at every probe."""
        found = self._columns.get(expression)
        if found is None:
            found = tuple(expression.evaluate(point) for point in self.points)
            self._columns[expression] = found
        return found

    def agrees(self, expression: Expression, column: Column) -> bool:
        """Whether the expression has these values."""
        mine = self.column(expression)
        return all(b is None or a == b for a, b in zip(mine, column, strict=True))

    def learn(self, expression: Expression) -> None:
        """Keep it among the known sizes; the simplest of those with the same values is kept."""
        if expression.value is not None or expression in self._learned:
            return
        self._learned.add(expression)
        column = self.column(expression)
        before = self._known.get(column)
        if before is None or _complexity(expression) < _complexity(before):
            self._known[column] = expression

    def first(self, found: Iterable[Expression], column: Column) -> Expression | None:
        """The first that agrees."""
        return next((e for e in found if self.agrees(e, column)), None)

    def beside(
        self, column: Column, shapes: Sequence[Sequence[Expression | None]], place: int
    ) -> Expression | None:
        """A size that an operator takes from its inputs: the same, a product, a part, a shift.

        Args:
            column: values of the size.
            shapes: of the operator's inputs.
            place: of the size among the output's, counted from the end and so negative.
        """
        near = [shape[place] for shape in shapes if -place <= len(shape)]
        dims = [dim for dim in (*near, *(d for shape in shapes for d in shape)) if dim is not None]
        return (
            self.first(dims, column)
            or self._product(_runs(shapes), column)
            or self._product(_parts(dims), column)
            or self._scaled(_varying(dims), column)
            or self._shifted(_varying(near), column)
        )

    def _product(self, groups: Iterable[Sequence[Expression]], column: Column) -> Expression | None:
        """The product of the first group whose numbers have the right product."""
        for group in groups:
            columns = zip(*(self.column(dim) for dim in group), strict=True)
            pairs = zip(columns, column, strict=True)
            if all(size is None or math.prod(sizes) == size for sizes, size in pairs):
                return math.prod(group, start=constant(1))
        return None

    def _scaled(self, dims: Sequence[Expression], column: Column) -> Expression | None:
        size = column[0]
        for dim in dims:
            base = self.column(dim)[0]
            if base and size and size % base == 0 and self.agrees(dim * (size // base), column):
                return dim * (size // base)
            if base and size and base % size == 0:
                part = dim // (base // size)
                whole = part * (base // size)
                if self.agrees(part, column) and self.agrees(whole, self.column(dim)):
                    return part
        return None

    def _shifted(self, dims: Sequence[Expression], column: Column) -> Expression | None:
        for dim in dims:
            if column[0] is not None:
                moved = dim + (column[0] - self.column(dim)[0])
                if self.agrees(moved, column):
                    return moved
        return None

    def fitted(
        self, column: Column, shapes: Sequence[Sequence[Expression | None]]
    ) -> Expression | None:
        """A size that fits the values: known elsewhere, rounded to a grid, or a product of two.

        Args:
            column: values of the size.
            shapes: of the operator's inputs.
        """
        self.has_fitted = True
        if None in column:
            telling = len({size for size in column if size is not None}) >= _TELLING
            return self.first(self._simplest(), column) if telling else None
        if column not in self._known and column not in self._unfit:
            found = self._found(column, _varying(d for shape in shapes for d in shape))
            if found is None:
                self._unfit.add(column)
            return found
        return self._known.get(column)

    def _found(self, column: Column, dims: list[Expression]) -> Expression | None:
        values = [size for size in column if size is not None]
        named = self._simplest()[:_NAMED]
        return (
            self._scaled(named, column)
            or self._rounded(values, dims)
            or self._times(values, named, dims)
            or self._rounded(values, named)
        )

    def _simplest(self) -> list[Expression]:
        return sorted(self._known.values(), key=_complexity)

    def _times(
        self, values: Sequence[int], named: Sequence[Expression], dims: Sequence[Expression]
    ) -> Expression | None:
        """A whole multiple of two sizes, each as it is or on a grid."""
        if len(set(values)) < _TELLING or 0 in values:
            return None
        both = [*named, *(grid for dim in dims for grid in _plain(dim) if "N" not in dim.symbols)]
        found = {_direction(self.column(x)): x for x in reversed(both) if min(self.column(x)) > 0}
        for first in found.values():
            sizes = self.column(first)
            whole = math.lcm(*sizes)
            pairs = zip(values, sizes, strict=True)
            second = found.get(_direction([value * (whole // size) for value, size in pairs]))
            if second is None:
                continue
            times, left = divmod(values[0], sizes[0] * self.column(second)[0])
            if not left:
                return first * second * times
        return None

    def _rounded(self, values: Sequence[int], dims: Sequence[Expression]) -> Expression | None:
        """a*floor((x + b)/c) + d with the plainest of the numbers that fit."""
        for dim in dims:
            sizes = self.column(dim)
            if min(len(set(sizes)), len(set(values)) + 1) < _TELLING or "N" in dim.symbols:
                continue
            c, b, a = (x[: None if len(set(values)) >= _TELLING else _PLAIN] for x in _grids())
            grids = a * ((np.array(sizes)[:, None] + b) // c)
            moved = np.array(values)[:, None] - grids
            fits = np.flatnonzero((moved == moved[0]).all(axis=0))
            if fits.size:
                c, b, a, d = (int(x[fits[0]]) for x in (c, b, a, moved[0]))
                return a * ((dim + b) // c) + d
        return None


@cache
def _grids() -> tuple[Any, Any, Any]:
    """c, b and a of a*floor((x + b)/c): up and down to a grid first, then with other offsets."""
    divisors = range(2, _LARGEST_DIVISOR + 1)
    plain = [(c, b, a) for c in divisors for b, a in ((c - 1, c), (c - 1, 1), (0, 1), (0, c))]
    shifted = [(c, b, a) for c in divisors for b in range(1, c - 1) for a in (1, c)]
    c, b, a = np.array(plain + shifted).T
    return c, b, a


def _plain(dim: Expression) -> Iterator[Expression]:
    for divisor in range(2, _LARGEST_DIVISOR + 1):
        yield ceil_div(dim, divisor)
        yield dim // divisor


def _direction(sizes: Sequence[int]) -> tuple[int, ...]:
    """The same for all multiples of a sequence."""
    common = math.gcd(*sizes)
    return tuple(size // common for size in sizes)


def _varying(dims: Iterable[Expression | None]) -> list[Expression]:
    return [dim for dim in dict.fromkeys(dims) if dim is not None and dim.value is None]


def _complexity(expression: Expression) -> int:
    """How much there is to read: every term, atom and number counts."""
    count = 0
    for monomial, factor in expression.terms:
        count += 1 + len(str(factor))
        for atom in monomial:
            count += 1
            if isinstance(atom, Floor):
                count += 2 + _complexity(atom.numerator)
    return count


def _runs(shapes: Sequence[Sequence[Expression | None]]) -> Iterator[list[Expression]]:
    """Neighbours in a shape, of which flattening makes one."""
    for shape in shapes:
        for first in range(len(shape)):
            run: list[Expression] = []
            for dim in shape[first:]:
                if dim is None:
                    break
                run.append(dim)
                if len(run) > 1:
                    yield run


def _parts(dims: Sequence[Expression]) -> Iterator[tuple[Expression, ...]]:
    """Factors of products, as unflattening gives them."""
    for dim in _varying(dims):
        pieces = _pieces(dim)
        for count in range(1, min(len(pieces), 4)):
            yield from combinations(pieces, count)


@lru_cache(maxsize=4096)
def _pieces(dim: Expression) -> tuple[Expression, ...]:
    """The factors of an expression, single atoms taken apart."""
    pieces: list[Expression] = []
    for factor in factors(dim):
        if len(factor.terms) > 1:
            pieces.append(factor)
        else:
            pieces += [alone(atom) for monomial, _ in factor.terms for atom in monomial]
    return tuple(pieces)
