"""Settings that depend on the network are decided for it, with a reason that is true of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hubel.data.preprocess import Preprocess
from hubel.errors import ArtifactError, RecipeError
from hubel.training.network import network_for
from hubel.training.plan import resolution
from hubel.training.recipe import Recipe, Setting
from hubel.training.rules import Facts, resolve

PLAIN = "conv3x3(8) bn relu maxpool2 conv3x3(16) bn relu gap fc"


def decide(model: str, side: int = 64, **chosen: Any) -> tuple[Recipe, dict[str, Setting]]:
    way = Preprocess(height=side, width=side)
    facts = Facts(1000, way, torch.device("cpu"), "no GPU is there", num_classes=5)
    return resolve({"model": model, "batch_size": 256} | chosen, facts)


OPTIMIZERS = [
    (PLAIN, "nesterov", "for networks with batch normalisation", 0.1),
    ("torchvision:resnet18", "nesterov", "for networks with batch normalisation", 0.1),
    ("lenet5", "adamw", "for networks without batch normalisation", 0.001),
    ("conv3x3(8) norm relu gap fc", "adamw", "with attention or layer normalisation", 0.001),
    ("timm:test_vit", "adamw", "with attention or layer normalisation", 0.001),
    ("torchvision:swin_t", "adamw", "with attention or layer normalisation", 0.001),
]


@pytest.mark.parametrize(
    ("model", "optimizer", "why", "rate"), OPTIMIZERS, ids=[m for m, *_ in OPTIMIZERS]
)
def test_the_optimizer_suits_what_the_network_is_made_of(
    model: str, optimizer: str, why: str, rate: float
) -> None:
    recipe, settings = decide(model)
    assert (recipe.optimizer, settings["optimizer"].set_by) == (optimizer, "rule")
    assert settings["optimizer"].why.endswith(why)
    assert recipe.lr == pytest.approx(rate)
    assert recipe.momentum == 0.9
    assert (recipe.weight_decay, recipe.norm_lr) == ({"adamw": 0.05}.get(optimizer, 0.0005), 1.0)


@pytest.mark.parametrize("model", [PLAIN, "lenet5", "timm:test_resnet"])
def test_the_users_optimizer_wins_and_its_rate_is_its_own(model: str) -> None:
    for name, rate in (("adamw", 0.001), ("sgd", 0.1)):
        recipe, settings = decide(model, optimizer=name)
        assert settings["optimizer"].set_by == "user"
        assert (recipe.optimizer, recipe.lr) == (name, pytest.approx(rate))
    assert decide(model, lr=0.7)[0].lr == 0.7


def test_our_own_networks_are_trained_as_before() -> None:
    for model in ("convnet", "linear"):
        recipe, settings = decide(model)
        assert (recipe.optimizer, recipe.momentum) == ("nesterov", 0.85)
        assert settings["optimizer"].set_by == "default"


RESOLUTIONS = [
    (PLAIN, 64, ((0.4, 0.5), (0.7, 0.75), (1.0, 1.0)), "few pixels first: cheaper epochs"),
    ("timm:test_resnet", 64, ((0.4, 0.5), (0.7, 0.75), (1.0, 1.0)), "few pixels first: cheaper"),
    ("torchvision:alexnet", 96, ((0.6, 0.75), (1.0, 1.0)), "half of them are too few"),
    (
        "torchvision:inception_v3",
        80,
        ((1.0, 1.0),),
        "three quarters of the pixels are too few",
    ),
    ("lenet5", 64, ((1.0, 1.0),), "made for one size"),
    ("timm:test_vit", 64, ((1.0, 1.0),), "made for one size"),
]


@pytest.mark.parametrize(
    ("model", "side", "pairs", "why"), RESOLUTIONS, ids=[m for m, *_ in RESOLUTIONS]
)
def test_pictures_grow_only_where_the_network_takes_other_sizes(
    model: str, side: int, pairs: Any, why: str
) -> None:
    recipe, settings = decide(model, side)
    assert recipe.resolutions == pairs
    assert why in settings["resolutions"].why


SIDES = (16, 33, 50, 64, 97)
ZOO = "torchvision:mobilenet_v3_small"  # has many layers, and takes its time


@pytest.mark.parametrize(
    ("model", "side"),
    [
        *((model, side) for model in (PLAIN, "timm:test_resnet") for side in SIDES),
        (ZOO, 33),
        *(pytest.param(ZOO, side, marks=pytest.mark.slow) for side in SIDES if side != 33),
    ],
)
def test_every_resolution_of_every_size_is_legal(model: str, side: int) -> None:
    recipe, _ = decide(model, side)
    assert recipe.resolutions is not None
    network = network_for(recipe, Preprocess(height=side, width=side), 5)
    module = network.build().eval()
    for until, _ in recipe.resolutions:
        size = resolution(until - 0.01, recipe.resolutions, (side, side), network.smallest_side)
        assert module(torch.zeros(2, 3, *size)).shape == (2, 5)


def test_a_resolution_that_the_network_does_not_take_is_refused() -> None:
    pairs = ((0.5, 0.5), (1.0, 1.0))
    with pytest.raises(RecipeError, match=r"resolutions has no effect with model 'timm:test_vit'"):
        decide("timm:test_vit", resolutions=pairs)
    with pytest.raises(RecipeError, match=r"inception_v3' takes no pictures of 40 x 40 px; give"):
        decide("torchvision:inception_v3", 80, resolutions=pairs)
    recipe, settings = decide(PLAIN, resolutions=pairs)
    assert (recipe.resolutions, settings["resolutions"].set_by) == (pairs, "user")


STEMS = [
    ("torchvision:resnet18", 32, True, r"of 32 px too little would reach the last layers"),
    ("torchvision:resnet18", 48, True, r"of 48 px too little"),
    ("torchvision:resnet18", 49, False, r"pictures of more than 48 px have rows to spare"),
    ("torchvision:vgg11", 32, False, r"the first convolution has no stride that could be taken"),
    ("timm:levit_128s", 32, False, r"later layers are made for the strides that it has"),
    ("timm:test_vit", 32, False, r"the first convolution has no stride that could be taken out"),
    (PLAIN, 32, False, r"for the networks of a zoo"),
    ("convnet", 32, False, r"for the networks of a zoo"),
]


@pytest.mark.parametrize(("model", "side", "small", "why"), STEMS)
def test_small_pictures_get_a_small_stem(model: str, side: int, small: bool, why: str) -> None:
    recipe, settings = decide(model, side)
    assert recipe.small_stem is small
    assert settings["small_stem"].why.startswith(why)


def test_the_user_may_keep_the_stem_or_change_it() -> None:
    way = Preprocess(height=32, width=32)
    kept = decide("torchvision:resnet18", 32, small_stem=False)[0]
    assert network_for(kept, way, 5).options == {}
    changed = decide("torchvision:resnet18", 64, small_stem=True)[0]
    assert network_for(changed, way, 5).options == {"small_stem": True}


def test_trained_weights_are_trained_on_at_a_tenth_of_the_rate() -> None:
    recipe, settings = decide("timm:test_resnet", pretrained=True)
    assert recipe.lr == pytest.approx(0.01)
    assert "a tenth, since the weights are trained already" in settings["lr"].why
    assert network_for(recipe, Preprocess(height=64, width=64), 5).options == {"pretrained": True}


def test_a_network_that_cannot_be_is_said_before_anything_is_written() -> None:
    with pytest.raises(RecipeError, match=r"maxvit_t can't be built: .* give --size 224"):
        decide("torchvision:maxvit_t")
    with pytest.raises(RecipeError, match=r"conv7x7 valid on 5x5: 5 - 7 \+ 1 = -1; pad by 1"):
        decide("conv7x7(8, valid) gap fc", 5)


def test_a_users_file_is_recorded_by_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text("from torch import nn\ndef make(num_classes):\n    return nn.Sequential("
                    "nn.Flatten(), nn.Linear(768, num_classes))\n")  # fmt: skip
    recipe, _ = decide(f"{path}:make", 16)
    way = Preprocess(height=16, width=16)
    network = network_for(recipe, way, 5)
    assert (network.name, network.code) == ("net.py:make", f"{path}:make")
    assert recipe.resolutions == ((1.0, 1.0),)
    path.write_text(path.read_text() + "# changed")
    changed = network_for(recipe, way, 5, network.sha256)
    assert changed == network
    assert changed.build() is not None, "what ran in this process is what was recorded"
    with pytest.raises(ArtifactError, match="its SHA-256 is"):
        replace(network, sha256="0" * 64).build()
