"""How unequal classes are: the figures by their definitions, and the sentence."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.data.imbalance import Imbalance

COUNTS = st.lists(st.integers(1, 10_000), min_size=1, max_size=20).map(tuple)


@given(COUNTS, st.integers(2, 9))
def test_the_figures_are_of_shares_not_of_numbers(counts: tuple[int, ...], times: int) -> None:
    one, other = Imbalance(counts), Imbalance(tuple(times * n for n in counts))
    for name in ("ratio", "effective_classes", "majority"):
        assert getattr(other, name) == pytest.approx(getattr(one, name))


@given(COUNTS)
def test_effective_classes_are_from_one_to_all_and_all_only_where_they_are_even(
    counts: tuple[int, ...],
) -> None:
    found = Imbalance(counts)
    assert 1 - 1e-9 <= found.effective_classes <= len(counts) + 1e-9
    even = Imbalance((7,) * len(counts))
    assert even.effective_classes == pytest.approx(len(counts))
    assert found.ratio >= 1
    assert found.majority >= 1 / len(counts)


@given(st.integers(1, 9), st.integers(1, 1000))
def test_classes_without_pictures_add_nothing_to_the_effective_ones(more: int, n: int) -> None:
    assert Imbalance((n, n, *(0,) * more)).effective_classes == pytest.approx(2.0)


def test_trashnet_is_unbalanced_and_fashion_mnist_is_not() -> None:
    trash = Imbalance((403, 501, 410, 594, 482, 137))
    assert trash.ratio == pytest.approx(594 / 137)
    assert trash.majority == pytest.approx(594 / 2527)
    assert (trash.unbalanced, Imbalance((6000,) * 10).unbalanced) == (True, False)


def test_counts_are_of_labels_or_of_ones() -> None:
    assert Imbalance.of(np.array([0, 2, 2]), 4).counts == (1, 0, 2, 0)
    assert Imbalance.of(np.array([[1, 0], [1, 1]]), 2).counts == (2, 1)


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((6, 6), "all 2 have 6, always one: 50.0%"),
        ((5000, 100), "a 5,000 to b 100 (50.0 : 1), 1.1 effective classes of 2, always a: 98.0%"),
        ((5, 0), "a 5 to b 0 (it has none), 1 effective classes of 2, always a: 100.0%"),
    ],
)
def test_the_sentence_says_all_figures(counts: tuple[int, int], text: str) -> None:
    assert Imbalance(counts).sentence(("a", "b")) == text


def test_the_document_is_strict_json_also_where_a_class_is_empty() -> None:
    found = Imbalance((5, 0))
    assert math.isinf(found.ratio)
    document = json.loads(json.dumps(found.to_json(("a", "b")), allow_nan=False))
    assert (document["ratio"], document["counts"]) == (None, {"a": 5, "b": 0})
    assert document["unbalanced"] is True
