"""Any sample as an 8-bit picture, grey or in colour, by one stated rule for each form.

| form | becomes |
|---|---|
| uint8, 1 or 3 channels | as it is |
| with an alpha | laid on white |
| uint16, 1 channel | 0 to 65535 scaled to 0 to 255, rounded |
| uint16, 3 channels | the high byte |
| float32 | the sample's own finite range stretched to 0 to 255; not a number is 0 |
| another count of channels | the first three, or the first, by the rule of their depth |
| volume | its middle plane |
| signal | one row a channel, its own range stretched |
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from hubel.data.form import Decoded

__all__ = ["eight_bit", "laid_on_white", "stretch", "to_eight_bits"]


def eight_bit(sample: Decoded) -> NDArray[np.uint8]:
    """A sample as an 8-bit picture: (h, w) or (h, w, 3)."""
    form, values = sample.form, sample.values
    if form.kind == "signal":
        return stretch(values.T.astype(np.float32))
    if form.kind == "volume":
        values = values[len(values) // 2]
    if form.alpha:
        return laid_on_white(_shallow(values))
    if values.ndim == 3 and values.shape[2] != 3:
        values = values[..., :3] if values.shape[2] > 3 else values[..., 0]
    return _shallow(values)


def _shallow(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        return to_eight_bits(values) if values.ndim == 2 else (values >> 8).astype(np.uint8)
    return stretch(values)


def to_eight_bits(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """0 to 65535 scaled to 0 to 255, rounded.

    Example:
        >>> to_eight_bits(np.array([0, 128, 129, 65535], np.uint16))
        array([  0,   0,   1, 255], dtype=uint8)
    """
    return ((values.astype(np.int64) + 128) // 257).astype(np.uint8)


def stretch(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The finite range of some values stretched to 0 to 255; not a number is 0."""
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    low, high = float(values[finite].min()), float(values[finite].max())
    if not math.isfinite(high - low) or high == low:
        return np.zeros(values.shape, np.uint8)
    scaled = (np.where(finite, values, low).astype(np.float64) - low) * (255 / (high - low))
    return np.rint(scaled).astype(np.uint8)


def laid_on_white(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey (h, w, 2) or colour (h, w, 4) with an alpha, on white: (h, w) or (h, w, 3)."""
    image = Image.fromarray(np.ascontiguousarray(values))
    picture = image.convert("RGBA")
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    laid = Image.alpha_composite(white, picture).convert("RGB")
    return np.asarray(laid.convert("L") if values.shape[2] == 2 else laid)
