"""Machines: figures in one unit, names that are forgiving, caches that never slow down."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.analysis.budget.machine import BYTES, Ceiling, Machine, named_machine
from hubel.analysis.budget.machines import ALIASES, MACHINES
from hubel.errors import DesignError
from tests.analysis.budget.loads import rates, some_ceiling, some_machine

every_machine = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)


@every_machine
def test_a_machine_says_where_its_figures_are_from(machine: Machine) -> None:
    assert len(machine.source) > 60
    assert machine.url.startswith("https://")
    assert machine.spread is None  # nobody measured it here


@every_machine
def test_narrower_numbers_are_no_slower(machine: Machine) -> None:
    found = machine.multiply_adds
    assert set(found) <= set(BYTES)
    assert all(found[name] >= found["float32"] for name in found)
    assert found.get("float16", 0) >= found.get("tf32", 0)


@every_machine
def test_half_precision_is_dense(machine: Machine) -> None:
    """Structured sparsity doubles the figures; without it half precision is twice tf32."""
    found = machine.multiply_adds
    if "tf32" in found:
        assert found["float16"] == pytest.approx(2 * found["tf32"], rel=0.02)


@every_machine
def test_the_ridge_is_where_both_limits_meet(machine: Machine) -> None:
    assert machine.ridge() * machine.bandwidth == pytest.approx(machine.peak())


def test_names_are_found_however_they_are_written() -> None:
    assert named_machine(" H100_SXM ") is named_machine("h100 sxm") is named_machine("h100")


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_a_machine(alias: str) -> None:
    assert named_machine(alias).name == ALIASES[alias]
    assert alias not in {machine.name for machine in MACHINES}


def test_names_are_unique() -> None:
    assert len({machine.name for machine in MACHINES}) == len(MACHINES)


def test_an_unknown_machine_is_an_error_with_near_names() -> None:
    with pytest.raises(DesignError, match="nothing is known of 'h10'; did you mean h100"):
        named_machine("h10")


def test_an_unknown_machine_like_no_other_lists_them_all() -> None:
    with pytest.raises(DesignError, match=r"'zzz'; there are h100-sxm, .*`this` measures"):
        named_machine("zzz")


def test_a_precision_that_nobody_published_is_an_error() -> None:
    with pytest.raises(DesignError, match="T4, 16 GB has figures for float32, float16, none for"):
        named_machine("t4").peak("bfloat16")


@given(some_machine())
def test_json_gives_the_machine_back(machine: Machine) -> None:
    assert Machine.from_json(json.loads(json.dumps(machine.to_json()))) == machine


@given(some_machine(), st.lists(st.floats(0, 1e9), min_size=2, max_size=2))
def test_touching_more_is_never_faster_and_takes_longer(
    machine: Machine, sizes: list[float]
) -> None:
    few, many = sorted(sizes)
    fast, slow = machine.bandwidth_at(few), machine.bandwidth_at(many)
    assert fast >= slow * (1 - 1e-9)
    assert slow >= machine.bandwidth * (1 - 1e-9)
    assert few / fast <= many / slow * (1 + 1e-9)


@given(some_ceiling(), rates, st.lists(st.floats(1, 1e7), min_size=2, max_size=2))
def test_weights_that_are_used_more_are_used_faster_and_take_longer(
    ceiling: Ceiling, peak: float, uses: list[float]
) -> None:
    few, many = sorted(uses)
    slow, fast = ceiling.rate(few, peak), ceiling.rate(many, peak)
    assert slow <= fast * (1 + 1e-9)
    assert fast <= min(peak, ceiling.multiply_adds or peak)
    assert few / slow <= many / fast * (1 + 1e-9)
