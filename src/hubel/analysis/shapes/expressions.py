"""Whole numbers that depend on an input's sizes: `64*floor((H + 1)/2)`.

An expression is a sum of products of symbols and floors, always in one normal form, so that equal
sums compare equal. Nested floors become one: floor((floor(x/s) + b)/t) = floor((x + b*s)/(s*t))
for whole x, s > 0 and t > 0 (Graham, Knuth, Patashnik: Concrete Mathematics, equation 3.11).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Atom", "Expression", "Floor", "Symbol", "alone", "ceil_div", "constant", "symbol"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A size that is not fixed, such as H.

    Attributes:
        name: as people write it.
        step: the size is `offset` plus a multiple of this.
        offset: smaller than `step`.
    """

    name: str
    step: int = 1
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Floor:
    """A quotient without its remainder.

    Attributes:
        numerator: what is divided.
        divisor: at least 2.
    """

    numerator: Expression
    divisor: int

    @property
    def is_exact(self) -> bool:
        """Whether nothing ever remains, as for H/2 where H is known to be even."""
        step, offset = self.numerator.residue
        return step % self.divisor == 0 and offset % self.divisor == 0


Atom = Symbol | Floor
Monomial = tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A sum of products, in normal form; made by arithmetic from `constant` and `symbol`.

    Attributes:
        terms: the factor of every product of atoms; the constant's product is empty.

    Example:
        >>> H = symbol("H")
        >>> half = (H + 2 * 3 - 7) // 2 + 1
        >>> print(half, (half + 2 - 3) // 2 + 1, half.evaluate(H=225))
        ceil(H/2) ceil(H/4) 113
    """

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Expression | int) -> Expression:
        total = dict(self.terms)
        for monomial, factor in _lift(other).terms:
            total[monomial] = total.get(monomial, 0) + factor
        return _of(total)

    __radd__ = __add__

    def __neg__(self) -> Expression:
        return self * -1

    def __sub__(self, other: Expression | int) -> Expression:
        return self + -_lift(other)

    def __rsub__(self, other: int) -> Expression:
        return other + -self

    def __mul__(self, other: Expression | int) -> Expression:
        total: dict[Monomial, int] = {}
        for mine, first in self.terms:
            for theirs, second in _lift(other).terms:
                monomial = tuple(sorted(mine + theirs, key=_rank))
                total[monomial] = total.get(monomial, 0) + first * second
        return _of(total)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> Expression:
        return _floor(self, divisor)

    def __str__(self) -> str:
        from hubel.analysis.shapes.printing import text

        return text(self)

    @property
    def constant(self) -> int:
        """What is added to the products that depend on sizes."""
        return next((factor for monomial, factor in self.terms if not monomial), 0)

    @property
    def value(self) -> int | None:
        """The number that it is, where it depends on no size."""
        return self.constant if all(not monomial for monomial, _ in self.terms) else None

    @property
    def symbols(self) -> frozenset[str]:
        """Names of the sizes that it depends on."""
        return frozenset(name for monomial, _ in self.terms for a in monomial for name in _names(a))

    @property
    def residue(self) -> tuple[int, int]:
        """(step, offset): it is `offset` plus some multiple of `step`, whatever the sizes."""
        step, offset = 0, 0
        for monomial, factor in self.terms:
            one = _residue(monomial)
            step, offset = math.gcd(step, factor * one[0]), offset + factor * one[1]
        return step, offset % step if step else offset

    def evaluate(self, sizes: Mapping[str, int] | None = None, **named: int) -> int:
        """The number at given sizes.

        Args:
            sizes: by the name of the symbol.
            **named: the same, as keywords.

        Raises:
            KeyError: a size is missing.
        """
        return _evaluate(self, {**(sizes or {}), **named})

    def divided(self, divisor: Expression | int) -> Expression | None:
        """The quotient where the divisor is known to be a factor, else None.

        Example:
            >>> H, W = symbol("H"), symbol("W")
            >>> print((6 * H * W).divided(2 * W), (H + 1).divided(H))
            3*H None
        """
        other = _lift(divisor)
        if len(other.terms) != 1:
            return None
        (taken, factor), *_ = other.terms
        rest: dict[Monomial, int] = {}
        for monomial, mine in self.terms:
            left = _without(monomial, taken)
            if left is None or mine % factor:
                return None
            rest[left] = mine // factor
        return _of(rest)


def constant(number: int) -> Expression:
    """A number as an expression."""
    return _of({(): number})


def symbol(name: str, step: int = 1, offset: int = 0) -> Expression:
    """A size as an expression.

    Args:
        name: such as H.
        step: the size is known to be `offset` plus a multiple of this.
        offset: what remains of the size when divided by `step`.

    Example:
        >>> H = symbol("H", step=32)
        >>> print((H + 1) // 2, symbol("W") // 2)
        H/2 floor(W/2)
    """
    return _of({(Symbol(name, step, offset % step),): 1})


def alone(atom: Atom) -> Expression:
    """An atom as an expression."""
    return Expression((((atom,), 1),))


def ceil_div(numerator: Expression, divisor: int) -> Expression:
    """A quotient rounded up.

    Example:
        >>> print(ceil_div(symbol("H"), 32))
        ceil(H/32)
    """
    return (numerator + (divisor - 1)) // divisor


def _lift(x: Expression | int) -> Expression:
    return constant(x) if isinstance(x, int) else x


def _of(terms: dict[Monomial, int]) -> Expression:
    for monomial, factor in terms.items():
        if factor * factor > 1 and any(_is_reducible(atom, factor) for atom in monomial):
            return _reduced(terms, monomial)
    kept = [(monomial, factor) for monomial, factor in terms.items() if factor]
    if len(kept) > 1:
        kept.sort(key=lambda term: (-len(term[0]), [_rank(a) for a in term[0]]))
    return Expression(tuple(kept))


def _is_reducible(atom: Atom, factor: int) -> bool:
    return isinstance(atom, Floor) and math.gcd(atom.divisor, factor) > 1 and atom.is_exact


def _reduced(terms: dict[Monomial, int], monomial: Monomial) -> Expression:
    """The sum with 8*(H/32) as H/4."""
    factor = terms[monomial]
    index = next(i for i, atom in enumerate(monomial) if _is_reducible(atom, factor))
    atom = monomial[index]
    assert isinstance(atom, Floor), "only quotients are reducible"
    common = math.gcd(atom.divisor, factor)
    rest = _of({monomial[:index] + monomial[index + 1 :]: factor // common})
    others = _of({m: f for m, f in terms.items() if m != monomial})
    return others + rest * (atom.numerator // (atom.divisor // common))


def _rank(atom: Atom) -> tuple[bool, str, int, str]:
    """Order of atoms: the batch, then by the sizes they depend on, finer divisions first."""
    if isinstance(atom, Symbol):
        return atom.name != "N", atom.name, 1, ""
    return True, "".join(sorted(_names(atom))), atom.divisor, repr(atom.numerator.terms)


def _names(atom: Atom) -> Iterator[str]:
    if isinstance(atom, Symbol):
        yield atom.name
    else:
        yield from atom.numerator.symbols


def _floor(numerator: Expression, divisor: int) -> Expression:
    if divisor < 1:
        raise ValueError(f"a floor divides by at least 1, not by {divisor}")
    whole = {m: f // divisor for m, f in numerator.terms if m and f % divisor == 0}
    rest = {m: f for m, f in numerator.terms if m and f % divisor}
    added = numerator.constant
    common = math.gcd(divisor, *rest.values())
    if common > 1:
        rest = {m: f // common for m, f in rest.items()}
        added, divisor = added // common, divisor // common
    outside = _of(whole)
    if not rest or divisor == 1:
        return outside + _of(rest) + added // divisor
    inner = _of(rest) + added
    if len(rest) == 1:
        (monomial, factor), *_ = rest.items()
        if factor == 1 and len(monomial) == 1 and isinstance(monomial[0], Floor):
            atom = monomial[0]
            return outside + _floor(atom.numerator + added * atom.divisor, atom.divisor * divisor)
    return outside + _without_remainder(inner, divisor)


def _without_remainder(numerator: Expression, divisor: int) -> Expression:
    """A floor whose constant is the least of those that make no difference."""
    step, offset = numerator.residue
    numerator -= offset % math.gcd(step, divisor)
    pulled, kept = divmod(numerator.constant, divisor)
    atom = Floor(numerator - numerator.constant + kept, divisor)
    return _of({(atom,): 1}) + pulled


def _residue(monomial: Monomial) -> tuple[int, int]:
    step, offset = 0, 1
    for atom in monomial:
        s, o = _atom_residue(atom)
        step, offset = math.gcd(step * s, step * o, offset * s), offset * o
    return step, offset


def _atom_residue(atom: Atom) -> tuple[int, int]:
    if isinstance(atom, Symbol):
        return atom.step, atom.offset
    step, offset = atom.numerator.residue
    if atom.is_exact:
        return step // atom.divisor, offset // atom.divisor
    return 1, 0


def _evaluate(expression: Expression, sizes: Mapping[str, int]) -> int:
    total = 0
    for monomial, factor in expression.terms:
        total += factor * math.prod(_value(atom, sizes) for atom in monomial)
    return total


def _value(atom: Atom, sizes: Mapping[str, int]) -> int:
    if isinstance(atom, Symbol):
        return sizes[atom.name]
    return _evaluate(atom.numerator, sizes) // atom.divisor


def _without(monomial: Monomial, taken: Monomial) -> Monomial | None:
    left = list(monomial)
    for atom in taken:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)
