"""Which input sizes a network takes, which divide evenly, and what one more pixel costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hubel.analysis.costs import multiply_adds as products
from hubel.analysis.flow.windows import window
from hubel.analysis.recording.graph import Graph
from hubel.analysis.recording.trace import Traceable, trace
from hubel.analysis.shapes.dropping import Drop, drops, slidings
from hubel.analysis.shapes.formulas import Formulas, shape_formulas
from hubel.analysis.shapes.probes import Axes, Granularity, Probes

__all__ = ["Larger", "Sizes", "legal_sizes"]

# Sides that are looked at, by formulas alone: enough for what repeats after some halvings.
_LARGEST, _MULTIPLES = 256, 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Larger:
    """The next larger input.

    Attributes:
        sides: of the input.
        cost: multiply-adds relative to now.
        drops: what its layers leave unread.
    """

    sides: tuple[int, ...]
    cost: float
    drops: tuple[Drop, ...]

    def to_json(self) -> dict[str, Any]:
        """The facts as JSON types."""
        return {
            "sides": list(self.sides),
            "cost": self.cost,
            "drops": [drop.to_json() for drop in self.drops],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """What is known of the inputs that a network takes.

    Attributes:
        sides: of the input now.
        smallest: sides of the smallest input that it takes, all as small as can be.
        largest: the same of the largest; None where no end was met.
        step: sides that differ by multiples of this are taken; None where there is one size only.
        is_square: unequal sides are not taken.
        lossless: at sides that are multiples of this no layer leaves rows unread; None where no
            such number was found.
        even: at sides that are multiples of this every stride divides its layer's input; the same.
        drops: what layers leave unread now.
        larger: the next larger input; None where none is taken.
        fixed: axes that take one size while others vary, by their names.

    Example:
        >>> from torch import nn
        >>> module = nn.Conv2d(3, 8, 4, stride=4)
        >>> found = legal_sizes(Traceable.of(module), (3, 33, 32))
        >>> found.smallest, found.lossless, found.drops[0].arithmetic, found.larger.cost
        ((4, 4), 4, '33 = 8 x 4 + 1', 1.0)
    """

    sides: tuple[int, ...]
    smallest: tuple[int, ...]
    largest: tuple[int, ...] | None
    step: int | None
    is_square: bool
    lossless: int | None
    even: int | None
    drops: tuple[Drop, ...]
    larger: Larger | None
    fixed: Mapping[str, int] = field(default_factory=dict[str, int])

    def to_json(self) -> dict[str, Any]:
        """The facts as JSON types."""
        return {
            "sides": list(self.sides),
            "smallest": list(self.smallest),
            "largest": None if self.largest is None else list(self.largest),
            "step": self.step,
            "is_square": self.is_square,
            "lossless": self.lossless,
            "even": self.even,
            "drops": [drop.to_json() for drop in self.drops],
            "larger": None if self.larger is None else self.larger.to_json(),
            "fixed": dict(self.fixed),
        }

    def sentences(self) -> tuple[str, ...]:
        """The facts for people, the most telling first."""
        from hubel.analysis.shapes.sizes_text import sentences

        return tuple(sentences(self))


def legal_sizes(
    network: Traceable,
    input: Sequence[int],
    *,
    probes: Probes | None = None,
    formulas: Formulas | None = None,
    multiply_adds: Callable[[Graph], int] = products,
) -> Sizes:
    """Find out which sizes a network takes, from its formulas and a few passes.

    Args:
        network: to run.
        input: shape of one sample: channels, then sides.
        probes: passes that were made already, the first of them at `input`.
        formulas: that were made already.
        multiply_adds: of a graph.

    Raises:
        DesignError: the network does not take this input.
    """
    probes = probes or Probes(network, trace(network, (1, *input))[0])
    formulas = formulas or shape_formulas(network, probes.base.graph, probes)
    return _Search(probes, formulas, multiply_adds).sizes()


class _Search:
    """The sizes of one network as they are found."""

    def __init__(
        self, probes: Probes, formulas: Formulas, multiply_adds: Callable[[Graph], int]
    ) -> None:
        self.probes = probes
        self.formulas = formulas
        self.multiply_adds = multiply_adds
        self.known: Granularity = probes.granularity
        self.now = tuple(probes.axes.sizes[name] for name in probes.axes.spatial)

    def sizes(self) -> Sizes:
        reach, step = self.known.reach, self.known.step
        smallest = self._smallest()
        lossless, even = self._multiples(min(smallest, default=1))
        return Sizes(
            sides=self._whole(self.now),
            smallest=self._whole(smallest),
            largest=self._whole(self._moved(step * reach[1])) if reach and step else None,
            step=step,
            is_square=self.known.is_square,
            lossless=lossless,
            even=even,
            drops=drops(self.probes.base.graph),
            larger=self._larger(),
            fixed=self.probes.fixed,
        )

    def _moved(self, by: int) -> tuple[int, ...]:
        return tuple(side + by for side in self.now)

    def _whole(self, sides: Sequence[int]) -> tuple[int, ...]:
        """Sides of the axes that vary, with those that don't in their places."""
        found = self.probes.fixed | dict(zip(self.probes.axes.spatial, sides, strict=True))
        return tuple(found[name] for name in Axes.of(self.probes.shapes).spatial)

    def _larger(self) -> Larger | None:
        step = self.known.step
        probe = self.probes.at(self.probes.moved(0, step)) if step else None
        if probe is None or step is None:
            return None
        before = self.multiply_adds(self.probes.base.graph)
        return Larger(
            sides=self._whole(self._moved(step)),
            cost=self.multiply_adds(probe.graph) / before if before else 1.0,
            drops=drops(probe.graph),
        )

    def _sides(self, least: int) -> tuple[int, ...]:
        """The smallest sides from a number on that are apart from those of now by whole steps."""
        step = self.known.step or 1
        return tuple(side - step * ((side - least) // step) for side in self.now)

    def _named(self, sides: Sequence[int]) -> dict[str, int]:
        names = self.probes.axes.spatial
        return self.probes.axes.sizes | dict(zip(names, sides, strict=True))

    def _smallest(self) -> tuple[int, ...]:
        """As the formulas say, where trying it and the next smaller one agrees; else by trying."""
        step = self.known.step
        if step is None:
            return self.now
        if self.known.reach:
            return tuple(side - step * self.known.reach[0] for side in self.now)
        ladder = sorted({self._sides(least) for least in range(1, min(self.now) + 1)})
        graph = self.probes.base.graph
        results = [op.outputs[0] for op in graph.operators if window(op)]
        dims = {dim for value in results for dim in self.formulas.shapes[value.id] if dim}
        guess = _first(ladder, lambda s: all(d.evaluate(self._named(s)) > 0 for d in dims))
        low, high = -1, len(ladder) - 1
        for at in (guess, guess - 1):
            if low < at < high:
                low, high = (low, at) if self._takes(ladder[at]) else (at, high)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._takes(ladder[middle]) else (middle, high)
        return ladder[high]

    def _takes(self, sides: Sequence[int]) -> bool:
        return self.probes.at(self._named(sides)) is not None

    def _multiples(self, least: int) -> tuple[int | None, int | None]:
        """(at multiples of which nothing is dropped, at multiples of which all strides divide)."""
        if self.known.step is None or self.known.reach:
            return None, None
        sliding = slidings(self.probes.base.graph, self.formulas)
        if any(each.size is None or each.padded is None for each in sliding):
            return None, None

        @cache
        def found(side: int) -> tuple[bool, bool]:
            """Whether nothing is dropped, and whether all strides divide."""
            sides = dict.fromkeys(self.probes.axes.sizes, side)
            pairs = [pair for each in sliding if (pair := each.at(sides))]
            return not any(dropped for dropped, _ in pairs), not any(left for _, left in pairs)

        numbers = range(1, _LARGEST + 1)
        ladders = {number: self._multiples_of(number, least) for number in numbers}

        def smallest(kind: int) -> int | None:
            fits = (n for n in numbers if ladders[n] and all(found(x)[kind] for x in ladders[n]))
            return next(fits, None)

        return smallest(0), smallest(1)

    def _multiples_of(self, number: int, least: int) -> range:
        """Multiples of a number that are taken, whichever axis they are on."""
        step = self.known.step or 1
        residues = {side % step for side in self.now}
        start = -(-least // number) * number
        taken = (x for x in range(start, start + number * step, number) if {x % step} == residues)
        first, period = next(taken, None), math.lcm(number, step)
        return range(0) if first is None else range(first, first + _MULTIPLES * period, period)


def _first(ladder: Sequence[tuple[int, ...]], fits: Callable[[tuple[int, ...]], bool]) -> int:
    return next((index for index, sides in enumerate(ladder) if fits(sides)), len(ladder) - 1)
