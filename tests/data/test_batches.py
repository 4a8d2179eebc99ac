"""Batches are one endless stream over the epochs; who makes them, and when, changes nothing."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.data.batches import Batch, Batches
from hubel.data.pixels import Pixels


def batches(count: int, batch_size: int, seed: int = 0) -> Batches:
    """Pixels that hold their sample's number; two segments, so that places matter."""
    half = (count + 1) // 2
    numbers = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    places = [(int(n >= half), n % half) for n in range(count)]
    pixels = Pixels((numbers[:half], numbers[half:]), np.array(places, np.int64))
    return Batches(pixels, np.arange(count, dtype=np.int64) % 3, batch_size, seed)


def equal(one: Batch, other: Batch) -> bool:
    pairs = [(getattr(one, name), getattr(other, name)) for name in Batch.__slots__]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


COUNTS = st.integers(1, 60)
SIZES = st.integers(1, 150)
SEEDS = st.integers(0, 2**63)


@given(COUNTS, SIZES, SEEDS, st.integers(1, 4))
def test_each_epoch_has_each_sample_exactly_once(
    count: int, batch_size: int, seed: int, epochs: int
) -> None:
    source = batches(count, batch_size, seed)
    steps = [source.batch(step) for step in range(source.steps(epochs))]
    assert all(len(batch.indices) == batch_size for batch in steps)
    seen = Counter(
        (int(epoch), int(index))
        for batch in steps
        for epoch, index in zip(batch.epochs, batch.indices, strict=True)
    )
    assert all(seen[epoch, index] == 1 for epoch in range(epochs) for index in range(count))
    order = np.concatenate([batch.epochs for batch in steps])
    assert (np.diff(order) >= 0).all()


@given(COUNTS, SIZES, st.integers(0, 30))
def test_a_batch_holds_what_its_indices_name(count: int, batch_size: int, step: int) -> None:
    batch = batches(count, batch_size).batch(step)
    np.testing.assert_array_equal(batch.pixels[:, 0, 0, 0], batch.indices)
    np.testing.assert_array_equal(batch.targets, batch.indices % 3)


@given(COUNTS, SIZES, st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_a_batch_does_not_depend_on_those_before_it(
    count: int, batch_size: int, history: list[int]
) -> None:
    used = batches(count, batch_size)
    for step in history:
        assert equal(used.batch(step), batches(count, batch_size).batch(step))


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize(("first", "last"), [(0, 9), (4, 9), (3, 4), (5, 5)])
def test_a_stream_is_its_batches_for_any_number_of_workers(
    workers: int, first: int, last: int
) -> None:
    source = batches(10, 7)
    found = list(source.stream(first, last, workers))
    assert len(found) == last - first
    for step, batch in zip(range(first, last), found, strict=True):
        assert equal(batch, batches(10, 7).batch(step))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_may_be_left_early(workers: int) -> None:
    stream = batches(10, 4).stream(0, 1000, workers)
    assert len(list(islice(stream, 3))) == 3
    stream.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("workers", [0, 2])
def test_what_goes_wrong_in_a_worker_is_raised(workers: int) -> None:
    source = batches(10, 4)
    broken = Batches(source.pixels.select(np.arange(5)), source.targets, 4, 0)
    with pytest.raises(IndexError):
        list(broken.stream(0, 9, workers))


def test_another_seed_has_another_order() -> None:
    orders = [batches(50, 50, seed).batch(0).indices.tolist() for seed in (0, 1)]
    assert orders[0] != orders[1]


def test_another_epoch_has_another_order() -> None:
    source = batches(50, 50)
    assert source.batch(0).indices.tolist() != source.batch(1).indices.tolist()


@given(COUNTS, SIZES, st.integers(1, 20))
def test_steps_are_the_fewest_that_finish_the_epochs(
    count: int, batch_size: int, epochs: int
) -> None:
    source = batches(count, batch_size)
    steps = source.steps(epochs)
    assert source.epochs_after(steps) >= epochs > source.epochs_after(steps - 1)
    assert source.count == count
