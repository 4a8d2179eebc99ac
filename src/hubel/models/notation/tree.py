"""The typed tree of a line: frozen, equal by meaning, each part knowing where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["NOWHERE", "Argument", "Group", "Item", "Network", "Span", "Value", "Word"]

Value = int | float | bool | str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of a line."""

    start: int
    end: int


NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Argument:
    """One setting of a word: `groups=4`, or the 64 of `conv3x3(64)`, which is its `channels`.

    Attributes:
        name: the option's name, also where the line gives it by position.
        value: of the option's kind; sides are a tuple.
        span: where it stands.
    """

    name: str
    value: Value
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: `conv3x3/2(64, groups=4)`, or a container such as `residual(body | shortcut)`.

    Attributes:
        name: without its kernel.
        kernel: sides as written: empty, one for all axes, or one an axis.
        stride: as written after the slash.
        arguments: those given, in the order of the table of words.
        bodies: the networks inside a container.
        times: how often it stands in a row.
        span: where it stands, without its repetition.
    """

    name: str
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    arguments: tuple[Argument, ...] = ()
    bodies: tuple[Network, ...] = ()
    times: int = 1
    span: Span = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        from hubel.models.notation.printer import word_text

        return word_text(self)


@dataclass(frozen=True, slots=True)
class Group:
    """Words in square brackets, usually to be repeated: `[conv3x3(64) bn relu]*2`."""

    body: Network
    times: int = 1
    span: Span = field(default=NOWHERE, compare=False)


Item = Word | Group


@dataclass(frozen=True, slots=True)
class Network:
    """Items one after the other.

    Attributes:
        items: at least one.
        line: the whole line that this was read from, or empty where it was made in Python.

    Example:
        >>> from hubel.models.notation import parse
        >>> str(parse("[conv3x3( 64 ) bn   relu] * 2 gap fc"))
        '[conv3x3(64) bn relu]*2 gap fc'
    """

    items: tuple[Item, ...]
    line: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        from hubel.models.notation.printer import print_line

        return print_line(self)
