"""k-means whose every draw is keyed: the same descriptors and seed give the same centres."""

from __future__ import annotations

import torch
from torch import Tensor

from hubel.data.keyed import generator
from hubel.errors import FeatureError

__all__ = ["kmeans", "squared_distances"]

_ROWS = 1 << 14


def squared_distances(points_ND: Tensor, centres_KD: Tensor) -> Tensor:
    """Squared Euclidean distances, (n, k); differentiable.

    Example:
        >>> squared_distances(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
        tensor([[25.]])
    """
    lengths = points_ND.square().sum(1, keepdim=True) + centres_KD.square().sum(1)
    return torch.addmm(lengths, points_ND, centres_KD.T, alpha=-2).clamp_min(0)


@torch.no_grad()
def kmeans(points_ND: Tensor, num_centres: int, seed: int, iterations: int = 30) -> Tensor:
    """Centres that lie near the points.

    Lloyd's iteration from points drawn at random. A centre without points moves to the point that
    is farthest from its own. On a GPU the last bits may differ from run to run.

    Args:
        points_ND: (n, d).
        num_centres: k.
        seed: of the draw.
        iterations: at most; ends when no point changes its centre.

    Returns:
        (k, d).

    Raises:
        FeatureError: fewer distinct points than centres.

    Example:
        >>> kmeans(torch.tensor([[0.0], [1.0], [10.0], [11.0]]), 2, seed=0).sort(0).values.tolist()
        [[0.5], [10.5]]
    """
    distinct = points_ND.unique(dim=0)
    if len(distinct) < num_centres:
        raise FeatureError(
            f"{num_centres} visual words can't be learnt from {len(distinct)} different patches: "
            "take fewer words, or more training pictures"
        )
    chosen = generator(seed, "kmeans", 0).choice(len(distinct), num_centres, replace=False)
    centres = distinct[torch.from_numpy(chosen).to(points_ND.device)].clone()
    before = None
    for _ in range(iterations):
        nearest, distance = _nearest(points_ND, centres)
        if before is not None and torch.equal(nearest, before):
            break
        centres, before = _moved(points_ND, nearest, distance, centres), nearest
    return centres


def _nearest(points_ND: Tensor, centres_KD: Tensor) -> tuple[Tensor, Tensor]:
    found = [squared_distances(some, centres_KD).min(1) for some in points_ND.split(_ROWS)]
    return torch.cat([one.indices for one in found]), torch.cat([one.values for one in found])


def _moved(points_ND: Tensor, nearest: Tensor, distance: Tensor, centres_KD: Tensor) -> Tensor:
    sums = torch.zeros_like(centres_KD).index_add_(0, nearest, points_ND)
    sizes = torch.bincount(nearest, minlength=len(centres_KD)).unsqueeze(1)
    moved = sums / sizes.clamp_min(1)
    empty = (sizes.squeeze(1) == 0).nonzero().squeeze(1)
    moved[empty] = points_ND[distance.topk(len(empty)).indices]
    return moved
