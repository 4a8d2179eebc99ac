"""What is asked about a network by its name reaches it, or is refused."""

from __future__ import annotations

import pytest
import torch

from hubel.analysis.subject import subject_of
from hubel.errors import RecipeError

LINE = "conv3x3(4) relu gap fc"


@pytest.mark.parametrize("num_classes", [0, -1])
@pytest.mark.parametrize("name", [LINE, "mlp", "linear", "timm:resnet18"])
def test_no_class_is_refused_for_a_network_of_any_kind(name: str, num_classes: int) -> None:
    with pytest.raises(RecipeError, match=f"expected at least 1, got {num_classes}"):
        subject_of(name, (3, 32, 32), num_classes, "kaiming")


@pytest.mark.parametrize("name", [LINE, "mlp"])
def test_a_start_reaches_networks_that_are_lines(name: str) -> None:
    module = subject_of(name, (3, 32, 32), 5, "zeros").real()
    weights = [value for value in module.parameters() if value.dim() > 1]
    assert not any(bool(torch.any(value)) for value in weights)


def test_a_start_at_zero_is_warned_of_where_it_is_for_the_whole_line() -> None:
    (advice,) = subject_of(LINE, (3, 8, 8), 5, "zeros").advice
    assert advice.message.startswith("conv starts at zero and relu passes no gradient at 0")
    assert not subject_of(LINE, (3, 8, 8), 5, "kaiming").advice


@pytest.mark.parametrize("name", ["convnet", "timm:resnet18"])
def test_a_start_without_effect_is_refused(name: str) -> None:
    with pytest.raises(RecipeError, match=f"init='zeros' has no effect on {name}"):
        subject_of(name, (3, 32, 32), 5, "zeros")
