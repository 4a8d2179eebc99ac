"""What is found on tensors without numbers is true of the network with numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from hubel.errors import RecipeError
from hubel.models.architecture import Architecture
from hubel.models.blank import blank, is_blank
from hubel.models.traits import takes

SIZES = [(64, 64), (48, 96), (65, 65), (33, 80), (15, 15), (8, 8), (1, 1)]


def of(name: str, side: int = 64, channels: int = 3) -> Architecture:
    return Architecture(name=name, in_channels=channels, num_classes=4, image_size=(side, side))


def really_takes(architecture: Architecture, size: tuple[int, int]) -> bool:
    module = architecture.build().eval()
    try:
        scores = module(torch.zeros(2, architecture.in_channels, *size))
    except (RuntimeError, AssertionError):
        return False
    return scores.shape == (2, architecture.num_classes)


NAMES = ["torchvision:googlenet", "torchvision:alexnet", "timm:test_vit", "timm:test_efficientnet",
         "lenet5", "conv3x3(8, valid) maxpool2 conv3x3(8, valid) gap fc"]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_a_size_is_taken_or_not_as_with_numbers(name: str, size: tuple[int, int]) -> None:
    assert takes(of(name), size) == really_takes(of(name), size)


@pytest.mark.parametrize(
    ("name", "side"),
    [("torchvision:googlenet", 15), ("torchvision:alexnet", 63), ("torchvision:resnet18", 1),
     ("conv3x3(8, valid) maxpool2 conv3x3(8, valid) gap fc", 8)],
)  # fmt: skip
def test_the_smallest_side_is_taken_and_one_less_is_not(name: str, side: int) -> None:
    assert of(name).smallest_side == side
    assert really_takes(of(name), (side, side))
    assert side == 1 or not really_takes(of(name), (side - 1, side - 1))


@pytest.mark.parametrize(
    ("name", "found"),
    [("timm:test_vit", False), ("lenet5", False), ("linear", False), ("timm:levit_128s", False),
     ("torchvision:maxvit_t", False), ("convnet", True), ("torchvision:swin_t", True),
     ("timm:test_resnet", True), ("conv3x3(8) relu gap fc", True)],
)  # fmt: skip
def test_which_networks_take_any_size(name: str, found: bool) -> None:
    side = 224 if "224" in name or "maxvit" in name else 64
    assert of(name, side).any_size is found
    assert found or of(name, side).smallest_side == side


MADE_OF = [
    ("convnet", True, False, True),
    ("linear", False, False, False),
    ("lenet5", False, False, False),
    ("conv3x3(8) gn(2) relu gap fc", False, False, True),
    ("patch8(8) [residual(norm attention(2))]*1 gap fc", False, True, True),
    ("timm:test_resnet", True, False, True),
    ("timm:test_convnext", False, True, True),
    ("timm:levit_128s", True, True, True),
    ("torchvision:vit_b_32", False, True, True),
    ("torchvision:alexnet", False, False, False),
]


@pytest.mark.parametrize(
    ("name", "batch_norm", "attention", "normalised"), MADE_OF, ids=[row[0] for row in MADE_OF]
)
def test_what_a_network_is_made_of(
    name: str, batch_norm: bool, attention: bool, normalised: bool
) -> None:
    found = of(name).traits
    assert (found.batch_norm, found.attention) == (batch_norm, attention)
    assert found.normalised is normalised


def test_what_is_found_draws_from_nobody_elses_numbers() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    network = replace(of("torchvision:mobilenet_v3_small", 40), num_classes=9)
    assert network.any_size
    assert network.traits.batch_norm
    assert network.smallest_side == 1
    assert torch.equal(torch.rand(3), expected)


class Reading(nn.Module):
    """Looks at a number while it is made, in one of the ways that the meta device can't do."""

    def __init__(self, how: str) -> None:
        super().__init__()
        width = torch.arange(3) + 2
        if how == "list":
            width = torch.tensor(width.tolist())
        self.fc = nn.Linear(int(width[0]), int(width.sum().item()))
        if how == "weights":  # numbers of its own weights, which only memory has
            self.register_buffer("size", torch.tensor(float(self.fc.weight.abs().sum())))


@pytest.mark.parametrize("how", ["item", "list", "weights"])
def test_a_network_that_looks_at_numbers_is_built_without_memory_too(how: str) -> None:
    module = blank(lambda: Reading(how))
    assert not is_blank()
    assert {value.device.type for value in module.state_dict().values()} == {"meta"}
    assert module.get_parameter("fc.weight").shape == (9, 2)


def test_what_is_wrong_with_a_network_is_not_hidden() -> None:
    def fail() -> nn.Module:
        raise RuntimeError("no such layer")

    with pytest.raises(RuntimeError, match="no such layer"):
        blank(fail)
    with pytest.raises(RecipeError, match=r"'convnex'\. Did you mean 'convnet'\?"):
        of("convnex").check()
