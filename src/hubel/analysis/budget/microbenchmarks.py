"""Times small programs, in rounds, and makes a machine's figures of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, cycle
from typing import Any, TypeVar

import torch

from hubel.analysis.budget.machine import Ceiling, Kind
from hubel.analysis.budget.timing import Clock, Spread, repeat, timed
from hubel.analysis.budget.workloads import (
    ARITHMETIC,
    SELDOM,
    STREAMING,
    Make,
    Program,
    matrix_product,
    tiny_operators,
)

__all__ = ["Bench", "Findings"]

_ROUNDS = 3
_LONG_ENOUGH = 5e-4  # seconds of one call that starting it and reading the clock don't matter for
_LARGEST = 1 << 12  # times the least size
_ROTATED = 16_000_000  # bytes that programs go through before the first comes again
_TOUCHED = (0.25e6, 1e6, 4e6, 16e6, 48e6)
_HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}

_Key = TypeVar("_Key")


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What was measured, in the terms of `Machine`.

    Attributes:
        multiply_adds: a second, by precision.
        ceilings: by kind of operator, in float32.
        caches: bytes touched, and bytes a second.
        bandwidth: bytes a second from and to main memory.
        fresh: bytes a second of memory that is new.
        spread: of the repeats, relative, in the middle program.
    """

    multiply_adds: dict[str, float]
    ceilings: dict[Kind, Ceiling]
    caches: tuple[tuple[float, float], ...]
    bandwidth: float
    fresh: float | None
    spread: float


class Bench:
    """Measures one device.

    Every program runs in several rounds, and of the rounds' medians the shortest counts: what
    other programs do to a machine lasts longer than one program here.

    Args:
        device: that is measured.
        clock: gives seconds.
        seconds: for all programs together.
        fresh_above: bytes of a tensor for which memory is asked of the system each time.
    """

    def __init__(
        self, device: torch.device, clock: Clock, seconds: float, fresh_above: int
    ) -> None:
        self.device = device
        self.clock = clock
        self.fresh_above = fresh_above
        self.spreads: list[float] = []
        count = len(ARITHMETIC) + len(STREAMING) + len(_TOUCHED) + 13
        self.seconds = seconds / count / _ROUNDS
        self.end = time.monotonic() + 2 * seconds

    @property
    def is_cpu(self) -> bool:
        """Whether it has caches that networks' maps fit into, and memory of the system's."""
        return self.device.type == "cpu"

    @torch.inference_mode()
    def findings(self) -> Findings:
        """Measure everything."""
        overheads = self._overheads()
        arithmetic = {kind: self._programs(make) for kind, make in ARITHMETIC.items()}
        streaming = {
            kind: self._programs(make, 2 if self.is_cpu else None)
            for kind, make in STREAMING.items()
        }
        rates = self._rates(arithmetic, _multiply_adds)
        streams = self._rates(streaming, _moved)
        ceilings = {
            kind: Ceiling(rates.get(kind), self._reuse(kind), streams.get(kind), overhead)
            for kind, overhead in overheads.items()
        }
        return Findings(
            multiply_adds={"float32": max(rates.values()), **self._halves()},
            ceilings=ceilings,
            caches=self._caches(),
            bandwidth=self._bandwidth(),
            fresh=self._fresh() if self.is_cpu else None,
            spread=Spread.of(self.spreads).median,
        )

    def _halves(self) -> dict[str, float]:
        """Matrix products in half precision, where the device has units for them."""
        if self.device.type != "cuda":
            return {}
        programs = {
            name: self._programs(partial(matrix_product, dtype=dtype))
            for name, dtype in _HALVES.items()
        }
        return self._rates(programs, _multiply_adds)

    def _reuse(self, kind: Kind) -> tuple[tuple[float, float], ...]:
        """Times that weights are used, and the rate then; more work never takes less time."""
        make, several = SELDOM.get(kind, (None, ()))
        if make is None or not self.is_cpu:
            return ()
        programs = {uses: make(uses, self.device) for uses in several}
        found = self._shortest({uses: one.run for uses, one in programs.items()})
        done = {uses: _multiply_adds(one) for uses, one in programs.items()}
        slowest, fastest, points = 0.0, 0.0, []
        for uses in several:
            slowest = max(slowest, found[uses])
            fastest = max(fastest, done[uses] / slowest)
            points.append((float(uses), fastest))
        return tuple(points)

    def _caches(self) -> tuple[tuple[float, float], ...]:
        """What operators touch, with bytes a second; never faster where they touch more."""
        calls = {touched: _walk(8, int(touched / 8), self.device) for touched in _TOUCHED}
        found = self._shortest(calls)
        slower = accumulate((touched / found[touched] for touched in _TOUCHED), min)
        return tuple(zip(_TOUCHED, slower, strict=True))

    def _bandwidth(self) -> float:
        """A walk over more than any cache holds."""
        block = 1 << 20 if self.is_cpu else 1 << 22
        return 8 * block / self._shortest({"": _walk(64, block, self.device)})[""]

    def _fresh(self) -> float | None:
        """What writing to new memory takes longer; None where it is as fast as the old."""
        count = self.fresh_above * 5 // 4 // 4
        kept = torch.zeros(count)
        found = self._shortest(
            {
                "old": lambda: kept.fill_(1.0),
                "new": lambda: torch.empty(count).fill_(1.0),
            }
        )
        longer = found["new"] - found["old"]
        return 4 * count / longer if longer > 0.2 * found["old"] else None

    def _overheads(self) -> dict[Kind, float]:
        """Seconds of a tiny operator when others have used the caches before it."""
        before, tiny = torch.randn(1 << 19, device=self.device), tiny_operators(self.device)
        found: dict[Kind, list[float]] = {kind: [] for kind in tiny}
        for _ in range(20):
            for kind, run in tiny.items():
                torch.relu(before)
                found[kind].append(timed(run, self.device, self.clock))
        # The lower quartile: interruptions by others are not what starting one takes.
        return {kind: Spread.of(seconds).low for kind, seconds in found.items()}

    def _programs(self, make: Make, scale: int | None = None) -> list[Program]:
        """Several copies, so that data come from where a network's next layer finds them."""
        scale = scale or self._scale(make)
        first = make(scale, self.device)
        count = _ROTATED // sum(x.nbytes for x in first.given) if self.is_cpu else 0
        return [first, *(first.copy() for _ in range(min(15, count)))]

    def _scale(self, make: Make) -> int:
        """The smallest power of two at which one call is long enough to be timed."""
        for scale in _powers():
            run = make(scale, self.device).run
            if min(timed(run, self.device, self.clock) for _ in range(3)) > _LONG_ENOUGH:
                return scale
        return _LARGEST

    def _rates(
        self, programs: Mapping[_Key, Sequence[Program]], amount: Callable[[Program], int]
    ) -> dict[_Key, float]:
        """Of each, how much of something is done in a second."""
        calls = {key: _in_turn([one.run for one in each]) for key, each in programs.items()}
        return {
            key: amount(programs[key][0]) / seconds
            for key, seconds in self._shortest(calls).items()
        }

    def _shortest(self, calls: Mapping[_Key, Callable[[], Any]]) -> dict[_Key, float]:
        """Seconds of each call: the shortest of the rounds' medians."""
        shortest = dict.fromkeys(calls, float("inf"))
        for turn in range(_ROUNDS):
            if turn and time.monotonic() > self.end:
                break  # on a busy machine one round is all that there is time for
            for key, run in calls.items():
                found = repeat(run, self.device, self.clock, self.seconds, least=3)
                self.spreads.append(found.relative)
                shortest[key] = min(shortest[key], found.median)
        return shortest


def _multiply_adds(program: Program) -> int:
    return program.work()[0]


def _moved(program: Program) -> int:
    return program.work()[1]


def _walk(count: int, numel: int, device: torch.device) -> Callable[[], None]:
    """From each even block to the odd one after it, in turn."""
    blocks = torch.randn(numel, device=device).repeat(count, 1)
    return _in_turn(
        partial(torch.add, blocks[place], 1.0, out=blocks[place + 1])
        for place in range(0, count, 2)
    )


def _in_turn(calls: Iterable[Callable[[], Any]]) -> Callable[[], None]:
    """One call after the other; a few results are kept, so that memory changes places too."""
    several = list(calls)
    upcoming = cycle(several)
    kept: deque[Any] = deque(maxlen=max(1, len(several) // 2))

    def run() -> None:
        kept.append(next(upcoming)())

    return run


def _powers() -> Iterator[int]:
    scale = 1
    while scale <= _LARGEST:
        yield scale
        scale *= 2
