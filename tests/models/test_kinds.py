"""The default networks of signals and volumes: they take any size, and stay small."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hubel.errors import FeatureError, RecipeError
from hubel.models.architecture import Architecture
from hubel.models.averages import Averages
from hubel.models.kinds import expect_axes, line_for


@settings(max_examples=6)
@given(st.one_of(st.tuples(st.integers(1, 3000)), st.tuples(*[st.integers(1, 30)] * 3)))
def test_a_line_takes_samples_of_its_size(size: tuple[int, ...]) -> None:
    found = Architecture(name=line_for(size), in_channels=2, num_classes=3, image_size=size).check()
    module = found.build().eval()
    assert module(torch.zeros(2, 2, *size)).shape == (2, 3)
    assert sum(value.numel() for value in module.parameters()) < 700_000


@pytest.mark.parametrize("size", [(16_384,), (64, 64, 64)])
def test_the_last_layers_see_few_positions(size: tuple[int, ...]) -> None:
    module = Architecture(
        name=line_for(size), in_channels=1, num_classes=2, image_size=size
    ).build()
    seen: list[int] = []
    last = [one for one in module.modules() if isinstance(one, torch.nn.BatchNorm1d
            if len(size) == 1 else torch.nn.BatchNorm3d)][-1]  # fmt: skip
    last.register_forward_hook(lambda _, __, found: seen.extend(found.shape[2:]))
    module.eval()(torch.zeros(1, 1, *size))
    assert max(seen) <= (32 if len(size) == 1 else 8)


@pytest.mark.parametrize("model", ["convnet", "lenet5", "timm:resnet18", "torchvision:resnet18"])
@pytest.mark.parametrize(("size", "what"), [((90,), "signals"), ((9, 9, 9), "volumes")])
def test_what_is_for_pictures_alone_is_refused_with_a_line_that_would_do(
    model: str, size: tuple[int, ...], what: str
) -> None:
    with pytest.raises(RecipeError, match=rf"is for pictures, and these are {what}; .* 'conv"):
        expect_axes(model, size)
    expect_axes(model, (9, 9))


def test_averages_are_those_of_equal_parts() -> None:
    x = torch.arange(12.0).reshape(1, 1, 12)
    assert Averages((1, 12), 3)(x).tolist() == [[1.5, 5.5, 9.5]]
    cube = torch.rand(2, 3, 4, 4, 4)
    found = Averages((3, 4, 4, 4), 2)
    expected = cube.reshape(2, 3, 2, 2, 2, 2, 2, 2).mean((3, 5, 7)).flatten(1)
    torch.testing.assert_close(found(cube), expected)
    assert found.size == expected.shape[1]


def test_features_of_pictures_are_refused_for_others() -> None:
    with pytest.raises(FeatureError, match="for pictures, and these are signals; give pixels"):
        Averages.of("hog", (1, 90))
    assert Averages.of("pixels(side=8)", (1, 90)).size == 8


def test_a_linear_classifier_weighs_signals_and_volumes() -> None:
    for size in ((9,), (3, 4, 5)):
        found = Architecture(name="linear", in_channels=2, num_classes=2, image_size=size).build()
        assert found(torch.zeros(4, 2, *size)).shape == (4, 2)
