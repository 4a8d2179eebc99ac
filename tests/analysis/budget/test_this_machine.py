"""Measuring a machine, and remembering it for some days."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from hubel.analysis.budget import this_machine as module
from hubel.analysis.budget.machine import Kind, Machine, named_machine
from hubel.analysis.budget.this_machine import find_machine, measure_machine, this_machine
from hubel.analysis.budget.workloads import ARITHMETIC, SELDOM, STREAMING
from hubel.errors import DesignError
from tests.analysis.budget.clocks import Ticking

CPU = torch.device("cpu")
DAY = 86_400


@pytest.fixture(scope="module")
def ticked() -> Iterator[Machine]:
    """A machine on which everything takes a millisecond."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield measure_machine("cpu", seconds=0, clock=Ticking(1e-3))
    torch.set_num_threads(count)


@pytest.mark.parametrize("kind", ARITHMETIC)
def test_a_rate_is_the_work_over_the_time(ticked: Machine, kind: Kind) -> None:
    multiply_adds, _ = ARITHMETIC[kind](1, CPU).work()
    assert ticked.ceilings[kind].multiply_adds == pytest.approx(multiply_adds / 1e-3)


@pytest.mark.parametrize("kind", STREAMING)
def test_a_stream_is_the_traffic_over_the_time(ticked: Machine, kind: Kind) -> None:
    _, moved = STREAMING[kind](2, CPU).work()
    assert ticked.ceilings[kind].stream == pytest.approx(moved / 1e-3)


@pytest.mark.parametrize("kind", SELDOM)
def test_weights_used_seldom_have_their_rate(ticked: Machine, kind: Kind) -> None:
    make, several = SELDOM[kind]
    expected = {uses: make(uses, CPU).work()[0] / 1e-3 for uses in several}
    assert dict(ticked.ceilings[kind].reuse) == pytest.approx(expected)


def test_the_peak_is_the_highest_ceiling(ticked: Machine) -> None:
    assert ticked.peak() == max(x.multiply_adds or 0 for x in ticked.ceilings.values())


def test_starting_an_operator_takes_a_tick(ticked: Machine) -> None:
    assert ticked.overhead == pytest.approx(1e-3)
    assert {kind: one.overhead for kind, one in ticked.ceilings.items()} == pytest.approx(
        {str(kind): 1e-3 for kind in Kind}
    )


def test_caches_are_never_faster_for_more(ticked: Machine) -> None:
    sizes, rates = zip(*ticked.caches, strict=True)
    assert list(sizes) == sorted(sizes)
    assert list(rates) == sorted(rates, reverse=True)


def test_memory_that_is_no_slower_when_new_has_no_rate(ticked: Machine) -> None:
    assert ticked.fresh is None


def test_nothing_spreads_on_a_steady_clock(ticked: Machine) -> None:
    assert ticked.spread == pytest.approx(0, abs=1e-6)


def test_a_real_clock_gives_a_machine_that_can_be_used() -> None:
    torch.set_num_threads(1)
    found = measure_machine("cpu", seconds=0.1)
    assert Machine.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert found.peak() > found.bandwidth / 1000  # no unit is off by a prefix
    assert (found.memory or 0) > 1e8
    assert found.title.endswith(", 1 thread")


def test_a_device_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DesignError, match="device: 'xla:7' is not to be had here"):
        measure_machine("xla:7")


@pytest.mark.parametrize("name", ["quantum", "cpu:x"])
def test_a_device_that_nobody_knows_is_an_error(name: str) -> None:
    with pytest.raises(DesignError, match=f"device: '{name}' is not to be had here .*cpu always"):
        measure_machine(name)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The devices that were measured, each giving another machine."""
    devices: list[str] = []

    def measure(device: str, seconds: float) -> Machine:
        devices.append(device)
        return Machine(name="this", title=str(len(devices)), multiply_adds={"float32": 1.0},
                       bandwidth=1.0, source=f"{seconds}")  # fmt: skip

    monkeypatch.setattr(module, "measure_machine", measure)
    return devices


def files(cache: Path) -> list[Path]:
    return list((cache / "machines").iterdir())


def test_a_machine_is_measured_once(measured: list[str]) -> None:
    assert this_machine() == this_machine() == find_machine(" This ")
    assert measured == ["cpu"]


def test_measuring_again_replaces_what_is_known(measured: list[str]) -> None:
    assert [this_machine().title, this_machine(again=True).title, this_machine().title] == [
        "1", "2", "2"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("age", "count"), [(6.9 * DAY, 1), (7.1 * DAY, 2), (-DAY, 2)], ids=["young", "old", "future"]
)
def test_a_measurement_holds_for_a_week(
    measured: list[str], own_cache: Path, age: float, count: int
) -> None:
    this_machine()
    (path,) = files(own_cache)
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"time": document["time"] - age}))
    this_machine()
    assert len(measured) == count


def test_another_number_of_threads_is_another_machine(measured: list[str], own_cache: Path) -> None:
    torch.set_num_threads(1)
    this_machine()
    torch.set_num_threads(2)
    this_machine()
    assert len(files(own_cache)) == len(measured) == 2


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"time": 9e9, "machine": {}}', '{"time": "x"}'])
def test_a_file_that_can_not_be_read_is_measured_anew(
    measured: list[str], own_cache: Path, text: str
) -> None:
    this_machine()
    files(own_cache)[0].write_text(text)
    assert this_machine().title == "2"


def test_a_cache_that_can_not_be_written_costs_time_only(
    measured: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HUBEL_CACHE", str(tmp_path / "file"))
    assert [this_machine().title, this_machine().title] == ["1", "2"]


def test_other_names_are_of_the_table() -> None:
    assert find_machine("A100") is named_machine("a100-80gb")
