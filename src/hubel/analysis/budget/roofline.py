"""Where each layer stands under a machine's roof, and how long it will take at least.

Source: Williams, Waterman, Patterson, "Roofline: an insightful visual performance model for
multicore architectures", Communications of the ACM 52(4), 2009, with its ceilings below the roof.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hubel.analysis.budget.loads import Load
from hubel.analysis.budget.machine import BYTES, Kind, Machine

__all__ = ["Bounds", "Placed", "Roofline", "bounds_of", "roofline"]

_BOUNDS = ("arithmetic", "memory", "overhead")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds that one thing would take if nothing else held it up.

    Attributes:
        arithmetic: at the peak, or at the ceiling of the kind of operator.
        memory: moving every tensor once.
        overhead: starting the operator.
        seconds: what it takes with all of them.
    """

    arithmetic: float
    memory: float
    overhead: float
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """One layer under the roof, for a whole batch.

    Attributes:
        name: of the layer.
        operators: how many it starts.
        multiply_adds: of its products.
        bytes_moved: read and written if every tensor travels once.
        intensity: multiply-adds a byte; 0 where nothing is moved.
        attainable: multiply-adds a second that the roof allows at this intensity.
        bound: what takes most of its time: "arithmetic", "memory" or "overhead".
        seconds: predicted.
    """

    name: str
    operators: int
    multiply_adds: int
    bytes_moved: int
    intensity: float
    attainable: float
    bound: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Roofline:
    """A whole network under a machine's roof.

    Attributes:
        machine: whose roof it is.
        precision: of the arithmetic.
        batch: samples at once.
        layers: in the order of running.
    """

    machine: Machine
    precision: str
    batch: int
    layers: tuple[Placed, ...]

    @property
    def seconds(self) -> float:
        """Of one pass of the batch."""
        return sum(layer.seconds for layer in self.layers)

    @property
    def ridge(self) -> float:
        """Multiply-adds a byte above which arithmetic is the limit."""
        return self.machine.ridge(self.precision)

    @property
    def shares(self) -> dict[str, float]:
        """Share of the time in layers that each bound holds up."""
        total = self.seconds
        return {
            bound: sum(x.seconds for x in self.layers if x.bound == bound) / total if total else 0.0
            for bound in _BOUNDS
        }

    def to_json(self) -> dict[str, Any]:
        """The placement as JSON types."""
        return {
            "machine": self.machine.to_json(),
            "precision": self.precision,
            "batch": self.batch,
            "ridge": self.ridge,
            "seconds": self.seconds,
            "shares": self.shares,
            "layers": [
                {name: getattr(layer, name) for name in Placed.__slots__} for layer in self.layers
            ],
        }


def roofline(
    loads: Iterable[Load], machine: Machine, precision: str = "float32", batch: int = 1
) -> Roofline:
    """Place every layer under a machine's roof.

    Where the machine is from a data sheet its peaks are nobody's: the times are the least
    possible. Where it was measured, each kind of operator has its own ceiling, and the times are
    what to expect.

    Args:
        loads: of the operators, for one sample, as `loads_of` gives them.
        machine: measured or named.
        precision: "float32", "tf32", "bfloat16" or "float16".
        batch: samples at once.

    Raises:
        DesignError: nothing is known of that precision on this machine.

    Example:
        >>> from hubel.analysis.budget.machine import named_machine
        >>> load = Load(layer="conv", kind=Kind.CONVOLUTION, multiply_adds=10**9, moved=10**6)
        >>> found = roofline([load], named_machine("raspberry-pi-5"))
        >>> found.layers[0].bound, round(found.seconds, 4)
        ('arithmetic', 0.013)
    """
    by_layer: dict[str, list[Load]] = {}
    for load in loads:
        by_layer.setdefault(load.layer, []).append(load)
    weights = sum(load.constant for group in by_layer.values() for load in group)
    host = _Host(machine, precision, batch, weights * BYTES[precision] / 4)
    layers = tuple(_placed(name, group, host) for name, group in by_layer.items())
    return Roofline(machine=machine, precision=precision, batch=batch, layers=layers)


@dataclass(frozen=True, slots=True)
class _Host:
    """A machine in one precision, with a network of so many bytes of weights."""

    machine: Machine
    precision: str
    batch: int
    weights: float

    def __post_init__(self) -> None:
        self.machine.peak(self.precision)

    @property
    def scale(self) -> float:
        """Bytes in this precision to bytes in float32."""
        return BYTES[self.precision] / 4


def bounds_of(load: Load, machine: Machine, precision: str = "float32", batch: int = 1) -> Bounds:
    """What each limit alone would make of one operator; its weights are as good as all weights."""
    host = _Host(machine, precision, batch, load.constant * BYTES[precision] / 4)
    return _bounds(load, host)


def _bounds(load: Load, host: _Host) -> Bounds:
    arithmetic, transport = _arithmetic(load, host), _transport(load, host)
    fresh, overhead = _fresh(load, host), _overhead(load, host.machine)
    # Getting new memory stops the processor; moving data does not.
    longest = max(arithmetic, transport) + fresh
    seconds = max(longest, overhead) if host.machine.is_overlapped else longest + overhead
    return Bounds(arithmetic, transport + fresh, overhead, seconds)


def _overhead(load: Load, machine: Machine) -> float:
    """A view starts nothing on a GPU."""
    if machine.is_overlapped and load.kind is Kind.VIEW:
        return 0.0
    ceiling = machine.ceilings.get(load.kind)
    known = ceiling.overhead if ceiling else None
    return machine.overhead if known is None else known


def _arithmetic(load: Load, host: _Host) -> float:
    """At the kind's ceilings, which were found in float32; in other precisions at the peak."""
    peak = host.machine.peak(host.precision)
    ceiling = host.machine.ceilings.get(load.kind) if host.precision == "float32" else None
    done = load.multiply_adds * host.batch
    uses = 4 * done / load.constant if load.constant else math.inf
    seconds = done / (ceiling.rate(uses, peak) if ceiling else peak)
    if ceiling and ceiling.stream:
        seconds = max(seconds, (load.moved * host.batch + load.constant) / ceiling.stream)
    return seconds


def _transport(load: Load, host: _Host) -> float:
    """Activations from where they fit, weights from where all weights fit."""
    machine, factor = host.machine, host.batch * host.scale
    seconds = load.moved * factor / machine.bandwidth_at((load.touched or load.moved) * factor)
    return seconds + load.constant * host.scale / machine.bandwidth_at(host.weights or 1)


def _fresh(load: Load, host: _Host) -> float:
    """New pages for a tensor so large that its memory is asked of the system each time."""
    machine, made = host.machine, load.made * host.batch * host.scale
    return made / machine.fresh if machine.fresh and made > machine.fresh_above else 0.0


def _placed(name: str, loads: Sequence[Load], host: _Host) -> Placed:
    found = [_bounds(load, host) for load in loads]
    multiply_adds = sum(load.multiply_adds for load in loads) * host.batch
    moved = sum(load.moved * host.batch + load.constant for load in loads) * host.scale
    busy = sum(max(one.arithmetic, one.memory) for one in found)
    totals = {bound: sum(getattr(one, bound) for one in found) for bound in _BOUNDS}
    return Placed(
        name=name,
        operators=len(loads),
        multiply_adds=multiply_adds,
        bytes_moved=round(moved),
        intensity=multiply_adds / moved if moved else 0.0,
        attainable=multiply_adds / busy if busy else 0.0,
        bound=max(_BOUNDS, key=lambda bound: totals[bound]),
        seconds=sum(one.seconds for one in found),
    )
