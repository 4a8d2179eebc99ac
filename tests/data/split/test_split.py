"""Splits are drawn by class, content and seed; what must stay together or apart does."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.data.split import Samples, SplitRule, assign, contradictions, leaks, settle_given
from hubel.errors import DataError


def digest(content: object) -> bytes:
    return hashlib.sha256(str(content).encode()).digest()


def samples(counts: dict[str, int], first: int = 0) -> Samples:
    """So many different pictures of each class, without groups or given splits."""
    labels = [label for label, count in counts.items() for _ in range(count)]
    contents = [f"{label} {n}" for label, c in counts.items() for n in range(first, first + c)]
    blank = [None] * len(labels)
    return Samples(labels, [digest(content) for content in contents], blank[:], blank[:])


def reordered(found: Samples, order: list[int]) -> Samples:
    return found.take(np.array(order, np.int64))


def count(found: Samples, splits: list[str], label: str) -> Counter[str]:
    pairs = zip(found.labels, splits, strict=True)
    return Counter(split for name, split in pairs if name == label)


COUNTS = st.dictionaries(st.sampled_from("abcd"), st.integers(3, 200), min_size=1)
SEEDS = st.integers(0, 2**63)
SHARES = st.builds(SplitRule, test=st.floats(0.05, 0.4), val=st.floats(0.05, 0.3))


@given(COUNTS, SEEDS, SHARES)
def test_each_class_has_its_share_in_each_split(
    counts: dict[str, int], seed: int, shares: SplitRule
) -> None:
    found = samples(counts)
    splits, notes = assign(found, seed, shares)
    for label, total in counts.items():
        drawn = count(found, splits, label)
        for split, share in (("test", shares.test), ("val", shares.val)):
            assert abs(drawn[split] - share * total) <= 0.5 or drawn[split] == 1
        assert drawn["train"] == total - drawn["test"] - drawn["val"] >= 1
    assert f"with seed {seed}" in notes[0]


def test_validation_has_a_limit_unless_the_user_sets_its_share() -> None:
    found = samples({"a": 20_000, "b": 20_000})
    assert Counter(assign(found, 0, SplitRule())[0])["val"] == 2_000
    assert Counter(assign(found, 0, SplitRule(val=0.1))[0])["val"] == 4_000


@given(COUNTS, SEEDS, st.randoms())
def test_the_order_of_the_input_changes_nothing(
    counts: dict[str, int], seed: int, draws: Random
) -> None:
    found = samples(counts)
    order = list(range(len(found.labels)))
    draws.shuffle(order)
    splits, _ = assign(found, seed, SplitRule())
    assert assign(reordered(found, order), seed, SplitRule())[0] == [
        splits[place] for place in order
    ]


@pytest.mark.parametrize("seed", range(5))
def test_adding_pictures_leaves_most_of_the_others_where_they_were(seed: int) -> None:
    few, many = samples({"a": 500, "b": 500}), samples({"a": 550, "b": 550})
    before = dict(zip(few.digests, assign(few, seed, SplitRule())[0], strict=True))
    after = dict(zip(many.digests, assign(many, seed, SplitRule())[0], strict=True))
    moved = sum(before[name] != after[name] for name in before)
    # A redraw would move about 46 %: 1 - (0.7 ** 2 + 0.2 ** 2 + 0.1 ** 2).
    assert moved < 0.06 * len(before)


def test_another_class_changes_nothing_of_the_first() -> None:
    alone, both = samples({"a": 100}), samples({"a": 100, "b": 30})
    assert assign(both, 3, SplitRule())[0][:100] == assign(alone, 3, SplitRule())[0]


def test_another_seed_draws_others() -> None:
    found = samples({"a": 1000})
    first, second = (np.array(assign(found, seed, SplitRule())[0]) for seed in (0, 1))
    # Independent draws agree in 0.7 ** 2 + 0.2 ** 2 + 0.1 ** 2 = 54 %.
    assert 0.44 < (first == second).mean() < 0.64


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), max_size=80), SEEDS)
def test_the_same_content_never_straddles(pictures: list[tuple[str, int]], seed: int) -> None:
    base = samples({"a": 4, "b": 4}, first=100)
    extra = [(label, digest((label, number))) for label, number in pictures]
    labels, digests = base.labels + [e[0] for e in extra], base.digests + [e[1] for e in extra]
    found = Samples(labels, digests, [None] * len(labels), [None] * len(labels))
    where: dict[bytes, set[str]] = {}
    for name, split in zip(digests, assign(found, seed, SplitRule())[0], strict=True):
        where.setdefault(name, set()).add(split)
    assert all(len(splits) == 1 for splits in where.values())


GROUPED = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, 25),
        st.one_of(st.none(), st.integers(0, 15).map(lambda n: f"p{n}")),
    ),
    max_size=80,
)


@given(GROUPED, SEEDS, st.randoms())
def test_neither_groups_nor_pictures_in_two_groups_straddle(
    pictures: list[tuple[str, int, str | None]], seed: int, draws: Random
) -> None:
    fixed = [(label, f"{label} {n}", f"{label} {n % 8}") for label in "ab" for n in range(24)]
    rows = fixed + [(label, f"x{number}", group) for label, number, group in pictures]
    found = Samples(
        [label for label, _, _ in rows],
        [digest(content) for _, content, _ in rows],
        [group for _, _, group in rows],
        [None] * len(rows),
    )
    splits, _ = assign(found, seed, SplitRule())
    for keys in (found.digests, found.groups):
        where: dict[object, set[str]] = {}
        for key, split in zip(keys, splits, strict=True):
            if key is not None:
                where.setdefault(key, set()).add(split)
        assert all(len(held) == 1 for held in where.values())
    order = list(range(len(rows)))
    draws.shuffle(order)
    again, _ = assign(reordered(found, order), seed, SplitRule())
    assert again == [splits[place] for place in order]


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_held_out_in_about_their_share(seed: int) -> None:
    found = samples({"a": 400, "b": 200})
    found = replace(found, groups=[f"{n // 5}" for n in range(600)])
    splits, _ = assign(found, seed, SplitRule())
    for label, total in (("a", 400), ("b", 200)):
        drawn = count(found, splits, label)
        assert abs(drawn["test"] - 0.2 * total) <= 5
        assert abs(drawn["val"] - 0.1 * total) <= 5


@pytest.mark.parametrize(("number", "s"), [(1, ""), (2, "s")])
def test_a_class_too_small_to_split_is_refused(number: int, s: str) -> None:
    message = (
        f"class 'b' has {number} different picture{s}; at least 3 are needed, one each for train, "
        "test and val: add pictures, take the class out, or say --set missing_classes=allow"
    )
    with pytest.raises(DataError, match=message):
        assign(samples({"a": 10, "b": number}), 0, SplitRule())


def test_copies_do_not_make_a_class_larger() -> None:
    found = samples({"a": 10, "b": 9})
    found = replace(found, digests=found.digests[:10] + [digest("one")] * 9)
    with pytest.raises(DataError, match="class 'b' has 1 different picture; at least 3"):
        assign(found, 0, SplitRule())


def test_a_class_in_too_few_groups_is_refused() -> None:
    found = samples({"a": 9, "b": 9})
    groups = [f"{n}" for n in range(9)] + ["g1", "g2"] * 4 + ["g1"]
    with pytest.raises(DataError, match="class 'b' has 2 groups; at least 3 are needed"):
        assign(replace(found, groups=groups), 0, SplitRule())


def test_groups_of_other_classes_that_pull_a_class_away_are_refused() -> None:
    # Two large groups of a fill test and validation; b stands only beside more of a.
    found = samples({"a": 590, "b": 3})
    beside = ["x", "y", "z"]
    groups = ["big"] * 300 + ["large"] * 200 + beside * 30 + beside
    with pytest.raises(DataError, match="class 'b' has too few groups to be in test and val"):
        assign(replace(found, groups=groups), 0, SplitRule())


@given(st.lists(st.sampled_from(["train", "val", "test"]), min_size=5, max_size=60), SEEDS)
def test_splits_that_are_all_given_are_kept(given: list[str], seed: int) -> None:
    splits = ["train", "val", "test", *given]
    found = samples({"a": len(splits)})
    assert assign(replace(found, splits=splits), seed, SplitRule()) == (splits, [])


@pytest.mark.parametrize(
    ("given", "drawn"),
    [({"train"}, {"val", "test"}), ({"test"}, {"val"}), ({"train", "test"}, {"val"}),
     ({"train", "val"}, {"test"})],
)  # fmt: skip
def test_what_is_not_given_is_drawn_from_the_rest(given: set[str], drawn: set[str]) -> None:
    names = [*sorted(given), "train" if "train" in given else None]
    splits = (names * 60)[:60]
    found = replace(samples({"a": 60}), splits=splits)
    assigned, notes = assign(found, 0, SplitRule())
    assert all(a == b for a, b in zip(assigned, splits, strict=True) if b in ("val", "test"))
    assert set(assigned) == given | drawn | {"train"}
    assert all(f"for {split}" in notes[0] for split in drawn)


def test_a_given_validation_becomes_the_test_where_there_is_none() -> None:
    settled, (note,) = settle_given(["train", "val", None])
    assert settled == ["train", "test", None]
    assert "scored once as the test" in note


@pytest.mark.parametrize("splits", [["train", "val", "test"], ["train", "test"], [None], ["train"]])
def test_other_given_splits_stay_as_they_are(splits: list[str | None]) -> None:
    assert settle_given(splits) == (splits, [])


def test_the_same_picture_in_two_classes_is_named_in_both() -> None:
    found = samples({"a": 2, "b": 2, "c": 2})
    same = [digest("x"), found.digests[1], digest("x"), *found.digests[3:]]
    assert contradictions(replace(found, digests=same)) == {0: "b", 2: "a"}


def test_copies_within_a_class_are_no_contradiction() -> None:
    assert contradictions(replace(samples({"a": 3}), digests=[digest("x")] * 3)) == {}


@pytest.mark.parametrize(
    ("splits", "out"),
    [
        (["train", "test"], {0: "test"}),
        (["train", "val"], {0: "val"}),
        (["val", "test"], {0: "test"}),
        (["train", "val", "test"], {0: "test", 1: "test"}),
        ([None, "test"], {0: "test"}),
        (["train", "train"], {}),
        (["test", "test"], {}),
        ([None, "train"], {}),
    ],
)
@pytest.mark.parametrize("what", ["picture", "group"])
def test_the_most_sacred_split_keeps_its_copy(
    splits: list[str | None], out: dict[int, str], what: str
) -> None:
    found = replace(samples({"a": len(splits)}), splits=splits)
    if what == "picture":
        found = replace(found, digests=[digest("x")] * len(splits))
    else:
        found = replace(found, groups=["p"] * len(splits))
    assert leaks(found) == {place: (what, split) for place, split in out.items()}


def test_pictures_without_a_group_leak_nothing() -> None:
    assert leaks(replace(samples({"a": 2}), splits=["train", "test"])) == {}
