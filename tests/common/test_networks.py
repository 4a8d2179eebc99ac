"""One battery over every network: what is registered keeps these laws."""

from __future__ import annotations

import json
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from hubel.analysis.layers import describe_layers
from hubel.errors import RecipeError
from hubel.models.architecture import NETWORKS, Architecture

SIZES = [(16, 16), (32, 48), (97, 64)]
EVERY = [
    pytest.param(
        Architecture(name=name, in_channels=channels, num_classes=classes, image_size=size),
        id=f"{name}-{channels}x{size[0]}x{size[1]}-{classes}",
    )
    for name, (channels, classes), size in product(NETWORKS, [(3, 2), (1, 7)], SIZES)
]

pytestmark = pytest.mark.parametrize("architecture", EVERY)


def pictures(architecture: Architecture, count: int = 5) -> Tensor:
    draws = torch.Generator().manual_seed(8)
    shape = (count, architecture.in_channels, *architecture.image_size)
    return torch.randn(shape, generator=draws).to(memory_format=torch.channels_last)


def bits(module: nn.Module) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in module.state_dict().items()}


def test_there_is_a_score_for_each_class(architecture: Architecture) -> None:
    scores = architecture.build()(pictures(architecture))
    assert scores.shape == (5, architecture.num_classes)
    assert scores.dtype == torch.float32
    assert torch.isfinite(scores).all()


def test_the_description_comes_back_from_json(architecture: Architecture) -> None:
    document = json.loads(json.dumps(architecture.to_json()))
    again = Architecture.from_json(document)
    assert again == architecture
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
    module = architecture.build().train()
    targets = torch.arange(5) % architecture.num_classes
    nn.functional.cross_entropy(module(pictures(architecture)), targets).backward()
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name
        else:
            assert parameter.grad is None, name


def test_layers_account_for_every_parameter(architecture: Architecture) -> None:
    layers = describe_layers(architecture)
    count = sum(parameter.numel() for parameter in architecture.build().parameters())
    assert sum(layer.parameters for layer in layers) == count
    assert sum(layer.multiply_adds for layer in layers) > 0
    assert layers[-1].output == (architecture.num_classes,)


def test_other_sizes_are_taken_where_it_says_so(architecture: Architecture) -> None:
    module = architecture.build().eval()
    height, width = architecture.image_size
    other = torch.zeros(2, architecture.in_channels, height + 4, width + 8)
    if architecture.any_size:
        assert module(other).shape == (2, architecture.num_classes)
    else:
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            module(other)


def test_an_unknown_option_is_refused(architecture: Architecture) -> None:
    document = architecture.to_json() | {"options": {"depth_of_water": 3}}
    with pytest.raises(
        RecipeError, match=rf"^{architecture.name} can't be built: .*depth_of_water"
    ):
        Architecture.from_json(document).build()


def test_a_misspelled_name_is_told_the_nearest(architecture: Architecture) -> None:
    name = architecture.name
    document = architecture.to_json() | {"name": name[:-1] + "x"}
    message = (
        rf"no network '{name[:-1]}x'\. Did you mean '{name}'\? There are: {', '.join(NETWORKS)}"
    )
    with pytest.raises(RecipeError, match=message):
        Architecture.from_json(document).build()
