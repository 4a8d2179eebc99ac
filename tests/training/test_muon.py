"""Muon is PyTorch's own on the matrices between, and AdamW on the rest."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from hubel.errors import RecipeError
from hubel.training import muon as ours
from hubel.training.muon import hidden_weights, muon, orthogonal
from hubel.training.optimizers import Optimizer
from hubel.training.recipe import Recipe

RATE, DECAY = 0.02, 0.1
BFLOAT16 = torch.bfloat16


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def steps(matrix: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Where our steps and PyTorch's lead, along the same gradients."""
    mine, theirs = matrix.clone(), nn.Parameter(matrix.clone())
    kept = [torch.zeros_like(matrix)]
    optimizer = torch.optim.Muon(
        [theirs], lr=RATE, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"
    )
    for step in range(count):
        gradient = draw(*matrix.shape, seed=step + 1)
        theirs.grad = gradient.clone()
        optimizer.step()
        muon([mine], [gradient], kept, rate=RATE, weight_decay=DECAY, momentum=0.95)
    return mine, theirs.detach()


@pytest.mark.parametrize("shape", [(6, 6), (5, 12), (12, 5), (1, 7)])
def test_in_bfloat16_each_step_is_pytorchs(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "orthogonal", partial(orthogonal, dtype=BFLOAT16))
    mine, theirs = steps(draw(*shape), 6)
    torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shape", [(6, 6), (5, 12), (12, 5)])
def test_in_float32_each_step_is_pytorchs_to_the_rounding_of_bfloat16(
    shape: tuple[int, int],
) -> None:
    mine, theirs = steps(draw(*shape), 6)
    step = 6 * RATE * 0.2 * max(shape) ** 0.5
    assert (mine - theirs).abs().max() < 0.02 * step


@settings(max_examples=25)
@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 1000))
def test_a_step_has_the_directions_of_the_matrix_and_lengths_near_one(
    rows: int, columns: int, seed: int
) -> None:
    matrix = draw(rows, columns, seed=seed)
    left, lengths, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonal(matrix) @ right.T
    away = found - torch.diag(torch.diag(found))
    assert away.abs().max() < 1e-3
    clear = torch.diag(found)[lengths > 0.02 * lengths.norm()]
    assert ((clear > 0.6) & (clear < 1.3)).all()


def test_a_convolution_is_a_matrix_with_a_row_an_output() -> None:
    filters, gradient = draw(6, 4, 3, 3), draw(6, 4, 3, 3, seed=1)
    flat = filters.flatten(1).clone()
    muon([filters], [gradient], [torch.zeros_like(filters)], rate=0.1, weight_decay=0.0,
         momentum=0.95)  # fmt: skip
    muon([flat], [gradient.flatten(1)], [torch.zeros_like(flat)], rate=0.1, weight_decay=0.0,
         momentum=0.95)  # fmt: skip
    torch.testing.assert_close(filters.flatten(1), flat, rtol=0, atol=0)


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 2), nn.Conv2d(4, 4, 1, groups=4),
        nn.Flatten(), nn.Linear(16, 5), nn.Linear(5, 2),
    )  # fmt: skip


def test_what_is_between_the_first_layer_and_the_last_is_hidden() -> None:
    module = network()
    assert [tuple(w.shape) for w in hidden_weights(module)] == [(4, 4, 2, 2), (5, 16)]
    module[2].requires_grad_(False)
    assert [tuple(w.shape) for w in hidden_weights(module)] == [(5, 16)]


def test_attention_is_hidden_too() -> None:
    module = nn.Sequential(nn.Linear(3, 8), nn.MultiheadAttention(8, 2), nn.Linear(8, 2))
    assert [tuple(w.shape) for w in hidden_weights(module)] == [(24, 8), (8, 8)]


def test_the_rest_learns_by_adamw() -> None:
    module, other = network(), network()
    chosen = {"lr": RATE, "weight_decay": DECAY}
    optimizers = [
        Optimizer(module, Recipe(optimizer="muon", momentum=0.95, **chosen)),
        Optimizer(other, Recipe(optimizer="adamw", momentum=0.9, **chosen)),
    ]
    for step in range(3):
        for net, optimizer in zip((module, other), optimizers, strict=True):
            for place, parameter in enumerate(net.parameters()):
                parameter.grad = draw(*parameter.shape, seed=100 * step + place)
            optimizer.step(RATE)
    hidden = {id(weight) for weight in hidden_weights(module)}
    pairs = list(zip(module.parameters(), other.parameters(), strict=True))
    assert [torch.equal(a, b) for a, b in pairs] == [id(a) not in hidden for a, _ in pairs]


def test_a_network_without_hidden_weights_is_refused() -> None:
    with pytest.raises(RecipeError, match="optimizer muon has no effect with this network"):
        Optimizer(nn.Linear(3, 2), Recipe(optimizer="muon", lr=0.1, weight_decay=0.0))


def test_muon_comes_back_bit_for_bit() -> None:
    whole, again = network(), network()
    recipe = Recipe(optimizer="muon", lr=RATE, weight_decay=DECAY)
    one, other = Optimizer(whole, recipe), Optimizer(again, recipe)
    for step in range(6):
        for place, parameter in enumerate(whole.parameters()):
            parameter.grad = draw(*parameter.shape, seed=100 * step + place)
        if step == 3:
            again.load_state_dict(whole.state_dict())
            other.load({key: value.clone() for key, value in one.tensors().items()})
        one.step(RATE)
        if step >= 3:
            for mine, theirs in zip(again.parameters(), whole.parameters(), strict=True):
                mine.grad = None if theirs.grad is None else theirs.grad.clone()
            other.step(RATE)
    pairs = zip(whole.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
