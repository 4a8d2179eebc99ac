"""What the user sets wins, every value knows who set it and why, and nothing is without effect."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from hubel.data.imbalance import Imbalance
from hubel.data.preprocess import Preprocess
from hubel.errors import RecipeError
from hubel.training.choices import OPTIMIZERS
from hubel.training.recipe import Recipe
from hubel.training.rules import Facts, resolve
from tests.training.choices import CHOICES, EACH

CPU = torch.device("cpu")
PICTURES = 70_000
ZOO_ONLY = {"pretrained", "small_stem"}  # tests/training/test_network.py
EITHER = {"epochs", "budget"}
# Each has an effect with few losses only: tests/training/test_loss_settings.py
OF_A_LOSS = {"margin", "squared", "focal_gamma", "effective_beta"}
# None means: the network's own, pixels, or the other of the two
OPTIONAL = {"widths", "features", "kind", "effective_beta", *EITHER}


def facts(pictures: int = PICTURES, side: int = 32, device: torch.device = CPU) -> Facts:
    return Facts(pictures, Preprocess(height=side, width=side), device, "no GPU is there")


def possible(chosen: dict[str, Any]) -> bool:
    """Whether all that is chosen has an effect together."""
    linear = chosen.get("model") == "linear"
    idle = linear and ({"widths", "norm_lr", "resolutions"} & chosen.keys())
    idle = idle or (not linear and "features" in chosen)
    idle = idle or (linear and chosen.get("optimizer") == "muon")
    smooth = chosen.get("loss") in (None, "cross_entropy")
    idle = idle or (not smooth and chosen.get("balance") == "logit-adjust")
    idle = idle or (not smooth and "label_smoothing" in chosen)
    return not idle and not (chosen.get("optimizer") in ("sgd", "rmsprop") and "momentum" in chosen)


def fit(chosen: dict[str, Any]) -> bool:
    """Whether as many groups are asked for as pictures of 32 px have room for."""
    return len(chosen.get("widths", ())) <= 3


OFTEN = {name: choice for name, choice in CHOICES.items() if name not in ZOO_ONLY | OF_A_LOSS}
MANY = st.fixed_dictionaries({}, optional=OFTEN).filter(possible).filter(fit)


@given(EACH)
def test_what_the_user_sets_wins_for_every_setting(chosen: tuple[str, Any]) -> None:
    name, value = chosen
    assume(fit({name: value}) and name not in ZOO_ONLY | OF_A_LOSS)
    needed = {"model": "linear"} if name == "features" else {}
    recipe, settings = resolve(needed | {name: value}, facts())
    assert getattr(recipe, name) == value
    assert settings[name].value == value
    assert settings[name].set_by == "user"
    assert settings[name].why.startswith("set by the user")


@given(MANY)
def test_what_the_user_sets_wins_together(chosen: dict[str, Any]) -> None:
    recipe, settings = resolve(chosen, facts())
    for name, value in chosen.items():
        assert (getattr(recipe, name), settings[name].set_by) == (value, "user")
    assert {n for n, s in settings.items() if s.set_by == "user"} == chosen.keys()


@given(MANY, st.integers(2, 1_000_000), st.integers(4, 300))
def test_every_value_is_decided_and_knows_who_set_it_and_why(
    chosen: dict[str, Any], pictures: int, side: int
) -> None:
    assume(chosen.get("batch_size", 2) <= pictures)
    assume(side >= 32 or len(chosen.get("widths", ())) < 2)
    recipe, settings = resolve(chosen, facts(pictures, side))
    assert list(settings) == [field.name for field in fields(Recipe)]
    for name, setting in settings.items():
        assert setting.value == getattr(recipe, name), name
        assert setting.value is not None or name in OPTIONAL, name
        assert setting.set_by in ("user", "default", "rule")
        assert len(setting.why) > 5
    assert (recipe.epochs is None) <= (recipe.budget is not None)
    assert recipe.device == "cpu"


@given(MANY)
def test_what_is_written_down_gives_the_recipe_again(chosen: dict[str, Any]) -> None:
    recipe, settings = resolve(chosen, facts())
    document = json.loads(json.dumps({n: s.to_json() for n, s in settings.items()}))
    assert Recipe.from_json(document) == recipe


@pytest.mark.parametrize(
    ("counts", "monitor", "balance", "why"),
    [
        ((30, 10), "balanced_accuracy", "sampler", "the largest class has 3.0 times the pictures"),
        ((594, 137), "balanced_accuracy", "sampler", "the largest class has 4.3 times the pict"),
        ((9, 0), "balanced_accuracy", "none", "a class has no training picture"),
        ((29, 10), "accuracy", "none", "no class has 3 times the pictures of another"),
        ((10, 10), "accuracy", "none", "no class has 3 times the pictures of another"),
    ],
)
def test_unequal_classes_come_equally_often_and_are_looked_at_by_balanced_accuracy(
    counts: tuple[int, ...], monitor: str, balance: str, why: str
) -> None:
    known = replace(facts(), imbalance=Imbalance(counts))
    recipe, settings = resolve({}, known)
    assert (recipe.monitor, recipe.balance) == (monitor, balance)
    assert (settings["monitor"].set_by, settings["balance"].set_by) == ("rule", "rule")
    assert settings["monitor"].why.startswith(why)
    asked = resolve({"monitor": "last", "balance": "weights"}, known)[0]
    assert (asked.monitor, asked.balance) == ("last", "weights")
    several = resolve({"loss": "binary_cross_entropy"}, known)[0]
    assert several.balance == "none"


IDLE = [
    ({"features": "hog"}, "features has no effect with model 'convnet'; leave one out"),
    ({"momentum": 0.9, "optimizer": "sgd"}, "momentum has no effect with optimizer 'sgd'"),
    ({"momentum": 0.9, "optimizer": "rmsprop"}, "momentum has no effect with optimizer 'rmsprop'"),
    *(
        (
            {"momentum": 0.0, **chosen},
            f"optimizer {name} has no effect with momentum 0, where it is sgd; take optimizer sgd",
        )
        for name, chosen in {
            "nesterov": {},  # by default
            "momentum": {"optimizer": "momentum"},
        }.items()
    ),
    ({"widths": (8, 8), "model": "linear"}, "widths has no effect with model 'linear'"),
    ({"norm_lr": 2.0, "model": "linear"}, "norm_lr has no effect with model 'linear'"),
    ({"widths": (8,), "model": "lenet5"}, "widths has no effect with model 'lenet5'"),
    ({"pretrained": True}, "pretrained has no effect with model 'convnet'"),
    ({"small_stem": False, "model": "lenet5"}, "small_stem has no effect with model 'lenet5'"),
    ({"norm_lr": 2.0, "model": "lenet5"}, "norm_lr has no effect with model 'lenet5', which norm"),
    (
        {"small_stem": True, "model": "torchvision:vgg11"},
        "small_stem has no effect with model 'torchvision:vgg11': its first convolution has no",
    ),
    (
        {"resolutions": ((0.5, 0.5), (1.0, 1.0)), "model": "lenet5"},
        "resolutions has no effect with model 'lenet5', which has one size",
    ),
    (
        {"resolutions": ((0.5, 0.5), (1.0, 1.0)), "model": "linear"},
        "resolutions has no effect with model 'linear', which has one size",
    ),
]


@pytest.mark.parametrize(("chosen", "message"), IDLE, ids=[next(iter(c)) for c, _ in IDLE])
def test_a_setting_without_effect_is_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        resolve(chosen, facts())


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
def test_an_optimizer_that_is_itself_without_momentum_takes_none(optimizer: str) -> None:
    assert resolve({"optimizer": optimizer, "momentum": 0.0}, facts())[0].momentum == 0


def test_a_momentum_waits_for_the_optimizer_that_a_rule_takes() -> None:
    chosen = {"model": "lenet5", "momentum": 0.0}
    assert resolve(chosen, facts())[0].optimizer == "adamw"


def test_more_pictures_a_step_than_there_are_is_refused() -> None:
    with pytest.raises(RecipeError, match="batch_size: expected at most the 42 pictures of the "
                                          "training split, got 64"):  # fmt: skip
        resolve({"batch_size": 64}, facts(42))
    assert resolve({"batch_size": 42}, facts(42))[0].batch_size == 42


@given(st.integers(2, 10_000_000))
def test_the_batch_is_a_power_of_two_that_the_data_fill(pictures: int) -> None:
    size = resolve({}, facts(pictures))[0].batch_size
    assert size is not None
    assert size == min(pictures, size)
    assert size == pictures < 32 or (size in (32, 64, 128, 256))


def test_epochs_take_the_place_of_the_budget() -> None:
    recipe, settings = resolve({"epochs": 3}, facts())
    assert (recipe.epochs, recipe.budget) == (3, None)
    assert settings["budget"].why == "the epochs are set"
    assert resolve({"epochs": 3, "budget": 60.0}, facts())[0].budget == 60.0


def test_a_device_that_is_left_to_us_is_decided_by_rule() -> None:
    recipe, settings = resolve({"device": "auto"}, facts())
    assert recipe.device == "cpu"
    assert (settings["device"].set_by, settings["device"].why) == ("rule", "no GPU is there")


def test_bfloat16_on_a_cpu_is_the_users_and_says_that_it_is_slow() -> None:
    assert resolve({}, facts())[0].precision == "float32"
    setting = resolve({"precision": "bfloat16"}, facts())[1]["precision"]
    assert (setting.value, setting.set_by) == ("bfloat16", "user")
    assert "many times slower" in setting.why


def test_a_linear_classifier_sees_plain_pictures_of_one_size() -> None:
    recipe, _ = resolve({"model": "linear"}, facts())
    changes = recipe.augmentation
    assert not any([changes.flip, changes.shift, changes.zoom, changes.aspect, changes.color])
    assert recipe.resolutions == ((1.0, 1.0),)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_the_rate_grows_with_the_batch(optimizer: str) -> None:
    small, large = (
        resolve({"optimizer": optimizer, "batch_size": size}, facts())[0].lr for size in (64, 256)
    )
    assert small is not None
    assert large is not None
    assert large / small == pytest.approx(2 if OPTIMIZERS[optimizer].adaptive else 4)


def test_a_device_that_is_not_here_is_named() -> None:
    if torch.backends.mps.is_available():
        pytest.skip("Apple's GPU is here")
    with pytest.raises(RecipeError, match="device: 'mps' is not to be had here; PyTorch sees: cpu"):
        Facts.of(9, Preprocess(height=8, width=8), "mps")
    device, why = Facts.of(9, Preprocess(height=8, width=8), "cpu").device, "set by the user"
    assert (device, Facts.of(9, Preprocess(height=8, width=8), "cpu").device_why) == (CPU, why)


def test_more_groups_than_fit_are_refused_and_never_dropped() -> None:
    assert resolve({"widths": (8, 16, 32)}, facts())[0].widths == (8, 16, 32)
    with pytest.raises(RecipeError, match="widths: 4 groups don't fit pictures of 32 x 32 px"):
        resolve({"widths": (4, 8, 16, 32)}, facts())


def test_several_labels_take_binary_cross_entropy_by_rule_and_refuse_the_rest() -> None:
    from dataclasses import replace

    facts = replace(Facts.of(100, Preprocess(height=16, width=16), "cpu"), task="multi-label")
    recipe, settings = resolve({}, facts)
    assert recipe.loss == "binary_cross_entropy"
    assert recipe.label_smoothing == 0
    assert settings["loss"].set_by == "rule"
    with pytest.raises(RecipeError, match="give --loss binary_cross_entropy"):
        resolve({"loss": "cross_entropy"}, facts)
