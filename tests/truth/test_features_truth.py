"""Features agree with the libraries that people take them from: scikit-image, OpenCV 4, NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hubel.features.colour.histogram import Histogram, histogram
from hubel.features.colour.spaces import to_space
from hubel.features.gradients.hog import HOG, hog
from hubel.features.gradients.norms import NORMS
from hubel.features.texture.lbp import LBP, patterns
from hubel.features.texture.patterns import METHODS

color = pytest.importorskip("skimage.color")
feature = pytest.importorskip("skimage.feature")
cv2 = pytest.importorskip("cv2")

CLOSE = 1e-4


def noise(channels: int, height: int = 45, width: int = 36, seed: int = 0) -> Any:
    """A picture of 8 bits, (h, w, c)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def batch(picture: Any) -> torch.Tensor:
    return torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32)) / 255


def skimage_hog(picture: Any, how: HOG) -> Any:
    return feature.hog(
        picture if picture.shape[2] > 1 else picture[..., 0],
        how.orientations,
        (how.cell, how.cell),
        (how.block, how.block),
        how.norm,
        transform_sqrt=how.gamma,
        channel_axis=-1 if picture.shape[2] > 1 else None,
    )


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("cell", "block"), [(4, 1), (8, 2), (7, 3)])
@pytest.mark.parametrize("orientations", [8, 9, 12])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("gamma", [False, True])
def test_hog_is_scikit_images(
    channels: int, cell: int, block: int, orientations: int, norm: str, gamma: bool
) -> None:
    # Values without ties: where two channels are as strong, or a gradient lies on the border of
    # two orientations but for rounding, the last bit of a root decides, and whose root that is.
    picture = np.random.default_rng(1).random((45, 36, channels))
    how = HOG(cell, block, 1, orientations, False, norm, gamma, "skimage")
    got = hog(torch.from_numpy(picture.transpose(2, 0, 1)[None]), how)[0]
    assert np.abs(got.numpy() - skimage_hog(picture, how)).max() < CLOSE


@pytest.mark.parametrize("orientations", [4, 6, 8, 9, 12, 18])
@pytest.mark.parametrize("norm", NORMS)
def test_hog_is_scikit_images_on_eight_bits_where_diagonals_are_ties(
    orientations: int, norm: str
) -> None:
    picture = (noise(1) // 64) / np.float32(3)  # four levels: a tenth of gradients are diagonal
    how = HOG(orientations=orientations, norm=norm, convention="skimage")
    got = hog(torch.from_numpy(picture[None].transpose(0, 3, 1, 2)), how)[0]
    assert np.abs(got.numpy() - skimage_hog(picture, how)).max() < CLOSE


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("cell", "block", "stride"), [(8, 2, 1), (4, 3, 2), (7, 1, 1), (4, 2, 2)])
@pytest.mark.parametrize("orientations", [8, 9])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("gamma", [False, True])
def test_hog_is_opencvs(  # noqa: PLR0917
    channels: int, cell: int, block: int, stride: int, orientations: int, signed: bool, gamma: bool
) -> None:
    picture = noise(channels)  # of a width by four: OpenCV's last odd columns settle ties otherwise
    how = HOG(cell, block, stride, orientations, signed, "L2-Hys", gamma)
    rows, columns = how.grid((channels, *picture.shape[:2]))
    sides = (((count - 1) * stride + block) * cell for count in (columns, rows))
    descriptor = cv2.HOGDescriptor(
        tuple(sides), (block * cell,) * 2, (stride * cell,) * 2, (cell,) * 2, orientations,
        1, -1.0, 0, 0.2, gamma, 64, signed,
    )  # fmt: skip
    blue_first = np.ascontiguousarray(picture[..., ::-1].squeeze())
    want = np.asarray(descriptor.compute(blue_first, locations=[(0, 0)])).ravel()
    assert np.abs(hog(batch(picture), how)[0].numpy() - want).max() < CLOSE


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("points", "radius"), [(8, 1), (8, 2), (12, 1.5), (16, 2), (5, 1.3)])
@pytest.mark.parametrize("levels", [256, 4], ids=["noise", "flat"])
def test_patterns_are_scikit_images_exactly(
    method: str, points: int, radius: float, levels: int
) -> None:
    picture = noise(1) // (256 // levels)
    want = feature.local_binary_pattern(picture[..., 0], points, radius, method)
    got = patterns(batch(picture), LBP(points, radius, method))[0, 0]
    assert np.array_equal(got.numpy(), want)


@pytest.mark.parametrize(
    ("space", "convert", "unit", "zero"),
    [
        ("hsv", "rgb2hsv", (1, 1, 1), (0, 0, 0)),
        ("lab", "rgb2lab", (100, 255, 255), (0, -128, -128)),
    ],
)
def test_colours_are_scikit_images(
    space: str, convert: str, unit: tuple[int, ...], zero: tuple[int, ...]
) -> None:
    picture = noise(3) / np.float32(255)
    picture[:9] = picture[:9, :, :1]  # grey
    picture[9:18, :, 1] = picture[9:18, :, 0]  # two channels as strong
    got = to_space(torch.from_numpy(picture.transpose(2, 0, 1)[None]), space)[0]
    shown = got.permute(1, 2, 0).numpy() * np.array(unit) + np.array(zero)
    assert np.abs(shown - getattr(color, convert)(picture)).max() < CLOSE


@pytest.mark.parametrize("bins", [(8, 8, 8), (3, 5, 2), (4, 1, 16)])
def test_joint_histograms_are_numpys(bins: tuple[int, ...]) -> None:
    picture = noise(3)
    values = batch(picture)
    pixels = values[0].flatten(1).T.numpy()
    want = np.histogramdd(pixels, bins, [(0, 1)] * 3)[0].ravel() / len(pixels)
    assert np.allclose(histogram(values, Histogram("rgb", bins))[0].numpy(), want, atol=1e-7)
