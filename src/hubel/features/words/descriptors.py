"""What words are made of: patches of contrast one, or blocks of gradients."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hubel.features.gradients.hog import HOG, hog

__all__ = ["gradient_blocks", "patches", "whitening"]


def patches(images_NCHW: Tensor, side: int, stride: int) -> Tensor:
    """Patches with their mean taken off and their contrast made one, (n, places, c * side^2).

    Args:
        images_NCHW: (n, c, h, w) in [0, 1].
        side: pixels a side.
        stride: pixels from one to the next.

    Source: Coates, Lee and Ng 2011, with 10 grey levels of 255 added to the variance.
    """
    found = F.unfold(images_NCHW, side, stride=stride).transpose(1, 2)
    centred = found - found.mean(2, keepdim=True)
    variance = centred.square().mean(2, keepdim=True)
    return centred / (variance + 10 / 255**2).sqrt()


def gradient_blocks(images_NCHW: Tensor, settings: HOG) -> Tensor:
    """The blocks of gradients of pictures, one by one, (n, blocks, numbers of a block)."""
    return hog(images_NCHW, settings).unflatten(1, (-1, settings.block_size))


def whitening(points_ND: Tensor, little: float = 0.1) -> tuple[Tensor, Tensor]:
    """Mean and matrix that make points uncorrelated, with variance one, turned the least (ZCA).

    Args:
        points_ND: (n, d).
        little: added to each variance, against noise.

    Returns:
        (d,) and (d, d).
    """
    mean = points_ND.mean(0)
    centred = (points_ND - mean).double()
    covariance = centred.T @ centred / len(points_ND)
    values, vectors = torch.linalg.eigh(covariance)
    matrix = (vectors / (values.clamp_min(0) + little).sqrt()) @ vectors.T
    return mean, matrix.to(points_ND.dtype)
