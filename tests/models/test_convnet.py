"""Laws of the default network: sizes, resolutions, identity start, whitening, determinism."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from hubel.models.convnet import ConvNet, convnet_shape, whitening_filters

SIDE = st.integers(8, 256)


def network(
    image_size: tuple[int, int], *, channels: int = 3, classes: int = 10, seed: int = 0
) -> ConvNet:
    torch.manual_seed(seed)
    return ConvNet(in_channels=channels, num_classes=classes, image_size=image_size)


def correlated_pictures(count: int, channels: int, height: int, width: int) -> Tensor:
    """Smooth, channel-mixed noise: neighbouring pixels and channels go together, as in photos."""
    noise = torch.randn(count, channels, height, width, generator=torch.Generator().manual_seed(3))
    smooth = F.avg_pool2d(noise, 3, stride=1, padding=1)
    return smooth + 0.5 * smooth.mean(dim=1, keepdim=True)


@settings(max_examples=25, deadline=None)
@given(height=SIDE, width=SIDE, channels=st.sampled_from([1, 2, 3, 5]), classes=st.integers(2, 12))
def test_scores_are_one_row_a_picture_for_every_size(
    height: int, width: int, channels: int, classes: int
) -> None:
    net = network((height, width), channels=channels, classes=classes).eval()
    scores = net(torch.randn(2, channels, height, width))
    assert scores.shape == (2, classes)
    assert bool(torch.isfinite(scores).all())


@settings(max_examples=200, deadline=None)
@given(height=SIDE, width=SIDE, channels=st.integers(1, 16))
def test_rule_leaves_a_position_at_half_the_resolution(
    height: int, width: int, channels: int
) -> None:
    shape = convnet_shape(in_channels=channels, image_size=(height, width))
    half = min(height, width) // 2
    assert half >= shape.smallest_side or len(shape.widths) == 1
    assert shape.filters <= 32
    assert shape.kernel >= shape.stride  # no pixel is skipped
    assert 0.7 < (height * width) ** 0.5 / shape.stride / 64 < 1.42 or shape.stride == 1


@pytest.mark.parametrize(
    ("side", "stride", "groups"),
    [(8, 1, 1), (16, 1, 2), (28, 1, 3), (32, 1, 3), (64, 1, 4), (128, 2, 4), (256, 4, 4)],
)
def test_stride_and_groups_follow_the_picture(side: int, stride: int, groups: int) -> None:
    shape = convnet_shape(in_channels=3, image_size=(side, side))
    assert (shape.stride, len(shape.widths)) == (stride, groups)


@pytest.mark.parametrize("side", [32, 64, 128])
@pytest.mark.parametrize("fraction", [0.5, 0.625, 0.75, 1.0, 1.5])
def test_same_weights_work_at_other_resolutions(side: int, fraction: float) -> None:
    net = network((side, side)).eval()
    other = round(side * fraction)
    assert net(torch.randn(2, 3, other, other)).shape == (2, 10)


@pytest.mark.parametrize(("image_size", "shorter"), [((2, 2), 2), ((2, 40), 2), ((40, 1), 1)])
def test_too_small_a_picture_is_named_with_its_arithmetic(
    image_size: tuple[int, int], shorter: int
) -> None:
    assert min(image_size) == shorter
    with pytest.raises(ValueError, match=r"too small: .* 2 \+ 1 \* \(2\^1 - 1\) = 3 pixels"):
        network(image_size)


def test_too_low_a_resolution_is_named_in_forward_and_the_smallest_one_works() -> None:
    net = network((32, 32)).eval()
    assert net(torch.randn(1, 3, 9, 9)).shape == (1, 10)
    with pytest.raises(ValueError, match=r"8 x 9 pixels is too small: .* = 9 pixels"):
        net(torch.randn(1, 3, 8, 9))


@pytest.mark.parametrize(("channels", "widths"), [(0, (8,)), (3, ()), (3, (8, 0))])
def test_a_network_without_channels_is_refused(channels: int, widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be at least 1; got in_channels="):
        convnet_shape(in_channels=channels, image_size=(32, 32), widths=widths)


def test_convolutions_begin_as_identity_on_the_channels_they_share() -> None:
    net = network((32, 32))
    for group in net.groups.children():
        for conv in (child for child in group.children() if isinstance(child, torch.nn.Conv2d)):
            x = torch.randn(2, conv.in_channels, 7, 5)
            same = min(conv.in_channels, conv.out_channels)
            assert torch.allclose(conv(x)[:, :same], x[:, :same], atol=1e-6)


@pytest.mark.parametrize(("channels", "size"), [(1, (28, 28)), (3, (32, 32)), (3, (24, 40))])
def test_stem_whitens_the_patches_it_was_given(channels: int, size: tuple[int, int]) -> None:
    pictures = correlated_pictures(300, channels, *size)
    net = network(size, channels=channels)
    net.init_from_data(pictures)
    half = net.shape.filters // 2
    responses = net.stem(pictures)[:, :half].transpose(0, 1).reshape(half, -1).double()
    moments = responses @ responses.T / responses.shape[1]
    # A direction of variance v comes out with v / (v + eps): nearly one, and never above it.
    assert torch.allclose(moments, torch.eye(half).double(), atol=0.05)
    assert float(moments.diagonal().max()) <= 1 + 1e-4


def test_stem_filters_come_with_both_signs_and_stay_frozen() -> None:
    net = network((32, 32))
    net.init_from_data(correlated_pictures(20, 3, 32, 32))
    first, second = net.stem.weight.chunk(2)
    assert torch.equal(first, -second)
    net(torch.randn(4, 3, 32, 32)).sum().backward()
    assert net.stem.weight.grad is None


def test_pictures_of_one_colour_leave_the_stem_finite() -> None:
    net = network((32, 32))
    net.init_from_data(torch.zeros(5, 3, 32, 32))
    assert bool(torch.isfinite(net.stem.weight).all())


def test_whitening_without_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one training picture"):
        whitening_filters(
            torch.zeros(0, 3, 32, 32), convnet_shape(in_channels=3, image_size=(32, 32))
        )


def test_a_seed_gives_the_same_network_and_the_same_gradients_bit_for_bit() -> None:
    pictures = correlated_pictures(16, 3, 32, 32)

    def trained(seed: int) -> list[Tensor]:
        net = network((32, 32), seed=seed).to(memory_format=torch.channels_last)
        net.init_from_data(pictures)
        F.cross_entropy(net(pictures), torch.arange(16) % 10).backward()
        return [p if p.grad is None else p.grad for p in net.parameters()]

    first, again, other = trained(0), trained(0), trained(1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_state_dict_restores_the_whitened_stem() -> None:
    pictures = correlated_pictures(16, 3, 32, 32)
    net, restored = network((32, 32), seed=0), network((32, 32), seed=1)
    net.init_from_data(pictures)
    restored.load_state_dict(net.state_dict())
    assert torch.equal(net.eval()(pictures), restored.eval()(pictures))
