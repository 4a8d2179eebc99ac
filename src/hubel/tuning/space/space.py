"""A space of settings: what may vary, and every setting that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from hubel.errors import RecipeError
from hubel.models.notation.tree import Span
from hubel.training.recipe import Recipe, parse_setting
from hubel.tuning.space.errors import SpaceError
from hubel.tuning.space.parser import read_items
from hubel.tuning.space.tree import Hole, Suggest, Template

__all__ = ["DEFAULT_SPACE", "Odometer", "Space", "parse_space", "searchable"]

# Around what the rules choose for the convnet, on the scales on which each acts.
DEFAULT_SPACE = (
    "lr=log(0.04,2) weight_decay=log(0.0002,0.02) label_smoothing=0..0.2 momentum=0.6..0.95 "
    "mixup=0|log(0.1,1)"
)
_FIXED = (
    *("budget", "epochs", "seed", "device", "workers"),
    *("split", "test_share", "val_share", "missing_classes"),
)


def searchable() -> dict[str, str]:
    """The settings that may be searched, with the kind of each."""
    return {each.name: str(each.type) for each in fields(Recipe) if each.name not in _FIXED}


@dataclass(frozen=True)
class Space:
    """A space, read.

    Attributes:
        text: as it was written.
        items: each setting with its template, and where that stands.
    """

    text: str
    items: tuple[tuple[str, Template, Span], ...]

    def draw(self, suggest: Suggest) -> dict[str, Any]:
        """One setting of each, by name.

        Args:
            suggest: decides; an `optuna.Trial` does.

        Raises:
            SpaceError: what came out is no value of the setting.
        """
        # All are decided before any is read: what can't be read is known by all its decisions.
        texts = self._texts(suggest)
        return {name: self._value(name, text, span)
                for (name, _, span), text in zip(self.items, texts, strict=True)}  # fmt: skip

    def _texts(self, suggest: Suggest) -> list[str]:
        return [template.draw(suggest, {}) for _, template, _ in self.items]

    def check(self) -> None:
        """Read each alternative of every hole, and both ends of every range, once.

        Raises:
            SpaceError: one is no value of its setting; it is marked.
        """
        for name, template, whole in self.items:
            several = sum(isinstance(part, Hole) for part in template.parts) > 1
            for number, (decisions, span) in enumerate([*template.probes()] or [({}, whole)]):
                # The first one takes the first of every hole, so any of several may be at fault.
                place = whole if several and not number else span
                self._value(name, template.draw(Decided(decisions), {}), place)

    @cached_property
    def holes(self) -> dict[str, Hole]:
        """Every hyperparameter, by name."""
        return {hole.name: hole for _, template, _ in self.items for hole in template.holes()}

    @property
    def count(self) -> int | None:
        """How many settings there are; None where there is no end of them."""
        return Template(
            tuple(part for _, template, _ in self.items for part in template.parts)
        ).count

    def all(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Hyperparameters and settings of the whole space, where it has an end."""
        odometer = Odometer()
        while odometer.next():
            settings = self.draw(odometer)
            yield dict(odometer.params), settings

    def ways(self) -> Iterator[dict[str, Any]]:
        """Hyperparameters of the whole space, where it has an end; no setting is read."""
        odometer = Odometer()
        while odometer.next():
            self._texts(odometer)
            yield dict(odometer.params)

    def some(self, seed: int, most: int) -> Iterator[dict[str, Any]]:
        """All settings where there are few, else so many drawn by chance."""
        if self.count is not None and self.count <= most:
            yield from (settings for _, settings in self.all())
        else:
            chance = Chance(np.random.default_rng(seed))
            for _ in range(most):
                yield self.draw(chance)

    def label(self, name: str) -> str:
        """What people read for a hyperparameter: its name, and its text where that says more."""
        hole = self.holes.get(name)
        item, dot, _ = name.partition(".")
        return name if hole is None or not dot else f"{item} {hole.text}"

    def _value(self, name: str, text: str, span: Span) -> Any:
        try:
            value = parse_setting(name, text)
            Recipe(**{name: value})
        except SpaceError:
            raise
        except RecipeError as error:
            if name == "model":  # a line that fits no network is pruned, not refused
                return text
            raise SpaceError(str(error), self.text, span) from error
        return value


def parse_space(text: str) -> Space:
    """Read a space.

    Args:
        text: settings with their values, such as `lr=log(0.01,1) optimizer=nesterov|adamw`.

    Raises:
        SpaceError: it can't be read, or a value is none of the setting's: it says where.

    Example:
        >>> space = parse_space("optimizer=sgd|adamw model=conv{3|5}x{same}({16..64*2}) gap fc")
        >>> space.count, list(space.holes)
        (12, ['optimizer', 'model.1', 'model.2'])
    """
    space = Space(text, tuple(read_items(text, searchable(), _FIXED)))
    space.check()
    return space


@dataclass(frozen=True, slots=True)
class Decided:
    """Decides as it was told, and else for the first.

    Attributes:
        decisions: by the name of the hole.
    """

    decisions: dict[str, Any]

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """What it was told, or the first choice."""
        return self.decisions.get(name, choices[0])

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """What it was told, or the low end."""
        return int(self.decisions.get(name, low))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """What it was told, or the low end."""
        return float(self.decisions.get(name, low))


@dataclass(slots=True)
class Chance:
    """Decides by chance, evenly."""

    generator: np.random.Generator

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """One of the choices."""
        return choices[int(self.generator.integers(len(choices)))]

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """A whole number, ends included."""
        return int(self.generator.integers(low, high + 1))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number, ends included."""
        if log:
            return float(np.exp(self.generator.uniform(np.log(low), np.log(high))))
        return float(self.generator.uniform(low, high))


@dataclass(slots=True)
class Odometer:
    """Decides in every way there is, one after the other: the last decision turns first."""

    digits: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    place: int = -1

    def next(self) -> bool:
        """Make ready for the next way; False when there is none left."""
        if self.place >= 0:
            while self.digits and self.digits[-1][0] + 1 == self.digits[-1][1]:
                self.digits.pop()
            if not self.digits:
                return False
            digit, size = self.digits[-1]
            self.digits[-1] = (digit + 1, size)
        self.place = 0
        self.params = {}
        return True

    def _turn(self, size: int) -> int:
        if self.place == len(self.digits):
            self.digits.append((0, size))
        digit = self.digits[self.place][0]
        self.place += 1
        return digit

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """The choice whose turn it is."""
        self.params[name] = choices[self._turn(len(choices))]
        return self.params[name]

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """The number whose turn it is."""
        self.params[name] = low + self._turn(high - low + 1)
        return self.params[name]

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Never: there is no end of them."""
        raise AssertionError("numbers without end can't be written out")
