"""Timing a network: every operator counts once, for its layer, and the network stays as it was."""

from __future__ import annotations

import math

import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision import models

from hubel.analysis.budget.comparison import Compared, Comparison, compare
from hubel.analysis.budget.loads import Load, loads_of
from hubel.analysis.budget.machine import Kind, named_machine
from hubel.analysis.budget.measure import Measurement, measure_layers
from hubel.analysis.budget.roofline import roofline
from hubel.analysis.budget.timing import Spread
from hubel.analysis.layers import rows_of
from hubel.analysis.recording.trace import Traceable, trace
from hubel.errors import DesignError
from tests.analysis.budget.clocks import Ticking
from tests.analysis.networks import same, traces


class Residual(nn.Module):
    """A sum outside of any layer, a plain tensor, a table of integers, and a tied weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1)
        self.second = nn.Conv2d(3, 3, 3, padding=1)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm2d(3)
        self.register_buffer("order", torch.tensor([2, 0, 1]))
        self.scale = torch.ones(3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return (self.norm(self.second(self.first(x))) * self.scale + x)[:, self.order]


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten())


def test_the_module_is_left_as_it_was() -> None:
    module = Residual()
    before = traces(module)
    measure_layers(module, (3, 8, 8), repeats=1)
    assert same(before, traces(module))


def test_hooks_of_the_user_do_not_run() -> None:
    module, calls = small(), []
    module[0].register_forward_hook(lambda *_: calls.append(1))
    measure_layers(module, (3, 8, 8), repeats=1)
    assert calls == []


def test_a_network_without_numbers_gets_some() -> None:
    with torch.device("meta"):
        module = Residual()
    module.scale = torch.empty(3, 1, 1, device="meta")
    found = measure_layers(module, (3, 8, 8), repeats=2)
    assert {"first", "second", "norm", "mul", "add"} <= found.layers.keys()
    assert all(x.device.type == "meta" for x in (*module.parameters(), module.scale))


def test_every_operator_takes_a_tick_of_its_layer() -> None:
    module = small()
    graph, _ = trace(Traceable.of(module), (2, 3, 8, 8))
    found = measure_layers(module, (3, 8, 8), batch=2, repeats=3, clock=Ticking(1e-3))
    assert {name: x.median for name, x in found.layers.items()} == pytest.approx(
        {row.name: 1e-3 * len(row.operators) for row in rows_of(graph) if row.operators}
    )
    assert found.operators == pytest.approx(1e-3 * len(graph.operators))
    assert found.whole.median == pytest.approx(1e-3)  # nobody looked at the clock within
    assert {x.count for x in (found.whole, *found.layers.values())} == {3}


@pytest.mark.parametrize(
    "build",
    [models.mobilenet_v2, models.convnext_tiny, lambda: timm.create_model("vit_tiny_patch16_224")],
    ids=["mobilenet_v2", "convnext_tiny", "vit_tiny"],
)
def test_what_runs_is_what_was_predicted(build: object) -> None:
    """The same layers, by the same names, whatever device the graph was recorded on."""
    torch.set_num_threads(1)
    with torch.device("meta"):
        module = build()  # type: ignore[operator]
    graph, _ = trace(Traceable.of(module), (1, 3, 224, 224))
    predicted = roofline(loads_of(graph), named_machine("raspberry-pi-5"))
    found = compare(predicted, measure_layers(module, (3, 224, 224), repeats=1))
    assert found.unmatched == ()
    assert [x.name for x in found.layers] == [x.name for x in predicted.layers]


def test_an_input_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(DesignError, match=r"Sequential fails at \(1, 4, 8, 8\) on cpu"):
        measure_layers(small(), (4, 8, 8))


def spread(seconds: float) -> Spread:
    return Spread(seconds, seconds, seconds, 1)


def compared(*pairs: tuple[float, float]) -> Comparison:
    layers = tuple(
        Compared(name=str(place), predicted=one, measured=spread(other))
        for place, (one, other) in enumerate(pairs)
    )
    return Comparison(layers=layers, predicted=3.0, measured=spread(2.0), spread=0.0)


@given(st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3)), min_size=1))
def test_too_fast_and_too_slow_weigh_the_same(pairs: list[tuple[float, float]]) -> None:
    swapped = [(measured, predicted) for predicted, measured in pairs]
    assert compared(*pairs).median_factor == pytest.approx(compared(*swapped).median_factor)
    assert compared(*pairs).median_factor >= 1


def test_the_middle_layer_tells_how_far_off_predictions_are() -> None:
    found = compared((1, 1), (2, 1), (1, 3))
    assert found.median_factor == pytest.approx(2)
    assert found.ratio == 1.5
    assert [x.ratio for x in found.layers] == [1, 2, pytest.approx(1 / 3)]


def test_a_layer_that_took_no_time_has_no_ratio() -> None:
    found = compared((1, 0), (1, 2))
    assert found.layers[0].ratio == math.inf
    assert found.median_factor == pytest.approx(2)


def test_layers_that_only_one_knows_are_named() -> None:
    loads = [Load(layer=name, kind=Kind.MEAN, moved=10**6) for name in ("a", "b")]
    measured = Measurement(
        batch=1, device="cpu", layers={"b": spread(1.0), "c": spread(1.0)}, whole=spread(2.0)
    )
    found = compare(roofline(loads, named_machine("t4")), measured)
    assert ([x.name for x in found.layers], found.unmatched) == (["b"], ("a", "c"))


def test_different_batches_are_not_compared() -> None:
    measured = measure_layers(small(), (3, 8, 8), batch=2, repeats=1)
    predicted = roofline([], named_machine("t4"), batch=3)
    with pytest.raises(DesignError, match="for a batch of 3, the measurement for 2"):
        compare(predicted, measured)
