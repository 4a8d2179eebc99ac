"""What would mend a word: each proposal is tried by the checker's own rule before it is printed.

A fault of one axis is rarely alone, and what puts one axis right can put another wrong: so each
number is sought axis by axis, and the word that it makes is then tried whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hubel.models.notation.printer import sides_text
from hubel.models.notation.states import After, Grid, Mend, State
from hubel.models.notation.tree import Argument, Value, Word
from hubel.models.notation.values import MOST
from hubel.models.notation.windows import window_of
from hubel.models.notation.words import WORDS

__all__ = ["changed", "choice_mend", "collapsed", "preceding_mend", "window_mend"]

_NO_HALF = ("conv", "dwconv")  # their border may be more than half of the kernel


def changed(word: Word, name: str, value: Value) -> Word:
    """The word with another kernel, or with another value of one argument.

    Example:
        >>> from hubel.models.notation import parse
        >>> str(changed(parse("conv3x3(8, valid)").items[0], "pad", (1,)))
        'conv3x3(8, pad=1)'
    """
    if name == "kernel":
        assert isinstance(value, tuple)
        return replace(word, kernel=value)
    given = {argument.name: argument for argument in word.arguments}
    given[name] = Argument(name, value)
    order = [option.name for option in WORDS[word.name].options]
    return replace(word, arguments=tuple(given[one] for one in order if one in given))


def collapsed(sides: tuple[int, ...]) -> tuple[int, ...]:
    """Equal sides as the one number that stands for all."""
    return sides[:1] if len(set(sides)) == 1 else sides


def choice_mend(said: str, word: Word, state: State, name: str, values: Sequence[Value]) -> Mend:
    """A mend by another value of one argument.

    Args:
        said: with `{}` where the values that work stand.
        word: at fault.
        state: before it.
        name: of the argument, or `kernel`.
        values: to be tried.
    """

    def mend(after: After) -> str:
        works = [value for value in values if after(changed(word, name, value), state) is not None]
        texts = [sides_text(one) if isinstance(one, tuple) else str(one) for one in works]
        return said.format(" or ".join(dict.fromkeys(texts))) if works else ""

    return mend


def preceding_mend(word: Word, state: State, before: Sequence[Word], otherwise: str = "") -> Mend:
    """A mend by another word before this one.

    Args:
        word: at fault.
        state: before it.
        before: words to be tried.
        otherwise: another way, which needs no trial.
    """

    def works(one: Word, after: After) -> bool:
        between = after(one, state)
        return between is not None and after(word, between) is not None

    def mend(after: After) -> str:
        texts = " or ".join(str(one) for one in before if works(one, after))
        ways = [f"write {texts} before it"] if texts else []
        return ", or ".join([*ways, *([otherwise] if otherwise else [])])

    return mend


def window_mend(word: Word, grid: Grid) -> Mend:
    """A mend of a window that is larger than what it slides over: a border, or a smaller kernel.

    Args:
        word: a convolution or a pooling.
        grid: before it.
    """

    def mend(after: After) -> str:
        pad, kernel = _pad(word, grid, after), _kernel(word, grid, after)
        if kernel and max(kernel) > 1:
            smaller = f"use a kernel of at most {sides_text(kernel)}"
            return f"pad by {sides_text(pad)} or {smaller}" if pad else smaller
        if pad:
            return f"pad by {sides_text(pad)}, leave it out here, or give a larger input"
        return "leave it out here, or give a larger input"

    return mend


def _pad(word: Word, grid: Grid, after: After) -> tuple[int, ...]:
    """The least border that makes the word fit, one number where that does; empty for none."""
    window, least = window_of(word, len(grid.sides)), list[int]()
    for axis, own in enumerate(window.before):
        alone, row = _on_axis(word, grid, axis)
        most = window.reach[axis] if word.name in _NO_HALF else window.kernel[axis] // 2

        def fits(pad: int, alone: Word = alone, row: Grid = row) -> bool:
            return after(changed(alone, "pad", (pad,)), row) is not None

        found = _first(fits, own, min(most, MOST))
        if found is None:
            return ()
        least.append(found)
    for sides in ((max(least),), tuple(least)):
        if after(changed(word, "pad", sides), grid) is not None:
            return sides
    return ()


def _kernel(word: Word, grid: Grid, after: After) -> tuple[int, ...]:
    """The largest kernel that fits and is not larger on any axis; empty for none."""
    window, largest = window_of(word, len(grid.sides)), list[int]()
    for axis, own in enumerate(window.kernel):
        alone, row = _on_axis(word, grid, axis)
        low = 1 if word.name in _NO_HALF else max(1, 2 * window.before[axis])

        def fits(less: int, own: int = own, alone: Word = alone, row: Grid = row) -> bool:
            return after(changed(alone, "kernel", (own - less,)), row) is not None

        found = _first(fits, 0, own - low)
        if found is None:
            return ()
        largest.append(own - found)
    equal = len(set(window.kernel)) == 1
    sides = (min(largest),) if equal else collapsed(tuple(largest))
    return sides if after(changed(word, "kernel", sides), grid) is not None else ()


def _on_axis(word: Word, grid: Grid, axis: int) -> tuple[Word, Grid]:
    """The word as it is along one axis, and that axis alone."""

    def one(sides: tuple[int, ...]) -> tuple[int, ...]:
        return sides if len(sides) < 2 else sides[axis : axis + 1] or sides[:1]

    arguments = tuple(
        replace(argument, value=one(argument.value)) if isinstance(argument.value, tuple)
        else argument
        for argument in word.arguments
    )  # fmt: skip
    alone = replace(word, kernel=one(word.kernel), stride=one(word.stride), arguments=arguments)
    return alone, Grid(grid.channels, (grid.sides[axis],))


def _first(fits: Callable[[int], bool], low: int, high: int) -> int | None:
    """The least number from low to high that fits, where all above it do too; None for none."""
    if high < low or not fits(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low
