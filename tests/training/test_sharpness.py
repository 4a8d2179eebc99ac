"""The sharpness-aware step is the paper's equation, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from hubel.training.plan import Plan
from hubel.training.sharpness import climb
from tests.training.small import EPOCHS, go_on, make_trainer, outcome, start


def gradient_at(module: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    module.zero_grad()
    module(x).square().mean().backward()
    return [p.grad.clone() for p in module.parameters() if p.grad is not None]


def test_the_climb_is_the_radius_along_the_gradient() -> None:
    torch.manual_seed(0)
    module, x = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), torch.randn(5, 3)
    gradients = gradient_at(module, x)
    length = torch.cat([g.ravel() for g in gradients]).norm()
    before = [p.detach().clone() for p in module.parameters()]
    with climb(module, 0.3):
        for parameter, start_, gradient in zip(module.parameters(), before, gradients, strict=True):
            torch.testing.assert_close(parameter, start_ + 0.3 * gradient / length)
    assert all(torch.equal(p, b) for p, b in zip(module.parameters(), before, strict=True))


def test_on_a_bowl_the_gradient_is_the_one_of_the_equation() -> None:
    """For w'Aw/2, Foret's gradient is A(w + radius Aw / |Aw|)."""
    matrix, weight = torch.tensor([[3.0, 0.5], [0.5, 1.0]]), nn.Parameter(torch.tensor([1.0, -2.0]))
    module = nn.ParameterList([weight])
    (weight @ matrix @ weight / 2).backward()
    slope = matrix @ weight.detach()
    with climb(module, 0.7):
        weight.grad = None
        (weight @ matrix @ weight / 2).backward()
    expected = matrix @ (weight.detach() + 0.7 * slope / slope.norm())
    torch.testing.assert_close(weight.grad, expected)


def test_statistics_of_batch_normalisation_are_of_the_weights_that_stay() -> None:
    module, x = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), torch.randn(6, 3)
    gradient_at(module, x)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with climb(module, 0.1):
        module(x)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_a_gradient_of_zero_climbs_nowhere() -> None:
    module = nn.Linear(2, 2)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = module.weight.detach().clone()
    with climb(module, 1.0):
        assert torch.equal(module.weight, before)


def test_an_error_inside_leaves_the_weights_where_they_were() -> None:
    module = nn.Linear(2, 2)
    gradient_at(module, torch.randn(3, 2))
    before = module.weight.detach().clone()
    with pytest.raises(RuntimeError, match="full"), climb(module, 1.0):
        raise RuntimeError("full")
    assert torch.equal(module.weight, before)


def test_the_trainers_step_takes_the_gradient_up_there() -> None:
    settings = {"optimizer": "sgd", "averaging": 0.0, "mixup": 0.0, "cutmix": 0.0, "lr": 0.1,
                "warmup": 0.0, "weight_decay": 0.0, "resolutions": ((1.0, 1.0),)}  # fmt: skip
    sharp = make_trainer("linear", sam_radius=0.5, **settings)
    plain = make_trainer("linear", **settings)
    batch, plan = plain.task.train.batch(0), Plan.of(plain.task.train.steps(EPOCHS))
    plain.step(batch, 0, plan)
    weights = [p for p in plain.module.parameters() if p.grad is not None]
    length = torch.cat([p.grad.ravel() for p in weights if p.grad is not None]).norm()
    with torch.no_grad():  # from zero, where a linear classifier begins
        for parameter in weights:
            assert parameter.grad is not None
            parameter.copy_(0.5 * parameter.grad / length)
    moved = {name: p.detach().clone() for name, p in plain.module.named_parameters()}
    plain.step(batch, 0, plan)
    sharp.step(batch, 0, plan)
    for name, parameter in sharp.module.named_parameters():
        expected = plain.module.get_parameter(name) - moved[name]
        torch.testing.assert_close(parameter.detach(), expected.detach(), rtol=1e-4, atol=1e-6)


def test_resume_is_bit_exact_with_it(tmp_path: Path) -> None:
    settings = {"sam_radius": 0.05}
    trainer = make_trainer(**settings)
    journey = start(trainer, tmp_path / "whole")
    start(make_trainer(**settings), tmp_path / "halves", stop=5)
    assert outcome(*go_on(tmp_path / "halves", **settings)) == outcome(trainer, journey)
