"""What a count of multiply-adds counts: the convention is part of the number."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from hubel.errors import DesignError

__all__ = ["CONVENTIONS", "Convention", "convention"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Convention:
    """How much each kind of work weighs in the count.

    Products of a convolution, a matrix product or attention weigh 1. The other weights are
    multiply-adds for each unit of work; 0 leaves it out.

    Attributes:
        name: of the convention.
        bias: for each element that a convolution or linear layer adds a bias to.
        norm: for each normalised element.
        activation: for each element of a nonlinearity, softmax among them.
        pooling: for each element that an average pooling or a mean reads or gives.
        max_pooling: for each element that a maximum reads.
        elementwise: for each element of a sum, product or other arithmetic.
        meaning: in words, with who counts so.
    """

    name: str
    bias: float = 0
    norm: float = 0
    activation: float = 0
    pooling: float = 0
    max_pooling: float = 0
    elementwise: float = 0
    meaning: str = ""

    def to_json(self) -> dict[str, Any]:
        """The convention as JSON types."""
        return asdict(self)


CONVENTIONS = {
    each.name: each
    for each in (
        Convention(
            name="products",
            meaning="of convolutions, matrix products and attention; as torchvision",
        ),
        Convention(
            name="bias",
            bias=1,
            meaning="products, and 1 an added bias: connections, as LeCun et al. 1998",
        ),
        Convention(
            name="fvcore",
            norm=2,
            pooling=1,
            meaning="products, 2 a normalised element, average pooling; as fvcore",
        ),
        Convention(
            name="thop",
            norm=4,
            pooling=1,
            meaning="products, 4 a normalised element, average pooling; as thop",
        ),
        Convention(
            name="all",
            bias=1,
            norm=2,
            activation=1,
            pooling=1,
            max_pooling=1,
            elementwise=1,
            meaning="products, 2 a normalised element, 1 for all other arithmetic",
        ),
    )
}


def convention(name: str | Convention) -> Convention:
    """The convention of a name.

    Raises:
        DesignError: there is none; the nearest is suggested.

    Example:
        >>> convention("thop").norm
        4
    """
    if isinstance(name, Convention):
        return name
    if name not in CONVENTIONS:
        near = get_close_matches(name, CONVENTIONS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise DesignError(
            f"there is no convention {name!r}.{hint} There are: {', '.join(CONVENTIONS)}"
        )
    return CONVENTIONS[name]
