"""Small pictures of one shape, looked at together: one by one, a tiny picture's look would take
several times as long as decoding it.

Shapes: n pictures of h x w pixels, c channels, 1 or 3.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.audit.sharpness import FAR, NEAR, lines_of

__all__ = ["look_together"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601
_FEW = 16
_LEVELS = np.arange(256, dtype=np.float64)

Floats = NDArray[np.float32]


def look_together(
    pixels_NHWC: NDArray[np.uint8], side: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Thumbnails and measures of some pictures.

    Args:
        pixels_NHWC: (n, h, w, c), no side above `side`.
        side: of a thumbnail, in pixels.

    Returns:
        Thumbnails, (n, side, side), and (n, 5): brightness, contrast, sharpness (not a number
        where there is none), entropy, colourfulness.

    Example:
        >>> thumbnails, measures = look_together(np.full((2, 8, 8, 3), 90, np.uint8), 64)
        >>> thumbnails.shape, measures[0].tolist()
        ((2, 64, 64), [90.0, 0.0, nan, 0.0, 0.0])
    """
    values = pixels_NHWC.astype(np.float32)
    grey = values @ _LUMA if values.shape[3] == 3 else values[..., 0]
    thumbnails = np.rint(_averaged(grey, side)).astype(np.uint8)
    count = len(thumbnails)
    places = thumbnails.reshape(count, -1) + np.arange(count, dtype=np.int64)[:, None] * 256
    shares = np.bincount(places.ravel(), minlength=256 * count).reshape(count, 256) / side**2
    mean = shares @ _LEVELS
    spread = np.sqrt(np.maximum(shares @ _LEVELS**2 - mean**2, 0))
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    columns = (mean, spread, _sharpness(pixels_NHWC), np.abs((shares * logs).sum(1)))
    return thumbnails, np.stack([*columns, _colourfulness(values)], 1)


@functools.cache
def _weights(side: int, length: int) -> Floats:
    """What each of `length` pixels gives to each of `side` cells: a box."""
    edges = np.arange(side + 1) * (length / side)
    cells, pixels = (edges[:-1, None], edges[1:, None]), np.arange(length)
    covered = np.minimum(cells[1], pixels + 1) - np.maximum(cells[0], pixels)
    return (np.maximum(covered, 0) * (side / length)).astype(np.float32)


def _averaged(values_NHW: Floats, side: int) -> Floats:
    height, width = values_NHW.shape[1:]
    found: Any = _weights(side, height) @ values_NHW @ _weights(side, width).T
    return found


def _colourfulness(values_NHWC: Floats) -> NDArray[np.float64]:
    count, channels = len(values_NHWC), values_NHWC.shape[3]
    if channels == 1:
        return np.zeros(count)
    parts = (_averaged(values_NHWC[..., channel], _FEW) for channel in range(channels))
    red, green, blue = (part.reshape(count, -1).astype(np.float64) for part in parts)
    one, other = red - green, (red + green) / 2 - blue
    spread = np.sqrt(one.var(1) + other.var(1))
    return spread + 0.3 * np.hypot(one.mean(1), other.mean(1))


def _sharpness(pixels_NHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey = pixels_NHWC[..., pixels_NHWC.shape[3] // 2]  # green has most of the luma
    near = far = np.zeros(len(grey))
    for lines in lines_of(grey):
        if lines.shape[2] > 2 * FAR:
            near, far = near + _roughness(lines, NEAR), far + _roughness(lines, FAR)
    clear = far > 1.0
    return np.sqrt(np.divide(near, far, out=np.full(len(grey), np.nan), where=clear))


def _roughness(lines: NDArray[np.int16], step: int) -> NDArray[np.float64]:
    second = lines[..., 2 * step :] + lines[..., : -2 * step] - 2 * lines[..., step:-step]
    flat = second.reshape(len(lines), -1).astype(np.float32)
    return np.einsum("nd,nd->n", flat, flat).astype(np.float64) / flat.shape[1]
