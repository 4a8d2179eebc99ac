"""One battery over every network: what is registered keeps these laws."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from hubel.analysis.assemble import Question, design
from hubel.errors import RecipeError
from hubel.models.architecture import NETWORKS, Architecture
from hubel.models.program import Program

OWN_FILE = Program(Path(__file__).with_name("net.py"), "Net")
SIZES = [(16, 16), (32, 48), (97, 64)]
OTHERS = [
    "softmax",
    "conv3x3(8) bn relu maxpool2 [residual(conv3x3(8) bn relu conv3x3(8) bn) relu]*2 gap fc",
    "conv4x4/4(8) norm residual(dwconv3x3 norm conv1x1(16) gelu conv1x1(8) scale(1)) gap norm fc",
    "patch4(12) positions [residual(norm attention(2)) residual(norm fc(24) gelu fc(12))]*2 gap fc",
    "torchvision:resnet18",
    "torchvision:squeezenet1_1",
    "timm:test_resnet",
    "timm:test_vit",
    "timm:test_convnext",
    OWN_FILE.short,
]


def architecture_of(name: str, channels: int, classes: int, size: tuple[int, int]) -> Architecture:
    own = name == OWN_FILE.short
    return Architecture(
        name=name,
        in_channels=channels,
        num_classes=classes,
        image_size=size,
        sha256=OWN_FILE.sha256 if own else None,
        code=OWN_FILE.name if own else None,
    )


TOO_SMALL_OR_UNEVEN = {
    (OTHERS[3], (97, 64)),
    ("torchvision:squeezenet1_1", (16, 16)),
    ("timm:test_vit", (97, 64)),
    ("timm:test_convnext", (16, 16)),
}
EVERY = [
    pytest.param(
        architecture_of(name, channels, classes, size),
        id=f"{name[:28]}-{channels}x{size[0]}x{size[1]}-{classes}",
    )
    for name, (channels, classes), size in product([*NETWORKS, *OTHERS], [(3, 2), (1, 7)], SIZES)
    if (name, size) not in TOO_SMALL_OR_UNEVEN
]

pytestmark = pytest.mark.parametrize("architecture", EVERY)


def pictures(architecture: Architecture, count: int = 5) -> Tensor:
    draws = torch.Generator().manual_seed(8)
    shape = (count, architecture.in_channels, *architecture.image_size)
    found = torch.randn(shape, generator=draws)
    return found.to(memory_format=architecture.memory_format)


def bits(module: nn.Module) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in module.state_dict().items()}


@torch.no_grad()
def without_zeros(module: nn.Module) -> nn.Module:
    """Some networks begin with branches that are multiplied by zero; here they count."""
    for parameter in module.parameters():
        if parameter.requires_grad and not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return module


def test_there_is_a_score_for_each_class(architecture: Architecture) -> None:
    scores = architecture.build()(pictures(architecture))
    assert scores.shape == (5, architecture.num_classes)
    assert scores.dtype == torch.float32
    assert torch.isfinite(scores).all()


def test_the_description_comes_back_from_json(architecture: Architecture) -> None:
    document = json.loads(json.dumps(architecture.to_json()))
    again = Architecture.from_json(document)
    assert again == architecture
    if architecture.code is not None:
        again = again.with_code(architecture.code)
    assert bits(again.build(3)) == bits(architecture.build(3))


def test_weights_are_a_function_of_the_seed(architecture: Architecture) -> None:
    torch.manual_seed(1)
    first = architecture.build(5)
    expected = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), expected), "building draws from nobody else's numbers"
    torch.rand(3)
    assert bits(architecture.build(5)) == bits(first)


def test_evaluation_is_deterministic_and_changes_nothing(architecture: Architecture) -> None:
    module = architecture.build().eval()
    before, x = bits(module), pictures(architecture)
    with torch.inference_mode():
        assert torch.equal(module(x), module(x))
    assert bits(module) == before


def test_a_picture_is_scored_alone_as_among_others(architecture: Architecture) -> None:
    module = architecture.build(2).eval()
    x = pictures(architecture)
    with torch.inference_mode():
        torch.testing.assert_close(module(x)[3:4], module(x[3:4]))


def test_gradients_reach_every_trainable_parameter(architecture: Architecture) -> None:
    module = without_zeros(architecture.build()).train()
    targets = torch.arange(5) % architecture.num_classes
    nn.functional.cross_entropy(module(pictures(architecture)), targets).backward()
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name
        else:
            assert parameter.grad is None, name


def test_layers_account_for_every_parameter(architecture: Architecture) -> None:
    found = design(architecture, question=Question(formulas=False, sizes=False))
    count = sum(parameter.numel() for parameter in architecture.build().parameters())
    assert sum(layer.parameters for layer in found.layers) == found.total.parameters == count
    assert found.total.multiply_adds > 0
    assert math.prod(found.layers[-1].output) == architecture.num_classes


def test_building_without_memory_gives_the_same_tensors(architecture: Architecture) -> None:
    with torch.device("meta"):
        blank = architecture.build().state_dict()
    real = architecture.build().state_dict()
    assert {n: (v.shape, v.dtype) for n, v in blank.items()} == {
        n: (v.shape, v.dtype) for n, v in real.items()
    }
    assert {value.device.type for value in blank.values()} == {"meta"}


def test_other_sizes_are_taken_where_it_says_so(architecture: Architecture) -> None:
    module = architecture.build().eval()
    height, width = architecture.image_size
    other = torch.zeros(2, architecture.in_channels, height + 4, width + 8)
    if architecture.any_size:
        assert module(other).shape == (2, architecture.num_classes)
    else:
        with pytest.raises((RuntimeError, AssertionError), match=r"shape|size|match"):
            module(other)


def test_the_smallest_side_is_taken(architecture: Architecture) -> None:
    module, side = architecture.build().eval(), architecture.smallest_side
    if architecture.any_size:
        scores = module(torch.zeros(2, architecture.in_channels, side, side))
        assert scores.shape == (2, architecture.num_classes)
    assert 1 <= side <= min(architecture.image_size)


def test_an_unknown_option_is_refused(architecture: Architecture) -> None:
    other = replace(architecture, options={"depth_of_water": 3})
    with pytest.raises(RecipeError, match=r"^.* can't be built: .*depth_of_water"):
        other.build()
