"""Each loss is its paper's formula: by hand, against others' code, and by its laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import hinge_loss
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from hubel.errors import RecipeError
from hubel.training.choices import LOSSES
from hubel.training.losses import (
    Loss,
    binary_cross_entropy,
    class_weights,
    crammer_singer,
    focal,
    hinge,
    log_shares,
    make_loss,
    one_vs_rest,
)
from hubel.training.recipe import Recipe

# CS231n's lecture 3: cat, car and frog, of which the rows are pictures; losses 2.9, 0 and 12.9.
LECTURE = torch.tensor([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
LECTURE_CLASSES = torch.tensor([0, 1, 2])
HINGES = {"hinge": hinge, "crammer_singer": crammer_singer, "one_vs_rest": one_vs_rest}
COUNTS = np.array([50, 30, 20])

# scores of one picture of class 0, form, squared, value, gradient: by hand, margin 1
BY_HAND: list[tuple[str, bool, float, list[float]]] = [
    # gaps of the wrong classes: 1.5 - 1 + 1 = 1.5 and -0.5 - 1 + 1 = -0.5
    ("hinge", False, 1.5, [-1.0, 1.0, 0.0]),
    ("hinge", True, 2.25, [-3.0, 3.0, 0.0]),
    ("crammer_singer", False, 1.5, [-1.0, 1.0, 0.0]),
    ("crammer_singer", True, 2.25, [-3.0, 3.0, 0.0]),
    # 1 - 1 = 0; 1 + 1.5 = 2.5; 1 - 0.5 = 0.5
    ("one_vs_rest", False, 3.0, [0.0, 1.0, 1.0]),
    ("one_vs_rest", True, 6.5, [0.0, 5.0, 1.0]),
]


def scores(rows: int = 7, classes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(seed)
    s = 2 * torch.randn(rows, classes, generator=draws, dtype=torch.float64)
    return s, torch.randint(classes, (rows,), generator=draws)


def make(loss: str, classes: int = 3, **settings: Any) -> Loss:
    smoothing = 0.1 if "label_smoothing" in LOSSES[loss].settings else 0.0
    recipe = Recipe(loss=loss, **{"label_smoothing": smoothing, **settings})
    return make_loss(recipe, np.repeat(np.arange(classes), np.resize(COUNTS, classes)), classes)


@pytest.mark.parametrize(("name", "squared", "value", "gradient"), BY_HAND)
def test_a_hinge_and_its_gradient_are_those_worked_out_by_hand(
    name: str, squared: bool, value: float, gradient: list[float]
) -> None:
    s = torch.tensor([[1.0, 1.5, -0.5]], requires_grad=True)
    found = HINGES[name](s, torch.tensor([0]), squared=squared)
    found.sum().backward()
    assert found.tolist() == [value]
    assert s.grad is not None
    assert s.grad.tolist() == [gradient]


def test_the_sum_is_the_svm_loss_of_the_lecture_notes() -> None:
    torch.testing.assert_close(hinge(LECTURE, LECTURE_CLASSES), torch.tensor([2.9, 0.0, 12.9]))


def test_the_largest_is_below_the_sum_where_two_classes_are_too_near() -> None:
    found = crammer_singer(LECTURE, LECTURE_CLASSES)
    torch.testing.assert_close(found, torch.tensor([2.9, 0.0, 6.6]))


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("margin", [0.5, 1.0, 3.0])
@given(st.integers(2, 9), st.integers(0, 1000))
def test_the_sum_and_its_gradient_are_pytorchs_times_the_classes(
    squared: bool, margin: float, classes: int, seed: int
) -> None:
    s, y = scores(5, classes, seed)
    ours, theirs = s.clone().requires_grad_(), s.clone().requires_grad_()
    found = hinge(ours, y, margin, squared=squared)
    expected = classes * functional.multi_margin_loss(
        theirs, y, p=1 + squared, margin=margin, reduction="none"
    )
    found.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_crammer_and_singers_is_scikit_learns() -> None:
    s, y = scores(40, 5)
    expected = hinge_loss(y.numpy(), s.numpy(), labels=range(5))
    assert crammer_singer(s, y).mean().item() == pytest.approx(expected)


@given(st.integers(0, 1000))
def test_one_vs_rest_is_scikit_learns_hinge_of_each_class(seed: int) -> None:
    s, y = scores(12, 4, seed)
    parts = [
        np.maximum(0, 1 - np.where(y.numpy() == one, 1, -1) * s[:, one].numpy()).mean()
        for one in range(4)
    ]
    assert one_vs_rest(s, y).mean().item() == pytest.approx(sum(parts))


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("name", HINGES)
@given(st.floats(0.1, 10), st.integers(0, 1000))
def test_a_margin_is_a_unit_of_the_scores(
    name: str, squared: bool, margin: float, seed: int
) -> None:
    s, y = scores(seed=seed)
    found = HINGES[name](s, y, margin, squared=squared)
    expected = margin ** (1 + squared) * HINGES[name](s / margin, y, 1.0, squared=squared)
    torch.testing.assert_close(found, expected)


def test_focal_loss_of_two_classes_is_torchvisions() -> None:
    draws = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(20, generator=draws, dtype=torch.float64)
    y = torch.randint(2, (20,), generator=draws)
    expected = sigmoid_focal_loss(x, y.double(), alpha=-1, gamma=2.0)
    found = focal(torch.stack([torch.zeros_like(x), x], 1), y, 2.0)
    torch.testing.assert_close(found, expected)


def test_focal_loss_without_focus_is_cross_entropy() -> None:
    s, y = scores()
    torch.testing.assert_close(focal(s, y, 0.0), functional.cross_entropy(s, y, reduction="none"))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_keeps_finite_slopes_where_it_is_sure(gamma: float) -> None:
    s = torch.tensor([[200.0, 0.0], [-200.0, 0.0], [16.0, 0.0]], requires_grad=True)
    focal(s, torch.zeros(3, dtype=torch.int64), gamma).sum().backward()
    assert s.grad is not None
    assert torch.isfinite(s.grad).all()


def test_binary_cross_entropy_takes_several_labels_or_none() -> None:
    s = torch.tensor([[2.0, -1.0], [0.5, 0.5]])
    y = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    p = s.sigmoid()
    expected = -torch.stack([p[0].log().sum(), (1 - p[1]).log().sum()])
    torch.testing.assert_close(binary_cross_entropy(s, y), expected)
    torch.testing.assert_close(make("binary_cross_entropy", 2)(s, y.long()), expected.mean())


def test_several_labels_weigh_the_mean_of_their_weights_and_no_label_one() -> None:
    s = torch.tensor([[2.0, -1.0, 0.3], [0.5, 0.5, -2.0]])
    y = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    weights = torch.from_numpy(class_weights(COUNTS)).float()
    factors = torch.stack([(weights[0] + weights[2]) / 2, torch.tensor(1.0)])
    expected = (factors * binary_cross_entropy(s, y)).mean()
    found = make("binary_cross_entropy", balance="weights")(s, y)
    torch.testing.assert_close(found, expected)


def test_logit_adjustment_is_menons_equation_10() -> None:
    s, y = scores()
    share = torch.from_numpy(COUNTS / COUNTS.sum())
    grown = share * s.exp()
    expected = -(grown[torch.arange(7), y] / grown.sum(1)).log().mean()
    found = make("cross_entropy", balance="logit-adjust", label_smoothing=0.0)(s, y)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)


def test_the_default_is_pytorchs_cross_entropy_to_the_bit() -> None:
    s, y = scores()
    expected = functional.cross_entropy(s.float(), y, label_smoothing=0.1)
    assert torch.equal(make("cross_entropy")(s.float(), y), expected)


TREATED: list[dict[str, Any]] = [
    {},
    {"balance": "weights"},
    {"balance": "weights", "effective_beta": 0.9},
]
EVERY = [(loss, settings) for loss in LOSSES for settings in TREATED]
EVERY.append(("cross_entropy", {"balance": "logit-adjust"}))


@pytest.mark.parametrize(("loss", "settings"), EVERY)
def test_a_class_as_a_share_of_one_is_that_class(loss: str, settings: dict[str, Any]) -> None:
    s, y = scores()
    found = make(loss, **settings)
    shares = functional.one_hot(y, 3).to(s.dtype)
    torch.testing.assert_close(found(s.float(), shares.float()), found(s.float(), y))


@pytest.mark.parametrize(("loss", "settings"), EVERY)
@given(st.floats(0, 1))
def test_a_mixed_target_has_the_mixed_loss(
    loss: str, settings: dict[str, Any], share: float
) -> None:
    s = torch.tensor([[0.3, -0.7, 1.2]])
    one, other = torch.tensor([0]), torch.tensor([2])
    found = make(loss, **settings)
    mixed = share * functional.one_hot(one, 3) + (1 - share) * functional.one_hot(other, 3)
    expected = share * found(s, one) + (1 - share) * found(s, other)
    torch.testing.assert_close(found(s, mixed), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("beta", [None, 0.9])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_weighted_loss_is_the_weighted_mean_of_its_parts(loss: str, beta: float | None) -> None:
    s, y = scores()
    weights = class_weights(COUNTS, beta)
    plain = make(loss, label_smoothing=0.0)
    parts = [plain(s[k : k + 1], y[k : k + 1]).item() * weights[y[k]] for k in range(len(y))]
    settings = {"balance": "weights", "effective_beta": beta, "label_smoothing": 0.0}
    found = make(loss, **settings)(s.float(), y)
    assert found.item() == pytest.approx(np.mean(parts), rel=1e-5)


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=8), st.floats(0, 0.9999))
def test_weights_are_one_in_the_mean_over_the_pictures(counts: list[int], beta: float) -> None:
    for given_beta in (None, beta):
        weights = class_weights(np.array(counts), given_beta)
        assert np.dot(weights, counts) / sum(counts) == pytest.approx(1.0)


def test_the_inverse_frequency_is_scikit_learns_balanced() -> None:
    y = np.repeat(np.arange(3), COUNTS)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    np.testing.assert_allclose(class_weights(COUNTS), expected)


def test_the_effective_number_is_cuis() -> None:
    """Equation 12: ratios of (1 - beta) / (1 - beta^n); 1 - 0.9^2 = 0.19, 1 - 0.9 = 0.1."""
    weights = class_weights(np.array([2, 1]), 0.9)
    assert weights[1] / weights[0] == pytest.approx(0.19 / 0.1)
    even = class_weights(np.array([900, 1]), 0.0)
    np.testing.assert_allclose(even, 1.0)


@pytest.mark.parametrize(
    "settings", [{"balance": how} for how in ("weights", "sampler", "logit-adjust")], ids=str
)
def test_a_class_without_pictures_cannot_be_balanced(settings: dict[str, Any]) -> None:
    message = f"balance {settings['balance']}: class number 1 has no training picture"
    with pytest.raises(RecipeError, match=message):
        make_loss(Recipe(**settings), np.array([0, 2, 2]), 3)


def test_several_labels_a_picture_have_no_balanced_batches() -> None:
    recipe = Recipe(loss="binary_cross_entropy", balance="sampler")
    with pytest.raises(RecipeError, match="balance sampler is for one label a picture"):
        make_loss(recipe, np.eye(3, dtype=np.int64), 3)


def test_with_even_classes_every_balance_is_the_plain_loss() -> None:
    s, y = scores()
    targets = np.repeat(np.arange(3), 5)
    plain = make_loss(Recipe(), targets, 3)(s.float(), y)
    for how in ("weights", "sampler", "logit-adjust"):
        found = make_loss(Recipe(balance=how), targets, 3)(s.float(), y)
        torch.testing.assert_close(found, plain, rtol=1e-6, atol=1e-7)


def test_the_logs_of_the_shares_are_those_of_a_distribution() -> None:
    assert np.exp(log_shares(COUNTS)).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("loss", sorted(set(LOSSES) - {"binary_cross_entropy"}))
def test_several_labels_are_for_binary_cross_entropy(loss: str) -> None:
    with pytest.raises(RecipeError, match=f"loss: {loss} is for one label a picture"):
        make_loss(Recipe(loss=loss), np.eye(3, dtype=np.int64), 3)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_has_a_source(loss: str) -> None:
    assert any(character.isdigit() for character in LOSSES[loss].source)
