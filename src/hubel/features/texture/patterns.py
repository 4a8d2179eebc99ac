"""Names of patterns: which of the 2^P rings of bits are told apart, by the method's paper."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import MappingProxyType

__all__ = ["METHODS", "names_of_patterns", "number_of_patterns"]


def _default(bits: int, points: int) -> int:
    del points
    return bits


def _least_turn(bits: int, points: int) -> int:
    """The least number that turning the ring gives."""
    full = (1 << points) - 1
    return min((bits >> k | bits << (points - k)) & full for k in range(points))


def _changes(bits: int, points: int) -> int:
    """Steps between 0 and 1 along the ring, not counting the one from its end to its start."""
    return ((bits ^ bits >> 1) & ((1 << (points - 1)) - 1)).bit_count()


def _uniform(bits: int, points: int) -> int:
    return bits.bit_count() if _changes(bits, points) <= 2 else points + 1


def _nri_uniform(bits: int, points: int) -> int:
    ones = bits.bit_count()
    if _changes(bits, points) > 2:
        return points * (points - 1) + 2
    if ones in (0, points):
        return 0 if ones == 0 else points * (points - 1) + 1
    first_one = (bits & -bits).bit_length() - 1
    first_zero = (~bits & bits + 1).bit_length() - 1
    turns = ones - first_zero if first_one == 0 else points - first_one
    return 1 + (ones - 1) * points + turns


METHODS: MappingProxyType[str, Callable[[int, int], int]] = MappingProxyType(
    {
        "default": _default,
        "ror": _least_turn,
        "uniform": _uniform,
        "nri_uniform": _nri_uniform,
    }
)


@cache
def names_of_patterns(method: str, points: int) -> tuple[int, ...]:
    """The name of each ring of bits, by the number that the bits make.

    Args:
        method: one of `METHODS`, which are scikit-image's names.
        points: bits of a ring.

    Example:
        >>> names_of_patterns("uniform", 4)[0b0110], names_of_patterns("ror", 4)[0b0110]
        (2, 3)

    Source: Ojala, Pietikainen and Maenpaa 2002; Ahonen, Hadid and Pietikainen 2006.
    """
    return tuple(METHODS[method](bits, points) for bits in range(1 << points))


@cache
def number_of_patterns(method: str, points: int) -> int:
    """How many names there are.

    Example:
        >>> [number_of_patterns(method, 8) for method in METHODS]
        [256, 36, 10, 59]
    """
    return len(set(names_of_patterns(method, points)))
