"""Random changes of training samples: drawn by key, executed on a whole batch at once.

Every draw is a function of (seed, epoch, sample), so it does not matter who makes the batch or
when. Flip, shift, zoom and the change to the training resolution are one resampling. A signal is
shifted and zoomed along its one axis, a volume along all three.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hubel.data.keyed import generator, uniform

__all__ = ["Augmentation", "Key", "augment", "mix"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Augmentation:
    """How far training pictures are changed; the zero of each setting is off.

    Attributes:
        flip: left and right are exchanged in every second epoch, by turns, a random half first;
            of a signal begin and end.
        shift: largest shift along each axis, as a share of the side; borders reflect.
        zoom: largest share of the area, length or space that a random crop leaves out.
        aspect: log of the largest change of a crop's aspect ratio; of pictures.
        color: largest relative change of brightness, contrast and saturation; of a signal or a
            volume its gain.
        erase: side of a random square that is made grey, as a share of the side; of a signal a
            stretch, of a volume a cube.
        mixup: parameter of the Beta distribution of blended pairs (Zhang et al. 2018).
        cutmix: the same, of pairs where one picture fills a box of the other (Yun et al. 2019).
    """

    flip: bool = False
    shift: float = 0.0
    zoom: float = 0.0
    aspect: float = 0.0
    color: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0


@dataclass(frozen=True, slots=True)
class Key:
    """What the draws of a batch depend on.

    `epochs` and `samples` are int64, (n,).
    """

    seed: int
    epochs: NDArray[np.int64]
    samples: NDArray[np.int64]

    def draw(self, stream: str) -> NDArray[np.float64]:
        """(n,) numbers in [0, 1)."""
        return uniform(self.seed, stream, self.epochs, self.samples)


def augment(x_NCHW: Tensor, key: Key, how: Augmentation, size: tuple[int, ...]) -> Tensor:
    """Change a batch of normalised samples.

    Args:
        x_NCHW: float, (n, channels, height, width), channels-last memory; of signals
            (n, channels, length), of volumes (n, channels, planes, height, width).
        key: decides every draw.
        how: how far.
        size: of the result; signals and volumes keep theirs.

    Returns:
        float, (n, channels, *size), of pictures in channels-last memory.
    """
    if x_NCHW.ndim != 4:
        return _augment_other(x_NCHW, key, how)
    x_NCHW = _resample(x_NCHW, key, how, size)
    if how.color:
        x_NCHW = _recolor(x_NCHW, key, how.color)
    if how.erase:
        x_NCHW = _erase(x_NCHW, key, how.erase)
    return x_NCHW.contiguous(memory_format=torch.channels_last)


def mix(
    x_NCHW: Tensor, y_NK: Tensor, how: Augmentation, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """Blend or cut pairs of a batch, and their targets alike.

    Args:
        x_NCHW: float, (n, channels, height, width), or with one or three axes.
        y_NK: float, (n, classes), target probabilities.
        how: `mixup` and `cutmix`; with both, each step draws one of them.
        seed: of the run.
        step: of the run; partners and shares are keyed on it.
    """
    if not (how.mixup or how.cutmix):
        return x_NCHW, y_NK
    draws = generator(seed, "mix", step)
    cut = bool(how.cutmix) and (not how.mixup or draws.random() < 0.5)
    strength = how.cutmix if cut else how.mixup
    share = float(draws.beta(strength, strength))
    partner = torch.from_numpy(draws.permutation(len(x_NCHW))).to(x_NCHW.device)
    if not cut:
        return torch.lerp(x_NCHW[partner], x_NCHW, share), torch.lerp(y_NK[partner], y_NK, share)
    sides = x_NCHW.shape[2:]
    spans = [_interval(side, (1 - share) ** (1 / len(sides)), draws.random()) for side in sides]
    box = (slice(None), slice(None), *(slice(*span) for span in spans))
    mixed = x_NCHW.clone()
    mixed[box] = x_NCHW[partner][box]
    kept = 1 - math.prod(end - start for start, end in spans) / math.prod(sides)
    return mixed, torch.lerp(y_NK[partner], y_NK, kept)


def _interval(side: int, share: float, place: float) -> tuple[int, int]:
    length = round(side * share)
    start = round((side - length) * place)
    return start, start + length


def _augment_other(x_NCS: Tensor, key: Key, how: Augmentation) -> Tensor:
    """Signals and volumes: moved, then made louder or fainter, then erased in part."""
    if how.flip or how.shift or how.zoom:
        if x_NCS.ndim == 3:  # a picture of one row: what goes up and down changes nothing
            size = (1, x_NCS.shape[2])
            x_NCS = _resample(x_NCS[:, :, None], key, how, size)[:, :, 0]
        else:
            x_NCS = _move_volumes(x_NCS, key, how)
    if how.color:
        gain = torch.from_numpy((1 + how.color * _signed(key, "gain")).astype(np.float32))
        x_NCS = x_NCS * gain.to(x_NCS.device).reshape(-1, *[1] * (x_NCS.ndim - 1))
    return _erase(x_NCS, key, how.erase) if how.erase else x_NCS


def _move_volumes(x_NCDHW: Tensor, key: Key, how: Augmentation) -> Tensor:
    scale = np.cbrt(1 - how.zoom * key.draw("zoom"))
    places: list[Tensor] = []
    streams = ("shift deep", "shift down", "shift across")
    for side, stream in zip(x_NCDHW.shape[2:], streams, strict=True):
        drawn = _signed(key, stream)
        offset = (1 - scale) * drawn + 2 / side * np.rint(how.shift * side * drawn)
        turned = how.flip and stream == "shift across"
        wide = np.where(_flipped(key), -scale, scale) if turned else scale
        places.append(_places(wide, offset, side).to(x_NCDHW.device))
    deep, down, across = places
    grid = torch.broadcast_tensors(
        across[:, None, None, :], down[:, None, :, None], deep[:, :, None, None]
    )
    return functional.grid_sample(
        x_NCDHW, torch.stack(grid, -1), "bilinear", "reflection", align_corners=False
    )


def _resample(x_NCHW: Tensor, key: Key, how: Augmentation, size: tuple[int, ...]) -> Tensor:
    height, width = x_NCHW.shape[2:]
    if not (how.flip or how.shift or how.zoom or how.aspect) and size == (height, width):
        return x_NCHW
    scale = np.sqrt(1 - how.zoom * key.draw("zoom"))
    stretch = np.exp(0.5 * how.aspect * _signed(key, "aspect"))
    wide, high = np.minimum(scale * stretch, 1), np.minimum(scale / stretch, 1)
    across, down = _signed(key, "shift across"), _signed(key, "shift down")
    # A window may lie anywhere inside the picture; `shift` then moves it on, in whole pixels, so
    # that a picture that is not zoomed stays sharp.
    left = (1 - wide) * across + 2 / width * np.rint(how.shift * width * across)
    top = (1 - high) * down + 2 / height * np.rint(how.shift * height * down)
    if how.flip:
        wide = np.where(_flipped(key), -wide, wide)
    columns = _places(wide, left, size[1]).to(x_NCHW.device)
    rows = _places(high, top, size[0]).to(x_NCHW.device)
    grid = torch.stack(torch.broadcast_tensors(columns[:, None, :], rows[:, :, None]), -1)
    return functional.grid_sample(
        x_NCHW, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def _places(scale: NDArray[np.float64], offset: NDArray[np.float64], count: int) -> Tensor:
    """Where the pixel centers of a window fall, from -1 to 1 over the picture: (n, count)."""
    centers = (2 * np.arange(count) + 1) / count - 1
    places = scale[:, None] * centers + offset[:, None]
    return torch.from_numpy(places.astype(np.float32))


def _flipped(key: Key) -> NDArray[np.bool_]:
    """Each sample by turns: seen both ways in any two epochs (Jordan 2024, arXiv 2404.00498)."""
    first = uniform(key.seed, "flip", 0, key.samples) < 0.5
    return first ^ (key.epochs % 2 == 1)


def _signed(key: Key, stream: str) -> NDArray[np.float64]:
    return 2 * key.draw(stream) - 1


def _recolor(x_NCHW: Tensor, key: Key, strength: float) -> Tensor:
    def factor(stream: str) -> Tensor:
        drawn = strength * _signed(key, stream)
        return torch.from_numpy(drawn.astype(np.float32)).to(x_NCHW.device)[:, None, None, None]

    middle = x_NCHW.mean((1, 2, 3), keepdim=True)
    x_NCHW = torch.lerp(x_NCHW, middle, -factor("contrast")) + factor("brightness")
    if x_NCHW.shape[1] == 3:
        x_NCHW = torch.lerp(x_NCHW, x_NCHW.mean(1, keepdim=True), -factor("saturation"))
    return x_NCHW


def _erase(x_NCHW: Tensor, key: Key, side: float) -> Tensor:
    box = torch.ones((), dtype=torch.bool, device=x_NCHW.device)
    streams = ("erase deep", "erase down", "erase across")
    for dim, stream in enumerate(streams[5 - x_NCHW.ndim :], 2):
        length = x_NCHW.shape[dim]
        drawn = key.draw(stream).astype(np.float32)
        place = torch.from_numpy(drawn).to(x_NCHW.device)[:, None] * (1 - side)
        centers = (torch.arange(length, device=x_NCHW.device) + 0.5) / length
        inside = (centers >= place) & (centers < place + side)
        shape = [len(inside), *[1] * (x_NCHW.ndim - 1)]
        shape[dim] = length
        box = box & inside.reshape(shape)
    return x_NCHW.masked_fill(box, 0.0)
