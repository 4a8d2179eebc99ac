"""The words of a network written out, each with the name that its module gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hubel.models.notation.tree import Group, Network, Word

__all__ = ["body_names", "named_words"]


def named_words(network: Network) -> Iterator[tuple[str, Word]]:
    """Every word in order, groups and repetitions written out, numbered by its kind.

    Example:
        >>> from hubel.models.notation import parse
        >>> [name for name, _ in named_words(parse("[conv3x3(8) relu]*2 relu6 fc"))]
        ['conv1', 'relu1', 'conv2', 'relu2', 'relu6_1', 'fc1']
    """
    counts: Counter[str] = Counter()
    for word in _written_out(network):
        counts[word.name] += 1
        mark = "_" if word.name[-1].isdigit() else ""
        yield f"{word.name}{mark}{counts[word.name]}", word


def body_names(word: Word) -> tuple[str, ...]:
    """Where a container keeps its bodies: a residual's body is the container itself."""
    if word.name == "residual":
        return ("", "shortcut")[: len(word.bodies)]
    return tuple(f"branch{number}" for number in range(1, len(word.bodies) + 1))


def _written_out(network: Network) -> Iterator[Word]:
    for item in network.items:
        for _ in range(item.times):
            if isinstance(item, Group):
                yield from _written_out(item.body)
            else:
                yield item
