"""Pictures that are the same but for encoding, size, light or a small crop.

Descriptors of all find the candidates (`neighbours`), thumbnails decide (`alignment`). A picture
of hardly more than a tone or a slope of light is compared with none: it would be like any other.
Mirrored and turned pictures are not taken for the same: where a class depends on left and right,
or on up and down, they aren't.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubel.data.audit.alignment import scores
from hubel.data.audit.descriptors import DIMENSION, describe, detail
from hubel.data.audit.measures import THUMBNAIL
from hubel.data.audit.neighbours import Close, close_pairs
from hubel.data.pixels import Pixels

__all__ = ["SAME", "Pairs", "cluster", "near_duplicates"]

SAME = 0.86
"""The score from which two pictures count as the same; see docs/audit.md for what it finds."""

_CLOSE = 0.80
_DETAIL = 3.0  # grey levels: the least that a picture has to show
_BLOCK = 1024
_PAIRS = 20_000  # candidates that are looked at even of few pictures

Places = NDArray[np.int64]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of near-duplicates.

    Attributes:
        places: int64, (m, 2), the lower first, sorted, each pair once.
        scores: float32, (m,), of each, from `SAME` to 1.
        unseen: how many less likely candidates were left out, since there were too many.
    """

    places: Places
    scores: NDArray[np.float32]
    unseen: int = 0

    def __len__(self) -> int:
        return len(self.places)


def near_duplicates(
    thumbnails: Pixels,
    sides: Places,
    workers: int = 1,
    progress: Progress = lambda _: None,
) -> Pairs:
    """Find the pairs of pictures that are the same.

    Of each picture the 16 likeliest others are candidates, so memory grows with the number of
    pictures alone. As many candidates as there are pictures are looked at, and at least 20,000: the
    likeliest. In a set of small pictures that are all much alike, as shirts are, nearly every
    pair is a candidate, and time would be lost on them.

    Args:
        thumbnails: of the pictures, (64, 64, 1) each; equal files are best given once.
        sides: the shorter side of each picture itself, in pixels: (n,).
        workers: threads; they change no result.
        progress: called with the number of pictures whose candidates were found.
    """
    descriptors = _described(thumbnails, workers)
    close = Close(least=_CLOSE, workers=workers)
    candidates = close_pairs(descriptors, close, progress)
    looked_at = _likeliest(descriptors, candidates, max(_PAIRS, len(thumbnails)))
    unseen, candidates = len(candidates) - len(looked_at), looked_at
    del descriptors
    blocks = [candidates[at : at + _BLOCK] for at in range(0, len(candidates), _BLOCK)]

    def verify(block: Places) -> NDArray[np.float32]:
        one, other = (thumbnails.take(block[:, side])[..., 0] for side in (0, 1))
        return scores(one, other, sides[block].min(1) < THUMBNAIL)

    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), ThreadPoolExecutor(max(1, workers)) as pool:
        found = np.concatenate([np.empty(0, np.float32), *pool.map(verify, blocks)])
    same = found >= SAME
    return Pairs(candidates[same], found[same], unseen)


def _likeliest(descriptors: NDArray[np.float32], pairs: Places, most: int) -> Places:
    """The `most` pairs whose descriptors are closest, in their order; of equal ones the first."""
    if len(pairs) <= most:
        return pairs
    near = np.empty(len(pairs), np.float32)
    for at in range(0, len(pairs), 64 * _BLOCK):
        one, other = pairs[at : at + 64 * _BLOCK].T
        near[at : at + 64 * _BLOCK] = np.einsum("nd,nd->n", descriptors[one], descriptors[other])
    return pairs[np.sort(np.argsort(-near, kind="stable")[:most])]


def cluster(count: int, pairs: Pairs, most: int | None = None) -> Places:
    """Put together what is connected by pairs, the surest first.

    Chains are cut: two clusters stay apart where together they would have more than `most`
    pictures. A film in which each picture is like the next is then some clusters, not one.

    Args:
        count: of the pictures.
        pairs: of near-duplicates.
        most: pictures in one cluster; a hundredth of all, and at least 100, where None.

    Returns:
        int64, (count,): the lowest place in each picture's cluster; -1 for a picture alone.

    Example:
        >>> pairs = Pairs(np.array([[0, 3], [1, 3]]), np.array([0.9, 1.0], np.float32))
        >>> cluster(5, pairs).tolist(), cluster(5, pairs, most=2).tolist()
        ([0, 0, -1, 0, -1], [-1, 1, -1, 1, -1])
    """
    limit = max(100, count // 100) if most is None else most
    parent: dict[int, int] = {}
    sizes: dict[int, int] = {}

    def head(place: int) -> int:
        while (above := parent.get(place, place)) != place:
            parent[place] = parent.get(above, above)
            place = above
        return place

    for index in np.lexsort((pairs.places[:, 1], pairs.places[:, 0], -pairs.scores)):
        one, other = sorted(head(int(place)) for place in pairs.places[index])
        size = sizes.get(one, 1) + sizes.get(other, 1)
        if one != other and size <= limit:
            parent[one], parent[other], sizes[one] = one, one, size
    found = np.full(count, -1, np.int64)
    for place in parent:
        found[place] = head(place)
    return found


def _described(thumbnails: Pixels, workers: int) -> NDArray[np.float32]:
    """Descriptors; zeros for pictures that show too little, which are then close to none."""
    found = np.zeros((len(thumbnails), DIMENSION), np.float32)

    def fill(places: Places) -> None:
        taken = thumbnails.take(places)[..., 0]
        found[places] = describe(taken) * (detail(taken) >= _DETAIL)[:, None]

    with ThreadPoolExecutor(max(1, workers)) as pool:
        list(pool.map(fill, _blocks(len(thumbnails))))
    return found


def _blocks(count: int) -> list[Places]:
    places = np.arange(count, dtype=np.int64)
    return [places[at : at + _BLOCK] for at in range(0, count, _BLOCK)]
