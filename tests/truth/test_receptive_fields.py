"""Receptive fields of the networks that people use against published tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
import timm
import torch
import torchvision
from torch import nn
from torchvision.models.resnet import Bottleneck

from hubel.analysis.fields import Field, receptive_fields
from hubel.analysis.recording.trace import Traceable, trace


def alexnet() -> nn.Module:
    """TF-Slim's alexnet_v2 pads its first convolution by nothing, torchvision's by 2."""
    network = torchvision.models.alexnet()
    network.features[0].padding = (0, 0)
    return network


def inception() -> nn.Module:
    return torchvision.models.inception_v3(init_weights=False, aux_logits=False)


def late_stride(depth: int) -> nn.Module:
    """TF-Slim's resnet_v1 has each stride in the last unit of a stage, not in the next one."""
    network = torchvision.models.get_model(f"resnet{depth}")
    stages = [network.layer1, network.layer2, network.layer3, network.layer4]
    for stage, after in pairwise(stages):
        last, first = stage[-1], after[0]
        assert isinstance(last, Bottleneck)
        first.conv2.stride = first.downsample[0].stride = (1, 1)
        last.conv2.stride, last.downsample = (2, 2), nn.MaxPool2d(1, 2)
    return network


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "alexnet_v2": alexnet,
    "vgg_a": torchvision.models.vgg11,
    "vgg_16": torchvision.models.vgg16,
    "inception_v3": inception,
    "inception_v4": lambda: timm.create_model("inception_v4"),
    "inception_resnet_v2": lambda: timm.create_model("inception_resnet_v2"),
    "mobilenet_v1": lambda: timm.create_model("mobilenetv1_100"),
    "resnet_v1_50": lambda: late_stride(50),
    "resnet_v1_101": lambda: late_stride(101),
    "resnet_v1_152": lambda: late_stride(152),
    "resnet18": torchvision.models.resnet18,
    "resnet50": torchvision.models.resnet50,
    "mobilenet_v2": torchvision.models.mobilenet_v2,
}


@cache
def fields(name: str) -> dict[str, Field]:
    """The field of each layer's first output, by the layer's path."""
    with torch.device("meta"):
        network = NETWORKS[name]()
    graph, _ = trace(Traceable.of(network), (1, 3, 321, 321))
    found = receptive_fields(graph)
    return {call.path: found[call.outputs[0].id] for call in graph.calls}


def numbers(field: Field) -> tuple[int, int, int]:
    """Size, stride and padding before the first window, as the tables give them."""
    facts = field.to_json()
    assert facts["kind"] == "exact"
    return facts["size"], facts["stride"], -facts["start"]


# google-research/receptive_field, receptive_field/RECEPTIVE_FIELD_TABLE.md: RF, effective stride,
# effective padding of end points of TF-Slim's networks; the layer of the same place in PyTorch.
@pytest.mark.parametrize(
    ("name", "layer", "published"),
    [
        ("alexnet_v2", "features.0", (11, 4, 0)),  # conv1
        ("alexnet_v2", "features.2", (19, 8, 0)),  # pool1
        ("alexnet_v2", "features.3", (51, 8, 16)),  # conv2
        ("alexnet_v2", "features.6", (99, 16, 32)),  # conv3
        ("alexnet_v2", "features.8", (131, 16, 48)),  # conv4
        ("alexnet_v2", "features.10", (163, 16, 64)),  # conv5
        ("alexnet_v2", "features.12", (195, 32, 64)),  # pool5
        ("vgg_a", "features.2", (4, 2, 1)),  # pool1
        ("vgg_a", "features.8", (26, 4, 11)),  # conv3_2
        ("vgg_a", "features.13", (62, 8, 27)),  # conv4_2
        ("vgg_a", "features.20", (150, 32, 59)),  # pool5
        ("vgg_16", "features.0", (3, 1, 1)),  # conv1_1
        ("vgg_16", "features.9", (16, 4, 6)),  # pool2
        ("vgg_16", "features.16", (44, 8, 18)),  # pool3
        ("vgg_16", "features.26", (164, 16, 74)),  # conv5_2
        ("vgg_16", "features.30", (212, 32, 90)),  # pool5
        ("inception_v3", "Conv2d_1a_3x3", (3, 2, 0)),
        ("inception_v3", "Conv2d_2b_3x3", (11, 2, 2)),
        ("inception_v3", "Conv2d_4a_3x3", (23, 4, 2)),
        ("inception_v3", "Mixed_5b", (63, 8, 18)),
        ("inception_v3", "Mixed_5d", (127, 8, 50)),
        ("inception_v3", "Mixed_6a", (159, 16, 58)),
        ("inception_v3", "Mixed_6e", (927, 16, 442)),
        ("inception_v3", "Mixed_7a", (1055, 32, 490)),
        ("inception_v3", "Mixed_7c", (1311, 32, 618)),
        ("inception_v4", "features.3", (15, 4, 2)),  # Mixed_3a
        ("inception_v4", "features.5", (55, 8, 14)),  # Mixed_5a
        ("inception_v4", "features.10", (215, 16, 86)),  # Mixed_6a
        ("inception_v4", "features.18", (1687, 32, 806)),  # Mixed_7a
        ("inception_v4", "features", (2071, 32, 998)),  # Mixed_7d
        ("inception_resnet_v2", "conv2d_7b", (3039, 32, 1482)),
    ],
)
def test_every_layer_is_where_the_table_has_it(
    name: str, layer: str, published: tuple[int, int, int]
) -> None:
    assert numbers(fields(name)[layer]) == published


# The same source. TensorFlow pads even inputs on one side, so the paddings are others.
@pytest.mark.parametrize(
    ("name", "layer", "size", "stride"),
    [
        ("mobilenet_v1", "blocks", 315, 32),
        ("resnet_v1_50", "layer4", 483, 32),
        ("resnet_v1_101", "layer4", 1027, 32),
        ("resnet_v1_152", "layer4", 1507, 32),
        # torchlens 2.36 on torchvision's networks
        ("resnet18", "layer4", 435, 32),
        ("resnet50", "layer4", 427, 32),
        ("mobilenet_v2", "features", 491, 32),
    ],
)
def test_the_last_maps_see_as_far_as_published(
    name: str, layer: str, size: int, stride: int
) -> None:
    assert numbers(fields(name)[layer])[:2] == (size, stride)


def test_a_unit_sees_the_pixels_of_the_published_example() -> None:
    # Fangyh09/pytorch-receptive-field, README: jumps 2, 2, 2, 4, sizes 7, 7, 7, 11;
    # unit (1, 1) of the third layer sees [0, 6) x [0, 6)
    layers = (nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    graph, _ = trace(Traceable.of(nn.Sequential(*layers)), (1, 3, 256, 256))
    found = receptive_fields(graph)
    given = [found[call.outputs[0].id] for call in graph.calls[1:]]
    assert [numbers(field)[:2] for field in given] == [(7, 2), (7, 2), (7, 2), (11, 4)]
    assert given[2].window((0, 0, 1, 1)) == ((0, 5), (0, 5))
