"""Copies are found, other pictures of the same kind are not, and nothing depends on threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hubel.data.audit.alignment import scores
from hubel.data.audit.duplicates import SAME, Pairs, cluster, near_duplicates
from hubel.data.audit.neighbours import Close, close_pairs
from tests.data.audit.pictures import COPIES, copy, pixels, plain, scene

COUNT = 40


def sides(count: int, side: int = 240) -> np.ndarray:
    return np.full(count, side, np.int64)


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_found_and_nothing_else_is(kind: str) -> None:
    images = [scene(seed) for seed in range(COUNT)]
    copies = [copy(image, kind, seed) for seed, image in enumerate(images)]
    found = near_duplicates(pixels([*images, *copies]), sides(2 * COUNT))
    right = [[seed, seed + COUNT] for seed in range(COUNT)]
    pairs = found.places.tolist()
    assert [pair for pair in pairs if pair not in right] == []
    assert len(pairs) >= 0.95 * COUNT
    assert found.scores.min() >= SAME


def test_mirrored_and_turned_pictures_are_others() -> None:
    image = scene(1)
    turned = [image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), image.rotate(180)]
    assert len(near_duplicates(pixels(turned), sides(3))) == 0


def test_pictures_of_one_tone_or_a_slope_of_light_are_compared_with_none() -> None:
    ramp = np.tile(np.linspace(50, 200, 64), (64, 1)).astype(np.uint8)
    flat = [np.full((64, 64), tone, np.uint8) for tone in (0, 90, 90, 255)]
    assert len(near_duplicates(plain(np.array([*flat, ramp, ramp + 5])), sides(6))) == 0


def test_threads_change_nothing() -> None:
    images = [scene(seed // 2) for seed in range(COUNT)]
    small = pixels(images)
    found = [near_duplicates(small, sides(COUNT), workers) for workers in (1, 3)]
    assert np.array_equal(found[0].places, found[1].places)
    assert np.array_equal(found[0].scores, found[1].scores)
    assert len(found[0]) == COUNT // 2


def test_no_pictures_have_no_pairs() -> None:
    assert len(near_duplicates(plain(np.empty((0, 64, 64), np.uint8)), sides(0))) == 0


def test_small_pictures_are_decided_at_half_the_resolution() -> None:
    draws = np.random.default_rng(0)
    # What both show, and noise as fine as the thumbnail's pixels that only one has.
    base = np.asarray(Image.fromarray(draws.integers(60, 190, (8, 8), np.uint8)).resize((64, 64)))
    noise = draws.integers(-25, 26, (64, 64))
    one, other = base[None], np.clip(base + noise, 0, 255).astype(np.uint8)[None]
    fine = scores(one, other, np.array([False]))[0]
    assert fine < scores(one, other, np.array([True]))[0]


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 120))
def test_every_close_pair_is_found_once(seed: int, count: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = close_pairs(vectors, Close(least=0.9, most=count))
    products = vectors @ vectors.T
    one, other = np.nonzero(np.triu(products >= 0.9, 1))
    sure = abs(products[one, other] - 0.9) > 1e-5
    expected = set(zip(one[sure].tolist(), other[sure].tolist(), strict=True))
    assert expected <= set(map(tuple, found.tolist()))
    assert len(found) == len(np.unique(found, axis=0))
    assert (products[found[:, 0], found[:, 1]] > 0.9 - 1e-5).all()


def test_filing_under_landmarks_misses_few_close_pairs() -> None:
    draws = np.random.default_rng(0)
    vectors = draws.normal(size=(3000, 63))
    vectors = np.concatenate([vectors, vectors[:500] + 0.25 * draws.normal(size=(500, 63))])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    close = Close(least=0.85)
    every = close_pairs(vectors, close)
    filed = close_pairs(vectors, close, exhaustive=0)
    assert len(every) >= 490
    assert set(map(tuple, filed.tolist())) <= set(map(tuple, every.tolist()))
    assert len(filed) >= 0.97 * len(every)


def test_memory_stays_bounded_where_all_are_alike() -> None:
    vectors = np.ones((2000, 1), np.float32)
    found = close_pairs(vectors, Close(least=0.9, most=4))
    assert len(found) <= 4 * 2000
    assert len(set(cluster(2000, Pairs(found, np.ones(len(found), np.float32)), 2000))) == 1


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40),
       st.integers(1, 20))  # fmt: skip
def test_clusters_never_exceed_their_limit_and_are_whole_without_one(
    links: list[tuple[int, int]], most: int
) -> None:
    from scipy import sparse

    links = sorted({(min(pair), max(pair)) for pair in links if pair[0] != pair[1]})
    places = np.array(links, np.int64).reshape(-1, 2)
    pairs = Pairs(places, np.ones(len(links), np.float32))
    limited = cluster(20, pairs, most)
    assert np.bincount(limited[limited >= 0], minlength=1).max() <= max(most, 0)
    whole = cluster(20, pairs, 20)
    graph = sparse.coo_array((np.ones(len(links)), places.T), (20, 20))
    _, truth = sparse.csgraph.connected_components(graph, directed=False)
    same = whole[:, None] == whole
    same[whole < 0] = np.eye(20, dtype=bool)[whole < 0]
    assert np.array_equal(same, truth[:, None] == truth)


def test_a_chain_is_cut_at_its_weakest_link() -> None:
    pairs = Pairs(np.array([[0, 1], [1, 2], [2, 3]]), np.array([0.95, 0.87, 0.99], np.float32))
    assert cluster(4, pairs, most=2).tolist() == [0, 0, 2, 2]
