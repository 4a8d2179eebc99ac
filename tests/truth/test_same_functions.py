"""Named networks give the answers of torchvision's and timm's own code, given the same weights.

Equal counts don't make equal networks; equal answers with random weights do. Weights are paired in
the order in which the two networks use them. Sizes are small where the networks take any.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torchvision import models

from hubel.analysis.recording.trace import Traceable, trace
from hubel.models.catalogue import CATALOGUE
from hubel.models.notation import build

Weights = dict[str, Tensor]

_NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "alexnet-2014": (models.alexnet, 64),
    "vgg11": (models.vgg11, 32),
    "vgg16": (models.vgg16, 32),
    "googlenet": (
        lambda: models.googlenet(weights=None, aux_logits=False, init_weights=False),
        64,
    ),
    "resnet18": (models.resnet18, 64),
    "resnet50": (models.resnet50, 64),
    "squeezenet1_1": (models.squeezenet1_1, 64),
    "densenet121": (models.densenet121, 64),
    "mobilenetv2": (models.mobilenet_v2, 64),
    "convnext-t": (models.convnext_tiny, 64),
    "vit-b": (lambda: models.vit_b_16(image_size=48), 48),
    "vit-ti": (lambda: timm.create_model("deit_tiny_patch16_224", img_size=48), 48),
    "vit-s": (lambda: timm.create_model("deit_small_patch16_224", img_size=48), 48),
}


def used(module: nn.Module, shape: tuple[int, ...]) -> list[str]:
    """Names of parameters and buffers, in the order of their first use."""
    graph, _ = trace(Traceable.of(module), shape)
    constants = graph.parameters | graph.buffers
    inputs = (value.id for op in graph.operators for value in op.inputs)
    return list(dict.fromkeys(constants[number] for number in inputs if number in constants))


def drawn(name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Numbers that keep activations near 1, and that no two layers share."""
    numbers = torch.rand(shape, generator=generator)
    if name.endswith("running_var"):
        return numbers + 0.5
    if len(shape) < 2:
        return numbers - 0.5 + name.endswith("weight")
    fan_in = math.prod(shape[1:])
    return numbers.sub_(0.5).mul_(math.sqrt(24 / fan_in))


@pytest.mark.parametrize("name", _NETWORKS)
def test_a_network_gives_the_answers_of_the_zoos_own_code(name: str) -> None:
    make, side = _NETWORKS[name]
    with torch.device("meta"):
        theirs = make().eval()
        line = CATALOGUE[name].line
        assert line is not None
        ours = build(line, (3, side, side)).eval()
    shape = (2, 3, side, side)
    generator = torch.Generator().manual_seed(0)
    shapes: dict[str, Any] = {key: value.shape for key, value in theirs.state_dict().items()}
    given = {key: drawn(key, shapes[key], generator) for key in used(theirs, shape)}
    assert set(given) == {key for key in shapes if not key.endswith("num_batches_tracked")}
    names = used(ours, shape)
    sizes = {key: value.shape for key, value in ours.state_dict().items()}
    taken = {
        key: value.reshape(sizes[key]) for key, value in zip(names, given.values(), strict=True)
    }
    x = torch.randn(shape, generator=generator)
    with torch.no_grad():
        expected, answer = functional_call(theirs, given, (x,)), functional_call(ours, taken, (x,))
    assert float(expected.std()) > 0.01
    assert float((expected[0] - expected[1]).abs().max()) > 1e-3 * float(expected.std())
    torch.testing.assert_close(answer, expected, rtol=1e-4, atol=1e-4 * float(expected.std()))
