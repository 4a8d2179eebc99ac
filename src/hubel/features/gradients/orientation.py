"""Votes of gradients for orientations: hard as scikit-image's, or shared as OpenCV's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

__all__ = ["hard_votes", "opencv_angle", "shared", "shared_votes"]

_EPSILON = 2.220446049250313e-16  # OpenCV's, in the quotient under its arctangent
_FACTORS = (-0.04432655554792128, 0.1555786518463281, -0.3258083974640975, 0.9997878412794807)


def hard_votes(
    dx: Tensor, dy: Tensor, m: Tensor, orientations: int, signed: bool
) -> Iterator[Tensor]:
    """For each orientation, the magnitudes of the pixels that point there, zero elsewhere.

    Whole votes: the derivative goes through the magnitudes, orientations are steps.

    Yields:
        `orientations` tensors of the shape of `m`; they add up to it.
    """
    falling, edges = (_turn if signed else _cotangent)(dx.detach(), dy.detach(), orientations)
    before = torch.ones((), dtype=m.dtype, device=m.device)
    for edge in edges:
        passed = torch.le(falling, edge, out=torch.empty_like(falling))
        yield m * (before - passed)
        before = passed
    yield m * before


def _cotangent(dx: Tensor, dy: Tensor, orientations: int) -> tuple[Tensor, list[float]]:
    """A number that falls with the orientation, and where each but the first begins.

    Quotients are rounded so well that gradients along the diagonals fall on the right side. No
    arctangent is needed. A level gradient is at 0 degrees, also when it points left.
    """
    large = torch.finfo(dx.dtype).max
    falling = (dx / dy).nan_to_num_(nan=0.0, posinf=large, neginf=large)
    angles = (k * math.pi / orientations for k in range(1, orientations))
    return falling, [round(1 / math.tan(angle), 12) for angle in angles]


def _turn(dx: Tensor, dy: Tensor, orientations: int) -> tuple[Tensor, list[float]]:
    """The same for directions on the whole circle: minus the angle in [0, 2 pi)."""
    angle = torch.atan2(dy, dx)
    angle += (angle < 0) * (2 * math.pi)
    return angle.neg_(), [-2 * k * math.pi / orientations for k in range(1, orientations)]


def shared_votes(
    dx: Tensor, dy: Tensor, m: Tensor, orientations: int, signed: bool
) -> Iterator[Tensor]:
    """What `shared` makes into votes: how much of each pixel's is beyond the middle of each bin.

    A pixel shares its vote between the two orientations whose middles it lies between: for bin k
    its magnitude times (beyond the middle before less beyond its own). Whatever sums pixels over
    cells is linear, so that these differences are taken of the few sums, not of the many pixels.

    Yields:
        `orientations` + 2 tensors of the shape of `m`: it, its part before the first middle, and
        its parts beyond each. Each is to be used before the next is asked for.
    """
    turn = 2 * math.pi if signed else math.pi
    place = opencv_angle(dx, dy, signed).mul_(orientations / turn).sub_(0.5)
    yield m
    yield place.clamp(-1, 0).mul_(m).neg_()
    # Where no derivative needs them, one piece of memory that stays in the cache serves them all.
    room = None if place.requires_grad else torch.empty_like(place)
    for _ in range(orientations):
        yield torch.clamp(place, 0, 1, out=room).mul_(m)
        place = torch.sub(place, 1, out=None if room is None else place)


def shared(sums: Tensor) -> Tensor:
    """Votes for each orientation, from sums of what `shared_votes` yields.

    Args:
        sums: (..., o + 2, n, y, x).

    Returns:
        (..., o, n, y, x), not negative.
    """
    total, before, *beyond = sums.unbind(-4)
    first = total - before - beyond[0] + beyond[-1]
    last = beyond[-2] - beyond[-1] + before
    between = [less - more for less, more in pairwise(beyond[:-1])]
    return torch.stack([first, *between, last], -4).clamp_min(0)


def opencv_angle(dx: Tensor, dy: Tensor, signed: bool) -> Tensor:
    """Angles in radians, [0, 2 pi) or [0, pi], by the polynomial of OpenCV's `cartToPolar`.

    It is off by at most 0.01 degrees; the true arctangent would put votes 1e-4 from OpenCV's, and
    takes as long.
    """
    ax, ay = dx.abs(), dy.abs()
    one = torch.ones((), dtype=dx.dtype, device=dx.device)
    steep = torch.copysign(one, (ax - ay).detach())
    left, under = torch.copysign(one, dx.detach()), torch.copysign(one, dy.detach())
    c = torch.minimum(ax, ay).div_(torch.maximum(ax, ay).add_(_EPSILON))
    angle = _polynomial(c * c).mul_(c)
    angle = angle.sub_(math.pi / 4).mul_(steep).add_(math.pi / 4 - math.pi / 2)
    if not signed:
        return angle.mul_(left.mul_(under)).add_(math.pi / 2)
    return angle.mul_(left).add_(math.pi / 2 - math.pi).mul_(under).add_(math.pi)


def _polynomial(square: Tensor) -> Tensor:
    """The arctangent over its argument."""
    value = square * _FACTORS[0]
    for factor in _FACTORS[1:-1]:
        value = value.add_(factor).mul_(square)
    return value.add_(_FACTORS[-1])
