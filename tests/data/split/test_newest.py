"""By time: what is held out is newer than what is learned from."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubel.data.split import Samples, SplitRule, assign
from hubel.errors import DataError, RecipeError

RULE = SplitRule(kind="time")


def samples(times: list[float | None]) -> Samples:
    digests = [hashlib.sha256(f"{n}".encode()).digest() for n in range(len(times))]
    blank = [None] * len(times)
    return Samples(["a"] * len(times), digests, blank[:], blank[:], times)


@settings(max_examples=30)
@given(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=90, unique=True))
def test_test_is_newer_than_validation_and_that_than_training(times: list[float]) -> None:
    splits, notes = assign(samples(list(times)), 0, RULE)
    held = {split: [t for t, s in zip(times, splits, strict=True) if s == split]
            for split in ("train", "val", "test")}  # fmt: skip
    assert max(held["train"]) < min(held["val"]) <= max(held["val"]) < min(held["test"])
    assert abs(len(held["test"]) - 0.2 * len(times)) <= 1
    assert notes == ["20% for test and 10% for val held out by time, the newest first"]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 9), min_size=10, max_size=90))
def test_samples_of_one_time_are_not_torn_apart(times: list[int]) -> None:
    times += [100, 101, 102]
    splits, _ = assign(samples([float(time) for time in times]), 0, RULE)
    for time in set(times):
        assert len({s for t, s in zip(times, splits, strict=True) if t == time}) == 1


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), min_size=30, max_size=90))
def test_nothing_is_learned_from_what_came_after_a_group_that_is_held_out(
    rows: list[tuple[int, int]],
) -> None:
    rows += [(-3, 97), (-2, 98), (-1, 99)]
    found = replace(samples([float(t) for t, _ in rows]), groups=[f"g{g}" for _, g in rows])
    splits, _ = assign(found, 0, RULE)
    newest = {g: max(t for t, h in rows if h == g) for _, g in rows}
    ends = {split: [newest[g] for (_, g), s in zip(rows, splits, strict=True) if s == split]
            for split in ("train", "val", "test")}  # fmt: skip
    assert max(ends["train"]) < min(ends["val"]) <= max(ends["val"]) < min(ends["test"])
    for _, group in rows:
        assert len({s for (_, g), s in zip(rows, splits, strict=True) if g == group}) == 1


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([None] * 9, r"split=time: no sample has a time; give a table with a column `time`"),
        ([1.0, 2.0, None, float("nan"), 5.0], r"2 of 5 samples have no time; fill the column"),
        ([1.0, 2.0] * 9, r"expected at least 3 different times, one each for train, test and val"),
    ],
)
def test_what_can_not_be_ordered_is_refused(times: list[float | None], message: str) -> None:
    with pytest.raises(DataError, match=message):
        assign(samples(times), 0, RULE)


def test_where_the_test_is_given_the_newest_of_the_rest_validate() -> None:
    found = samples([float(n) for n in range(20)])
    found = replace(found, splits=["test"] * 5 + [None] * 15)
    splits, _ = assign(found, 0, RULE)
    assert splits[:5] == ["test"] * 5
    assert splits[-2:] == ["val"] * 2
    assert set(splits[5:-2]) == {"train"}


@pytest.mark.parametrize(
    ("asked", "given", "message"),
    [
        ("test_share", ["train", "test"], "test_share has no effect: the test split is given"),
        ("val_share", ["val", "test"], "val_share has no effect: the val split is given"),
        ("split", ["train", "val", "test"], "split=time has no effect: all splits are given"),
    ],
)
def test_a_setting_without_effect_is_refused(asked: str, given: list[str], message: str) -> None:
    splits: list[str | None] = [given[n % len(given)] for n in range(30)]
    found = replace(samples([float(n) for n in range(30)]), splits=splits)
    with pytest.raises(RecipeError, match=message):
        assign(found, 0, replace(RULE, asked=frozenset([asked])))


def test_shares_that_leave_nothing_are_refused() -> None:
    message = r"expected less than 1 together, got 0\.6 \+ 0\.4"
    with pytest.raises(RecipeError, match=message):
        SplitRule(test=0.6, val=0.4)


@settings(max_examples=30)
@given(st.integers(1, 40), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_there_is_always_something_to_learn_from(count: int, test: float, val: float) -> None:
    if test + val >= 1:
        return
    digests = [hashlib.sha256(f"{n}".encode()).digest() for n in range(count)]
    found = Samples(["a"] * count, digests, [None] * count, [None] * count)
    splits, _ = assign(found, 0, SplitRule(test=test, val=val, missing="allow"))
    assert "train" in splits
    assert count < 3 or set(splits) == {"train", "val", "test"}


def test_groups_of_a_class_too_small_to_split_are_for_training_where_that_is_allowed() -> None:
    rows = [("a", f"g{n // 4}") for n in range(80)] + [("b", "lone")] * 6
    digests = [hashlib.sha256(f"{n}".encode()).digest() for n in range(len(rows))]
    found = Samples([a for a, _ in rows], digests, [g for _, g in rows], [None] * len(rows))
    with pytest.raises(DataError, match="class 'b' has 1 group; at least 3 are needed"):
        assign(found, 0, SplitRule())
    splits, _ = assign(found, 0, SplitRule(missing="allow"))
    assert set(splits[80:]) == {"train"}
    assert np.unique(splits[:80]).tolist() == ["test", "train", "val"]
