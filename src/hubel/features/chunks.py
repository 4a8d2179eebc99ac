"""Batches cut into pieces whose intermediates stay in the cache of the processor."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hubel.features.precision import in_single

__all__ = ["in_chunks"]

_PIXELS = 1 << 17  # smaller pieces cost more in starting operators than the caches give
_PIXELS_ON_DEVICE = 1 << 25


def in_chunks(
    compute: Callable[[Tensor], Tensor], images_NCHW: Tensor, pixels: int = _PIXELS
) -> Tensor:
    """A function of a batch, piece by piece; the same numbers as on the whole.

    Pieces of 16 bits are computed in float32, one at a time.

    Args:
        compute: (n, c, h, w) to (n, d), each picture by itself.
        images_NCHW: the batch.
        pixels: of one piece on a processor, for each of its threads.
    """
    on_cpu = images_NCHW.device.type == "cpu"
    room = pixels * torch.get_num_threads() if on_cpu else _PIXELS_ON_DEVICE
    count = max(1, room // (images_NCHW.shape[-2] * images_NCHW.shape[-1]))
    if len(images_NCHW) <= count:
        return in_single(compute, images_NCHW)
    return torch.cat([in_single(compute, piece) for piece in images_NCHW.split(count)])
