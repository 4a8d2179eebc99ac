"""Random loads and machines."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from hubel.analysis.budget.loads import Load
from hubel.analysis.budget.machine import Ceiling, Kind, Machine

sizes = st.integers(0, 10**9)
rates = st.floats(1e6, 1e14)


@st.composite
def some_load(draw: st.DrawFn) -> Load:
    """One operator of any kind; what it touches and makes is part of what it moves."""
    moved = draw(sizes)
    return Load(
        layer=draw(st.sampled_from(["a", "b", "c"])),
        kind=draw(st.sampled_from(Kind)),
        multiply_adds=draw(sizes),
        moved=moved,
        constant=draw(sizes),
        touched=draw(st.integers(moved // 2, moved)),
        made=draw(st.integers(0, moved)),
    )


@st.composite
def some_ceiling(draw: st.DrawFn) -> Ceiling:
    """Faster the more often weights are used, and never so much that more work takes less time."""
    points, rate = [], draw(rates)
    for uses in draw(st.lists(st.integers(2, 8), max_size=3)):
        points.append(((points[-1][0] if points else 1.0) * uses, rate))
        rate *= draw(st.floats(1, 2))
    most = st.floats(rate, 8 * rate) if points else rates
    return Ceiling(
        multiply_adds=draw(st.none() | most),
        reuse=tuple(points),
        stream=draw(st.none() | rates),
        overhead=draw(st.none() | st.floats(1e-7, 1e-3)),
    )


@st.composite
def some_machine(draw: st.DrawFn) -> Machine:
    """Measured or named, with caches that are faster the less an operator touches."""
    bandwidth = draw(rates)
    faster = sorted(draw(st.lists(st.floats(1, 100), max_size=4)), reverse=True)
    return Machine(
        name="some",
        title="some",
        multiply_adds={"float32": draw(rates), "bfloat16": draw(rates)},
        bandwidth=bandwidth,
        overhead=draw(st.floats(0, 1e-3)),
        is_overlapped=draw(st.booleans()),
        ceilings=draw(st.dictionaries(st.sampled_from(Kind), some_ceiling())),
        caches=tuple((1e5 * 4**place, bandwidth * x) for place, x in enumerate(faster)),
        fresh=draw(st.none() | rates),
        source="made up",
    )


def plain(machine: Machine) -> Machine:
    """The machine as a data sheet would have it."""
    return replace(machine, ceilings={}, caches=(), fresh=None)
