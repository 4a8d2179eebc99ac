"""The gradient of a picture: central differences, zero at its border, strongest channel first.

Shapes: n pictures, c channels, h x w pixels; `P` are the pixels of a cell, `M` all cells.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["by_place", "gradient", "magnitude", "root"]


def gradient(images_NCHW: Tensor, exact_ties: bool) -> tuple[Tensor, Tensor]:
    """Differences across and down, at each pixel of the channel where they are strongest.

    Args:
        images_NCHW: pictures of any number of channels.
        exact_ties: where two channels are as strong: compare rounded lengths and take the first,
            as scikit-image does, rather than squares and the last, as OpenCV does (its B of BGR).

    Returns:
        Across and down, (n, h, w) each.
    """
    across = F.pad(images_NCHW[..., 2:] - images_NCHW[..., :-2], (1, 1))
    down = F.pad(images_NCHW[..., 2:, :] - images_NCHW[..., :-2, :], (0, 0, 1, 1))
    channels = range(images_NCHW.shape[1])
    first, *others = channels if exact_ties else channels[::-1]
    dx, dy = across[:, first], down[:, first]
    if not others:
        return dx, dy
    with torch.no_grad():
        strengths = torch.hypot(across, down) if exact_ties else across.square() + down.square()
    best = strengths[:, first]
    for channel in others:
        stronger = (strengths[:, channel] > best).to(dx.dtype)
        weaker = 1 - stronger  # products with 0 and 1 are exact, and faster than `where`
        dx = dx * weaker + across[:, channel] * stronger
        dy = dy * weaker + down[:, channel] * stronger
        best = torch.maximum(best, strengths[:, channel])
    return dx, dy


def magnitude(dx: Tensor, dy: Tensor) -> Tensor:
    """Lengths of gradients; where there is none, the derivative is taken as zero."""
    return root((dx * dx).addcmul_(dy, dy))


def root(values: Tensor) -> Tensor:
    """Square roots, whose derivative at zero is taken as zero instead of infinity."""
    if values.requires_grad:
        values = values.clamp_min(torch.finfo(values.dtype).tiny)
    return values.sqrt()


def by_place(pixels_NHW: Tensor, cell: int) -> Tensor:
    """Pixels sorted by their place within a cell, so that sums over cells run along memory.

    Args:
        pixels_NHW: at least one cell; what is left over at the right and below falls away.
        cell: pixels a side.

    Returns:
        (cell, cell, n, cells down, cells across).
    """
    n, height, width = pixels_NHW.shape
    rows, columns = height // cell, width // cell
    cut = pixels_NHW[:, : rows * cell, : columns * cell]
    return cut.reshape(n, rows, cell, columns, cell).permute(2, 4, 0, 1, 3).contiguous()
