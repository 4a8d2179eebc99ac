"""Batches of several shapes: each of one, each sample once an epoch, on any number of ranks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hubel.data.batches import Batch, Batches
from hubel.data.mixture import Mixture
from hubel.data.pixels import Pixels

SHAPES = [(2, 3), (3, 2), (1, 6), (4, 2)]
KINDS = st.lists(st.integers(0, 3), min_size=2, max_size=60).filter(lambda k: len(set(k)) > 1)
SIZES = st.integers(1, 40)
SEEDS = st.integers(0, 2**63)


def pixels(kinds: list[int]) -> Pixels:
    """A pixel holds its sample's number; each shape has a segment."""
    numbers = np.arange(len(kinds), dtype=np.uint8)
    own = [np.flatnonzero(np.array(kinds) == kind) for kind in range(len(SHAPES))]
    parts: list[tuple[NDArray[np.int64], Pixels]] = []
    for shape, rows in zip(SHAPES, own, strict=True):
        segment = np.tile(numbers[rows].reshape(-1, 1, 1, 1), (1, *shape, 1))
        places = np.stack([np.zeros_like(rows), np.arange(len(rows))], 1)
        parts.append((rows, Pixels((segment,), places)))
    return Pixels.joined(parts)


def batches(kinds: list[int], batch_size: int, seed: int = 0) -> Batches:
    return Batches(pixels(kinds), np.arange(len(kinds), dtype=np.int64) % 3, batch_size, seed)


def seen(found: list[Batch]) -> Counter[tuple[int, int]]:
    return Counter(
        (int(epoch), int(index))
        for batch in found
        for epoch, index in zip(batch.epochs, batch.indices, strict=True)
    )


def equal(one: Batch, other: Batch) -> bool:
    pairs = [(getattr(one, name), getattr(other, name)) for name in Batch.__slots__]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


@given(KINDS, SIZES, SEEDS, st.integers(1, 3), st.integers(1, 3))
def test_each_sample_is_seen_exactly_once_an_epoch_on_any_number_of_ranks(
    kinds: list[int], batch_size: int, seed: int, epochs: int, ranks: int
) -> None:
    source = batches(kinds, batch_size, seed)
    parts = [source.for_rank(rank, ranks) for rank in range(ranks)]
    steps = source.steps(epochs)
    found = [part.batch(step) for step in range(steps) for part in parts]
    once = {(epoch, index): 1 for epoch in range(epochs) for index in range(len(kinds))}
    assert seen(found) == once
    for step in range(steps):
        lengths = [len(part.batch(step).indices) for part in parts]
        assert sum(lengths) == source.samples(step)
        assert max(lengths) - min(lengths) <= 1


@given(st.integers(1, 60), st.integers(1, 150), SEEDS, st.integers(1, 3), st.integers(1, 3))
def test_ranks_share_the_batches_of_one_shape_without_a_sample_twice(
    count: int, batch_size: int, seed: int, epochs: int, ranks: int
) -> None:
    source = batches([0] * count, batch_size, seed)
    parts = [source.for_rank(rank, ranks) for rank in range(ranks)]
    for step in range(source.steps(epochs)):
        whole = source.batch(step)
        found = [part.batch(step) for part in parts]
        assert seen(found) == seen([whole])
        assert sum(len(part.indices) for part in found) == source.samples(step) == batch_size


@given(KINDS, SIZES, st.integers(0, 30))
def test_a_batch_has_one_shape_and_holds_what_its_indices_name(
    kinds: list[int], batch_size: int, step: int
) -> None:
    batch = batches(kinds, batch_size).batch(step)
    assert len({kinds[index] for index in batch.indices}) == 1
    assert batch.pixels.shape[1:3] == SHAPES[kinds[batch.indices[0]]]
    np.testing.assert_array_equal(batch.pixels[:, 0, 0, 0], batch.indices)
    np.testing.assert_array_equal(batch.targets, batch.indices % 3)


@given(KINDS, st.integers(2, 40), SEEDS)
def test_a_batch_keeps_the_budget_of_pixels_and_none_is_a_small_rest(
    kinds: list[int], batch_size: int, seed: int
) -> None:
    source = batches(kinds, batch_size, seed)
    areas = [SHAPES[kind][0] * SHAPES[kind][1] for kind in kinds]
    budget = batch_size * sum(areas) / len(areas)
    sizes: dict[int, list[int]] = {}
    for step in range(source.steps(1)):
        batch = source.batch(step)
        sizes.setdefault(kinds[batch.indices[0]], []).append(len(batch.indices))
    for kind, lengths in sizes.items():
        total, area = kinds.count(kind), SHAPES[kind][0] * SHAPES[kind][1]
        most = max(1, int(budget / area + 1e-9))
        assert max(lengths) - min(lengths) <= 1
        assert max(lengths) <= most or len(lengths) == total // 2 or len(lengths) == 1
        assert min(lengths) > 1 or total == 1 or most == 1
        assert len(lengths) == 1 or max(lengths) * (len(lengths) - 1) < total + len(lengths)


@given(KINDS, SIZES, st.lists(st.integers(0, 60), min_size=1, max_size=8))
def test_a_batch_does_not_depend_on_those_before_it(
    kinds: list[int], batch_size: int, history: list[int]
) -> None:
    used = batches(kinds, batch_size)
    for step in history:
        assert equal(used.batch(step), batches(kinds, batch_size).batch(step))


@given(KINDS, SIZES, st.integers(1, 9))
def test_steps_are_the_fewest_that_finish_the_epochs(
    kinds: list[int], batch_size: int, epochs: int
) -> None:
    source = batches(kinds, batch_size)
    steps = source.steps(epochs)
    assert source.epochs_after(steps) == epochs > source.epochs_after(steps - 1)
    assert source.steps_an_epoch * epochs == steps


@given(KINDS, SIZES, SEEDS, st.integers(1, 4))
def test_balanced_batches_have_one_shape_and_each_class_equally_often(
    kinds: list[int], batch_size: int, seed: int, epochs: int
) -> None:
    plain = batches(kinds, batch_size, seed)
    source = Batches(plain.pixels, plain.targets, batch_size, seed, balanced=True)
    steps = source.steps(epochs)
    assert source.epochs_after(steps) == epochs > source.epochs_after(steps - 1)
    found = [source.batch(step) for step in range(steps)]
    assert all(len({kinds[index] for index in batch.indices}) == 1 for batch in found)
    counts = np.bincount(np.concatenate([batch.targets for batch in found]))
    assert counts.sum() == epochs * len(kinds)
    assert counts[counts > 0].max() - counts[counts > 0].min() <= 1
    again = Batches(plain.pixels, plain.targets, batch_size, seed, balanced=True)
    assert equal(again.batch(steps - 1), found[-1])


def test_the_shapes_are_mixed_in_an_order_of_its_own_for_each_seed_and_epoch() -> None:
    kinds = [0] * 40 + [1] * 40

    def order(seed: int, epoch: int) -> list[int]:
        source = batches(kinds, 4, seed)
        first = source.steps(epoch)
        return [kinds[source.batch(first + step).indices[0]] for step in range(source.steps(1))]

    orders = [order(0, 0), order(0, 1), order(1, 0)]
    assert all(sorted(one) == [0] * 10 + [1] * 10 for one in orders)
    assert len({tuple(one) for one in orders}) == 3
    assert all(one != sorted(one) for one in orders)


def test_equal_areas_have_the_batch_size_that_was_asked_for() -> None:
    areas = np.array([49, 49, 49])
    for batch_size in range(1, 200):
        assert (
            Mixture.of(np.array([0, 1, 2, 2]), areas, batch_size).most.tolist() == [batch_size] * 3
        )


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_is_its_batches(workers: int) -> None:
    source = batches([0, 1, 1, 0, 2, 1, 0, 3, 3], 2)
    found = list(source.stream(2, 11, workers))
    assert len(found) == 9
    assert all(equal(batch, source.batch(step)) for step, batch in enumerate(found, 2))


@given(KINDS, st.integers(1, 20))
def test_blocks_hold_every_sample_once_and_one_shape_each(kinds: list[int], size: int) -> None:
    found = pixels(kinds)
    blocks = list(found.blocks(size))
    assert sorted(np.concatenate(blocks).tolist()) == list(range(len(kinds)))
    for block in blocks:
        assert 1 <= len(block) <= size
        np.testing.assert_array_equal(found.take(block)[:, 0, 0, 0], block)
    selected = found.select(np.arange(0, len(kinds), 2))
    np.testing.assert_array_equal(
        np.array(selected.shapes, np.int64)[selected.kinds][:, :2],
        np.array([SHAPES[kind] for kind in kinds[::2]]),
    )


def test_samples_of_two_shapes_are_not_taken_together() -> None:
    with pytest.raises(AssertionError):
        pixels([0, 1]).take(np.array([0, 1]))
