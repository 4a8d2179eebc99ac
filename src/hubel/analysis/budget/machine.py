"""What a machine can do: arithmetic, memory, and what starting an operator costs.

A multiply-add is one unit of work here; vendors count it as two floating-point operations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from itertools import pairwise
from typing import Any

from hubel.errors import DesignError

__all__ = ["BYTES", "Ceiling", "Kind", "Machine", "named_machine"]

# Bytes of one number as it lies in memory; tf32 is float32 there.
BYTES = {"float32": 4, "tf32": 4, "bfloat16": 2, "float16": 2}


class Kind(StrEnum):
    """Operators that reach the same share of what a machine can do."""

    MATRIX_PRODUCT = "matrix product"
    ATTENTION = "attention"
    CONVOLUTION = "convolution"
    GROUPED = "grouped convolution"
    DEPTHWISE = "depthwise convolution"
    BATCH_NORM = "batch normalisation"
    LAYER_NORM = "layer normalisation"
    ACTIVATION = "activation"
    MAX_POOLING = "max pooling"
    MEAN = "mean"
    ELEMENTWISE = "elementwise"
    VIEW = "view"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What operators of one kind reach at most, whatever the machine's peak (Williams et al.).

    Attributes:
        multiply_adds: a second; None where the kind has none, or the peak holds.
        reuse: rising numbers of times that each weight is used, with the multiply-adds a second
            that are reached then: kernels bring weights into a layout of their own first.
        stream: bytes a second when the data are in the cache; None where only memory limits.
        overhead: seconds that starting one takes; None where the machine's own holds.
    """

    multiply_adds: float | None = None
    reuse: tuple[tuple[float, float], ...] = ()
    stream: float | None = None
    overhead: float | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Ceiling:
        """The inverse of `asdict`.

        Raises:
            KeyError, TypeError: the document is of another version.
        """
        fields: dict[str, Any] = dict(document)
        fields["reuse"] = _pairs(fields["reuse"])
        return cls(**fields)

    def rate(self, uses: float, peak: float) -> float:
        """Multiply-adds a second where each weight is used so many times; at most the peak.

        Example:
            >>> ceiling = Ceiling(multiply_adds=40e9, reuse=((1, 5e9), (100, 20e9)))
            >>> [round(ceiling.rate(uses, peak=50e9) / 1e9, 1) for uses in (1, 10, 100, 1000)]
            [5.0, 10.0, 20.0, 40.0]
        """
        most = min(peak, self.multiply_adds or peak)
        if not self.reuse:
            return most
        last = self.reuse[-1][0]  # from there on no slower than the last, until the ceiling
        return min(most, _interpolated(self.reuse, uses) * max(1.0, uses / last))


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What predictions of time need to know of a machine.

    Attributes:
        name: as it is asked for.
        title: as people know it.
        multiply_adds: peak a second, by precision; dense, without structured sparsity.
        bandwidth: bytes a second between main memory and the processor.
        memory: bytes that networks and activations share; None where it differs by model.
        overhead: seconds that starting an operator takes; 0 where nobody has published it.
        is_overlapped: whether operators are started while others run, as on a GPU.
        ceilings: what kinds of operators reach in float32, where it was measured.
        caches: rising bytes that an operator touches, with the bytes a second that it moves them
            at: what fits in a cache comes from there.
        fresh: bytes a second at which new memory is had for tensors above `fresh_above`.
        fresh_above: bytes of a tensor for which memory is asked of the system each time.
        spread: relative half-width of the middle half of repeated measurements; None: not measured.
        source: what says so, and what it says.
        url: where it says so.
    """

    name: str
    title: str
    multiply_adds: Mapping[str, float]
    bandwidth: float
    memory: int | None = None
    overhead: float = 0.0
    is_overlapped: bool = False
    ceilings: Mapping[str, Ceiling] = field(default_factory=dict[str, Ceiling])
    caches: tuple[tuple[float, float], ...] = ()
    fresh: float | None = None
    fresh_above: int = 32 << 20
    spread: float | None = None
    source: str
    url: str = ""

    def peak(self, precision: str = "float32") -> float:
        """Multiply-adds a second.

        Raises:
            DesignError: nothing is known of that precision on this machine.
        """
        if precision not in self.multiply_adds:
            raise DesignError(
                f"precision: {self.title} has figures for {', '.join(self.multiply_adds)}, "
                f"none for {precision!r}"
            )
        return self.multiply_adds[precision]

    def ridge(self, precision: str = "float32") -> float:
        """Multiply-adds a byte above which arithmetic is the limit, and memory below."""
        return self.peak(precision) / self.bandwidth

    def bandwidth_at(self, touched: float) -> float:
        """Bytes a second at which an operator that touches so many bytes moves them.

        Example:
            >>> machine = Machine(name="m", title="m", multiply_adds={"float32": 1e9},
            ...     bandwidth=1e9, caches=((1e6, 4e9), (4e6, 2e9)), source="made up")
            >>> [round(machine.bandwidth_at(x) / 1e9, 1) for x in (1e3, 2e6, 1e9)]
            [4.0, 2.8, 1.0]
        """
        if not self.caches or touched > self.caches[-1][0]:
            return self.bandwidth
        return _interpolated(self.caches, touched)

    def to_json(self) -> dict[str, Any]:
        """The machine as JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Machine:
        """The inverse of `to_json`.

        Raises:
            KeyError, TypeError: the document is of another version.
        """
        fields: dict[str, Any] = dict(document)
        fields["ceilings"] = {
            kind: Ceiling.from_json(one) for kind, one in fields["ceilings"].items()
        }
        fields["caches"] = _pairs(fields["caches"])
        return cls(**fields)


def _pairs(lists: Iterable[Iterable[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x, y in lists)


def _interpolated(points: Sequence[tuple[float, float]], x: float) -> float:
    """Straight in logarithms between rising points; before the first as there."""
    if x <= points[0][0]:
        return points[0][1]
    for (start, here), (end, there) in pairwise(points):
        if x <= end:
            share = math.log(x / start) / math.log(end / start)
            return here * (there / here) ** share
    return points[-1][1]


def named_machine(name: str) -> Machine:
    """A machine of the table, by its name or another that people use for it.

    Args:
        name: such as "h100", "A100 80GB", "raspberry-pi-5", "phone".

    Raises:
        DesignError: it is not in the table; the nearest names are suggested.

    Example:
        >>> named_machine("A100 80GB").multiply_adds["tf32"]
        78000000000000.0
    """
    from hubel.analysis.budget.machines import ALIASES, MACHINES

    wanted = name.strip().lower().replace(" ", "-").replace("_", "-")
    wanted = ALIASES.get(wanted, wanted)
    for machine in MACHINES:
        if machine.name == wanted:
            return machine
    known = [machine.name for machine in MACHINES]
    near = get_close_matches(wanted, [*known, *ALIASES], n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise DesignError(
        f"machine: nothing is known of {name!r}; {hint}there are {', '.join(known)}; "
        "and `this` measures the machine that runs"
    )
