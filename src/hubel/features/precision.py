"""Half precision in and out, single precision between."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["in_single", "widened"]


def widened(values: Tensor) -> Tensor:
    """Numbers of 16 bits as float32, others as they are.

    Example:
        >>> widened(torch.zeros(1, dtype=torch.bfloat16)).dtype
        torch.float32
    """
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def in_single(compute: Callable[[Tensor], Tensor], images_NCHW: Tensor) -> Tensor:
    """A function of pictures, in float32 at least, given back in the type of the pictures.

    Squares of gradients exceed float16, and what keeps quotients from 0 / 0 is nothing in it.

    Args:
        compute: (n, c, h, w) to (n, d).
        images_NCHW: in floating point of any width.
    """
    return compute(widened(images_NCHW)).to(images_NCHW.dtype)
