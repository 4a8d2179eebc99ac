"""Expressions for sizes of which only their values at a few input sizes are known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations

from hubel.analysis.shapes.expressions import Expression, Floor, alone, constant, symbol
from hubel.analysis.shapes.fitting import Known, products, roundings
from hubel.analysis.shapes.printing import factors

__all__ = ["Column", "Matcher"]

Column = tuple[int | None, ...]
_NAMED = 48  # sizes of a network that are tried alone
_FEW = 8  # of them that are tried in pairs
_TELLING = 4  # different numbers, below which agreement with some of the probes would be a guess


class Matcher:
    """Finds expressions that give the right number at every probe.

    Args:
        points: sizes by symbol, for each probe; the first probe is the base.
        elsewhere: other sizes by symbol, at which expressions that fit alike may differ.

    Attributes:
        has_fitted: some size was found by its values alone, not from the inputs of its operator.
        undecided: sizes by symbol, at which a probe would decide between expressions.

    Example:
        >>> from hubel.analysis.shapes.expressions import symbol
        >>> matcher = Matcher([{"H": h} for h in (224, 225, 383, 512, 171)])
        >>> print(matcher.beside((112, 112, 191, 256, 85), [(symbol("H"),)], -1))
        None
        >>> print(matcher.fitted((112, 112, 191, 256, 85), [(symbol("H"),)]))
        floor(H/2)
    """

    def __init__(
        self, points: Sequence[dict[str, int]], elsewhere: Sequence[dict[str, int]] = ()
    ) -> None:
        self.points = points
        self.elsewhere = elsewhere
        self.has_fitted = False
        self.undecided: list[dict[str, int]] = []
        self._columns: dict[Expression, tuple[int, ...]] = {}
        self._known: dict[Column, list[Expression]] = {}
        self._learned: set[Expression] = set()
        self._fitted: dict[Column, Expression | None] = {}

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
        """Keep it among the known sizes."""
        if expression.value is not None or expression in self._learned:
            return
        self._learned.add(expression)
        column = self.column(expression)
        self._known.setdefault(column, []).append(expression)

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
        if column not in self._fitted:
            dims = _varying(d for shape in shapes for d in shape)
            self._fitted[column] = self._settled(self._candidates(column, dims))
        return self._fitted[column]

    def _candidates(self, column: Column, dims: list[Expression]) -> list[Expression]:
        """Expressions that fit alike, the simplest first."""
        known = self._known.get(column)
        if known:
            return sorted(known, key=_complexity)
        values = [size for size in column if size is not None]
        named = [self._with_values(x) for x in self._simplest()[:_NAMED]]
        near = [self._with_values(dim) for dim in dims]
        scaled = self._scaled([dim for dim, _ in named], column)
        if scaled:
            return [scaled]
        sides = [known for known in named if "N" not in known[0].symbols]
        return (
            roundings(values, [known for known in near if "N" not in known[0].symbols])
            or products(values, [*near, *named[:_FEW]])
            or self._batched(values, [*near, *named[:_FEW]])
            or roundings(values, sides)
        )

    def _batched(self, values: Sequence[int], known: Sequence[Known]) -> list[Expression]:
        """The batch times two sizes."""
        batch = symbol("N")
        sizes = [point["N"] for point in self.points]
        if batch not in self._learned or any(v % n for v, n in zip(values, sizes, strict=True)):
            return []
        rest = [value // size for value, size in zip(values, sizes, strict=True)]
        return [batch * product for product in products(rest, known)]

    def _with_values(self, expression: Expression) -> Known:
        return expression, self.column(expression)

    def _simplest(self) -> list[Expression]:
        found = (expression for same in self._known.values() for expression in same)
        return sorted(found, key=_complexity)

    def _settled(self, candidates: Sequence[Expression]) -> Expression | None:
        """The first of the candidates if the others are the same; else a probe could tell."""
        if len(candidates) < 2 or not self.elsewhere:
            return candidates[0] if candidates else None

        def told_apart(point: dict[str, int]) -> int:
            return len({candidate.evaluate(point) for candidate in candidates})

        best = max(self.elsewhere, key=told_apart)
        if told_apart(best) == 1:
            return candidates[0]
        self.undecided.append(best)
        return None


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
