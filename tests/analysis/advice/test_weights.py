"""Filters that start equal, against what training makes of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.analysis.advice import advise_weights
from hubel.analysis.recording.trace import Traceable, trace
from hubel.errors import DesignError
from tests.analysis.collapse.stacked import settle

conv = nn.Conv2d


def row(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


def constant(module: nn.Module, value: float = 0.1) -> nn.Module:
    for parameter in module.parameters():
        nn.init.constant_(parameter, value)
    return module


def equal_layers(module: nn.Module, shape: tuple[int, ...]) -> list[str]:
    graph, _ = trace(Traceable.of(module), (1, *shape))
    return [each.layer for each in advise_weights(module, graph)]


def zeros_of(module: nn.Module, path: str) -> nn.Module:
    settle(module)
    constant(module.get_submodule(path), 0.0)
    return module


plain = partial(row, conv(3, 6, 3), nn.BatchNorm2d(6), nn.Tanh(), conv(6, 4, 3), nn.ReLU())
flat = partial(row, nn.Flatten(), nn.Linear(4 * 16, 2))


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (lambda: constant(row(*plain(), *flat())), ["0", "3"]),
        (lambda: settle(row(*plain(), *flat())), []),
        (lambda: zeros_of(row(*plain(), *flat()), "6"), []),
        (lambda: zeros_of(row(*plain(), *flat()), "3"), ["3"]),
        (lambda: zeros_of(row(*plain(), *flat()), "0"), []),
    ],
    ids=["all constant", "all drawn", "last layer zero", "zero before relu", "zero before tanh"],
)
def test_filters_that_are_called_equal_stay_equal_and_no_others(
    module: Callable[[], nn.Module], expected: list[str]
) -> None:
    network = module().train()
    assert equal_layers(network, (3, 8, 8)) == expected
    step = torch.optim.SGD(network.parameters(), lr=0.05)
    draws = torch.Generator().manual_seed(0)
    x, y = torch.randn(8, 3, 8, 8, generator=draws), torch.arange(8) % 2
    for _ in range(3):
        step.zero_grad()
        F.cross_entropy(network(x), y).backward()
        step.step()
    weights = {path: network.get_submodule(path).weight for path in ("0", "3", "6")}
    equal = [
        path
        for path, weight in weights.items()
        if isinstance(weight, Tensor) and torch.allclose(weight, weight[:1].expand_as(weight))
    ]
    assert equal == expected


def test_weights_are_needed_to_compare_filters() -> None:
    module = nn.Linear(2, 2, device="meta")
    graph, _ = trace(Traceable.of(module), (1, 2))
    with pytest.raises(DesignError, match=r"has no weights .* build it with weights"):
        advise_weights(module, graph)
