"""Laws of keyed draws."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hubel.data.keyed import generator, permutation, uniform

MASK = (1 << 64) - 1


def splitmix(word: int) -> int:
    """The published algorithm in plain integers: prng.di.unimi.it/splitmix64.c."""
    word = (word + 0x9E3779B97F4A7C15) & MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def test_the_reference_gives_the_published_first_number() -> None:
    assert splitmix(0) == 0xE220A8397B1DCDAF


@given(st.integers(0, MASK), st.text(max_size=9), st.integers(0, 10**9), st.integers(0, 2**62))
def test_a_draw_is_splitmix_chained_over_its_key(
    seed: int, stream: str, epoch: int, sample: int
) -> None:
    state = splitmix(seed ^ (zlib.crc32(stream.encode()) << 32))
    expected = (splitmix(splitmix(epoch ^ state) ^ sample) >> 11) * 2.0**-53
    assert uniform(seed, stream, epoch, np.array([sample]))[0] == expected


SAMPLES = np.arange(20_000, dtype=np.int64)


@given(st.integers(0, 2**63), st.integers(0, 10_000), st.integers(0, 2**40))
def test_a_draw_depends_on_its_key_alone(seed: int, epoch: int, sample: int) -> None:
    around = np.arange(sample, sample + 5, dtype=np.int64)
    together = uniform(seed, "x", epoch, around)
    alone = [uniform(seed, "x", epoch, around[i : i + 1])[0] for i in range(5)]
    assert together.tolist() == alone
    assert ((together >= 0) & (together < 1)).all()


@pytest.mark.parametrize("seed", [0, 1, 2**40])
@pytest.mark.parametrize("epoch", [0, 7])
def test_draws_are_uniform(seed: int, epoch: int) -> None:
    assert stats.kstest(uniform(seed, "flip", epoch, SAMPLES), "uniform").pvalue > 1e-4


@pytest.mark.parametrize(
    "other",
    [(1, "flip", 0), (0, "zoom", 0), (0, "flip", 1)],
    ids=["seed", "stream", "epoch"],
)
def test_keys_that_differ_in_one_part_are_independent(other: tuple[int, str, int]) -> None:
    first = uniform(0, "flip", 0, SAMPLES)
    second = uniform(*other, SAMPLES)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03
    assert not np.intersect1d(first, second).size


def test_epochs_of_a_batch_may_differ() -> None:
    epochs = np.array([3, 4, 3], np.int64)
    samples = np.array([1, 1, 2], np.int64)
    mixed = uniform(5, "x", epochs, samples)
    assert mixed[0] == uniform(5, "x", 3, samples[:1])[0]
    assert mixed[1] == uniform(5, "x", 4, samples[:1])[0]


@given(st.integers(0, 1000), st.integers(0, 50), st.integers(1, 300))
def test_an_order_has_every_sample_once(seed: int, epoch: int, count: int) -> None:
    assert sorted(permutation(seed, epoch, count)) == list(range(count))


def test_orders_of_two_epochs_differ() -> None:
    assert (permutation(0, 0, 1000) != permutation(0, 1, 1000)).mean() > 0.99


def test_generators_of_neighbouring_positions_are_independent() -> None:
    first = [generator(0, "mix", step).random() for step in range(2_000)]
    assert stats.kstest(first, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.08
