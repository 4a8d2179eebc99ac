"""What every network needs, whatever its kind."""

from __future__ import annotations

from hubel.errors import RecipeError

__all__ = ["expect_classes"]


def expect_classes(num_classes: int) -> None:
    """Make sure that there is at least one class score.

    Raises:
        RecipeError: there is none.

    Example:
        >>> expect_classes(0)
        Traceback (most recent call last):
        hubel.errors.RecipeError: num_classes: expected at least 1, got 0
    """
    if num_classes < 1:
        raise RecipeError(f"num_classes: expected at least 1, got {num_classes}")
