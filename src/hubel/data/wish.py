"""What the user asked of the samples."""

from __future__ import annotations

from dataclasses import dataclass

from hubel.data.form import Kind
from hubel.data.preprocess import Shape

__all__ = ["Wish"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the user asked of the pixels; None leaves it to a rule."""

    size: tuple[int, ...] | None = None
    channels: str | None = None
    shape: Shape = "squash"
    kind: Kind | None = None
    reduced: bool | None = None
