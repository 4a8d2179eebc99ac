"""One entry of the catalogue: a network, and where it was published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One published network.

    Attributes:
        name: as it is typed.
        title: as people write it.
        source: authors and title of the paper that it is from, in one line.
        year: of the paper.
        url: where the paper is, or `doi:...`.
        line: the network in the notation; None where `make` builds it.
        make: called as `make(in_channels=..., num_classes=..., image_size=...)`.
        input: channels, height and width that the paper has it for.
        num_classes: that the paper has it for.
        aliases: other names for the same.
        notes: how it differs from what the paper says.

    Example:
        >>> Named(name="soft", title="Softmax", source="", year=1989, line="flatten fc").input
        (3, 224, 224)
    """

    name: str
    title: str
    source: str
    year: int
    url: str = ""
    line: str | None = None
    make: Callable[..., nn.Module] | None = None
    input: tuple[int, int, int] = (3, 224, 224)
    num_classes: int = 1000
    aliases: tuple[str, ...] = ()
    notes: str = ""

    def __post_init__(self) -> None:
        assert (self.line is None) != (self.make is None), f"{self.name}: either line or make"
