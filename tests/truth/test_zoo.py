"""Every network of the zoos gets an answer, and PyTorch's own operator counter agrees with it."""

from __future__ import annotations

import warnings

import pytest
import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from hubel.analysis.assemble import design
from hubel.models.architecture import Architecture

PER_MODULE = 3  # networks of each of timm's modules; its modules are its families

# The newest and the largest of a family say what the others do; these also need no weights.
QUICK = [
    "torchvision:alexnet", "torchvision:shufflenet_v2_x0_5", "timm:resnet18", "timm:convnext_atto",
    "timm:tf_efficientnet_lite0", "timm:test_vit",
]  # fmt: skip
MORE = ["timm:swin_tiny_patch4_window7_224", "timm:mobilevit_xxs"]


def of_torchvision() -> list[str]:
    return [f"torchvision:{name}" for name in models.list_models(module=models)]


def of_timm() -> list[str]:
    names = [
        name
        for module in timm.list_modules()
        for name in _spread(timm.list_models(module=module), PER_MODULE)
    ]
    return [f"timm:{name}" for name in sorted(set(names))]


def _spread(names: list[str], count: int) -> list[str]:
    return names[:: max(1, len(names) // count)][:count]


def sample_of(name: str) -> tuple[int, ...]:
    """Channels and sides that the zoo made the network for."""
    zoo, _, bare = name.partition(":")
    if zoo == "timm":
        config = timm.get_pretrained_cfg(bare)
        return tuple(config.input_size) if config else (3, 224, 224)
    weights = list(models.get_model_weights(bare))
    side = weights[0].transforms().crop_size[0]
    return (3, side, side)


def built(name: str, sample: tuple[int, ...]) -> nn.Module:
    found = Architecture(
        name=name, in_channels=sample[0], num_classes=1000, image_size=(sample[1], sample[2])
    )
    with torch.device("meta"):
        return found.build().eval()


def check(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the zoos' own, about weights that we don't load
        sample = sample_of(name)
        module = built(name, sample)
        found = design(module, sample, sizes=False, formulas=False)
        counter = FlopCounterMode(display=False)
        with counter:  # with gradients: its tracker of modules needs them in some networks
            module(torch.empty(1, *sample, device="meta"))
    assert {x.device.type for x in module.parameters()} == {"meta"}
    assert 2 * found.total.multiply_adds == counter.get_total_flops()
    assert found.total.multiply_adds == sum(layer.multiply_adds for layer in found.layers)
    assert found.total.parameters == sum(x.numel() for x in module.parameters())
    assert all(layer.receptive_field for layer in found.layers[-1:])


@pytest.mark.parametrize("name", QUICK)
def test_a_network_is_counted_to_the_operation(name: str) -> None:
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", of_torchvision())
def test_every_network_of_torchvision_is_counted_to_the_operation(name: str) -> None:
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*of_timm(), *MORE])
def test_two_hundred_networks_of_timm_are_counted_to_the_operation(name: str) -> None:
    check(name)


def test_the_families_of_timm_are_many() -> None:
    assert len(of_timm()) >= 200


def published(name: str) -> tuple[int, float]:
    meta = next(iter(models.get_model_weights(name))).meta
    return meta["num_params"], meta["_ops"]


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v3_small", "regnet_y_400mf"])
def test_totals_are_those_that_torchvision_publishes(name: str) -> None:
    """`num_params` and `_ops` (10^9 multiply-adds) in torchvision's metadata of the weights."""
    parameters, operations = published(name)
    sample = sample_of(f"torchvision:{name}")
    total = design(built(f"torchvision:{name}", sample), sample, sizes=False, formulas=False).total
    assert total.parameters == parameters
    assert round(total.multiply_adds / 1e9, 3) == operations
