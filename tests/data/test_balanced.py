"""Laws of the class-balanced order: classes equally often, samples of a class too, all by key."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.data.balanced import balanced_epoch
from hubel.data.batches import Batches
from hubel.data.pixels import Pixels

TARGETS = st.lists(st.sampled_from([0, 1, 2, 5]), min_size=1, max_size=60).map(
    lambda labels: np.array(labels, np.int64)
)
SEEDS = st.integers(0, 2**62)


@given(TARGETS, SEEDS, st.integers(1, 5))
def test_after_any_epoch_classes_and_their_samples_came_equally_often(
    targets: np.ndarray, seed: int, epochs: int
) -> None:
    parts = [balanced_epoch(seed, epoch, targets)[0] for epoch in range(epochs)]
    assert all(len(part) == len(targets) for part in parts)
    seen = np.concatenate(parts)
    classes = [np.count_nonzero(targets[seen] == label) for label in np.unique(targets)]
    assert max(classes) - min(classes) <= 1
    for label in np.unique(targets):
        times = np.bincount(seen, minlength=len(targets))[targets == label]
        assert times.max() - times.min() <= 1


@given(TARGETS, SEEDS, st.integers(1, 5))
def test_no_use_of_a_sample_has_the_key_of_another(
    targets: np.ndarray, seed: int, epochs: int
) -> None:
    pairs: Counter[tuple[int, int]] = Counter()
    for epoch in range(epochs):
        indices, laps = balanced_epoch(seed, epoch, targets)
        pairs.update(zip(indices.tolist(), laps.tolist(), strict=True))
    assert set(pairs.values()) == {1}
    used = Counter(index for index, _ in pairs)
    assert all((index, lap) in pairs for index, n in used.items() for lap in range(n))


@given(TARGETS, SEEDS, st.integers(0, 1000))
def test_an_epoch_is_a_function_of_its_key(targets: np.ndarray, seed: int, epoch: int) -> None:
    one, other = balanced_epoch(seed, epoch, targets), balanced_epoch(seed, epoch, targets)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_with_even_classes_each_sample_comes_once_an_epoch() -> None:
    targets = np.arange(60, dtype=np.int64) % 3
    for epoch in range(3):
        indices, laps = balanced_epoch(0, epoch, targets)
        assert np.array_equal(np.sort(indices), np.arange(60))
        assert set(laps.tolist()) == {epoch}


def test_orders_differ_by_seed_and_epoch() -> None:
    targets = np.arange(60, dtype=np.int64) % 3
    orders = {balanced_epoch(s, e, targets)[0].tobytes() for s in range(3) for e in range(3)}
    assert len(orders) == 9


def balanced(count: int = 40, size: int = 7) -> Batches:
    pixels = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    places = np.stack([np.zeros(count, np.int64), np.arange(count, dtype=np.int64)], 1)
    targets = (np.arange(count) % 10 == 0).astype(np.int64)
    return Batches(Pixels((pixels,), places), targets, size, 3, balanced=True)


def test_balanced_batches_are_even_over_an_epoch_and_hold_what_they_name() -> None:
    source = balanced()
    found = [source.batch(step) for step in range(source.steps(3))]
    targets = np.concatenate([batch.targets for batch in found])[:120]
    assert np.bincount(targets).tolist() == [60, 60]
    for batch in found:
        np.testing.assert_array_equal(batch.pixels[:, 0, 0, 0], batch.indices)


@pytest.mark.parametrize("workers", [0, 1])
def test_the_stream_of_balanced_batches_is_that_of_single_ones(workers: int) -> None:
    streamed = list(balanced().stream(2, 9, workers))
    alone = [balanced().batch(step) for step in range(2, 9)]
    for one, other in zip(streamed, alone, strict=True):
        assert np.array_equal(one.indices, other.indices)
        assert np.array_equal(one.epochs, other.epochs)
