"""Our optimizers are PyTorch's own, over groups that follow one rule."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hubel.models.architecture import Architecture
from hubel.training.choices import OPTIMIZERS
from hubel.training.optimizers import STEPS, Optimizer
from hubel.training.recipe import Recipe

RATE, MOMENTUM = 0.05, 0.8

Maker = Callable[[Any], torch.optim.Optimizer]

THEIRS: dict[str, Maker] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=RATE),
    "momentum": lambda p: torch.optim.SGD(p, lr=RATE, momentum=MOMENTUM),
    "nesterov": lambda p: torch.optim.SGD(p, lr=RATE, momentum=MOMENTUM, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=0.99),
    "adam": lambda p: torch.optim.Adam(p, lr=RATE, betas=(MOMENTUM, 0.99)),
    "adamw": lambda p: torch.optim.AdamW(p, lr=RATE, betas=(MOMENTUM, 0.99)),
}


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(36, 2))


def recipe(optimizer: str, **changes: Any) -> Recipe:
    return Recipe(
        optimizer=optimizer, lr=RATE, momentum=MOMENTUM, **{"weight_decay": 0.0, **changes}
    )


def learn(
    module: nn.Module, optimizer: torch.optim.Optimizer | Optimizer, steps: range
) -> list[Tensor]:
    for step in steps:
        draws = torch.Generator().manual_seed(step)
        x = torch.randn(6, 3, 4, 4, generator=draws)
        y = torch.randint(2, (6,), generator=draws)
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        if isinstance(optimizer, Optimizer):
            optimizer.step(RATE)
        else:
            optimizer.step()
    return [value.clone() for value in module.state_dict().values()]


def test_every_name_has_its_counterpart() -> None:
    """Muon's is in test_muon.py."""
    assert THEIRS.keys() | {"muon"} == STEPS.keys() == OPTIMIZERS.keys()


@pytest.mark.parametrize("name", THEIRS)
def test_without_decay_an_optimizer_is_pytorchs_own(name: str) -> None:
    ours, theirs = network(), network()
    optimizer = Optimizer(ours, recipe(name))
    expected = learn(theirs, THEIRS[name]([{"params": theirs.parameters(), "weight_decay": 0.0}]),
                     range(8))  # fmt: skip
    for one, other in zip(learn(ours, optimizer, range(8)), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("name", THEIRS)
def test_weights_decay_and_nothing_else_does(name: str) -> None:
    ours, theirs = network(), network()
    optimizer = Optimizer(ours, recipe(name, weight_decay=0.1))
    parameters = dict(theirs.named_parameters())
    groups = [
        {"params": [p for n, p in parameters.items() if n in decayed], "weight_decay": decay}
        for decayed, decay in (({"0.weight", "3.weight"}, 0.1),
                               ({"0.bias", "1.weight", "1.bias", "3.bias"}, 0.0))
    ]  # fmt: skip
    expected = learn(theirs, THEIRS[name](groups), range(8))
    for one, other in zip(learn(ours, optimizer, range(8)), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_biases_of_norms_learn_at_their_own_rate() -> None:
    module = network()
    optimizer = Optimizer(module, recipe("sgd", norm_lr=8.0))
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    for parameter in module.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step(0.5)
    moved = {name: (before[name] - p).detach() for name, p in module.named_parameters()}
    for name, distance in moved.items():
        expected = torch.full_like(distance, 4.0 if name == "1.bias" else 0.5)
        torch.testing.assert_close(distance, expected)


def test_frozen_parameters_are_left_out() -> None:
    module = Architecture(name="convnet", in_channels=3, num_classes=2, image_size=(12, 12)).build()
    optimizer = Optimizer(module, recipe("nesterov"))
    trained = {id(p) for group in optimizer.groups for p in group.parameters}
    assert trained == {id(p) for p in module.parameters() if p.requires_grad}
    assert 0 < len(trained) < len(list(module.parameters()))


def test_nesterov_without_momentum_is_plain_descent() -> None:
    ours, theirs = network(), network()
    optimizer = Optimizer(ours, Recipe(optimizer="nesterov", lr=RATE, momentum=0.0,
                                            weight_decay=0.0))  # fmt: skip
    expected = learn(theirs, THEIRS["sgd"](theirs.parameters()), range(4))
    for one, other in zip(learn(ours, optimizer, range(4)), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", THEIRS)
def test_an_optimizer_comes_back_bit_for_bit(name: str, layout: torch.memory_format) -> None:
    whole = network().to(memory_format=layout)
    optimizer = Optimizer(whole, recipe(name, weight_decay=0.1))
    learn(whole, optimizer, range(5))
    again = network().to(memory_format=layout)
    again.load_state_dict(whole.state_dict())
    restored = Optimizer(again, recipe(name, weight_decay=0.1))
    stored = {key: value.contiguous().clone() for key, value in optimizer.tensors().items()}
    restored.load(stored)
    expected = learn(whole, optimizer, range(5, 10))
    for one, other in zip(learn(again, restored, range(5, 10)), expected, strict=True):
        assert torch.equal(one, other)
    assert restored.tensors().keys() == optimizer.tensors().keys()
    for key, value in optimizer.tensors().items():
        assert torch.equal(restored.tensors()[key], value), key


def test_the_compiler_is_not_loaded() -> None:
    """It takes longer than reading 60,000 pictures from the cache."""
    code = (
        "import sys, torch\n"
        "from torch import nn\n"
        "from hubel.training.optimizers import Optimizer\n"
        "from hubel.training.recipe import Recipe\n"
        "module = nn.Linear(2, 2)\n"
        "optimizer = Optimizer(module, Recipe(lr=0.1, weight_decay=0.1))\n"
        "optimizer.zero_grad()\n"
        "module(torch.ones(1, 2)).sum().backward()\n"
        "optimizer.step(0.1)\n"
        "sys.exit('torch._dynamo' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
