"""A short description of a thumbnail: what it shows coarsely, whatever its brightness and contrast.

The 63 lowest frequencies of the cosine transform (8 x 8 without the mean), each weighted by the
root of its frequency, since photographs have less of the higher ones, and scaled to length one.
The product of two descriptions is then how alike the pictures are, 1 at most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIMENSION", "cosines", "describe", "detail"]

_FREQUENCIES = 8
DIMENSION = _FREQUENCIES**2 - 1

Thumbnails = NDArray[np.uint8]
Floats = NDArray[np.float32]


def describe(thumbnails: Thumbnails) -> Floats:
    """Descriptions of grey thumbnails.

    Args:
        thumbnails: uint8, (n, side, side).

    Returns:
        float32, (n, 63), of length one; zeros where a thumbnail is of one tone.

    Example:
        >>> ramp = np.arange(1024, dtype=np.uint16).reshape(1, 32, 32)
        >>> dark, light = (ramp // 8).astype(np.uint8), (ramp // 4).astype(np.uint8)
        >>> float((describe(dark) * describe(light)).sum()) > 0.999
        True
    """
    basis = cosines(thumbnails.shape[-1], _FREQUENCIES)
    coefficients = basis @ thumbnails.astype(np.float32) @ basis.T
    order = np.add.outer(np.arange(_FREQUENCIES), np.arange(_FREQUENCIES)).ravel()[1:]
    flat = coefficients.reshape(len(thumbnails), -1)[:, 1:] * np.sqrt(order + 1.0)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.where(length > 1e-3, flat / np.maximum(length, 1e-3), 0.0).astype(np.float32)


def detail(thumbnails: Thumbnails) -> Floats:
    """How much a thumbnail shows beyond a slope of light: (n,), grey levels (root mean square).

    What is left of it when the plane that fits it best is taken away. Two pictures of nothing but
    a tone, or a slope, are alike without being the same picture.
    """
    side = thumbnails.shape[-1]
    pixels = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    pixels -= pixels.mean(1, keepdims=True)
    slope = np.arange(side, dtype=np.float32) - (side - 1) / 2
    down, across = np.repeat(slope, side), np.tile(slope, side)
    for plane in (down / np.linalg.norm(down), across / np.linalg.norm(across)):
        pixels -= np.outer(pixels @ plane, plane)
    return np.sqrt((pixels**2).mean(1))


def cosines(side: int, count: int) -> Floats:
    """The lowest `count` functions of the cosine transform, orthonormal rows: (count, side)."""
    places = (np.arange(side) + 0.5) / side
    basis = np.cos(np.pi * np.arange(count)[:, None] * places)
    return (basis / np.linalg.norm(basis, axis=1, keepdims=True)).astype(np.float32)
