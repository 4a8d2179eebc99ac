"""Folds are stratified, keyed by content, and never cut what belongs together."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubel.data.split import Samples, make_folds
from hubel.errors import DataError, RecipeError


def samples(labels: list[str], groups: list[str | None] | None = None) -> Samples:
    digests = [hashlib.sha256(str(place).encode()).digest() for place in range(len(labels))]
    return Samples(labels, digests, groups or [None] * len(labels), [None] * len(labels))


many = st.lists(st.integers(5, 40), min_size=1, max_size=6)


@given(many, st.integers(2, 5), st.integers(0, 100))
def test_every_class_and_the_whole_are_spread_to_within_one(
    sizes: list[int], count: int, seed: int
) -> None:
    labels = [str(name) for name, size in enumerate(sizes) for _ in range(size)]
    folds = make_folds(samples(labels), count, seed)
    for name in set(labels):
        held = np.bincount(folds[np.array(labels) == name], minlength=count)
        assert held.max() - held.min() <= 1
    held = np.bincount(folds, minlength=count)
    assert held.max() - held.min() <= 1


@given(st.integers(2, 5), st.integers(0, 100), st.randoms())
def test_the_order_of_the_pictures_changes_nothing(count: int, seed: int, random: object) -> None:
    labels = ["a"] * 20 + ["b"] * 9
    one = samples(labels)
    order = np.random.default_rng(seed).permutation(len(labels))
    other = Samples(*([column[place] for place in order] for column in
                      (one.labels, one.digests, one.groups, one.splits)))  # fmt: skip
    assert (make_folds(one, count, seed)[order] == make_folds(other, count, seed)).all()


@given(st.integers(2, 4), st.integers(0, 50))
def test_a_group_is_in_one_fold_and_every_class_in_each(count: int, seed: int) -> None:
    groups = [f"g{place // 3}" for place in range(72)]
    labels = ["a" if place < 48 else "b" for place in range(72)]
    folds = make_folds(samples(labels, list(groups)), count, seed)
    pairs = {(group, int(fold)) for group, fold in zip(groups, folds, strict=True)}
    assert len(pairs) == 24
    for name in ("a", "b"):
        assert set(folds[np.array(labels) == name]) == set(range(count))


def test_equal_pictures_are_in_one_fold() -> None:
    one = samples(["a"] * 12)
    twice = Samples(one.labels * 2, one.digests * 2, one.groups * 2, one.splits * 2)
    folds = make_folds(twice, 4, 0)
    assert (folds[:12] == folds[12:]).all()


def test_another_seed_draws_others() -> None:
    one = samples(["a"] * 40)
    assert (make_folds(one, 5, 0) != make_folds(one, 5, 1)).any()


def test_a_class_with_too_few_is_named_with_the_way_out() -> None:
    with pytest.raises(DataError, match=r"class 'b' has 3 different pictures .* the 5 folds: give "
                       r"--folds 3, add pictures, or take the class out"):  # fmt: skip
        make_folds(samples(["a"] * 9 + ["b"] * 3), 5, 0)
    with pytest.raises(DataError, match="class 'a' has 2 groups to learn from"):
        make_folds(samples(["a"] * 9, ["x"] * 5 + ["y"] * 4), 3, 0)
    with pytest.raises(RecipeError, match="folds: expected at least 2, got 1"):
        make_folds(samples(["a"] * 9), 1, 0)


def test_groups_that_hold_a_class_together_are_refused() -> None:
    labels = ["a", "b"] * 2 + ["a"] * 4 + ["b"]
    groups: list[str | None] = ["x", "x", "x", "x", "y", "y", "z", "z", "x"]
    with pytest.raises(DataError, match="class 'b' has 1 group"):
        make_folds(samples(labels, groups), 2, 0)


def possible(labels: list[str], groups: list[str], count: int) -> bool:
    """Whether any of all ways to deal the groups puts each class into each fold."""
    names = sorted(set(groups))
    return any(
        len({(label, fold[group]) for label, group in zip(labels, groups, strict=True)})
        == count * len(set(labels))
        for ways in itertools.product(range(count), repeat=len(names))
        for fold in [dict(zip(names, ways, strict=True))]
    )


pictures = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), min_size=4, max_size=14)


@given(pictures, st.integers(2, 3), st.integers(0, 9))
@example(list(zip("abaaaaaabab", (0, 0, 2, 3, 2, 2, 2, 3, 0, 1, 3), strict=True)), 2, 0)
def test_groups_are_refused_only_where_no_way_is(
    found: list[tuple[str, int]], count: int, seed: int
) -> None:
    labels, groups = [label for label, _ in found], [f"g{number}" for _, number in found]
    one = samples(labels, list(groups))
    if not possible(labels, groups, count):
        with pytest.raises(DataError, match=r"class '.'"):
            make_folds(one, count, seed)
        return
    folds = make_folds(one, count, seed).tolist()
    assert len(set(zip(groups, folds, strict=True))) == len(set(groups))
    assert len(set(zip(labels, folds, strict=True))) == count * len(set(labels))


def test_classes_that_need_the_same_groups_are_refused() -> None:
    labels, groups = list("abbcca"), list("xxyyzz")
    with pytest.raises(DataError, match=r"can't be in each of 2 folds beside the other classes: "
                       r"its 2 pictures are in groups that are needed elsewhere"):  # fmt: skip
        make_folds(samples(labels, list(groups)), 2, 0)
