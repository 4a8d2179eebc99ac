"""Lines of the notation that hold as many parameters as the published networks that they spell."""

from __future__ import annotations

import pytest
import torch

from hubel.models.notation import build

_BASIC = "conv3x3{stride}({width}, bias=no) bn relu conv3x3({width}, bias=no) bn"
_WIDER = "residual({body} | conv1x1/2({width}, bias=no) bn) relu residual({same}) relu"


def _stage(width: int) -> str:
    body = _BASIC.format(stride="/2", width=width)
    return _WIDER.format(body=body, width=width, same=_BASIC.format(stride="", width=width))


RESNET_18 = (
    "conv7x7/2(64, bias=no) bn relu maxpool3x3/2(pad=1) "
    f"[residual({_BASIC.format(stride='', width=64)}) relu]*2 "
    f"{_stage(128)} {_stage(256)} {_stage(512)} gap fc"
)
VIT_S_16 = (
    "patch16(384) classtoken positions "
    "[residual(norm attention(6)) residual(norm fc(1536) gelu fc(384))]*12 norm first fc"
)


@pytest.mark.parametrize(
    ("line", "shape", "num_classes", "parameters"),
    [
        # timm 1.0, results of vit_small_patch16_224 (augreg): 22.05 M
        pytest.param(VIT_S_16, (3, 224, 224), 1000, 22_050_664, id="ViT-S/16"),
        # torchvision, ResNet18_Weights.IMAGENET1K_V1.meta["num_params"]
        pytest.param(RESNET_18, (3, 224, 224), 1000, 11_689_512, id="ResNet-18"),
        # LeCun et al. 1998, with C3 connected in full: 156 + 2416 + 48120 + 10164 + 850
        pytest.param(
            "conv5x5(6, valid) tanh avgpool2 conv5x5(16, valid) tanh avgpool2 "
            "flatten fc(120) tanh fc(84) tanh fc",
            (1, 32, 32), 10, 61_706, id="LeNet-5",
        ),
    ],
)  # fmt: skip
def test_lines_hold_the_published_number_of_parameters(
    line: str, shape: tuple[int, ...], num_classes: int, parameters: int
) -> None:
    with torch.device("meta"):
        module = build(line, shape, num_classes)
        assert module(torch.empty(1, *shape)).shape == (1, num_classes)
    assert sum(parameter.numel() for parameter in module.parameters()) == parameters
