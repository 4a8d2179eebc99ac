"""How far two thumbnails are the same picture, up to a small crop, a change of size, and light.

One is laid on the other by the scale and shift of each axis that fit best (Gauss-Newton on squared
differences, as Lucas and Kanade 1981; the derivatives are those of the fixed picture, as Baker and
Matthews 2004), first at a quarter of the thumbnails' resolution, then at a half, then at the whole;
most pairs end at the first, and small pictures at the second. The score is the correlation of what
is left when each picture's own blur is taken away: two photographs of other things on the same
table share the light and the table, not the details. Clipped whites tell nothing and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["scores"]

_LIMIT = 0.07  # of the side: the farthest that an edge may move
_STEP = 0.04  # of the side, in one iteration
_RIDGE = 0.02  # keeps directions still that the picture says nothing about
_WHITE = 250.0
_SEEN = 0.3  # of the area has to be unclipped; otherwise clipped pixels count too
_BLURS = 4
_COARSE, _MIDDLE = 0.88, 0.75  # below which a pair ends at a quarter, or at a half
_BATCH = 64

Floats = NDArray[Any]  # float32; NumPy types products of them as float64


@dataclass(frozen=True, slots=True)
class _Pair:
    """Fixed and moving pictures, (m, n, n) each, and the moving ones' place: (m, 4).

    The place is shift and stretch down, then across, in parts of the side.
    """

    fixed: Floats
    moving: Floats
    place: Floats


def scores(
    fixed: NDArray[np.uint8], moving: NDArray[np.uint8], small: NDArray[np.bool_] | None = None
) -> Floats:
    """The scores of pairs of grey thumbnails.

    Args:
        fixed: uint8, (m, side, side), side a multiple of 4.
        moving: likewise.
        small: (m,), pairs of which one picture has no details as fine as the thumbnail's pixels:
            they are decided at half the resolution. None of them where it is None.

    Returns:
        float32, (m,): 1 for the same picture, 0 for one that ended early or isn't alike.

    Example:
        >>> draws = np.random.default_rng(0)
        >>> one = np.kron(draws.integers(0, 200, (1, 16, 16)), np.ones((4, 4))).astype(np.uint8)
        >>> other = np.kron(draws.integers(0, 200, (1, 16, 16)), np.ones((4, 4))).astype(np.uint8)
        >>> scores(one, one + 30).round(2).tolist(), scores(one, other).round(2).tolist()
        ([1.0], [0.0])
    """
    found = np.zeros(len(fixed), np.float32)
    for start in range(0, len(fixed), _BATCH):
        here = slice(start, start + _BATCH)
        ends = np.zeros(len(fixed[here]), np.bool_) if small is None else small[here]
        pair = fixed[here].astype(np.float32), moving[here].astype(np.float32)
        found[here] = _scores(*pair, ends)
    return found


def _scores(one: Floats, other: Floats, small: NDArray[np.bool_]) -> Floats:
    halves = _half(one), _half(other)
    coarse, likeness = _coarse(*(_blurred(_half(half)) for half in halves))
    found = np.zeros(len(one), np.float32)
    kept = np.flatnonzero(likeness >= _COARSE)
    for level, (a, b) in enumerate((halves, (one, other))):
        if len(kept) == 0:
            break
        # Where turned, the second picture is the fixed one.
        turned = coarse.turned[kept, None, None]
        fixed = _blurred(np.where(turned, b[kept], a[kept]))
        moving = _blurred(np.where(turned, a[kept], b[kept]))
        pair = _refined(_Pair(fixed, moving, coarse.place[kept]), 2)
        coarse.place[kept] = pair.place
        score = _detail_correlation(pair)
        decided = small[kept] | (level == 1)
        found[kept[decided]] = score[decided]
        kept = kept[~decided & (score >= _MIDDLE)]
    return found


@dataclass(frozen=True, slots=True)
class _Coarse:
    """Where the moving pictures stand, and which pairs are turned: the first one moves."""

    place: Floats
    turned: NDArray[np.bool_]


def _coarse(one: Floats, other: Floats) -> tuple[_Coarse, Floats]:
    """Laid each on the other, and the better of both: a crop fits in the whole, not around it."""
    still = np.zeros((len(one), 4), np.float32)
    ways = [_refined(_Pair(one, other, still), 5), _refined(_Pair(other, one, still), 5)]
    likeness = [_correlation(way.fixed, *_moved(way)) for way in ways]
    turned = likeness[1] > likeness[0]
    place = np.where(turned[:, None], ways[1].place, ways[0].place)
    return _Coarse(place, turned), np.maximum(*likeness)


def _refined(pair: _Pair, iterations: int) -> _Pair:
    """The place after some steps of Gauss-Newton; light is fitted anew in each."""
    fixed, place = _unit(pair.fixed), pair.place
    count, side, _ = fixed.shape
    ramp = _ramp(side)
    down, across = (np.gradient(fixed, axis=axis) * np.float32(side) for axis in (1, 2))
    slopes = [down, down * ramp[:, None], across, across * ramp]
    jacobian = np.stack(slopes, 1).reshape(count, 4, -1)
    normal = jacobian @ jacobian.transpose(0, 2, 1)
    ridge = _RIDGE * np.trace(normal, axis1=1, axis2=2) / 4 + 1e-9
    inverse = np.linalg.inv(normal + ridge[:, None, None] * np.eye(4, dtype=np.float32))
    for _ in range(iterations):
        moved, inside = _moved(_Pair(fixed, pair.moving, place))
        still, moved = _centred(fixed, inside), _centred(moved, inside)
        gain = _product(still, moved) / np.maximum(_product(moved, moved), 1e-6)
        rest = (still - gain[:, None, None] * moved).reshape(count, -1, 1)
        step = np.clip((inverse @ (jacobian @ rest))[..., 0], -_STEP, _STEP)
        place = np.clip(place + step, -_LIMIT, _LIMIT).astype(np.float32)
    return _Pair(pair.fixed, pair.moving, place)


def _moved(pair: _Pair) -> tuple[Floats, Floats]:
    """The moving pictures at their place, and where they have pixels: 1 or 0."""
    side = pair.moving.shape[-1]
    ramp, places = _ramp(side), np.arange(side, dtype=np.float32)
    shift, place = np.float32(side), pair.place
    down = places + shift * (place[:, 0:1] + place[:, 1:2] * ramp)
    across = places + shift * (place[:, 2:3] + place[:, 3:4] * ramp)
    moved = _tents(down) @ pair.moving @ _tents(across).transpose(0, 2, 1)
    inside = [(at >= -0.5) & (at <= side - 0.5) for at in (down, across)]
    return moved, (inside[0][:, :, None] & inside[1][:, None, :]).astype(np.float32)


def _tents(at: Floats) -> Floats:
    """Weights of linear interpolation at some places of an axis: (m, n, n)."""
    side = at.shape[-1]
    weights = np.clip(at, 0, side - 1)[..., None] - np.arange(side, dtype=np.float32)
    np.abs(weights, out=weights)
    np.subtract(1, weights, out=weights)
    return np.maximum(weights, 0, out=weights)


def _ramp(side: int) -> Floats:
    return (np.arange(side, dtype=np.float32) - (side - 1) / 2) / (side / 2)


def _unit(pictures: Floats) -> Floats:
    centred = pictures - pictures.mean((1, 2), keepdims=True)
    return centred / np.maximum(np.sqrt(_product(centred, centred)), 1e-6)[:, None, None]


def _centred(pictures: Floats, inside: Floats) -> Floats:
    area = np.maximum(inside.sum((1, 2), keepdims=True), 1)
    return (pictures - (pictures * inside).sum((1, 2), keepdims=True) / area) * inside


def _product(one: Floats, other: Floats) -> Floats:
    return np.einsum("mij,mij->m", one, other)


def _correlation(fixed: Floats, moved: Floats, inside: Floats) -> Floats:
    fixed, moved = _centred(fixed, inside), _centred(moved, inside)
    energy = _product(fixed, fixed) * _product(moved, moved)
    return _product(fixed, moved) / np.sqrt(np.maximum(energy, 1e-6))


def _detail_correlation(pair: _Pair) -> Floats:
    moved, inside = _moved(pair)
    unclipped = inside * (pair.fixed < _WHITE) * (moved < _WHITE)
    enough = unclipped.mean((1, 2), keepdims=True) > _SEEN
    seen = np.where(enough, unclipped, inside)
    return _correlation(_details(pair.fixed), _details(moved), seen)


def _details(pictures: Floats) -> Floats:
    blurred = pictures
    for _ in range(_BLURS):
        blurred = _blurred(blurred)
    return pictures - blurred


def _blurred(pictures: Floats) -> Floats:
    """Each pixel with its neighbours, weighted 1 2 1 along both axes."""
    wide = np.pad(pictures, ((0, 0), (1, 1), (1, 1)), "edge")
    rows = (wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]) / 4
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4


def _half(pictures: Floats) -> Floats:
    count, side, _ = pictures.shape
    return pictures.reshape(count, side // 2, 2, side // 2, 2).mean((2, 4))
