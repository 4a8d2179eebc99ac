"""Several tests at once: Holm's correction, and the level at which each one was tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Corrected", "holm"]


@dataclass(frozen=True, slots=True)
class Corrected:
    """One test within its family.

    Attributes:
        p_adjusted: below `alpha` exactly where the test stands in company.
        level: the error allowed to this one test; an interval at 1 - level says what it says.
    """

    p_adjusted: float
    level: float


def holm(p_values: Sequence[float], alpha: float = 0.05) -> tuple[Corrected, ...]:
    """Holm's correction: the chance that any of the true null hypotheses falls is at most alpha.

    The smallest of m p-values is held against alpha / m, the next against alpha / (m - 1), and so
    on until one does not pass; that one's level is the level of all that are left.

    Args:
        p_values: of the family, in any order; none gives nothing.
        alpha: the error allowed to the family.

    Returns:
        One entry for each p-value, in the order given.

    Source: Holm (1979), Scand. J. Stat. 6:65-70.

    Example:
        >>> [round(entry.p_adjusted, 3) for entry in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
        >>> [round(entry.level, 4) for entry in holm([0.01, 0.04, 0.03])]
        [0.0167, 0.025, 0.025]
    """
    found: dict[int, Corrected] = {}
    adjusted, left, level = 0.0, len(p_values), alpha / max(len(p_values), 1)
    for place in sorted(range(len(p_values)), key=lambda i: p_values[i]):
        # One that failed keeps its level for the rest.
        if adjusted < alpha:
            level = alpha / left
        adjusted = min(1.0, max(adjusted, left * p_values[place]))
        found[place] = Corrected(adjusted, level)
        left -= 1
    return tuple(found[place] for place in range(len(p_values)))
