"""Loads are the operators' work: nothing of the graph's arithmetic or traffic gets lost."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from hubel.analysis.budget.loads import loads_of
from hubel.analysis.budget.machine import Kind
from hubel.analysis.costs import bytes_moved, multiply_adds
from hubel.analysis.recording.graph import Graph
from hubel.analysis.recording.trace import Traceable, trace


def graph_of(module: nn.Module, *shape: int) -> Graph:
    return trace(Traceable.of(module), shape)[0]


def kinds(module: nn.Module, *shape: int) -> set[Kind]:
    return {load.kind for load in loads_of(graph_of(module, *shape))} - {Kind.VIEW}


def on_meta(name: str) -> nn.Module:
    with torch.device("meta"):
        return getattr(models, name)()


MAP = (1, 8, 6, 6)


@pytest.mark.parametrize(
    ("module", "shape", "kind"),
    [
        (nn.Conv2d(8, 8, 3), MAP, Kind.CONVOLUTION),
        (nn.Conv2d(8, 8, 3, groups=2), MAP, Kind.GROUPED),
        (nn.Conv2d(8, 16, 3, groups=8), MAP, Kind.DEPTHWISE),
        (nn.ConvTranspose2d(8, 8, 2), MAP, Kind.CONVOLUTION),
        (nn.Conv1d(8, 8, 3), (1, 8, 6), Kind.CONVOLUTION),
        (nn.Linear(6, 5), MAP, Kind.MATRIX_PRODUCT),
        (nn.BatchNorm2d(8), MAP, Kind.BATCH_NORM),
        (nn.LayerNorm(6), MAP, Kind.LAYER_NORM),
        (nn.GroupNorm(2, 8), MAP, Kind.LAYER_NORM),
        (nn.ReLU(), MAP, Kind.ELEMENTWISE),
        (nn.ReLU6(inplace=True), MAP, Kind.ELEMENTWISE),
        (nn.GELU(), MAP, Kind.ACTIVATION),
        (nn.SiLU(inplace=True), MAP, Kind.ACTIVATION),
        (nn.Softmax(-1), MAP, Kind.ACTIVATION),
        (nn.MaxPool2d(2), MAP, Kind.MAX_POOLING),
        (nn.AvgPool2d(2), MAP, Kind.MEAN),
        (nn.AdaptiveAvgPool2d(1), MAP, Kind.MEAN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_each_layer_has_its_kind(module: nn.Module, shape: tuple[int, ...], kind: Kind) -> None:
    assert kinds(module, *shape) == {kind}


def test_attention_has_its_kind() -> None:
    module = nn.MultiheadAttention(16, 2, batch_first=True)

    class Self(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = module

        def forward(self, x: Tensor) -> Tensor:
            return self.attention(x, x, x, need_weights=False)[0]

    assert {Kind.ATTENTION, Kind.MATRIX_PRODUCT} <= kinds(Self(), 1, 5, 16)


def test_flattening_is_a_view() -> None:
    (load,) = loads_of(graph_of(nn.Flatten(), *MAP))
    assert (load.kind, load.moved, load.made) == (Kind.VIEW, 0, 0)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "convnext_tiny", "vit_b_16"])
def test_loads_add_up_to_the_graph(name: str) -> None:
    graph = graph_of(on_meta(name), 1, 3, 224, 224)
    loads = loads_of(graph)
    assert len(loads) == len(graph.operators)
    assert sum(load.multiply_adds for load in loads) == multiply_adds(graph)
    assert sum(load.moved + load.constant for load in loads) == sum(
        map(bytes_moved, graph.operators)
    )


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "convnext_tiny"])
def test_a_sample_loads_the_same_whatever_the_batch(name: str) -> None:
    one, four = (loads_of(graph_of(on_meta(name), n, 3, 64, 64)) for n in (1, 4))
    assert one == four


def test_in_place_touches_half_of_what_it_moves() -> None:
    (outside,), (inside,) = (
        loads_of(graph_of(nn.ReLU(inplace=flag), *MAP)) for flag in (False, True)
    )
    assert inside.moved == outside.moved == outside.touched == 2 * 4 * 8 * 36
    assert inside.touched * 2 == inside.moved
    assert (inside.made, outside.made) == (0, 4 * 8 * 36)


def test_weights_are_constant_and_activations_are_not() -> None:
    (load,) = loads_of(graph_of(nn.Conv2d(8, 4, 3), *MAP))
    assert load.constant == 4 * (4 * 8 * 9 + 4)
    assert load.moved == 4 * (8 * 36 + 4 * 16)
