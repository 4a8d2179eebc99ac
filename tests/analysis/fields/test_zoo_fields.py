"""Networks of the zoos: every operator has a rule, and each family's fields are of its kind."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

from hubel.analysis.fields import Field, receptive_fields
from hubel.analysis.recording.graph import Graph
from hubel.analysis.recording.trace import Traceable, trace
from tests.analysis.fields.supports import field_of, hulls, read_hulls, supports_by_gradient

QUICK = [
    "torchvision:convnext_tiny",
    "torchvision:shufflenet_v2_x0_5",
    "torchvision:squeezenet1_1",
    "torchvision:vgg11_bn",
    "torchvision:vit_b_32",
    "timm:coat_lite_tiny",
    "timm:edgenext_xx_small",
    "timm:efficientnet_b0",
    "timm:fastvit_t8",
    "timm:levit_128s",
    "timm:mixer_s32_224",
    "timm:mobilevit_xxs",
    "timm:poolformer_s12",
    "timm:pvt_v2_b0",
    "timm:skresnet18",
    "timm:swin_tiny_patch4_window7_224",
]
MORE = [
    "torchvision:maxvit_t",
    "torchvision:swin_v2_t",
    "timm:bat_resnext26ts",
    "timm:densenetblur121d",
    "timm:focalnet_tiny_srf",
    "timm:gcvit_xxtiny",
    "timm:hrnet_w18_small",
    "timm:mvitv2_tiny",
    "timm:regnety_002",
    "timm:res2net50_14w_8s",
    "timm:twins_svt_small",
    "timm:volo_d1_224",
    "timm:xcit_tiny_12_p16_224",
]
FAMILIES = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE)]


@cache
def read(name: str) -> tuple[Graph, dict[int, Field]]:
    """The graph and all fields of a network at its own size."""
    zoo, _, bare = name.partition(":")
    with torch.device("meta"):
        if zoo == "timm":
            network = timm.create_model(bare)
            shape = network.pretrained_cfg["input_size"]
        else:
            network, shape = torchvision.models.get_model(bare), (3, 224, 224)
    graph, _ = trace(Traceable.of(network), (1, *shape))
    return graph, dict(receptive_fields(graph))


def path(name: str, layer: str) -> Field:
    """The field of what a layer gives."""
    graph, fields = read(name)
    call = next(call for call in graph.calls if call.path == layer)
    return fields[call.outputs[0].id]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_told_without_a_reservation(name: str) -> None:
    graph, fields = read(name)
    assert {field.note for field in fields.values()} == {""}
    scores = fields[graph.outputs[0].id]
    assert scores.seen > 0.97  # strides may drop the last row
    assert scores.kind in ("whole", "exact")
    assert all(0 < field.seen <= 1 for field in fields.values())


def test_convnext_is_exact_through_layer_norms_and_permutes() -> None:
    stages, strides = (3, 3, 9, 3), (4, 8, 16, 32)
    blocks = sum(6 * count * stride for count, stride in zip(stages, strides, strict=True))
    field = path("torchvision:convnext_tiny", "features")
    assert (field.kind, field.size) == ("exact", (4 + blocks + 4 + 8 + 16,) * 2)
    assert field.stride == (32, 32)


def test_a_vision_transformer_sees_its_patch_then_everything() -> None:
    name = "torchvision:vit_b_32"
    assert path(name, "conv_proj").to_json()["kind"] == "exact"
    assert path(name, "encoder.layers.encoder_layer_0.ln_1").size == (32, 32)
    assert path(name, "encoder.layers.encoder_layer_0.self_attention").kind == "whole"


def test_shifted_windows_grow_from_a_window_to_the_whole() -> None:
    name = "timm:swin_tiny_patch4_window7_224"
    first, second = (path(name, f"layers.0.blocks.{number}") for number in (0, 1))
    assert (first.kind, first.size, first.stride) == ("exact", (28, 28), (4, 4))
    assert first.window((0, 10, 55, 0)) == ((28, 55), (196, 223))
    assert second.kind == "bound"
    assert second.window((0, 30, 30, 0)) == ((84, 139), (84, 139))
    assert path(name, "layers.2").kind == "whole"


def test_squeeze_and_excitation_sees_everything_from_its_first_gate_on() -> None:
    name = "timm:efficientnet_b0"
    assert path(name, "blocks.0.0.bn1").to_json()["size"] == 7
    assert path(name, "blocks.0.0.se").kind == "whole"
    assert path(name, "blocks.1.0").kind == "whole"


def test_convnexts_last_stage_is_where_its_gradient_is() -> None:
    blocks = [CNBlockConfig(6, 12, 1), CNBlockConfig(12, None, 1)]
    network = ConvNeXt(blocks, stochastic_depth_prob=0.0, num_classes=2).features
    shape = (3, 112, 88)
    field = field_of(network, shape)
    assert (field.kind, field.size, field.start) == ("exact", (80, 80), (-36, -36))
    generator = torch.Generator().manual_seed(0)
    module: nn.Module = network.double().eval()
    for weights in module.parameters():
        weights.data = torch.rand(weights.shape, dtype=torch.float64, generator=generator) + 0.1
    x = torch.rand(1, *shape, dtype=torch.float64, generator=generator)
    elements = range(0, int(np.prod(field.shape)), 7)
    truth = hulls(supports_by_gradient(module, x, elements), 2)
    for axis, expected in zip(read_hulls(field), truth, strict=True):
        np.testing.assert_array_equal(axis.reshape(2, -1)[:, ::7], expected)
