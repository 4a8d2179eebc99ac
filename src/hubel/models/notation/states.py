"""What stands between two words: a grid, tokens or a vector; one sample, the batch unwritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hubel.models.notation.tree import Word

__all__ = ["After", "Grid", "Mend", "Misfit", "State", "Tokens", "Vector"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Channels over one to three axes, (channels, *sides).

    Example:
        >>> str(Grid(64, (16, 16)))
        '64x16x16'
    """

    channels: int
    sides: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample's tensor."""
        return (self.channels, *self.sides)

    def __str__(self) -> str:
        return "x".join(str(side) for side in self.shape)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A row of tokens, (length, channels).

    Attributes:
        length: how many.
        channels: of each.
        sides: of the grid that they came from, row by row; None after a class token.
    """

    length: int
    channels: int
    sides: tuple[int, ...] | None = field(default=None, compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample's tensor."""
        return (self.length, self.channels)

    def __str__(self) -> str:
        return f"{self.length} tokens of {self.channels}"


@dataclass(frozen=True, slots=True)
class Vector:
    """Features without place, (features,)."""

    features: int

    @property
    def channels(self) -> int:
        """The features, as what a layer after it takes."""
        return self.features

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample's tensor."""
        return (self.features,)

    def __str__(self) -> str:
        return f"{self.features} features"


State = Grid | Tokens | Vector

After = Callable[[Word, State], State | None]
"""The checker's own rule: the state after a word, or None where the word doesn't fit."""

Mend = Callable[[After], str]
"""What would put a word right, among what the checker says would pass; empty for nothing."""


class Misfit(Exception):  # noqa: N818 (never leaves the checker, which knows the place)
    """A word doesn't fit what it is given.

    Args:
        message: what is wrong, with the arithmetic.
        mend: what would put it right; it is asked for only where the error is shown.
    """

    def __init__(self, message: str, mend: str | Mend = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend
