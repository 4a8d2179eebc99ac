"""Antialiased bilinear resizing of values of any depth, of any number of axes and channels.

The filter is Pillow's, one axis after the other, in float32: what it gives for 8-bit pictures
agrees with `Image.resize` within the rounding of that to whole numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["resize_axis", "resized"]

Box = tuple[tuple[float, float], ...]


def resized(values: NDArray[Any], size: tuple[int, ...], box: Box | None = None) -> NDArray[Any]:
    """Values brought to another size.

    Args:
        values: (*axes, channels).
        size: of the result, one number an axis.
        box: begin and end along each axis, in positions; everything where it is None.

    Returns:
        float32, (*size, channels).

    Example:
        >>> resized(np.arange(8.0).reshape(8, 1), (2,)).ravel().round(2).tolist()
        [1.89, 5.11]
    """
    found = values.astype(np.float32)
    for axis, length in enumerate(size):
        start, end = (0.0, float(found.shape[axis])) if box is None else box[axis]
        found = resize_axis(found, axis, length, (start, end))
    return found


def resize_axis(
    values: NDArray[np.float32], axis: int, length: int, span: tuple[float, float]
) -> NDArray[np.float32]:
    """One axis brought to another length, from the part of it between two positions."""
    if length == values.shape[axis] and span == (0.0, float(length)):
        return values
    moved = np.moveaxis(values, axis, 0)
    columns = np.ascontiguousarray(moved).reshape(len(moved), -1)
    image = Image.fromarray(columns)
    box = (0.0, span[0], float(image.width), span[1])
    found = image.resize((image.width, length), Image.Resampling.BILINEAR, box=box)
    return np.moveaxis(np.asarray(found).reshape(length, *moved.shape[1:]), 0, axis)
