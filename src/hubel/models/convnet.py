"""The default network trained from scratch: a whitened stem, then groups of two convolutions.

It has the shape of the `airbench` networks (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a
single GPU", arXiv 2404.00498), with its sizes following from the picture's by `convnet_shape`:

    stem    convolution with the whitening filters of the training patches, frozen; relu
    group   conv3x3  maxpool2  norm  relu  conv3x3  norm  relu        (repeated for each width)
    head    global max pooling, then a linear map to the class scores

We differ from the paper in relu for GELU (on a CPU a third of its time) and in a stem stride, a
number of groups and a pooling that let the same weights work at lower resolutions.

Shapes: n pictures, c channels, h height, w width, k classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.linalg import eigh  # pyright: ignore[reportUnknownVariableType]
from torch.nn import functional as F

from hubel.errors import RecipeError
from hubel.models.kinds import expect_axes

__all__ = ["DEFAULT_WIDTHS", "ConvNet", "ConvNetShape", "convnet_shape"]

DEFAULT_WIDTHS = (16, 32, 64, 96)
_GRID = 64  # side of the grid after the stem that the stride aims at
_MAX_STEM_FILTERS = 32
_LOGIT_SCALE = 1 / 9
_WHITENING_EPS = 5e-4  # of the variance of a standardised channel


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvNetShape:
    """The sizes that a `ConvNet` takes from the picture's.

    Attributes:
        kernel: side of the stem's filters, in pixels.
        stride: of the stem, in pixels.
        filters: number of stem filters: whitening directions, each with both signs.
        widths: channels of each group.
    """

    kernel: int
    stride: int
    filters: int
    widths: tuple[int, ...]

    @property
    def smallest_side(self) -> int:
        """Fewest pixels on a side that leave every group at least one position."""
        return self.kernel + self.stride * (2 ** len(self.widths) - 1)


def convnet_shape(
    *, in_channels: int, image_size: tuple[int, ...], widths: Sequence[int] = DEFAULT_WIDTHS
) -> ConvNetShape:
    """Choose stem and groups for pictures of `image_size` = (height, width) pixels.

    - stride: the power of two that brings sqrt(h * w) nearest to a grid of 64 positions;
    - kernel: the stride, at least 2, and at least 3 for grey pictures;
    - filters: both signs of each whitening direction, at most 32 in all;
    - groups: as many of `widths`, from the last, as leave a position at half the resolution.

    Raises:
        RecipeError: (a ValueError) when a side is too short for one group, or there are not two.

    >>> convnet_shape(in_channels=3, image_size=(128, 128))
    ConvNetShape(kernel=2, stride=2, filters=24, widths=(16, 32, 64, 96))
    """
    expect_axes("convnet", image_size)
    if in_channels < 1 or not widths or min(widths) < 1:
        got = f"in_channels={in_channels}, widths={tuple(widths)}"
        raise RecipeError(f"input channels and each of the widths must be at least 1; got {got}")
    side = math.sqrt(max(1, image_size[0] * image_size[1]))
    stride = 2 ** max(0, round(math.log2(side / _GRID)))
    kernel = max(3 if in_channels == 1 else 2, stride)
    filters = min(2 * in_channels * kernel**2, _MAX_STEM_FILTERS)
    one_group = ConvNetShape(kernel=kernel, stride=stride, filters=filters, widths=(widths[-1],))
    _check_side(one_group, image_size)
    grid_at_half = max(0, (min(image_size) // 2 - kernel) // stride + 1)
    groups = max(1, min(len(widths), grid_at_half.bit_length() - 1))
    return replace(one_group, widths=tuple(widths[-groups:]))


def _check_side(shape: ConvNetShape, image_size: tuple[int, ...]) -> None:
    if min(image_size) < shape.smallest_side:
        groups = len(shape.widths)
        raise RecipeError(
            f"a picture of {image_size[0]} x {image_size[1]} pixels is too small: a stem of "
            f"{shape.kernel}x{shape.kernel} at stride {shape.stride} and {groups} halving(s) need "
            f"{shape.kernel} + {shape.stride} * (2^{groups} - 1) = {shape.smallest_side} pixels "
            f"on the shorter side; use pictures of at least {shape.smallest_side} pixels"
        )


def whitening_filters(pictures: Tensor, shape: ConvNetShape) -> Tensor:
    """Filters whose responses over the patches of `pictures` are uncorrelated, of unit variance.

    Eigenvectors of the patches' second moments, those of most variance first, each divided by the
    root of its variance. `pictures` (n, c, h, w): some thousand, standardised as in training.

    Returns:
        (shape.filters, c, kernel, kernel): the second half is the first with the sign turned.
    """
    if len(pictures) == 0:
        raise RecipeError("whitening needs at least one training picture; got none")
    moments = torch.zeros((), dtype=torch.float64)
    for start in range(0, len(pictures), 256):
        batch = pictures[start : start + 256].float()
        patches = F.unfold(batch, shape.kernel, stride=shape.stride).transpose(1, 2).flatten(0, 1)
        moments = moments + (patches.T @ patches / len(patches)).cpu().double() * len(batch)
    variances, directions = cast("tuple[Tensor, Tensor]", eigh(moments / len(pictures)))
    white = (directions / (variances.clamp_min(0) + _WHITENING_EPS).sqrt()).T.flip(0)
    half = white[: shape.filters // 2].float()
    return torch.cat([half, -half]).reshape(shape.filters, -1, shape.kernel, shape.kernel)


class ConvGroup(nn.Module):
    """conv3x3, maxpool2, norm, relu, conv3x3, norm, relu: (n, c, h, w) to (n, width, h/2, w/2)."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = _identity_conv(in_channels, width)
        self.norm1 = _norm(width)
        self.conv2 = _identity_conv(width, width)
        self.norm2 = _norm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(F.max_pool2d(self.conv1(x), 2)), inplace=True)
        return F.relu(self.norm2(self.conv2(x)), inplace=True)


def _norm(width: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(width)
    norm.weight.requires_grad_(False)  # the next convolution scales; the bias sets the threshold
    return norm


def _identity_conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A 3x3 convolution whose first filters copy their channel (`nn.init.dirac_` loops)."""
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    same = min(in_channels, out_channels)
    with torch.no_grad():
        conv.weight[:same] = 0
        conv.weight[:same, :same, 1, 1] = torch.eye(same)
    return conv


class ConvNet(nn.Module):
    """The default network: see the module's docstring.

    Args:
        in_channels: c of the pictures.
        num_classes: k, at least 2.
        image_size: (h, w) in pixels of the final resolution; training may begin with less.
        widths: channels of the groups; small pictures use the last few.

    Raises:
        RecipeError: (a ValueError) when a side is too short, with the arithmetic.

    >>> ConvNet(in_channels=3, num_classes=10, image_size=(32, 32))(torch.zeros(2, 3, 24, 24)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        *,
        in_channels: int,
        num_classes: int,
        image_size: tuple[int, ...],
        widths: Sequence[int] = DEFAULT_WIDTHS,
    ) -> None:
        super().__init__()
        self.shape = convnet_shape(in_channels=in_channels, image_size=image_size, widths=widths)
        self.stem = nn.Conv2d(
            in_channels, self.shape.filters, self.shape.kernel, self.shape.stride, bias=False
        )
        self.stem.weight.requires_grad_(False)
        ins = (self.shape.filters, *self.shape.widths)
        self.groups = nn.Sequential(*map(ConvGroup, ins, self.shape.widths))
        self.head = nn.Linear(ins[-1], num_classes, bias=False)

    @torch.no_grad()
    def init_from_data(self, pictures: Tensor) -> None:
        """Set the stem to the `whitening_filters` of training `pictures` (n, c, h, w)."""
        self.stem.weight.copy_(whitening_filters(pictures, self.shape))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores (n, k) of pictures (n, c, h, w), h and w at least `shape.smallest_side`."""
        if not torch.compiler.is_compiling():
            _check_side(self.shape, (x.shape[-2], x.shape[-1]))
        x = self.groups(F.relu(self.stem(x)))
        return self.head(x.amax(dim=(2, 3))) * _LOGIT_SCALE
