"""Which inputs a line takes besides the one that it was checked with."""

from __future__ import annotations

from hubel.models.notation.checker import check, tree_of
from hubel.models.notation.errors import NotationError
from hubel.models.notation.names import named_words
from hubel.models.notation.tree import Network, Word

__all__ = ["fixed_size", "smallest_side"]

LARGEST = 1024  # a side that every network of the field takes
_LEARNED = ("fc", "bn", "gn", "norm", "scale")  # with weights for each feature


def smallest_side(network: Network | str, channels: int, axes: int) -> int:
    """The smallest side of a square (or line, or cube) that the network takes.

    It is tried, side by side, by the checker's own arithmetic: a network that takes 8 doesn't
    always take 9, so halving the range would miss it.

    Args:
        network: a tree, or a line.
        channels: of the input.
        axes: of the input, 1 to 3.

    Raises:
        NotationError: a side of 1024 doesn't fit either, so that the sizes are not to blame.

    Example:
        >>> smallest_side("conv3x3(8) maxpool2 conv7x7(8, valid) gap fc", 3, 2)
        14
    """
    tree = tree_of(network)
    check(tree, (channels, *[LARGEST] * axes))
    return next(s for s in range(1, LARGEST + 1) if _fits(tree, (channels, *[s] * axes)))


def fixed_size(network: Network | str) -> bool:
    """Whether its weights are made for one input size.

    So it is with positions, with `grid`, and where what is learned follows a flattened grid; not
    where an adaptive pooling has made the sizes equal before.

    Example:
        >>> fixed_size("conv3x3(8) gap fc"), fixed_size("conv3x3(8) flatten fc")
        (False, True)
    """
    return _Sizes().network(tree_of(network))


def _fits(tree: Network, input: tuple[int, ...]) -> bool:
    try:
        check(tree, input)
    except NotationError:
        return False
    return True


class _Sizes:
    """What of the input's size is still in the state: nothing, its sides, or its features."""

    def __init__(self) -> None:
        self.free = True  # the sides follow the input's
        self.features = False  # the features follow the input's sides
        self.fixed = False  # something learned depends on them

    def network(self, network: Network) -> bool:
        for _, word in named_words(network):
            self.word(word)
        return self.fixed

    def word(self, word: Word) -> None:
        if word.bodies:
            self.bodies(word)
        elif word.name.startswith("adaptive") or word.name in ("gap", "gmp", "first", "seqpool"):
            self.free = False
        elif word.name == "flatten":
            self.features, self.free = self.features or self.free, False
        elif (word.name in ("positions", "grid") and self.free) or (
            word.name in _LEARNED and self.features
        ):
            self.fixed = True
        elif word.name == "fc":
            self.features = False

    def bodies(self, word: Word) -> None:
        before, after = (self.free, self.features), (False, False)
        for body in word.bodies:
            self.free, self.features = before
            self.network(body)
            after = (after[0] or self.free, after[1] or self.features)
        self.free, self.features = after
