"""One way from pixels to input: its shapes, what it leaves alone, and its arithmetic."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from hubel.data.buckets import bucket_of, place
from hubel.data.preprocess import PIXEL_RULE, Preprocess
from hubel.errors import RecipeError

SIDES = st.integers(1, 130)
SHAPES = st.sampled_from(["squash", "crop", "pad", "bucket"])
WAYS = st.builds(
    Preprocess,
    height=SIDES,
    width=SIDES,
    channels=st.sampled_from(["rgb", "grey"]),
    shape=SHAPES,
    background=st.integers(0, 255),
)


def noise(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(height * 1000 + width).integers(0, 256, shape, dtype=np.uint8)


@given(WAYS, SIDES, SIDES, st.sampled_from([1, 3]))
def test_any_picture_becomes_the_working_size(
    way: Preprocess, height: int, width: int, channels: int
) -> None:
    found = way.pixels(noise(height, width, channels))
    assert found.shape == (way.height, way.width, way.num_channels)
    assert found.dtype == np.uint8


@given(WAYS, SIDES, SIDES, st.integers(0, 255))
def test_a_picture_of_one_shade_keeps_it(
    way: Preprocess, height: int, width: int, shade: int
) -> None:
    found = way.pixels(np.full((height, width), shade, np.uint8))
    allowed = {shade, way.background} if way.shape in ("pad", "bucket") else {shade}
    assert set(np.unique(found).tolist()) <= allowed
    assert shade in found


@given(WAYS)
def test_a_picture_of_the_working_size_is_left_alone(way: Preprocess) -> None:
    picture = noise(way.height, way.width, way.num_channels)
    expected = picture.reshape(way.height, way.width, way.num_channels)
    np.testing.assert_array_equal(way.pixels(picture), expected)


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 99))
def test_padding_keeps_the_ratio_in_the_middle_of_the_background(
    height: int, width: int, high: int, wide: int, background: int
) -> None:
    way = Preprocess(height=height, width=width, channels="grey", shape="pad",
                     background=background)  # fmt: skip
    found = way.pixels(np.full((high, wide), 200, np.uint8))[..., 0]
    rows, columns = np.flatnonzero((found == 200).any(1)), np.flatnonzero((found == 200).any(0))
    inside = found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert (inside == 200).all()
    assert (found == background).sum() == found.size - inside.size
    scale = min(height / high, width / wide)
    assert abs(inside.shape[0] - max(1, high * scale)) <= 0.5
    assert abs(inside.shape[1] - max(1, wide * scale)) <= 0.5
    assert inside.shape[0] == height or inside.shape[1] == width
    for places, side in ((rows, height), (columns, width)):
        assert abs(places[0] - (side - 1 - places[-1])) <= 1


@given(st.integers(1, 40), st.integers(0, 40), st.booleans())
def test_a_crop_at_the_same_scale_is_the_middle(side: int, more: int, upright: bool) -> None:
    long = side + 2 * more
    picture = noise(long, side) if upright else noise(side, long)
    middle = picture[more : more + side] if upright else picture[:, more : more + side]
    found = Preprocess(height=side, width=side, shape="crop").pixels(picture)
    np.testing.assert_array_equal(found, middle)


@given(SIDES, SIDES, SIDES, SIDES)
def test_a_crop_reaches_two_opposite_edges_and_cuts_both_others_alike(
    height: int, width: int, high: int, wide: int
) -> None:
    assume(min(high, wide) >= 2)
    way = Preprocess(height=height, width=width, shape="crop", channels="grey")
    turned = noise(high, wide, 1)[::-1, ::-1]
    there = way.pixels(noise(high, wide, 1)).astype(int)
    back = way.pixels(turned)[::-1, ::-1].astype(int)
    # The middle of a picture that is turned by 180 degrees is the middle, turned; Pillow rounds.
    assert abs(there - back).max() <= 2


@pytest.mark.parametrize("shape", ["squash", "crop", "pad", "bucket"])
def test_a_multiple_in_both_sides_is_a_plain_resize(shape: Any) -> None:
    picture = noise(48, 96)
    expected = Image.fromarray(picture).resize((24, 12), Image.Resampling.BILINEAR)
    found = Preprocess(height=12, width=24, shape=shape).pixels(picture)
    np.testing.assert_array_equal(found, np.asarray(expected))


@given(SIDES, SIDES)
def test_grey_pictures_have_equal_channels_in_colour(height: int, width: int) -> None:
    picture = noise(height, width, 1)
    colour = Preprocess(height=16, width=16).pixels(picture)
    grey = Preprocess(height=16, width=16, channels="grey").pixels(picture)
    np.testing.assert_array_equal(colour, np.repeat(grey, 3, axis=2))


@pytest.mark.parametrize(
    ("colour", "luma"), [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29)]
)
def test_grey_is_the_luma_of_itu_r_601(colour: tuple[int, int, int], luma: int) -> None:
    assert luma == round(float(np.dot(colour, (0.299, 0.587, 0.114))))
    way = Preprocess(height=2, width=2, channels="grey")
    assert (way.pixels(np.full((5, 5, 3), colour, np.uint8)) == luma).all()


def test_a_picture_that_cannot_be_written_to_is_not_written_to() -> None:
    picture = noise(9, 9)
    picture.flags.writeable = False
    for way in (Preprocess(height=9, width=9), Preprocess(height=4, width=4)):
        way.pixels(picture)
        way.pixels(picture[:, ::-1])


STATISTICS = st.tuples(*[st.tuples(st.floats(0, 1), st.floats(0.01, 1))] * 3)


@given(STATISTICS, st.integers(1, 5))
def test_normalising_takes_the_mean_and_divides_by_the_deviation(
    statistics: tuple[tuple[float, float], ...], count: int
) -> None:
    mean, std = zip(*statistics, strict=True)
    way = Preprocess(height=4, width=6).with_statistics(mean, std)
    pixels = np.stack([noise(4, 6) for _ in range(count)])
    found = way.tensor(torch.from_numpy(pixels))
    expected = ((pixels / 255 - mean) / std).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-4)
    assert found.dtype == torch.float32
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_normalising_leaves_the_pixels_as_they_were() -> None:
    pixels = torch.from_numpy(noise(4, 4))[None]
    before = pixels.clone()
    Preprocess(height=4, width=4).with_statistics((0.5,) * 3, (0.2,) * 3).tensor(pixels)
    assert torch.equal(pixels, before)


@given(WAYS, STATISTICS)
def test_json_gives_back_the_same_way(
    way: Preprocess, statistics: tuple[tuple[float, float], ...]
) -> None:
    mean, std = zip(*statistics, strict=True)
    way = way.with_statistics(mean, std)
    assert Preprocess.from_json(json.loads(json.dumps(way.to_json()))) == way


CHANGES: dict[str, Any] = {
    "height": 9,
    "width": 9,
    "channels": "grey",
    "shape": "pad",
    "background": 0,
    "kind": "volume",
    "depth": "uint16",
    "planes": 2,
    "reduced": True,
    "buckets": ((8, 8),),
}
SAME_PIXELS = {"mean": (0.1,) * 3, "std": (0.2,) * 3}
FIXED = {"interpolation", "pixel_rule"}  # there is one of each today


def test_every_field_is_looked_at_here() -> None:
    assert {field.name for field in fields(Preprocess)} == {*CHANGES, *SAME_PIXELS, *FIXED}


@pytest.mark.parametrize("name", CHANGES)
def test_the_geometry_changes_with_whatever_may_change_a_pixel(name: str) -> None:
    way = Preprocess(height=8, width=8)
    assert replace(way, **{name: CHANGES[name]}).geometry != way.geometry


@pytest.mark.parametrize("name", SAME_PIXELS)
def test_the_geometry_does_not_change_with_what_changes_no_pixel(name: str) -> None:
    way = Preprocess(height=8, width=8)
    assert replace(way, **{name: SAME_PIXELS[name]}).geometry == way.geometry


BUCKETS = ((112, 84), (84, 112), (68, 136))


@given(SIDES, SIDES, st.sampled_from(["uint8", "uint16", "float32"]))
def test_a_picture_in_its_bucket_is_what_the_store_of_that_bucket_keeps(
    height: int, width: int, depth: Any
) -> None:
    way = Preprocess(height=96, width=96, shape="bucket", buckets=BUCKETS, depth=depth)
    picture = noise(height, width).astype(depth)
    own = bucket_of(BUCKETS, (height, width))
    part = way.parts[BUCKETS.index(own)]
    found = way.pixels(picture)
    assert found.shape == (*own, 3)
    np.testing.assert_array_equal(found, part.pixels(picture))
    assert len({one.geometry for one in (way, *way.parts)}) == 4
    decoding = [replace(one, reduced=True).enough for one in (way, *way.parts)]
    assert decoding == [None] * 4  # a reduced picture may have another ratio by its rounding


@given(SIDES, SIDES)
def test_what_a_bucket_has_over_is_background_on_both_sides_and_the_rest_the_picture(
    height: int, width: int
) -> None:
    for depth in ("uint8", "uint16"):
        way = Preprocess(height=96, width=96, channels="grey", shape="bucket", depth=depth,
                         background=0, buckets=BUCKETS)  # fmt: skip
        found = way.pixels(np.full((height, width), 200, depth))[..., 0]
        inner = place((height, width), found.shape).inner
        top, left = ((side - own) // 2 for side, own in zip(found.shape, inner, strict=True))
        assert (found == 0).sum() == found.size - inner[0] * inner[1]
        assert (found[top : top + inner[0], left : left + inner[1]] == 200).all()


@pytest.mark.parametrize("kind", ["signal", "volume"])
def test_buckets_are_for_pictures(kind: Any) -> None:
    with pytest.raises(RecipeError, match=f"shape bucket .* for {kind}s give squash, crop or pad"):
        Preprocess(height=8, width=8, kind=kind, shape="bucket")


@pytest.mark.parametrize(("height", "width"), [(0, 8), (8, 0), (-1, 8)])
def test_a_size_without_pixels_is_refused(height: int, width: int) -> None:
    with pytest.raises(RecipeError, match=f"{height} x {width} pixels has no pixels"):
        Preprocess(height=height, width=width)


def test_pixels_of_another_rule_are_refused() -> None:
    with pytest.raises(RecipeError, match=rf"rule {PIXEL_RULE + 1}; this version .* train again"):
        Preprocess(height=8, width=8, pixel_rule=PIXEL_RULE + 1)
