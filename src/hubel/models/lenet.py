"""LeNet-5 as its paper has it (LeCun, Bottou, Bengio, Haffner 1998, section II.B).

    C1      6 convolutions 5x5                            S2  subsampling by 2, with weights
    C3      16 convolutions 5x5, each on 3 to 6 maps      S4  subsampling by 2, with weights
    C5      120 convolutions over all that is left        F6  84 units
    output  the distance of F6 to a code for each class

Shapes: n pictures, c channels, h height, w width, k classes.
"""

from __future__ import annotations

from itertools import groupby
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.errors import RecipeError

__all__ = ["CONNECTIONS", "CodeDistance", "LeNet5", "MapConvolution", "ScaledTanh", "Subsampling"]

CONNECTIONS = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)
"""The maps of S2 that each of the 16 maps of C3 sees: the paper's table I, by its columns."""

_UNITS = 84  # of F6: pictures of 7 x 12 pixels in the paper
_CODES_SEED = 1998


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x / 3), which is 1 at 1 and -1 at -1 (the paper's appendix A)."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to itself."""
        return 1.7159 * torch.tanh(2 / 3 * x)


class Subsampling(nn.Module):
    """The sum of 2x2 values times a weight, plus a bias; one of each a map.

    Args:
        channels: maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, 1))
        self.bias = nn.Parameter(torch.empty(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, c, floor(h / 2), floor(w / 2))."""
        return F.avg_pool2d(x, 2, divisor_override=1) * self.weight + self.bias

    def extra_repr(self) -> str:
        return f"{len(self.weight)}"


class MapConvolution(nn.Module):
    """A 5x5 convolution each of whose filters sees a few maps, as `CONNECTIONS` says.

    Filters that see equally many maps are one grouped convolution, so that no weight is wasted.
    """

    def __init__(self) -> None:
        super().__init__()
        counts = [(count, len([*same])) for count, same in groupby(map(len, CONNECTIONS))]
        self.counts = [seen * filters for seen, filters in counts]
        self.convs = nn.ModuleList(
            nn.Conv2d(seen * filters, filters, 5, groups=filters) for seen, filters in counts
        )

    def forward(self, x_N6HW: Tensor) -> Tensor:
        """(n, 6, h, w) to (n, 16, h - 4, w - 4)."""
        maps = x_N6HW.unbind(1)
        seen = torch.stack([maps[index] for indices in CONNECTIONS for index in indices], dim=1)
        parts = seen.split(self.counts, dim=1)
        return torch.cat([c(part) for c, part in zip(self.convs, parts, strict=True)], dim=1)


class CodeDistance(nn.Module):
    """The squared distance to a fixed code of -1 and 1 for each class, with the sign turned.

    Args:
        features: of the input.
        num_classes: how many codes; they are the same at each start.
    """

    codes: Tensor

    def __init__(self, features: int, num_classes: int) -> None:
        super().__init__()
        generator = torch.Generator("cpu").manual_seed(_CODES_SEED)
        bits = torch.randint(0, 2, (num_classes, features), generator=generator, device="cpu")
        self.register_buffer("codes", (2.0 * bits - 1.0).to(torch.get_default_device()))

    def forward(self, x_NF: Tensor) -> Tensor:
        """(n, features) to (n, k): 0 is the best."""
        return -(x_NF.unsqueeze(1) - self.codes).square().sum(dim=2)

    def extra_repr(self) -> str:
        return f"{self.codes.shape[1]}, {len(self.codes)}"


class LeNet5(nn.Module):
    """LeNet-5 (1998): see the module's docstring. It has 60,000 weights at the paper's sizes.

    Args:
        in_channels: c of the pictures; 1 in the paper.
        num_classes: k; 10 in the paper.
        image_size: (h, w) in pixels; 32 x 32 in the paper. C5 covers what is left of them.

    Raises:
        RecipeError: (a ValueError) when a side is below 16 pixels.

    Example:
        >>> network = LeNet5(in_channels=1, num_classes=10, image_size=(32, 32))
        >>> sum(weights.numel() for weights in network.parameters())
        60000
    """

    def __init__(self, *, in_channels: int, num_classes: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        left = (_left(image_size[0]), _left(image_size[1]))
        self.c1 = nn.Conv2d(in_channels, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = MapConvolution()
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, left)
        self.f6 = nn.Linear(120, _UNITS)
        self.output = CodeDistance(_UNITS, num_classes)
        self.squash = ScaledTanh()
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw weights uniformly within 2.4 / fan_in, as the paper does (its appendix A)."""
        for part in self.modules():
            if isinstance(part, Subsampling):
                part.weight.uniform_(-2.4 / 4, 2.4 / 4)
                part.bias.uniform_(-2.4 / 4, 2.4 / 4)
            elif isinstance(part, nn.Conv2d | nn.Linear):
                bound = 2.4 / part.weight[0].numel()
                part.weight.uniform_(-bound, bound)
                assert part.bias is not None
                part.bias.uniform_(-bound, bound)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """Class scores (n, k) of pictures (n, c, h, w), the larger the better."""
        x = x_NCHW
        for layer in (self.c1, self.s2, self.c3, self.s4, self.c5):
            x = self.squash(layer(x))
        return cast(Tensor, self.output(self.squash(self.f6(x.flatten(1)))))


def _left(side: int) -> int:
    """What two convolutions of 5 and two subsamplings leave of a side."""
    left = max(0, max(0, side - 4) // 2 - 4) // 2
    if left < 1:
        raise RecipeError(
            f"lenet5-1998 on a side of {side} pixels: floor((floor(({side} - 4) / 2) - 4) / 2) "
            f"leaves nothing; use pictures of at least 16 pixels"
        )
    return left
