"""Buckets keep ratios and pixels, are few, and follow from the pictures alone."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hubel.data import buckets as module
from hubel.data.buckets import (
    AREA_SLACK,
    MOST_BUCKETS,
    MOST_CUT,
    bucket_of,
    buckets_of,
    choose_buckets,
    place,
    waste,
)
from hubel.errors import RecipeError

SIDES = st.integers(40, 4000)
PICTURES = st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=40)
STEPS = st.sampled_from([1, 4, 8, 16])
AREAS = st.sampled_from([48 * 48, 96 * 96, 128 * 96, 224 * 224])
COMMON = [(384, 512), (512, 384), (256, 512), (512, 256), (480, 480), (1080, 1920), (667, 1000)]


def array(pictures: list[tuple[int, int]]) -> NDArray[np.int64]:
    return np.array(pictures, np.int64)


@given(PICTURES, AREAS, STEPS)
def test_buckets_are_few_of_about_equal_area_with_sides_of_whole_steps(
    pictures: list[tuple[int, int]], area: int, step: int
) -> None:
    found = choose_buckets(array(pictures), area, step)
    slack = max(AREA_SLACK, 1.5 * step / area**0.5)
    assert 1 <= len(found) <= MOST_BUCKETS
    assert len(set(found)) == len(found)
    for height, width in found:
        assert height % step == width % step == 0
        assert abs(height * width / area - 1) <= slack + 1e-9


@given(PICTURES, AREAS, STEPS)
def test_no_picture_loses_more_than_a_twentieth_and_the_rest_is_padding(
    pictures: list[tuple[int, int]], area: int, step: int
) -> None:
    sizes = array(pictures)
    found = choose_buckets(sizes, area, step)
    cut, padded = waste(found, sizes)
    assert cut.max() <= MOST_CUT
    assert ((padded == 0) | (cut == MOST_CUT)).all()
    for picture, share, filled in zip(pictures, cut, padded, strict=True):
        bucket = bucket_of(found, picture)
        fit = place(picture, bucket)
        left, top, right, bottom = fit.box
        kept = (right - left) * (bottom - top) / (picture[0] * picture[1])
        assert kept == pytest.approx(1 - share)
        off = 0.5 / min(bucket)  # a side is rounded to whole pixels
        inside = fit.inner[0] * fit.inner[1] / (bucket[0] * bucket[1])
        assert inside == pytest.approx(1 - filled, abs=off)


@given(SIDES, SIDES, st.tuples(SIDES, SIDES))
def test_a_picture_in_its_bucket_is_whole_centred_and_bent_by_less_than_a_pixel(
    height: int, width: int, bucket: tuple[int, int]
) -> None:
    fit = place((height, width), bucket)
    left, top, right, bottom = fit.box
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert left + right == pytest.approx(width)
    assert top + bottom == pytest.approx(height)
    assert fit.inner[0] <= bucket[0]
    assert fit.inner[1] <= bucket[1]
    assert fit.inner[0] == bucket[0] or fit.inner[1] == bucket[1]
    factors = (fit.inner[0] / (bottom - top), fit.inner[1] / (right - left))
    exact = max(factors) if fit.inner == bucket else min(bucket[0] / (bottom - top),
                                                         bucket[1] / (right - left))  # fmt: skip
    sides = (exact * (bottom - top), exact * (right - left))
    assert abs(sides[0] - fit.inner[0]) <= 1
    assert abs(sides[1] - fit.inner[1]) <= 1


@given(st.lists(st.integers(0, 40), min_size=len(COMMON), max_size=len(COMMON)), AREAS)
def test_of_common_ratios_that_many_share_hardly_anything_is_padded(
    counts: list[int], area: int
) -> None:
    sizes = array([size for size, count in zip(COMMON, counts, strict=True)
                   for _ in range(20 + count)])  # fmt: skip
    cut, padded = waste(choose_buckets(sizes, area), sizes)
    assert cut.max() <= MOST_CUT
    assert padded.mean() < 0.02


@given(st.integers(0, 2**32), st.floats(0.1, 0.7), AREAS)
@settings(max_examples=25)
def test_ratios_of_any_value_from_1_2_to_2_1_pad_less_than_a_fiftieth(
    seed: int, spread: float, area: int
) -> None:
    logs = np.random.default_rng(seed).uniform(-spread, spread, 300)
    sizes = np.stack([1000 * np.exp(-logs / 2), 1000 * np.exp(logs / 2)], 1).astype(np.int64)
    cut, padded = waste(choose_buckets(sizes, area), sizes)
    assert cut.max() <= MOST_CUT
    assert padded.mean() < 0.02


@given(PICTURES, st.integers(2, 5), st.integers(0, 39))
def test_neither_order_nor_scale_of_the_pictures_matters(
    pictures: list[tuple[int, int]], factor: int, turn: int
) -> None:
    sizes = array(pictures)
    expected = choose_buckets(sizes, 96 * 96)
    assert choose_buckets(np.roll(sizes[::-1], turn, 0), 96 * 96) == expected
    assert choose_buckets(factor * sizes, 96 * 96) == expected


@given(PICTURES)
@settings(max_examples=30)
def test_no_other_choice_of_buckets_wastes_less(pictures: list[tuple[int, int]]) -> None:
    """Against every choice there is, where there are few: sides of whole 24 pixels."""
    sizes = array(pictures)
    area, step = 96 * 96, 24
    ratios, counts = module._ratios(sizes)
    candidates = [tuple(map(int, one)) for one in module._candidates(ratios, area, step, 1)]
    price = max(0.002 * counts.sum(), 2.0)

    def total(chosen: tuple[tuple[int, int], ...]) -> float:
        logs = np.log([width / height for height, width in chosen])
        misfit = np.abs(np.log(sizes[:, 1] / sizes[:, 0])[:, None] - logs[None, :]).min(1)
        return float((1 - np.exp(-misfit)).sum()) + price * len(chosen)

    choices = [c for k in range(1, 4) for c in combinations(candidates, k)]
    best = min(map(total, choices))
    assert total(choose_buckets(sizes, area, step)) <= best + 1e-6


@pytest.mark.parametrize("side", [48, 64, 80, 96, 128, 192, 224])
@pytest.mark.parametrize("step", [4, 8, 16])
def test_photographs_of_trashnet_turned_and_cut_keep_nearly_everything(
    side: int, step: int
) -> None:
    """Every one of them is 384 wide and 512 high: as it is, turned by 90 degrees, or cut to 2:1."""
    pictures = [(512, 384)] * 843 + [(384, 512)] * 842 + [(192, 384)] * 842
    found = choose_buckets(array(pictures), side * side, step)
    lost, padded = waste(found, array(pictures))
    assert len(found) == 3
    assert lost.max() <= 0.05
    assert padded.max() < 0.02


def test_one_ratio_has_one_bucket_that_cuts_nothing() -> None:
    sizes = array([(384, 512)] * 50)
    found = choose_buckets(sizes, 96 * 128)
    assert found == ((96, 128),)
    assert [part.max() for part in waste(found, sizes)] == [0, 0]


def test_a_ratio_that_a_handful_have_gets_no_bucket_of_its_own() -> None:
    most = [(384, 512)] * 100
    assert len(choose_buckets(array([*most, *[(512, 384)] * 3]), 96 * 96)) == 1
    assert len(choose_buckets(array([*most, *[(512, 384)] * 8]), 96 * 96)) == 2


def test_each_picture_goes_to_the_nearest_ratio_alone_or_among_others() -> None:
    found = ((112, 84), (84, 112), (68, 136))
    sizes = array([(640, 480), (480, 640), (300, 580), (100, 100), (10, 4000)])
    assert buckets_of(found, sizes).tolist() == [0, 1, 2, 0, 2]
    assert [bucket_of(found, (int(h), int(w))) for h, w in sizes] == [
        found[index] for index in (0, 1, 2, 0, 2)
    ]


def test_a_size_below_the_step_is_refused_with_a_way_out() -> None:
    with pytest.raises(RecipeError, match=r"no bucket of about 64 pixels .* give a larger --size"):
        choose_buckets(array([(10, 10)]), 64, 32)
    with pytest.raises(RecipeError, match="at least 40"):
        choose_buckets(array([(10, 10)]), 32 * 32, 4, smallest=40)
