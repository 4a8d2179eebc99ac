"""What every kind of network refuses alike, and how its weights may start."""

from __future__ import annotations

import pytest
import torch

from hubel.errors import RecipeError
from hubel.models.architecture import Architecture
from hubel.models.notation import check

LINE = "conv3x3(4) relu gap fc"
KINDS = [LINE, "mlp", "linear", "convnet", "lenet5-1998", "timm:resnet18", "torchvision:resnet18"]
OWN_START = {"linear": "a rule of its own", "convnet": "a rule of its own",
             "lenet5-1998": "a rule of its own", "timm:resnet18": "the zoo's own rule",
             "torchvision:resnet18": "the zoo's own rule"}  # fmt: skip


def of(name: str, num_classes: int = 3, **options: object) -> Architecture:
    channels, side = (1, 32) if name.startswith("lenet5") else (3, 32)
    return Architecture(
        name=name, in_channels=channels, num_classes=num_classes, image_size=(side, side),
        options=dict(options),
    )  # fmt: skip


@pytest.mark.parametrize("num_classes", [0, -1])
@pytest.mark.parametrize("name", KINDS)
def test_a_network_of_any_kind_gives_at_least_one_class_score(name: str, num_classes: int) -> None:
    message = rf"^num_classes: expected at least 1, got {num_classes}$"
    with pytest.raises(RecipeError, match=message):
        of(name, num_classes).build()
    with pytest.raises(RecipeError, match=message):
        of(name, num_classes).check()


@pytest.mark.parametrize("num_classes", [0, -1])
def test_a_line_that_is_only_checked_gives_at_least_one_class_score(num_classes: int) -> None:
    with pytest.raises(RecipeError, match=r"^num_classes: expected at least 1, got"):
        check(LINE, (3, 8, 8), num_classes)


@pytest.mark.parametrize("name", [LINE, "mlp", "resnet20"])
def test_a_network_that_is_a_line_starts_as_it_is_told(name: str) -> None:
    weights = [value for value in of(name, init="zeros").build().parameters() if value.dim() > 1]
    assert weights
    assert not any(bool(torch.any(value)) for value in weights)


@pytest.mark.parametrize("name", OWN_START)
def test_a_start_that_would_have_no_effect_is_refused(name: str) -> None:
    message = (
        rf"^init='zeros' has no effect on {name}, whose weights are drawn by {OWN_START[name]}"
    )
    with pytest.raises(RecipeError, match=message):
        of(name, init="zeros").build()


@pytest.mark.parametrize("name", [LINE, "mlp"])
def test_a_start_that_there_is_not_is_refused_with_the_nearest(name: str) -> None:
    with pytest.raises(RecipeError, match="no initialisation 'xaver'; did you mean xavier"):
        of(name, init="xaver").build()
