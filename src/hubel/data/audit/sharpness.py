"""Which lines of a picture tell how sharp it is: some whole rows and columns of green."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["FAR", "NEAR", "lines_of"]

NEAR, FAR = 1, 8
"""Pixels between the values of a second difference: blur takes away what changes within a few."""

_LINES = 12


def lines_of(grey: NDArray[np.uint8]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Evenly spaced rows and columns, (..., lines, pixels) each, of pictures (..., h, w)."""
    height, width = grey.shape[-2:]
    rows = grey[..., :: max(1, height // _LINES), :]
    columns = grey[..., :: max(1, width // _LINES)].swapaxes(-1, -2)
    return rows.astype(np.int16), columns.astype(np.int16)
