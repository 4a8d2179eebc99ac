"""The roof is never beaten: a layer takes at least what its arithmetic and its traffic take."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.analysis.budget.loads import Load
from hubel.analysis.budget.machine import Ceiling, Kind, Machine, named_machine
from hubel.analysis.budget.roofline import bounds_of, roofline
from hubel.errors import DesignError
from tests.analysis.budget.loads import plain, some_load, some_machine

some_loads = st.lists(some_load(), min_size=1, max_size=5)
some_batch = st.integers(1, 512)
SLACK = 1 - 1e-9  # of adding in another order

UNIT = Machine(
    name="unit", title="unit", multiply_adds={"float32": 1e9}, bandwidth=1e9, overhead=1e-3,
    source="made up: one multiply-add and one byte a nanosecond",
)  # fmt: skip


@given(some_load(), some_machine(), some_batch)
def test_a_layer_takes_at_least_each_of_its_bounds(
    load: Load, machine: Machine, batch: int
) -> None:
    found = bounds_of(load, machine, batch=batch)
    assert found.seconds >= max(found.arithmetic, found.memory, found.overhead) * SLACK
    assert found.arithmetic >= load.multiply_adds * batch / machine.peak() * SLACK
    fastest = max((rate for _, rate in machine.caches), default=machine.bandwidth)
    assert found.memory >= (load.moved * batch + load.constant) / fastest * SLACK


@given(some_loads, some_machine(), some_batch)
def test_a_larger_batch_takes_longer_and_less_for_each_sample(
    loads: list[Load], machine: Machine, batch: int
) -> None:
    machine = replace(machine, caches=(), fresh=None)  # where larger data leave the cache
    one, many = (roofline(loads, machine, batch=n).seconds for n in (batch, 2 * batch))
    assert one <= many * (1 + 1e-9)
    assert many <= 2 * one * (1 + 1e-9)


@given(some_loads, some_machine(), some_batch)
def test_a_larger_batch_takes_longer_with_caches_too(
    loads: list[Load], machine: Machine, batch: int
) -> None:
    one, many = (roofline(loads, machine, batch=n).seconds for n in (batch, batch + 1))
    assert one <= many * (1 + 1e-9)


@given(some_loads, some_machine(), some_batch)
def test_the_whole_is_the_sum_of_its_layers(
    loads: list[Load], machine: Machine, batch: int
) -> None:
    found = roofline(loads, machine, batch=batch)
    assert sum(bounds for bounds in found.shares.values()) == pytest.approx(
        1.0 if found.seconds else 0.0
    )
    assert sum(x.operators for x in found.layers) == len(loads)
    assert sum(x.multiply_adds for x in found.layers) == batch * sum(
        load.multiply_adds for load in loads
    )
    assert [x.name for x in found.layers] == list(dict.fromkeys(load.layer for load in loads))


@given(some_loads, some_machine(), some_batch)
def test_what_is_attainable_is_below_the_roof(
    loads: list[Load], machine: Machine, batch: int
) -> None:
    """On a data sheet's machine: the lower of the peak and intensity times bandwidth."""
    sheet = plain(machine)
    for layer in roofline(loads, sheet, batch=batch).layers:
        roof = min(sheet.peak(), layer.intensity * sheet.bandwidth if layer.bytes_moved else 1e99)
        assert layer.attainable <= roof * (1 + 1e-6)


@given(some_load(), some_machine(), some_batch)
def test_one_operator_reaches_the_roof_itself(load: Load, machine: Machine, batch: int) -> None:
    sheet, (layer,) = plain(machine), roofline([load], plain(machine), batch=batch).layers
    if load.multiply_adds and load.moved:
        roof = min(sheet.peak(), layer.intensity * sheet.bandwidth)
        assert layer.attainable == pytest.approx(roof, rel=1e-6)
        is_left_of_ridge = layer.intensity < sheet.ridge()
        found = bounds_of(load, sheet, batch=batch)
        assert (found.memory > found.arithmetic) == is_left_of_ridge


@given(some_load(), some_machine(), some_batch)
def test_measured_ceilings_only_lower_the_roof(load: Load, machine: Machine, batch: int) -> None:
    without = replace(machine, ceilings={})
    lower, roof = (bounds_of(load, one, batch=batch).arithmetic for one in (machine, without))
    assert lower >= roof * SLACK


@given(some_loads, some_machine(), some_batch)
def test_half_the_bytes_take_no_longer(loads: list[Load], machine: Machine, batch: int) -> None:
    machine = replace(machine, ceilings={}, multiply_adds={"float32": 1e12, "bfloat16": 1e12})
    half, full = (
        roofline(loads, machine, precision, batch).seconds for precision in ("bfloat16", "float32")
    )
    assert half <= full * (1 + 1e-9)


@pytest.mark.parametrize(
    ("multiply_adds", "moved", "constant", "bound", "seconds"),
    [
        (9 * 10**6, 10**6, 0, "arithmetic", 0.010),
        (10**6, 9 * 10**6, 0, "memory", 0.010),
        (10**6, 0, 4 * 10**6, "memory", 0.005),
        (10**5, 10**5, 0, "overhead", 0.0011),
    ],
)
def test_the_bound_is_what_takes_longest(
    multiply_adds: int, moved: int, constant: int, bound: str, seconds: float
) -> None:
    load = Load(layer="a", kind=Kind.CONVOLUTION, multiply_adds=multiply_adds, moved=moved,
                constant=constant)  # fmt: skip
    (found,) = roofline([load], UNIT).layers
    assert (found.bound, found.seconds) == (bound, pytest.approx(seconds))


def test_weights_are_read_once_a_batch() -> None:
    load = Load(layer="fc", kind=Kind.MATRIX_PRODUCT, multiply_adds=10**6, constant=4 * 10**6)
    assert [roofline([load], UNIT, batch=n).layers[0].bytes_moved for n in (1, 8)] == [
        4_000_000
    ] * 2


def test_a_gpu_starts_operators_while_others_run() -> None:
    load = Load(layer="a", kind=Kind.CONVOLUTION, multiply_adds=3 * 10**6)
    gpu = replace(UNIT, is_overlapped=True)
    assert roofline([load], UNIT).seconds == pytest.approx(0.004)
    assert roofline([load], gpu).seconds == pytest.approx(0.003)


def test_a_view_starts_nothing_on_a_gpu() -> None:
    view = Load(layer="a", kind=Kind.VIEW)
    assert roofline([view], UNIT).seconds == pytest.approx(0.001)
    assert roofline([view], replace(UNIT, is_overlapped=True)).seconds == 0


def test_memory_that_is_new_costs_more() -> None:
    machine = replace(UNIT, overhead=0.0, fresh=5e8, fresh_above=10**6)
    kept, new = (
        Load(layer="a", kind=Kind.ELEMENTWISE, moved=2 * made, made=made)
        for made in (10**6, 10**6 + 1)
    )
    assert roofline([kept], machine).seconds == pytest.approx(0.002)
    assert roofline([new], machine).seconds == pytest.approx(0.004, rel=1e-5)


def test_a_kind_has_its_own_overhead_where_it_was_measured() -> None:
    machine = replace(UNIT, ceilings={Kind.MEAN: Ceiling(overhead=2e-3)})
    loads = [Load(layer="a", kind=Kind.MEAN), Load(layer="b", kind=Kind.ELEMENTWISE)]
    assert [x.seconds for x in roofline(loads, machine).layers] == [2e-3, 1e-3]


def test_weights_that_are_used_seldom_take_longer() -> None:
    """1000 numbers, each used once by a batch of 1, and ten times by a batch of 10."""
    load = Load(layer="a", kind=Kind.MATRIX_PRODUCT, multiply_adds=1000, constant=4000)
    ceiling = Ceiling(reuse=((1, 1e5), (10, 1e6)), overhead=0)
    machine = replace(UNIT, ceilings={Kind.MATRIX_PRODUCT: ceiling})
    found = [roofline([load], machine, batch=batch).seconds for batch in (1, 10, 10**6)]
    assert found == pytest.approx([0.01, 0.01, 1.0])


def test_a_precision_without_figures_is_an_error() -> None:
    with pytest.raises(DesignError, match="unit has figures for float32, none for 'float16'"):
        roofline([], UNIT, "float16")


def test_json_says_whose_roof_it_is() -> None:
    load = Load(layer="conv", kind=Kind.CONVOLUTION, multiply_adds=10**9, moved=10**6)
    document = roofline([load], named_machine("t4"), "float16", 2).to_json()
    assert document["machine"]["name"] == "t4"
    assert document["layers"][0]["name"] == "conv"
    assert document["layers"][0]["bytes_moved"] == 10**6  # two samples of half the bytes
    assert document["seconds"] == pytest.approx(2 * 10**9 / 32.5e12)
