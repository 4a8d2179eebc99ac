"""Expressions as people write them: the shortest of the equal forms."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hubel.analysis.shapes.expressions import Expression, Floor, Monomial, Symbol, alone

__all__ = ["factors", "text"]


def text(expression: Expression) -> str:
    """The shortest form, which Python reads with `floor` and `ceil` of `math`."""
    return min((_product(expression - apart, apart) for apart in _aparts(expression)), key=len)


def _aparts(expression: Expression) -> Iterator[int]:
    """Constants whose removal may leave a product: p*X*Y + q*X + r*Y + q*r/p is one."""
    yield 0
    if len(expression.terms) in {3, 4}:
        (_, p), (_, q), (_, r) = expression.terms[:3]
        sizes = [len(monomial) for monomial, _ in expression.terms[:3]]
        if sizes == [2, 1, 1] and q * r % p == 0:
            yield expression.constant - q * r // p


def _product(expression: Expression, apart: int) -> str:
    parts = factors(expression)
    tail = f" {'-' if apart < 0 else '+'} {abs(apart)}" if apart else ""
    if len(parts) == 1:
        return _sum(expression) + tail
    contents = [math.gcd(*(factor for _, factor in part.terms)) for part in parts]
    shown = [_sum(_over(part, content)) for part, content in zip(parts, contents, strict=True)]
    opened = [f"({x})" if len(p.terms) > 1 else x for x, p in zip(shown, parts, strict=True)]
    front = math.prod(contents)
    return "*".join([str(front)] * (front != 1) + [x for x in opened if x != "1"]) + tail


def _over(expression: Expression, content: int) -> Expression:
    return Expression(tuple((monomial, factor // content) for monomial, factor in expression.terms))


def factors(expression: Expression) -> list[Expression]:
    """Expressions that depend on different sizes and have the given one as their product.

    Example:
        >>> from hubel.analysis.shapes.expressions import symbol
        >>> H, W = symbol("H"), symbol("W")
        >>> print(*factors((H + 1) * (W + 2)), sep="; ")
        H + 1; W + 2
    """
    if len(expression.terms) < 2:
        return [expression]
    for name in sorted(expression.symbols):
        split = _split(expression, name)
        if split is not None:
            return [split[0], *factors(split[1])]
    return [expression]


def _split(expression: Expression, name: str) -> tuple[Expression, Expression] | None:
    """The expression as (what depends on a size) times (what does not), if it is such a product."""
    groups: dict[Monomial, dict[Monomial, int]] = {}
    for monomial, factor in expression.terms:
        mine = tuple(a for a in monomial if name in alone(a).symbols)
        rest = tuple(a for a in monomial if a not in mine)
        groups.setdefault(mine, {})[rest] = factor
    scale = {mine: math.gcd(*rest.values()) for mine, rest in groups.items()}
    first, *others = groups
    sign = 1 if next(iter(groups[first].values())) > 0 else -1
    shared = {rest: sign * f // scale[first] for rest, f in groups[first].items()}
    if len(groups) == 1 or (len(shared) == 1 and () in shared):
        return None
    inner: list[tuple[Monomial, int]] = [(first, sign * scale[first])]
    for mine in others:
        same = {rest: f // scale[mine] for rest, f in groups[mine].items()}
        if same == shared:
            inner.append((mine, scale[mine]))
        elif same == {rest: -f for rest, f in shared.items()}:
            inner.append((mine, -scale[mine]))
        else:
            return None
    return Expression(tuple(inner)), Expression(tuple(shared.items()))


def _sum(expression: Expression) -> str:
    """The shortest of the ways to write a sum; the first of them where several are as short."""
    floors = [m[0] for m, _ in expression.terms if len(m) == 1 and isinstance(m[0], Floor)]
    if len(floors) != 1:
        return _joined(expression, 0)
    factor = next(f for m, f in expression.terms if m == (floors[0],))
    moved, left = divmod(expression.constant, factor)
    shifts = [0] if left or not moved else [moved, 0]
    return min((_joined(expression, shift) for shift in shifts), key=len)


def _joined(expression: Expression, shift: int) -> str:
    """A sum in which that much of the constant stands within the floor."""
    added = expression.constant
    pieces: list[tuple[int, str]] = []
    for monomial, factor in expression.terms:
        if len(monomial) == 1 and isinstance(monomial[0], Floor):
            pieces.append((factor, _floor(monomial[0], shift)))
            added -= factor * shift
        elif monomial:
            pieces.append((factor, "*".join(_atom(atom) for atom in monomial)))
    pieces.sort(key=lambda piece: piece[0] < 0)
    texts = [_term(factor, body) for factor, body in pieces]
    if added or not texts:
        is_first = bool(pieces) and pieces[0][0] < 0 < added
        texts.insert(0 if is_first else len(texts), str(added))
    return " + ".join(texts).replace("+ -", "- ")


def _term(factor: int, body: str) -> str:
    if abs(factor) == 1:
        return body if factor > 0 else f"-{body}"
    return f"{factor}*{body}"


def _atom(atom: Symbol | Floor) -> str:
    return atom.name if isinstance(atom, Symbol) else _floor(atom, 0)


def _floor(atom: Floor, shift: int) -> str:
    numerator = atom.numerator + shift * atom.divisor
    if atom.is_exact:
        return _quotient(numerator, atom.divisor)
    # Within this many, what is added to a numerator of known residue makes no difference.
    free = math.gcd(numerator.residue[0], atom.divisor)
    low = numerator.constant - (atom.divisor - 1)
    if low <= 0 < low + free:
        return f"ceil({_quotient(numerator - numerator.constant, atom.divisor)})"
    return f"floor({_quotient(numerator, atom.divisor)})"


def _quotient(numerator: Expression, divisor: int) -> str:
    shown = text(numerator)
    alone = len(numerator.terms) == 1
    return f"{shown}/{divisor}" if alone else f"({shown})/{divisor}"
