"""Resizing of any depth, axes and channels agrees with what Pillow does to 8-bit pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from hubel.data.form import Decoded, Form
from hubel.data.preprocess import Preprocess
from hubel.data.resize import resized
from hubel.errors import PictureError

SIDES = st.integers(1, 70)
SHAPES = st.sampled_from(["squash", "crop", "pad"])


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)


def decoded(values: NDArray[Any], kind: Any, channels: int) -> Decoded:
    depth: Any = str(values.dtype)
    return Decoded(values, Form(kind, depth, channels).mode, "array", 1)


@given(SIDES, SIDES, SIDES, SIDES)
def test_a_resize_is_pillows_within_rounding(h: int, w: int, high: int, wide: int) -> None:
    picture = noise(h, w)
    expected = np.asarray(Image.fromarray(picture).resize((wide, high), Image.Resampling.BILINEAR))
    found = resized(picture[..., None], (high, wide))[..., 0]
    assert np.abs(found - expected).max() <= 1.01  # Pillow rounds after each axis


@given(SIDES, SIDES, SIDES, SIDES, SHAPES, st.sampled_from(["uint16", "float32"]))
def test_deeper_pictures_come_out_as_those_of_8_bits(
    h: int, w: int, high: int, wide: int, shape: Any, depth: Any
) -> None:
    picture = noise(h, w, 3)
    way = Preprocess(height=high, width=wide, shape=shape, background=0)
    unit = 257 if depth == "uint16" else 1
    deep = decoded((picture.astype(depth) * unit).astype(depth), "picture", 3)
    found = replace(way, depth=depth).pixels(deep)
    assert found.dtype == depth
    assert np.abs(found / unit - way.pixels(picture)).max() <= 1.01


@given(SIDES, SIDES, st.integers(1, 7), SHAPES)
def test_each_channel_is_resized_on_its_own(h: int, w: int, channels: int, shape: Any) -> None:
    picture = noise(h, w, channels)
    way = Preprocess(height=9, width=11, channels=channels, shape=shape, background=7)
    found = way.pixels(decoded(picture, "picture", channels))
    grey = replace(way, channels=1)
    for channel in range(channels):
        alone = grey.pixels(decoded(picture[..., channel : channel + 1], "picture", 1))
        np.testing.assert_array_equal(found[..., channel : channel + 1], alone)


@given(SIDES, SIDES, SHAPES)
def test_a_volume_that_is_even_along_an_axis_is_resized_as_its_plane(
    h: int, w: int, shape: Any
) -> None:
    plane = noise(h, w)
    volume = np.repeat(plane[None], max(h, w), 0)[..., None]
    size = {"height": 8, "width": 8}
    way = Preprocess(**size, planes=8, kind="volume", channels=1, shape="squash")
    found = way.pixels(decoded(volume, "volume", 1))
    flat = Preprocess(**size, channels="grey").pixels(plane)
    assert np.abs(found.astype(int) - flat.astype(int)[None]).max() <= 1


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 3))
def test_a_signal_keeps_its_mean_and_its_ends(t: int, length: int, channels: int) -> None:
    steady = np.full((t, channels), 3.5, np.float32)
    way = Preprocess(height=1, width=length, kind="signal", depth="float32", channels=channels)
    found = way.pixels(decoded(steady, "signal", channels))
    assert found.shape == (length, channels)
    np.testing.assert_allclose(found, 3.5, rtol=1e-6)


@given(st.integers(2, 60))
def test_fine_stripes_are_averaged_and_not_sampled(half: int) -> None:
    stripes = np.tile([0.0, 1.0], 4 * half).astype(np.float32)[:, None]
    inner = resized(stripes, (half,))[1:-1]
    assert np.abs(inner - 0.5).max(initial=0) < 0.1


def test_what_is_of_the_size_is_left_alone_bit_for_bit() -> None:
    values = np.random.default_rng(0).standard_normal((4, 5, 6, 2)).astype(np.float32)
    way = Preprocess(height=5, width=6, planes=4, kind="volume", depth="float32", channels=2)
    np.testing.assert_array_equal(way.pixels(decoded(values, "volume", 2)), values)


def test_not_a_number_is_the_lowest_finite_value() -> None:
    values = np.array([[1.0, np.nan], [np.inf, 5.0]], np.float32)
    way = Preprocess(height=2, width=2, channels="grey", depth="float32")
    assert way.pixels(decoded(values, "picture", 1)).ravel().tolist() == [1, 1, 1, 5]


CHANNELS = [
    ("rgba", (2, 2), 1, [7, 7, 7, 255]),
    ("rgba", (2, 2, 3), 3, [7, 7, 7, 255]),
    ("rgb", (2, 2), 1, None),
]


@pytest.mark.parametrize(("wanted", "shape", "channels", "expected"), CHANNELS)
def test_what_has_no_alpha_is_opaque(wanted: Any, shape: Any, channels: int, expected: Any) -> None:
    sample = decoded(np.full(shape, 7, np.uint8), "picture", channels)
    found = Preprocess(height=2, width=2, channels=wanted).pixels(sample)
    assert found[0, 0].tolist() == (expected or [7, 7, 7])


def test_an_alpha_is_kept_where_it_is_asked_for_and_white_otherwise() -> None:
    clear = Decoded(np.array([[[10, 20, 30, 0]]], np.uint8), "RGBA", "PNG", 1)
    assert Preprocess(height=1, width=1, channels="rgba").pixels(clear).tolist() == [
        [[10, 20, 30, 0]]
    ]
    assert Preprocess(height=1, width=1).pixels(clear).tolist() == [[[255, 255, 255]]]
    deep = Decoded(clear.values.astype(np.uint16) * 257, "RGBA;16", "PNG", 1)
    way = Preprocess(height=1, width=1, depth="uint16")
    assert way.pixels(deep).tolist() == [[[65_535] * 3]]


def test_what_cannot_become_the_channels_or_the_kind_is_refused() -> None:
    five = decoded(np.zeros((4, 4, 5), np.uint8), "picture", 5)
    with pytest.raises(PictureError, match="5 channels, where 4 are expected"):
        Preprocess(height=4, width=4, channels=4).pixels(five)
    with pytest.raises(PictureError, match="a picture, where a volume is expected"):
        Preprocess(height=4, width=4, kind="volume", channels=1).pixels(five)
    signal = decoded(np.zeros((9, 1), np.float32), "signal", 1)
    with pytest.raises(PictureError, match="a signal, where a picture is expected"):
        Preprocess(height=4, width=4).pixels(signal)
    with pytest.raises(PictureError, match="uint8 values, where uint16 is expected"):
        Preprocess(height=4, width=4, channels=5, depth="uint16").pixels(five)
