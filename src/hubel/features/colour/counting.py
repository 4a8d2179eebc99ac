"""Counting values in bins: whole, or shared between the two bins whose middles are nearest."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

__all__ = ["counts", "joint_histogram"]


def counts(codes_ND: Tensor, bins: int, weights_ND: Tensor | None = None) -> Tensor:
    """How often each code occurs in each row, or the sum of its weights.

    Args:
        codes_ND: whole numbers from 0 to `bins` - 1, (n, m), int64.
        bins: how many codes there are.
        weights_ND: what each counts, (n, m); differentiable.

    Returns:
        (n, bins).
    """
    rows = len(codes_ND)
    starts = torch.arange(rows, device=codes_ND.device).mul_(bins).unsqueeze(1)
    flat = (codes_ND + starts).flatten()
    if weights_ND is None:
        return _count(flat, rows * bins).view(rows, bins)
    zeros = torch.zeros(rows * bins, dtype=weights_ND.dtype, device=codes_ND.device)
    return zeros.scatter_add(0, flat, weights_ND.flatten()).view(rows, bins)


def _count(codes: Tensor, bins: int) -> Tensor:
    # Sums of ones are exact in float32 up to 2^24, so that their order does not matter.
    ones = torch.ones(len(codes), device=codes.device)
    return torch.zeros(bins, device=codes.device).scatter_add_(0, codes, ones)


def joint_histogram(values_NCHW: Tensor, bins: tuple[int, ...], around: int, soft: bool) -> Tensor:
    """The joint histogram of the coordinates of pixels, as shares of a picture.

    Args:
        values_NCHW: (n, k, h, w) in [0, 1]; what is outside counts in the first or last bin.
        bins: of each coordinate.
        around: how many coordinates, from the first, are angles: their last bin touches the first.
        soft: share each pixel between the nearest bins by how near they are.

    Returns:
        (n, product of bins), each row adding up to 1; the last coordinate runs fastest.
    """
    pixels = values_NCHW.shape[-1] * values_NCHW.shape[-2]
    total = 1
    for count in bins:
        total *= count
    if soft:
        return _shared(values_NCHW, bins, around, total) / pixels
    flat = _places(values_NCHW.detach(), bins, total)
    found = _count(flat, len(values_NCHW) * total).view(len(values_NCHW), total)
    return found.to(values_NCHW.dtype).div_(pixels)


def _places(values_NCHW: Tensor, bins: tuple[int, ...], total: int) -> Tensor:
    """The bin of each pixel, counted through all pictures."""
    # Whole numbers in float32 are exact up to 2^24, and its operators the fastest.
    rows = len(values_NCHW)
    exact = torch.float32 if rows * total < 1 << 24 else torch.float64
    place = torch.arange(rows, dtype=exact, device=values_NCHW.device).view(-1, 1, 1)
    for value, count in zip(values_NCHW.unbind(1), bins, strict=True):
        step = value.mul(count).clamp_(0, count - 1).floor_().to(exact)
        place = step.add_(place, alpha=count)
    return place.flatten().long()


def _shared(values_NCHW: Tensor, bins: tuple[int, ...], around: int, total: int) -> Tensor:
    choices: list[tuple[tuple[Tensor, Tensor], ...]] = []
    for axis, (value, count) in enumerate(zip(values_NCHW.unbind(1), bins, strict=True)):
        place = value.clamp(0, 1) * count - 0.5
        low = place.detach().floor()
        high_share = place - low
        low, high = low.long(), low.long() + 1
        if axis < around:
            low, high = low % count, high % count
        else:
            low, high = low.clamp(0, count - 1), high.clamp(0, count - 1)
        choices.append(((low, 1 - high_share), (high, high_share)))
    found = torch.zeros(len(values_NCHW), total, dtype=values_NCHW.dtype, device=values_NCHW.device)
    for corner in product(*choices):
        code, weight = corner[0]
        for (index, share), count in zip(corner[1:], bins[1:], strict=True):
            code, weight = code * count + index, weight * share
        found = found + counts(code.flatten(1), total, weight.flatten(1))
    return found
