"""What the text of a space is made of: literal text, holes to fill, and repetitions of a hole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

from hubel.models.notation.tree import NOWHERE, Span

__all__ = ["Again", "Hole", "Range", "Suggest", "Template", "Values"]


class Suggest(Protocol):
    """Whoever decides; an `optuna.Trial` is one."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """One of the choices."""
        ...

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """A whole number, ends included."""
        ...

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number, ends included."""
        ...


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers between two ends, which belong to it.

    Attributes:
        low, high: the ends.
        whole: whole numbers alone.
        log: even on a logarithmic scale.
        ends: where the two stand.
    """

    low: float
    high: float
    whole: bool
    log: bool
    ends: tuple[Span, Span]

    def draw(self, name: str, suggest: Suggest) -> str:
        """One number, as text."""
        if self.whole:
            return str(suggest.suggest_int(name, int(self.low), int(self.high), log=self.log))
        return repr(float(suggest.suggest_float(name, self.low, self.high, log=self.log)))

    @property
    def count(self) -> int | None:
        """How many; None where there is no end of them."""
        return int(self.high - self.low) + 1 if self.whole else None


@dataclass(frozen=True, slots=True)
class Values:
    """Some numbers, such as 16, 32 and 64."""

    numbers: tuple[int | float, ...]

    def draw(self, name: str, suggest: Suggest) -> str:
        """One of them, as text."""
        return str(suggest.suggest_categorical(name, list(self.numbers)))

    @property
    def count(self) -> int:
        """How many."""
        return len(self.numbers)


@dataclass(frozen=True, slots=True)
class Again:
    """The very text that another hole was filled with."""

    name: str


@dataclass(frozen=True, slots=True)
class Hole:
    """A place to be filled.

    Attributes:
        name: of the hyperparameter.
        text: as it was written.
        inside: numbers, or alternatives by the text that they were written as; an alternative's own
            holes are filled only where it is taken.
        span: where it stands.
    """

    name: str
    text: str
    inside: Range | Values | dict[str, Template]
    span: Span

    def draw(self, suggest: Suggest, seen: dict[str, str]) -> str:
        """Fill it; `seen` learns with what."""
        if isinstance(self.inside, Range | Values):
            found = self.inside.draw(self.name, suggest)
        else:
            taken = str(suggest.suggest_categorical(self.name, list(self.inside)))
            found = self.inside[taken].draw(suggest, seen)
        seen[self.name] = found
        return found

    @property
    def count(self) -> int | None:
        """In how many ways it can be filled; None where there is no end of them."""
        if isinstance(self.inside, Range | Values):
            return self.inside.count
        counts = [template.count for template in self.inside.values()]
        return None if None in counts else sum(count for count in counts if count is not None)

    def probes(self) -> Iterator[tuple[dict[str, Any], Span]]:
        """See `Template.probes`."""
        if isinstance(self.inside, Range):
            ends = (self.inside.low, self.inside.high)
            yield from (
                ({self.name: end}, at) for end, at in zip(ends, self.inside.ends, strict=True)
            )
        elif isinstance(self.inside, Values):
            yield from (({self.name: number}, self.span) for number in self.inside.numbers)
        else:
            for text, template in self.inside.items():
                for decisions, at in list(template.probes()) or [({}, template.span)]:
                    yield {self.name: text} | decisions, at

    def holes(self) -> Iterator[Hole]:
        """It and those inside it."""
        yield self
        if isinstance(self.inside, dict):
            for template in self.inside.values():
                yield from template.holes()


@dataclass(frozen=True, slots=True)
class Template:
    """Text with holes in it.

    Attributes:
        parts: one after the other.
        span: where it stands.
    """

    parts: tuple[str | Hole | Again, ...]
    span: Span = NOWHERE

    def draw(self, suggest: Suggest, seen: dict[str, str]) -> str:
        """The text with every hole filled."""
        found: list[str] = []
        for part in self.parts:
            if isinstance(part, Hole):
                found.append(part.draw(suggest, seen))
            else:
                found.append(part if isinstance(part, str) else seen[part.name])
        return "".join(found)

    @property
    def count(self) -> int | None:
        """How many texts there are; None where there is no end of them."""
        counts = [part.count for part in self.parts if isinstance(part, Hole)]
        return None if None in counts else prod(count for count in counts if count is not None)

    def probes(self) -> Iterator[tuple[dict[str, Any], Span]]:
        """Decisions that take each alternative and both ends of each range once, and where it is.

        Their number is the sum over the holes, where that of all settings is the product.
        """
        for part in self.parts:
            if isinstance(part, Hole):
                yield from part.probes()

    def holes(self) -> Iterator[Hole]:
        """Every hole, also inside of others, as written."""
        for part in self.parts:
            if isinstance(part, Hole):
                yield from part.holes()
