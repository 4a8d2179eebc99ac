"""The same network at other input sizes: which it takes, and what runs there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hubel.analysis.recording.graph import Graph
from hubel.analysis.recording.recorder import Stopped
from hubel.analysis.recording.trace import Traceable, trace
from hubel.errors import DesignError

__all__ = ["Axes", "Granularity", "Probe", "Probes"]

_NAMES = {3: ("L",), 4: ("H", "W"), 5: ("D", "H", "W")}
_BATCH = "N"
_PERIOD = 64  # residues of sizes are chosen modulo this: six halvings
_MORE_OPERATORS = 1000  # that a probe may run than the pass at first, or half as many again
_ELSEWHERE, _FARTHEST = 130, 2600  # steps
# (rows, columns) modulo the period: all ones and a lone one make every halving round at some size.
_RESIDUES = ((63, 1), (21, 42), (42, 11), (1, 31))


@dataclass(frozen=True, slots=True)
class Axes:
    """Which axes of the inputs can vary.

    Attributes:
        names: for each input and axis the symbol, or None where the axis is fixed.
        sizes: by symbol, as they are now.
    """

    names: tuple[tuple[str | None, ...], ...]
    sizes: dict[str, int]

    @classmethod
    def of(cls, shapes: Sequence[Sequence[int]]) -> Axes:
        """N for the batch; L, H and W, or D, H and W for what follows the channels.

        Example:
            >>> Axes.of([(1, 3, 224, 200)]).sizes
            {'N': 1, 'H': 224, 'W': 200}
        """
        first = shapes[0]
        spatial = _NAMES.get(len(first), ())
        sizes = {_BATCH: first[0], **dict(zip(spatial, first[2:], strict=True))}
        return cls(tuple(_axes(shape, first, spatial) for shape in shapes), sizes)

    def varying(self, *spatial: str) -> Axes:
        """The same with no other spatial axes than these."""
        kept = {_BATCH, *spatial}
        names = tuple(tuple(n if n in kept else None for n in shape) for shape in self.names)
        return Axes(names, {name: size for name, size in self.sizes.items() if name in kept})

    @property
    def spatial(self) -> tuple[str, ...]:
        """The symbols but that of the batch."""
        return tuple(name for name in self.sizes if name != _BATCH)

    def shapes(self, base: Sequence[Sequence[int]], sizes: dict[str, int]) -> list[list[int]]:
        """Shapes of all inputs at given sizes."""
        return [
            [size if name is None else sizes[name] for name, size in zip(names, shape, strict=True)]
            for names, shape in zip(self.names, base, strict=True)
        ]


def _axes(
    shape: Sequence[int], first: Sequence[int], spatial: Sequence[str]
) -> tuple[str | None, ...]:
    """An input like the first shares its symbols; of any other only the batch varies."""
    batch = [_BATCH if shape[:1] == first[:1] else None] if shape else []
    if len(shape) == len(first) and shape[2:] == first[2:]:
        return (*batch, None, *spatial)[: len(shape)]
    return (*batch, *[None] * (len(shape) - 1))


@dataclass(frozen=True, slots=True)
class Granularity:
    """Which sizes a network takes, as far as trying tells.

    Attributes:
        step: sizes apart by a multiple of this are taken; None where only one size is.
        is_square: all spatial sizes must be equal.
        is_batch_fixed: only one batch size is taken.
        reach: how many steps down and up the sizes go that are taken; None where no end was met.
    """

    step: int | None
    is_square: bool = False
    is_batch_fixed: bool = False
    reach: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """One pass at some sizes.

    Attributes:
        sizes: by symbol.
        graph: what ran.
    """

    sizes: dict[str, int]
    graph: Graph


class Probes:
    """Runs a network at other sizes, each once.

    Args:
        network: to run.
        graph: of one pass; its input sizes are those that the others are near to.

    Attributes:
        axes: that vary; one that takes a single size while others vary is not among them.
        fixed: sizes of those, by symbol.
        stopped: sizes at which far more operators run than at first, so that the pass was cut off.

    Example:
        >>> from torch import nn
        >>> network = Traceable.of(nn.Conv2d(3, 8, 3))
        >>> Probes(network, trace(network, (1, 3, 32, 32))[0]).granularity
        Granularity(step=1, is_square=False, is_batch_fixed=False, reach=None)
    """

    def __init__(self, network: Traceable, graph: Graph) -> None:
        self.network = network
        self.shapes = [value.shape for value in graph.inputs]
        self.graph = graph
        self.fixed: dict[str, int] = {}
        self._begin(Axes.of(self.shapes))
        self._granularity: Granularity | None = None
        self._least = self._step() if self.axes.spatial else None
        if self._least is None and len(self.axes.spatial) > 1:
            self._part()

    def _begin(self, axes: Axes) -> None:
        self.axes = axes
        self.base = Probe(axes.sizes, self.graph)
        self.tried: dict[tuple[int, ...], Probe | None] = {self._key(axes.sizes): self.base}
        self.stopped: set[tuple[int, ...]] = set()

    def _part(self) -> None:
        """Where the axes can't be moved together, keep those that can be moved alone."""
        axes, free = self.axes, list[str]()
        for name in axes.spatial:
            self._begin(axes.varying(name))
            if self._step():
                free.append(name)
        if len(free) == len(axes.spatial):
            free = []
        self._begin(axes.varying(*free) if free else axes)
        self.fixed = {name: axes.sizes[name] for name in axes.spatial if free and name not in free}
        self._least = self._step() if free else None

    @staticmethod
    def _key(sizes: dict[str, int]) -> tuple[int, ...]:
        return tuple(sizes.values())

    def at(self, sizes: dict[str, int]) -> Probe | None:
        """What runs at given sizes, or None where the network doesn't take them."""
        key = self._key(sizes)
        if key not in self.tried:
            self.tried[key] = self._run(sizes) if min(key) > 0 else None
        return self.tried[key]

    def _run(self, sizes: dict[str, int]) -> Probe | None:
        count = len(self.graph.operators)
        most = count + max(_MORE_OPERATORS, count // 2)
        try:
            shapes = self.axes.shapes(self.shapes, sizes)
            return Probe(sizes, trace(self.network, *shapes, most=most)[0])
        except DesignError:
            return None
        except Stopped:
            self.stopped.add(self._key(sizes))
            return None

    def _is_taken(self, sizes: dict[str, int]) -> bool:
        """Whether sizes are taken; of a pass that was cut off, as far as it ran."""
        return self.at(sizes) is not None or self._key(sizes) in self.stopped

    def moved(self, batch: int, *steps: int) -> dict[str, int]:
        """The sizes at first, with so much added to each; the last number serves all that follow.

        Example:
            >>> from torch import nn
            >>> network = Traceable.of(nn.Conv2d(3, 8, 3))
            >>> Probes(network, trace(network, (1, 3, 32, 32))[0]).moved(0, 1)
            {'N': 1, 'H': 33, 'W': 33}
        """
        by_axis = {name: steps[min(i, len(steps) - 1)] for i, name in enumerate(self.axes.spatial)}
        return {
            name: size + (batch if name == _BATCH else by_axis[name])
            for name, size in self.axes.sizes.items()
        }

    @property
    def granularity(self) -> Granularity:
        """Which sizes are taken, found by trying a few."""
        if self._granularity is None:
            self._granularity = self._found()
        return self._granularity

    def _found(self) -> Granularity:
        step = self._least
        if step is None:
            return Granularity(None, False, self.at(self.moved(1, 0)) is None)
        reach, unequal = None, self._far(step, 0)
        is_square = not self._takes(*unequal)
        if is_square and not self._takes(unequal[0]):
            reach = (self._reach(-step), self._reach(step))
            is_square = not self._takes(step * reach[1], 0)
        is_square = is_square and len(unequal) > 1
        return Granularity(step, is_square, not self._varied(step), reach)

    def _varied(self, step: int) -> bool:
        """Whether another batch size is taken."""
        now = self.axes.sizes[_BATCH]
        taken = any(p and p.sizes[_BATCH] != now for p in self.tried.values())
        return taken or self.at(self.moved(4, step)) is not None

    def _takes(self, *steps: int) -> bool:
        """Whether sizes moved by so much are taken, by some batch size."""
        return any(self._is_taken(self.moved(batch, *steps)) for batch in (4, 0))

    def _reach(self, step: int) -> int:
        """How many steps can be gone in one direction, where far ones are not taken."""
        low, high = 0, 1
        while high < _FARTHEST and self._is_taken(self.moved(0, step * high)):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (
                (middle, high) if self._is_taken(self.moved(0, step * middle)) else (low, middle)
            )
        return low

    def _step(self) -> int | None:
        """The smallest step between sizes, by going down the divisors of one that is taken."""
        if self._is_taken(self.moved(0, 1)):
            return 1
        for start in self._wide():
            if self._is_taken(self.moved(0, start)):
                return self._descended(start)
        return None

    def _wide(self) -> list[int]:
        """Steps with many divisors; the first doubles the size."""
        return [min(self.axes.sizes[name] for name in self.axes.spatial), 6720]

    def _descended(self, step: int) -> int:
        for prime in _primes(step):
            while step % prime == 0 and self._is_taken(self.moved(0, step // prime)):
                step //= prime
        return step

    def _far(self, step: int, index: int) -> tuple[int, ...]:
        """Steps to sizes that are larger, unequal, and odd in most ways; few if passes grow."""
        if self.stopped:
            count = len(self.axes.spatial)
            return tuple(step * (1 + (3 * axis + 2 * index) % 5) for axis in range(count))
        period = _PERIOD // math.gcd(step, _PERIOD)
        sizes = [self.axes.sizes[name] for name in self.axes.spatial]
        pair = _RESIDUES[index % len(_RESIDUES)]
        moves: list[int] = []
        for axis, size in enumerate(sizes):
            least = max(1, (130 + size // 4 + 240 * index * index) // step)
            least += max(axis, 140 * axis // step)  # unequal, however wide a step is
            wanted = (pair[axis % 2] - size // step) % period
            moves.append(step * (least + (wanted - least) % period + period * (axis // 2)))
        return tuple(moves)

    def some(self) -> Iterator[Probe]:
        """Probes that differ as much as the network allows, the most telling first."""
        yield self.base
        for sizes in self._some_sizes():
            probe = self.at(sizes)
            if probe:
                yield probe

    def elsewhere(self) -> Iterator[dict[str, int]]:
        """Sizes that should be taken, one step apart and then more; none of them is tried."""
        known = self.granularity
        if known.step is None:
            return
        far = range(_ELSEWHERE, _FARTHEST, 17)
        counts = [*range(_ELSEWHERE), *far]
        if known.reach:
            counts = list(range(-known.reach[0], known.reach[1] + 1))
        turned = counts if known.is_square else [counts[7 * i % len(counts)] for i in counts]
        for first, second in zip(counts, turned, strict=True):
            steps = (known.step * first, known.step * second)
            yield self.moved(0 if known.is_batch_fixed else 2, *steps)

    def _some_sizes(self) -> Iterator[dict[str, int]]:
        known = self.granularity
        batches = [0] * 7 if known.is_batch_fixed else [0, 4, 1, 2, 6, 10, 12]
        if known.step is None:
            yield from (self.moved(batch, 0) for batch in batches[1:4])
            return
        yield self.moved(batches[0], known.step)
        for index, batch in enumerate(batches[1:5]):
            steps = self._within(known, index) if known.reach else self._far(known.step, index)
            yield self.moved(batch, *steps[: 1 if known.is_square else None])
        if not known.reach:
            yield self.moved(batches[5], *self._nearer(known.step, known.is_square))

    def _within(self, known: Granularity, index: int) -> tuple[int, ...]:
        """Steps to unequal sizes between the ends that were met."""
        down, up = known.reach or (0, 0)
        places = [(5 * index + 3 * axis) % (down + up + 1) for axis in range(len(_NAMES[5]))]
        return tuple((known.step or 1) * (up - place) for place in places[: len(self.axes.spatial)])

    def _nearer(self, step: int, is_square: bool) -> list[int]:
        """Steps to sizes that are smaller by a third and a quarter."""
        sizes = [self.axes.sizes[name] for name in self.axes.spatial]
        moves = [-step * (size // (3 + axis) // step) for axis, size in enumerate(sizes)]
        return moves[:1] if is_square else moves


def _primes(number: int) -> Iterator[int]:
    for candidate in range(2, number + 1):
        if number % candidate == 0:
            yield candidate
            while number % candidate == 0:
                number //= candidate
