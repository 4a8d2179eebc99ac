"""Bytes kept for backward: what is known before training against what a real step keeps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from hubel.analysis.recording.trace import Traceable, trace_step

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "resnet18": models.resnet18,
    "resnet50": models.resnet50,
    "vgg16": models.vgg16,
    "mobilenet_v2": models.mobilenet_v2,
    "convnext_tiny": models.convnext_tiny,
    "vit_b_16": models.vit_b_16,
}


def kept(module: nn.Module, x: Tensor) -> int:
    """Bytes of the distinct storages that autograd really keeps, without the module's own."""
    own = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers())}
    found: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            found.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = module.train()(x)
    assert output.requires_grad  # and the graph is alive while we count
    return sum(tensor.untyped_storage().nbytes() for tensor in found.values())


def build(name: str, side: int) -> nn.Module:
    with_size = {"image_size": side} if name.startswith("vit") else {}
    return NETWORKS[name](**with_size)


def check(name: str, side: int, batch: int) -> None:
    module, shape = build(name, side), (batch, 3, side, side)
    measured = kept(module, torch.zeros(shape))
    assert trace_step(Traceable.of(module), shape, backward=False).saved_bytes == measured


@pytest.mark.parametrize("batch", [2, 3])
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "convnext_tiny"])
def test_bytes_kept_are_those_measured(name: str, batch: int) -> None:
    check(name, 64, batch)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [2, 5])
@pytest.mark.parametrize("name", NETWORKS)
def test_bytes_kept_are_those_measured_at_full_size(name: str, batch: int) -> None:
    check(name, 224, batch)
