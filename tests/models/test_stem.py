"""What is adapted at a network's beginning keeps what it must keep."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.models.architecture import Architecture
from hubel.models.stem import Stem, adapt_kernel, find_stem, replace_channels, shrink_stem

KERNEL = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
PICTURES = torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def blank(name: str, side: int = 64, **options: bool) -> nn.Module:
    with torch.device("meta"):
        return Architecture(
            name=name, in_channels=3, num_classes=10, image_size=(side, side), options=options
        ).build()


def test_a_grey_picture_gets_the_answer_of_three_equal_channels() -> None:
    adapted, note = adapt_kernel(KERNEL, 1)
    expected = F.conv2d(PICTURES.expand(-1, 3, -1, -1), KERNEL)
    torch.testing.assert_close(F.conv2d(PICTURES, adapted), expected)
    assert note == "trained filters summed over their 3 channels"


@given(st.integers(1, 5))
def test_the_size_of_the_answers_stays_when_channels_are_repeated(times: int) -> None:
    coloured = torch.rand(2, 3, 9, 9, dtype=torch.float64)
    adapted, _ = adapt_kernel(KERNEL, 3 * times)
    found = F.conv2d(coloured.repeat(1, times, 1, 1), adapted)
    torch.testing.assert_close(found, F.conv2d(coloured, KERNEL))


@given(st.integers(2, 17))
def test_adapted_filters_have_the_channels_that_are_wanted(channels: int) -> None:
    adapted, note = adapt_kernel(KERNEL, channels)
    assert adapted.shape == (4, channels, 5, 5)
    assert torch.equal(adapted[:, 0], KERNEL[:, 0] * (3 / channels))
    assert note == f"trained filters repeated for {channels} channels, times 3/{channels}"


STEMS = [
    ("torchvision:resnet18", Stem("conv1", "maxpool")),
    ("torchvision:densenet121", Stem("features.conv0", "features.pool0")),
    ("torchvision:mobilenet_v2", Stem("features.0.0", None)),
    ("torchvision:alexnet", Stem("features.0", "features.2")),
    ("torchvision:vgg11", None),
    ("torchvision:convnext_tiny", None),
    ("torchvision:vit_b_16", None),
    ("timm:resnet50d", Stem("conv1.0", "maxpool")),
    ("timm:resnetv2_50x1_bit", Stem("stem.conv", "stem.pool", ("stem.pad",))),
]


@pytest.mark.parametrize(("name", "stem"), STEMS, ids=[name for name, _ in STEMS])
def test_the_stem_is_found_by_the_order_of_running(name: str, stem: Stem | None) -> None:
    assert find_stem(blank(name, 64), (3, 64, 64)) == stem


def outputs(network: nn.Module, side: int) -> list[tuple[int, ...]]:
    """Sides of what each convolution gives, in order."""
    found: list[tuple[int, ...]] = []

    def keep(_layer: nn.Module, _inputs: object, output: Tensor) -> None:
        found.append(tuple(output.shape[2:]))

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(keep)
    network.eval()(torch.zeros(2, 3, side, side, device="meta"))
    return found


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("torchvision:resnet18", 1, 4),
        ("torchvision:mobilenet_v2", 1, 2),
        ("timm:resnet50d", 1, 4),
        ("torchvision:densenet121", 1, 4),
        ("timm:tf_efficientnet_lite0", 1, 2),
    ],
)
def test_small_pictures_have_positions_left_at_the_end(name: str, before: int, after: int) -> None:
    assert outputs(blank(name, 32), 32)[-1] == (before, before)
    assert outputs(blank(name, 32, small_stem=True), 32)[-1] == (after, after)


def test_a_small_resnet_is_the_one_that_cifar_is_learned_with() -> None:
    """11,173,962 parameters: github.com/kuangliu/pytorch-cifar, ResNet18 on 10 classes."""
    module = blank("torchvision:resnet18", 32, small_stem=True)
    assert sum(value.numel() for value in module.parameters()) == 11_173_962
    conv = module.get_submodule("conv1")
    assert isinstance(conv, nn.Conv2d)
    assert (conv.kernel_size, conv.stride, conv.padding) == ((3, 3), (1, 1), (1, 1))


def test_trained_filters_stay_when_strides_are_taken_out() -> None:
    module = blank("torchvision:resnet18", 32)
    kernel = module.get_parameter("conv1.weight")
    notes = shrink_stem(module, Stem("conv1", "maxpool"), keep_kernel=True)
    assert module.get_parameter("conv1.weight") is kernel
    assert notes == [
        "conv1: 7x7 at stride 1 in place of 7x7 at stride 2, for small pictures",
        "maxpool: taken out, for small pictures",
    ]


def test_a_stride_of_four_is_halved() -> None:
    module = blank("torchvision:alexnet", 64)
    notes = shrink_stem(module, Stem("features.0", "features.2"), keep_kernel=False)
    assert notes[0].startswith("features.0: 11x11 at stride 2 in place of 11x11 at stride 4")


@pytest.mark.parametrize("channels", [1, 4])
def test_a_replaced_convolution_is_as_before_but_for_its_channels(channels: int) -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 5, 2, 2, bias=False))
    note = replace_channels(module, "0", channels)
    conv = module[0]
    assert isinstance(conv, nn.Conv2d)
    assert (conv.kernel_size, conv.stride, conv.padding) == ((5, 5), (2, 2), (2, 2))
    assert (conv.in_channels, conv.out_channels, conv.bias) == (channels, 8, None)
    assert note == f"0: takes {channels} channel{'s' * (channels > 1)} instead of 3"
