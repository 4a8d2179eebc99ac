"""What would make a residual's two sides equal: each proposal is tried before it is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from hubel.models.notation.mends import collapsed
from hubel.models.notation.printer import print_line
from hubel.models.notation.states import After, Grid, Mend, State, Tokens, Vector
from hubel.models.notation.tree import Argument, Group, Item, Network, Word

__all__ = ["residual_mend"]

_WIDEST = 11  # kernel of a shortcut that only has to cut off a border


def residual_mend(word: Word, before: State, body: State) -> Mend:
    """A mend of a residual whose two sides differ.

    Args:
        word: the residual.
        before: the state that both sides are given.
        body: the state that its body gives.
    """

    def mend(after: After) -> str:
        whole = word.bodies[0]
        padded = _without_valid(whole)
        ways = list[str]()
        if (shortcut := _shortcut(word, whole, before, body, after)) is not None:
            ways.append(f"add a shortcut `| {shortcut}`")
        if padded != whole:
            ways += _dropping(replace(word, bodies=(padded,)), before, after)
        if len(word.bodies) == 2:
            ways = [f"replace the shortcut by `| {shortcut}`"] if shortcut else []
            return ", or ".join(["make them equal: the two are added", *ways])
        return ", or ".join(ways) or f"add a shortcut that gives {body}"

    return mend


def _dropping(word: Word, before: State, after: After) -> list[str]:
    """What the residual still needs where its convolutions are padded."""
    if after(word, before) is not None:
        return ["drop `valid`"]
    inside = after(Word("residual", bodies=(word.bodies[0], word.bodies[0])), before)
    if inside is None:
        return []
    shortcut = _shortcut(word, word.bodies[0], before, inside, after)
    return [f"drop `valid` and add a shortcut `| {shortcut}`"] if shortcut else []


def _shortcut(word: Word, body: Network, before: State, given: State, after: After) -> str | None:
    """The first of the shortcuts that turn one state into the other."""
    for words in _candidates(before, given):
        shortcut = Network(words)
        if after(replace(word, bodies=(body, shortcut)), before) is not None:
            return print_line(shortcut)
    return None


def _candidates(before: State, given: State) -> Iterator[tuple[Word, ...]]:
    """From the plainest on: a product, a strided one, a pooling, a window without border."""
    if not isinstance(given, Grid):
        fc = Word("fc", (), (), (Argument("width", given.channels),))
        if isinstance(before, Vector | Tokens):
            yield (fc,)
        if isinstance(given, Vector):
            yield (Word("gap"), fc)
            yield (Word("gap"),)
    elif isinstance(before, Grid):
        yield from _on_grids(before, given)


def _on_grids(before: Grid, given: Grid) -> Iterator[tuple[Word, ...]]:
    def sides(of: Callable[[int, int], int]) -> tuple[int, ...]:
        return tuple(of(old, new) for old, new in zip(before.sides, given.sides, strict=True))

    product = _conv((1,), (1,) * len(given.sides), given.channels)
    then = () if before.channels == given.channels else (product,)
    if 0 not in (strides := sides(_stride)):
        yield (_conv((1,), strides, given.channels),)
    if 0 not in (whole := sides(_whole)):
        yield (Word("avgpool", collapsed(whole)), *then)
    cut = sides(lambda old, new: old - new + 1)
    if all(1 <= size <= _WIDEST for size in cut):
        yield (_conv(cut, (1,) * len(cut), given.channels, valid=True),)
    if all(not new % old for old, new in zip(before.sides, given.sides, strict=True)):
        times = collapsed(sides(lambda old, new: new // old))
        yield (Word("tconv", times, times, (Argument("channels", given.channels),)),)
    yield (Word("adaptiveavgpool", collapsed(given.sides)), *then)


def _stride(old: int, new: int) -> int:
    """The stride of a window of one that gives so many rows; 0 for none."""
    step = -(-old // new)
    return step if (old - 1) // step + 1 == new else 0


def _whole(old: int, new: int) -> int:
    """The side of windows side by side that give so many rows; 0 for none."""
    side = old // new
    return side if side and old // side == new else 0


def _conv(
    kernel: tuple[int, ...], stride: tuple[int, ...], channels: int, *, valid: bool = False
) -> Word:
    if kernel == (1,):
        kernel = (1, 1)  # as people write it, whatever the axes
    arguments = (Argument("channels", channels), *([Argument("pad", "valid")] if valid else []))
    return Word("conv", kernel, () if set(stride) == {1} else collapsed(stride), arguments)


def _without_valid(network: Network) -> Network:
    return Network(tuple(_padded(item) for item in network.items))


def _padded(item: Item) -> Item:
    if isinstance(item, Group):
        return replace(item, body=_without_valid(item.body))
    kept = tuple(a for a in item.arguments if (a.name, a.value) != ("pad", "valid"))
    return replace(item, arguments=kept, bodies=tuple(map(_without_valid, item.bodies)))
