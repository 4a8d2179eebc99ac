from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubel.errors import DataError
from hubel.evaluation import learning_curve
from hubel.evaluation.learning_curve import Point, PowerLaw, fit_power_law, nested_subsets

SIZES = np.array([100, 200, 400, 800, 1600])
LAWS = [
    PowerLaw(0.05, 2.0, 0.5),
    PowerLaw(0.1, 1.0, 0.3),
    PowerLaw(0.0, 0.8, 0.2),
    PowerLaw(0.15, 6.0, 0.8),
    PowerLaw(0.25, 0.0, 1.0),
]


def exact(law: PowerLaw, total: int = 1_000_000, sizes=SIZES) -> list[Point]:
    """Points on the law, but for the rounding of a count."""
    wrong = np.round(total * law.error(sizes)).astype(int)
    return [Point(int(n), total - int(w), total) for n, w in zip(sizes, wrong, strict=True)]


labelled = st.lists(st.integers(0, 3), min_size=4, max_size=60)


@given(labelled, st.integers(0, 9), st.data())
def test_subsets_are_nested_and_every_class_has_its_share(labels, seed: int, data) -> None:
    n = len(labels)
    sizes = sorted(data.draw(st.sets(st.integers(1, n), min_size=1, max_size=5)))
    subsets = nested_subsets(labels, sizes, seed)
    inside: set[int] = set()
    for size, subset in zip(sizes, subsets, strict=True):
        assert len(set(subset.tolist())) == size
        assert inside <= set(subset.tolist())
        inside = set(subset.tolist())
        for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
            taken = int((np.asarray(labels)[subset] == label).sum())
            assert abs(taken - size * count / n) < 4  # half a sample a class can pile up


def test_a_size_more_changes_no_other_subset() -> None:
    labels = np.arange(90) % 3
    alone, among = nested_subsets(labels, [30], 1), nested_subsets(labels, [10, 30, 60], 1)
    assert alone[0].tolist() == among[1].tolist()
    assert nested_subsets(labels, [30], 2)[0].tolist() != alone[0].tolist()


@pytest.mark.parametrize("sizes", [[0, 2], [3, 2], [2, 2], [7]])
def test_bad_sizes_are_named(sizes: list[int]) -> None:
    with pytest.raises(DataError, match="sizes rise and lie within 1 to 6 samples"):
        nested_subsets([0] * 6, sizes, 0)


@pytest.mark.parametrize("law", LAWS[:4])
def test_the_law_behind_exact_points_is_found(law: PowerLaw) -> None:
    found = fit_power_law(exact(law))
    assert found.law.error(3200) == pytest.approx(law.error(3200), abs=5e-4)
    gain = float(law.error(1600) - law.error(3200))
    assert found.gain().value == pytest.approx(gain, abs=5e-4)
    assert found.gain().low <= gain + 5e-4


@given(st.lists(st.integers(0, 100), min_size=4, max_size=6), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_gain_is_within_its_interval_and_never_negative(counts: list[int], seed: int) -> None:
    points = [Point(100 * 2**place, right, 100) for place, right in enumerate(counts)]
    gain = fit_power_law(points, seed).gain()
    assert 0 <= gain.low <= gain.value <= gain.high <= 1


def test_a_clear_curve_is_said_in_one_sentence() -> None:
    curve = fit_power_law(exact(LAWS[0], total=20_000))
    assert curve.determined
    assert curve.sentence.startswith("Twice the 1,600 pictures would buy about 1.5 points (95% ")
    assert json.loads(json.dumps(curve.to_json()))["determined"]


@pytest.mark.parametrize(
    ("points", "match"),
    [
        (exact(LAWS[4], total=500), "would buy anything, these data can't tell: 0.0 points"),
        (exact(LAWS[0], sizes=SIZES[:3]), "takes 4 sizes of training set, and there are 3"),
        (exact(LAWS[0], sizes=np.array([100, 120, 150, 200])), "less than 4 times apart"),
        ([Point(100 * 4**i, r, 1000) for i, r in enumerate((500, 900, 500, 900))], "usual law"),
    ],
)
def test_what_these_data_can_not_tell_is_said(points: list[Point], match: str) -> None:
    sentence = fit_power_law(points).sentence
    assert "these data can't tell" in sentence
    assert match in sentence


@pytest.mark.parametrize(
    ("points", "match"),
    [
        ([Point(5, 1, 2)], "two sizes of training set or more"),
        ([Point(5, 1, 2), Point(5, 1, 2)], "each once"),
        ([Point(5, 3, 2), Point(9, 1, 2)], "at 5 training samples, 3 right of 2 is no count"),
    ],
)
def test_bad_points_are_named(points: list[Point], match: str) -> None:
    with pytest.raises(DataError, match=match):
        fit_power_law(points)


def test_a_curve_looks_ahead() -> None:
    with pytest.raises(DataError, match="times is above 1; got 1"):
        fit_power_law(exact(LAWS[0])).gain(1)


def simulated(law: PowerLaw, shared: bool, sets: int) -> tuple[float, float]:
    """Share of curves whose interval of the gain holds the truth; of those that promise a gain."""
    rng, held, told = np.random.default_rng(1), 0, 0
    errors = law.error(SIZES)
    truth = float(law.error(1600) - law.error(3200))
    for seed in range(sets):
        luck = rng.random(500)
        wrong = (luck[:, None] < errors).sum(axis=0) if shared else rng.binomial(500, errors)
        points = [Point(int(n), 500 - int(w), 500) for n, w in zip(SIZES, wrong, strict=True)]
        curve = fit_power_law(points, seed)
        gain = curve.gain()
        held += gain.low <= truth <= gain.high
        told += curve.determined and gain.low >= learning_curve.SMALLEST_GAIN
    return held / sets, told / sets


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True], ids=["own test sets", "one test set"])
@pytest.mark.parametrize("law", LAWS, ids=str)
def test_the_gain_of_twice_the_pictures_is_inside(
    law: PowerLaw, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 curves of 5 sizes, 500 test samples; 500 draws for each. One standard error is 0.013."""
    monkeypatch.setattr(learning_curve, "NUM_DRAWS", 500)
    held, told = simulated(law, shared, 300)
    print(f"| {law.floor} + {law.scale} / n^{law.exponent} | {shared} | {held:.3f} | {told:.3f} |")
    assert held >= 0.88
    if law.scale == 0:
        assert told <= 0.05
