"""What a word of the notation can be given: options with their kinds, limits and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hubel.models.notation.tree import Value, Word

__all__ = ["Definition", "Kind", "Option", "Settings"]


class Kind(StrEnum):
    """How an option's value is written."""

    COUNT = "a whole number"
    SIDES = "a whole number, or one an axis such as 2x1"
    PAD = "same, valid, or a whole number, or one an axis such as 1x0"
    NUMBER = "a number"
    YES = "yes or no"
    CHOICE = "a name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that a word can be given.

    Attributes:
        name: as in `name=value`.
        kind: how its value is written.
        doc: one line.
        default: its value where it is not given; None where another rule decides.
        positional: whether it may be given without its name.
        required: whether it must be given.
        low: the smallest value.
        high: the largest value.
        choices: the names that it takes.
    """

    name: str
    kind: Kind
    doc: str
    default: Value | None = None
    positional: bool = False
    required: bool = False
    low: float = 0
    high: float = float("inf")
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One word of the notation.

    Attributes:
        name: without kernel.
        doc: one line.
        example: as it stands in a line.
        kernel: whether a kernel follows the name.
        stride: whether a stride may follow the kernel.
        options: in the order in which they are printed.
        bodies: fewest and most networks inside; (0, 0) for a plain word.
    """

    name: str
    doc: str
    example: str
    kernel: bool = False
    stride: bool = False
    options: tuple[Option, ...] = ()
    bodies: tuple[int, int] = (0, 0)

    @property
    def positional(self) -> tuple[Option, ...]:
        """The options that may be given by position."""
        return tuple(option for option in self.options if option.positional)


class Settings:
    """The options of one word: what the line gives, and the defaults for the rest.

    Args:
        definition: of the word.
        word: from the tree.
    """

    def __init__(self, definition: Definition, word: Word) -> None:
        self._values: dict[str, Value | None] = {o.name: o.default for o in definition.options}
        self._values |= {argument.name: argument.value for argument in word.arguments}

    def given(self, name: str) -> bool:
        """Whether there is a value at all."""
        return self._values[name] is not None

    def count(self, name: str) -> int:
        """A whole number."""
        value = self._values[name]
        assert isinstance(value, int), name
        return value

    def number(self, name: str) -> float:
        """A number."""
        value = self._values[name]
        assert isinstance(value, int | float), name
        return float(value)

    def yes(self, name: str) -> bool:
        """Yes or no."""
        return self._values[name] is True

    def name(self, name: str) -> str | None:
        """A name, or None where there is none."""
        value = self._values[name]
        assert value is None or isinstance(value, str), name
        return value

    def sides(self, name: str) -> tuple[int, ...] | str:
        """Numbers, one for all axes or one an axis; or a name such as `same`."""
        value = self._values[name]
        if isinstance(value, int):
            return (value,)
        assert isinstance(value, tuple | str), name
        return value

    @property
    def init(self) -> str | None:
        """How the word's weights are drawn, where it says so."""
        value = self._values.get("init")
        return value if isinstance(value, str) else None
