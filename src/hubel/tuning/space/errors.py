"""What is wrong with the text of a space, and where."""

from __future__ import annotations

from hubel.models.notation.errors import NotationError

__all__ = ["SpaceError"]


class SpaceError(NotationError):
    """The text of a space can't be read; the part at fault is marked as in the notation."""
