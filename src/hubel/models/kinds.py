"""The networks that signals and volumes are given where the user names none."""

from __future__ import annotations

import math

from hubel.errors import RecipeError

__all__ = ["expect_axes", "line_for"]

_FOR_PICTURES = ("convnet", "lenet5", "lenet")
_LEFT = {1: 32, 3: 8}  # positions a side that the last layers see
_WIDTHS = {1: (32, 64, 128), 3: (16, 32, 64, 128)}


def line_for(size: tuple[int, ...]) -> str:
    """A line of notation for signals of a length, or volumes of a size.

    Convolutions with strides until 32 moments, or 8 positions a side, are left; of signals longer
    than 1,024 moments each takes a quarter. Then one without a stride, and the mean over all
    positions, so that a pattern counts wherever it is.

    Args:
        size: (length,), or (planes, height, width).

    Example:
        >>> line_for((1000,))[:59]
        'conv9/2(32) bn relu conv9/2(64) bn relu conv9/2(128) bn rel'
        >>> line_for((16, 16, 16))
        'conv3(16) bn relu conv3/2(32) bn relu conv3(32) bn relu gap fc'
    """
    axes, left = len(size), max(size)
    widths = _WIDTHS[axes]
    kernel = 9 if axes == 1 else 3
    words: list[str] = [] if axes == 1 else [f"conv3({widths[0]})"]
    while left > _LEFT[axes]:
        stride = 4 if axes == 1 and left >= 1024 else 2
        words.append(f"conv{kernel}/{stride}({widths[min(len(words), len(widths) - 1)]})")
        left = math.ceil(left / stride)
    last = words[-1].partition("(")[2] if words else f"{widths[0]})"
    words.append(f"conv3({last}")
    return " ".join(f"{word} bn relu" for word in words) + " gap fc"


def expect_axes(model: str, size: tuple[int, ...]) -> None:
    """Refuse a network that is made for pictures alone.

    Raises:
        RecipeError: with a line that would do.
    """
    zoo = model.startswith(("timm:", "torchvision:"))
    if len(size) != 2 and (zoo or model in _FOR_PICTURES):
        what = "signals" if len(size) == 1 else "volumes"
        raise RecipeError(
            f"model {model!r} is for pictures, and these are {what}; leave it out, or give a line "
            f"of notation such as {line_for(size)!r}"
        )
