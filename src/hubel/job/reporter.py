"""How the job speaks to whoever watches it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Reporter", "Silent"]


class Reporter(Protocol):
    """Takes sentences and progress."""

    def say(self, text: str) -> None:
        """One finished line."""
        ...

    def begin(self, what: str, total: int) -> None:
        """Something that takes a while begins."""
        ...

    def advance(self, count: int, note: str = "") -> None:
        """So much more of it is done."""
        ...

    def resize(self, total: int) -> None:
        """It turned out longer or shorter."""
        ...

    def end(self) -> None:
        """It is done."""
        ...


class Silent:
    """Says nothing: for use from Python."""

    def say(self, text: str) -> None:
        """Nothing."""

    def begin(self, what: str, total: int) -> None:
        """Nothing."""

    def advance(self, count: int, note: str = "") -> None:
        """Nothing."""

    def resize(self, total: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""
