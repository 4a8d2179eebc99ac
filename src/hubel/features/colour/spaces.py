"""Colour spaces by name, each scaled so that sRGB fills [0, 1] in every coordinate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from hubel.errors import FeatureError

__all__ = ["SPACES", "Space", "to_space"]

_WHITE = (0.95047, 1.0, 1.08883)  # D65, 2 degrees
_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)  # of linear sRGB, as scikit-image has it
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class Space:
    """A colour space.

    Attributes:
        convert: (n, 3, h, w) in sRGB to its coordinates, (n, k, h, w).
        coordinates: what they are called.
    """

    convert: Callable[[Tensor], Tensor]
    coordinates: tuple[str, ...]


def to_space(images_NCHW: Tensor, space: str) -> Tensor:
    """Pictures in another colour space.

    Args:
        images_NCHW: (n, 3, h, w), sRGB in [0, 1]; for "grey" one channel will do.
        space: one of `SPACES`.

    Returns:
        (n, k, h, w) in [0, 1]: L by 100, a and b from -128 to 127, opponents from their least to
        their most.

    Raises:
        FeatureError: pictures of another number of channels.

    Example:
        >>> to_space(torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1), "hue").flatten()
        tensor([0.3333])
    """
    channels = images_NCHW.shape[1]
    if space == "grey" and channels == 1:
        return images_NCHW
    if channels != 3:
        raise FeatureError(
            f"the colour space {space} is of pictures of 3 channels (red, green, blue), and these "
            f"have {channels}: take space=channels, which counts each channel by itself"
        )
    return SPACES[space].convert(images_NCHW)


def _same(images_NCHW: Tensor) -> Tensor:
    return images_NCHW


def _hue(images_NCHW: Tensor) -> Tensor:
    red, green, blue = images_NCHW.unbind(1)
    most, span = _most_and_span(images_NCHW)
    # Ties go to blue, then green, as in scikit-image; grey has the hue of red. Masks are numbers:
    # products with 0 and 1 are exact, and several times as fast as `where`.
    is_blue = _equal(blue, most)
    is_green = _equal(green, most).mul_(1 - is_blue)
    is_red = (1 - is_blue).sub_(is_green)
    ahead = (green - blue).mul_(is_red) + (blue - red).mul_(is_green) + (red - green).mul_(is_blue)
    sectors = (is_green * 2).add_(is_blue, alpha=4).mul_(_sign(span))
    turns = ahead / span.clamp_min(torch.finfo(span.dtype).tiny)
    hue = turns.add_(sectors).div_(6)
    return (hue - hue.detach().floor()).unsqueeze(1)


def _most_and_span(images_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """The strongest channel, and by how much it exceeds the weakest, (n, h, w)."""
    red, green, blue = images_NCHW.unbind(1)
    most = torch.maximum(torch.maximum(red, green), blue)
    return most, most - torch.minimum(torch.minimum(red, green), blue)


def _equal(one: Tensor, other: Tensor) -> Tensor:
    return torch.eq(one.detach(), other.detach(), out=torch.empty_like(other.detach()))


def _sign(values: Tensor) -> Tensor:
    return values.detach().sign()


def _hsv(images_NCHW: Tensor) -> Tensor:
    most, span = (one.unsqueeze(1) for one in _most_and_span(images_NCHW))
    saturation = span / most.clamp_min(torch.finfo(most.dtype).tiny)
    return torch.cat([_hue(images_NCHW), saturation, most], 1)


def _mixed(images_NCHW: Tensor, rows: tuple[tuple[float, ...], ...]) -> Tensor:
    red, green, blue = images_NCHW.unbind(1)
    return torch.stack([red * r + green * g + blue * b for r, g, b in rows], 1)


def _lab(images_NCHW: Tensor) -> Tensor:
    bright = ((images_NCHW + 0.055) / 1.055).pow(2.4)
    linear = torch.where(images_NCHW > 0.04045, bright, images_NCHW / 12.92)
    white = torch.tensor(_WHITE, dtype=linear.dtype, device=linear.device).view(1, 3, 1, 1)
    xyz = _mixed(linear, _XYZ) / white
    root = xyz.clamp_min(0.008856).pow(1 / 3)
    x, y, z = torch.where(xyz > 0.008856, root, 7.787 * xyz + 16 / 116).unbind(1)
    return torch.stack(
        [1.16 * y - 0.16, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255], 1
    )


def _opponent(images_NCHW: Tensor) -> Tensor:
    across = _mixed(images_NCHW, ((0.5, -0.5, 0.0), (0.25, 0.25, -0.5), (1 / 3, 1 / 3, 1 / 3)))
    shift = torch.tensor((0.5, 0.5, 0.0), dtype=across.dtype, device=across.device)
    return across + shift.view(1, 3, 1, 1)


def _grey(images_NCHW: Tensor) -> Tensor:
    return _mixed(images_NCHW, (_LUMA,))


SPACES = MappingProxyType(
    {
        "rgb": Space(_same, ("red", "green", "blue")),
        "hue": Space(_hue, ("hue",)),
        "hsv": Space(_hsv, ("hue", "saturation", "value")),
        "lab": Space(_lab, ("lightness", "green to red", "blue to yellow")),
        "opponent": Space(_opponent, ("green to red", "blue to yellow", "intensity")),
        "grey": Space(_grey, ("luma",)),
    }
)
