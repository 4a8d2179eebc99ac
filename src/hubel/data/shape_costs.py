"""What each way to bring pictures to the network's size costs, known before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.buckets import Size, waste
from hubel.data.manifest import Manifest

__all__ = ["ShapeCost", "cost_line", "shape_costs", "true_sizes"]

Sizes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShapeCost:
    """The cost of one way, over some pictures; shares are from 0 to 1.

    Attributes:
        shape: its name.
        cut: share of a picture's pixels that is cut off, on average.
        most_cut: the same of the picture that loses most.
        padded: share of the network's input that is background, on average.
        most_padded: the same of the picture with the most of it.
        bent: share of the pictures whose ratio changes by 1% or more.
        most_bent: by how much the ratio of one picture changes at most; 0.33 is 4:3 made square.
        buckets: heights and widths, of "bucket" alone.
    """

    shape: str
    cut: float = 0.0
    most_cut: float = 0.0
    padded: float = 0.0
    most_padded: float = 0.0
    bent: float = 0.0
    most_bent: float = 0.0
    buckets: tuple[Size, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The cost as JSON types."""
        return asdict(self) | {"buckets": [list(size) for size in self.buckets]}

    def __str__(self) -> str:
        if self.shape == "squash":
            return f"bends {self.bent:.0%} of the pictures by up to {self.most_bent:.0%}"
        if self.shape == "crop":
            return f"drops {_percent(self.cut)} of the pixels"
        if self.shape == "pad":
            return f"fills {_percent(self.padded)} with nothing"
        count = len(self.buckets)
        return (
            f"drops {_percent(self.cut)}, fills {_percent(self.padded)} "
            f"({count} size{'s' * (count != 1)})"
        )


def true_sizes(manifest: Manifest, rows: NDArray[np.int64]) -> Sizes:
    """Height and width of the pictures of some rows, upright, in pixels: (n, 2)."""
    columns = [
        manifest.table[name].to_numpy(zero_copy_only=False)[rows] for name in ("height", "width")
    ]
    return np.stack(columns, 1).astype(np.int64)


def shape_costs(sizes_N2: Sizes, size: Size, buckets: Sequence[Size] = ()) -> tuple[ShapeCost, ...]:
    """The cost of every way, from the true sizes of the pictures.

    Sides are taken as they are before they are rounded to whole pixels.

    Args:
        sizes_N2: height and width of each picture, (n, 2), at least one.
        size: height and width of the network's input, where it has one.
        buckets: that "bucket" would take; that way is left out where there are none.

    Returns:
        Of squash, crop and pad, and of bucket.

    Example:
        >>> pictures = np.array([[384, 512], [384, 512]])
        >>> for cost in shape_costs(pictures, (96, 96), ((84, 112),)):
        ...     print(f"{cost.shape} {cost}")
        squash bends 100% of the pictures by up to 33%
        crop drops 25% of the pixels
        pad fills 25% with nothing
        bucket drops 0%, fills 0% (1 size)
    """
    misfit = np.abs(np.log(sizes_N2[:, 1] / sizes_N2[:, 0]) - np.log(size[1] / size[0]))
    lost, bend = 1 - np.exp(-misfit), np.expm1(misfit)
    mean, most = float(lost.mean()), float(lost.max())
    bent = float(np.mean(bend >= 0.01))
    costs = (
        ShapeCost(shape="squash", bent=bent, most_bent=float(bend.max())),
        ShapeCost(shape="crop", cut=mean, most_cut=most),
        ShapeCost(shape="pad", padded=mean, most_padded=most),
    )
    if not buckets:
        return costs
    cut, padded = waste(tuple(buckets), sizes_N2)
    return (
        *costs,
        ShapeCost(
            shape="bucket",
            cut=float(cut.mean()),
            most_cut=float(cut.max()),
            padded=float(padded.mean()),
            most_padded=float(padded.max()),
            buckets=tuple(buckets),
        ),
    )


def cost_line(costs: Sequence[ShapeCost], chosen: str) -> str:
    """The costs of all ways in one line, the chosen one first.

    Example:
        >>> costs = shape_costs(np.array([[384, 512]]), (96, 96), ((84, 112),))
        >>> cost_line(costs, "crop").split("; ")[:2]
        ['crop drops 25% of the pixels', 'squash bends 100% of the pictures by up to 33%']
    """
    ordered = sorted(costs, key=lambda cost: cost.shape != chosen)
    return "; ".join(f"{cost.shape} {cost}" for cost in ordered)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share == 0 or share >= 0.0995 else f"{share:.1%}"
