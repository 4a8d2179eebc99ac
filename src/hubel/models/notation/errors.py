"""What is wrong with a line of notation, where, and what would mend it."""

from __future__ import annotations

from difflib import get_close_matches

from hubel.errors import RecipeError
from hubel.models.notation.tree import Span

__all__ = ["NotationError", "did_you_mean"]

WIDEST = 96  # characters of the line that are shown


class NotationError(RecipeError):
    """A line of notation can't be read, or its sizes don't fit.

    Args:
        message: what is wrong, with the arithmetic that failed.
        line: the whole line.
        span: the part at fault.
        mend: what would put it right, or empty.

    Example:
        >>> print(NotationError("7 > 5", "relu conv7x7", Span(5, 12), "use at most 5"))
        7 > 5; use at most 5
          relu conv7x7
               ^^^^^^^
    """

    drawn = True

    def __init__(self, message: str, line: str, span: Span, mend: str = "") -> None:
        super().__init__(message, line, span, mend)
        self.message = message
        self.line = line
        self.span = span
        self.mend = mend

    @property
    def position(self) -> int:
        """Offset in characters of the part at fault; at most the line's length."""
        return self.span.start

    @property
    def length(self) -> int:
        """Characters of the part at fault, 0 where something is missing."""
        return self.span.end - self.span.start

    def __str__(self) -> str:
        said = f"{self.message}; {self.mend}" if self.mend else self.message
        shown, start, length = _window(self.line, self.span)
        return f"{said}\n  {shown}\n  {' ' * start}{'^' * length}"


def did_you_mean(word: str, known: list[str]) -> str:
    """The nearest of the known names as a question, or nothing."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


def _window(line: str, span: Span) -> tuple[str, int, int]:
    """A stretch of the line around the span: its text, and where the carets stand below it."""
    clean = "".join(character if character.isprintable() else " " for character in line)
    length = max(1, span.end - span.start)
    if len(clean) <= WIDEST:
        return clean, span.start, length
    length = min(length, WIDEST // 2)
    first = min(max(0, span.start - (WIDEST - length) // 2), max(0, len(clean) - WIDEST))
    before = "..." if first else ""
    after = "..." if first + WIDEST < len(clean) else ""
    return before + clean[first : first + WIDEST] + after, span.start - first + len(before), length
