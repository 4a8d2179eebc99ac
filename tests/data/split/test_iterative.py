"""Samples of several classes: each split has its share of each class, rare ones first."""

from __future__ import annotations

import hashlib
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubel.data.split import (
    Samples,
    SplitRule,
    assign,
    expect_classes,
    make_folds,
    stratify_labels,
)
from hubel.errors import DataError

NAMES = "abcdef"
SETS = st.lists(
    st.sets(st.sampled_from(NAMES), max_size=4).map(lambda s: tuple(sorted(s))),
    min_size=12,
    max_size=150,
)
SHARES = [0.7, 0.2, 0.1]


def samples(sets: list[tuple[str, ...]]) -> Samples:
    digests = [hashlib.sha256(f"{n}".encode()).digest() for n in range(len(sets))]
    blank = [None] * len(sets)
    return Samples([", ".join(s) for s in sets], digests, blank[:], blank[:], None, sets)


def independent(sets: list[tuple[str, ...]]) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).random(len(sets))
    return np.arange(len(sets)), order


def reference(sets: list[tuple[str, ...]], rank: np.ndarray) -> list[int]:
    """Sechidis' algorithm, one sample after another, as the paper has it, with our ties."""
    totals = {name: sum(name in s for s in sets) for name in NAMES}
    lacks = {}
    for name, total in totals.items():
        shares = [share * total for share in SHARES[1:]]
        owed = [max(1.0, share) if total >= len(SHARES) else share for share in shares]
        lacks[name] = [total - sum(owed), *owed]
    room = [share * len(sets) for share in SHARES]
    parts, left = [-1] * len(sets), sorted(range(len(sets)), key=lambda place: rank[place])
    while left:
        held = {name: sum(name in sets[p] for p in left) for name in NAMES}
        rare = min((n for n in NAMES if held[n]), key=lambda n: (held[n], n), default=None)
        ties = sorted(
            range(3), key=lambda part: -round(room[part], 9)
        )  # as they are when a class begins
        for place in [p for p in left if rare is None or rare in sets[p]]:
            need = room if rare is None else lacks[rare]
            best = max(ties, key=lambda part: round(need[part], 9))
            parts[place] = best
            for name in sets[place]:
                lacks[name][best] -= 1
            room[best] -= 1
        left = [p for p in left if parts[p] < 0]
    return parts


@settings(max_examples=30)
@given(SETS)
def test_it_is_what_one_sample_after_another_gives(sets: list[tuple[str, ...]]) -> None:
    units, rank = independent(sets)
    assert stratify_labels(sets, SHARES, units, rank).tolist() == reference(sets, rank)


@pytest.mark.parametrize("seed", range(3))
def test_each_class_has_its_share_where_there_are_many(seed: int) -> None:
    draws = np.random.default_rng(seed)
    chances = np.array([0.5, 0.3, 0.1, 0.05, 0.02, 0.01])
    sets = [tuple(np.array(list(NAMES))[draws.random(6) < chances].tolist()) for _ in range(4000)]
    splits, _ = assign(samples(sets), seed, SplitRule())
    for name in NAMES:
        total = sum(name in s for s in sets)
        for split, share in (("test", 0.2), ("val", 0.1)):
            held = sum(name in s and at == split for s, at in zip(sets, splits, strict=True))
            # A draw by chance would miss by about sqrt(total * share * (1 - share)).
            assert abs(held - share * total) <= max(1.5, 0.03 * total), (name, split)


@settings(max_examples=30)
@given(SETS, st.integers(0, 99), st.randoms())
def test_the_order_of_the_input_changes_nothing(
    sets: list[tuple[str, ...]], seed: int, draws: Random
) -> None:
    found = samples(sets)
    order = list(range(len(sets)))
    draws.shuffle(order)
    splits, _ = assign(found, seed, SplitRule())
    again, _ = assign(found.take(np.array(order)), seed, SplitRule())
    assert again == [splits[place] for place in order]


@settings(max_examples=30)
@given(SETS, st.integers(1, 8))
def test_groups_and_clusters_are_not_torn_apart(sets: list[tuple[str, ...]], size: int) -> None:
    groups: list[str | None] = [f"g{n // size}" for n in range(len(sets))]
    found = samples(sets)
    grouped = Samples(found.labels, found.digests, groups, found.splits, None, sets)
    clusters: list[int | None] = [n // size for n in range(len(sets))]
    clustered = Samples(
        found.labels, found.digests, found.groups, found.splits, None, sets, clusters
    )
    for kept in (grouped, clustered):
        splits, _ = assign(kept, 0, SplitRule())
        assert all(len(set(splits[n : n + size])) == 1 for n in range(0, len(sets), size))


def test_folds_of_several_labels_have_each_class() -> None:
    sets = [("a",), ("a", "b"), ("b",), (), ("c",)] * 12
    folds = make_folds(samples(sets), 4, seed=0)
    assert np.bincount(folds).tolist() == [15] * 4
    for name, total in (("a", 24), ("b", 24), ("c", 12)):
        held = np.bincount(folds[[name in s for s in sets]], minlength=4)
        assert held.tolist() == [total // 4] * 4


def test_a_label_that_a_split_lacks_is_named() -> None:
    sets = [("a", "b"), ("a",), ("b",), ("a", "b")] * 10
    found = samples([*sets, ("rare",)])
    splits = [*assign(found, 0, SplitRule())[0][:-1], "train"]
    with pytest.raises(DataError, match=r"x: 'rare' has no pictures in the val split"):
        expect_classes(found, splits, "refuse", "x")
    expect_classes(found, splits, "allow", "x")
    with pytest.raises(DataError, match=r"x: 'rare' has no training pictures"):
        expect_classes(found, [*splits[:-1], "test"], "allow", "x")
