from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubel.errors import DataError
from hubel.evaluation.comparison import compare_all
from hubel.evaluation.intervals import wilson
from hubel.evaluation.verdict import LadderVerdict, Rung, judge, within_one_error

N = 400
COSTS = {"guess": 0, "linear": 3_000, "hog": 50_000, "network": 2_000_000}


def ladder(right: dict[str, int], *, seed: int = 0, ship: str | None = None) -> LadderVerdict:
    """Rungs that are right on random samples of 400, so many each."""
    rng = np.random.default_rng(seed)
    flags = {name: rng.permutation(N) < count for name, count in right.items()}
    rungs = [
        Rung(name, wilson(right[name], N), COSTS[name] // 2, COSTS[name], COSTS[name] / 1e4)
        for name in right
    ]
    return judge(rungs, compare_all(flags), ship)


@given(st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=1, max_size=5))
def test_what_is_chosen_is_near_the_best_and_nothing_cheaper_is(rows: list[list[bool]]) -> None:
    """Held against the paired variance written out: (b + c - (b - c)^2 / n) / n^2."""
    right = {str(place): row for place, row in enumerate(rows)}
    best = max(rows, key=sum)

    def near(row: list[bool]) -> bool:
        only_best = sum(b and not a for a, b in zip(row, best, strict=True))
        only_row = sum(a and not b for a, b in zip(row, best, strict=True))
        gap, n = only_best - only_row, len(row)
        return gap * abs(gap) * n <= n * (only_best + only_row) - gap**2

    taken = within_one_error(right)
    assert near(right[taken])
    assert not any(near(right[str(place)]) for place in range(int(taken)))


@pytest.mark.parametrize("wrong", range(1, 7))
def test_of_few_samples_the_one_that_is_always_right_is_taken(wrong: int) -> None:
    right = {"cheap": [0] * wrong + [1] * (6 - wrong), "dear": [1] * 6}
    assert within_one_error(right) == "dear"


@pytest.mark.parametrize("right", [{}, {"a": []}])
def test_a_choice_among_nothing_is_refused(right: dict[str, list[bool]]) -> None:
    with pytest.raises(DataError, match="a choice needs classifiers, and samples"):
        within_one_error(right)


def test_the_cheapest_of_the_unbeaten_is_shipped() -> None:
    found = ladder({"guess": 80, "linear": 200, "hog": 330, "network": 336})
    assert found.ship.name == "hog"
    assert found.unbeaten == ("hog", "network")
    assert found.sentences == (
        "Ship hog, 82.5% right: the cheapest rung that no other beats beyond doubt.",
        "Over linear, the best of the cheaper ones, it gains 32.5 points (98.3% interval 24.8 to "
        "39.8) for 23,500 more parameters, 47,000 more multiply-adds an answer and 4.7 s more to "
        "fit.",
        "The next, network, costs 975,000 more parameters, 1,950,000 more multiply-adds an answer "
        "and 195.0 s more to fit. Whether it is better, these data can't tell: 1.5 points (95% "
        "interval -3.7 to 6.7).",
    )


def test_a_costly_rung_that_beats_all_is_shipped() -> None:
    found = ladder({"guess": 80, "linear": 200, "hog": 330, "network": 385})
    assert found.ship.name == "network"
    expected = "Ship network, 96.2% right: every other rung is beaten beyond doubt."
    assert found.sentences[0] == expected
    assert found.sentences[-1] == "No dearer rung scored higher."
    assert found.below is not None
    assert (found.below.cheaper.name, found.below.told) == ("hog", True)


def test_what_was_chosen_elsewhere_is_shipped_and_a_better_one_is_named() -> None:
    right = {"guess": 80, "linear": 200, "hog": 330, "network": 385}
    found = ladder(right, ship="hog")
    assert found.ship.name == "hog"
    assert found.unbeaten == ("network",)
    assert found.sentences[0] == (
        "Ship hog, 82.5% right: on the validation pictures the cheapest rung that looks at them "
        "and is within one standard error of the best."
    )
    assert ladder(right, ship="guess").sentences[0] == (
        "Ship guess, 20.0% right: on the validation pictures nothing that can be shipped does "
        "better."
    )
    assert "s more to fit and is better beyond doubt on these data: 13.8" in found.sentences[-1]
    with pytest.raises(DataError, match="nothing is called 'hgo'; there are guess, linear"):
        ladder(right, ship="hgo")


def test_where_nothing_can_be_told_the_cheapest_is_shipped() -> None:
    found = ladder({"guess": 200, "linear": 203, "hog": 198})
    assert found.ship.name == "guess"
    assert "these data can't tell any two apart" in found.sentences[0]
    assert found.below is None


def test_one_rung_has_nothing_beside_it() -> None:
    found = ladder_of_one()
    assert found.sentences == ("Ship guess, 20.0% right: there is nothing to compare it with.",)


def ladder_of_one() -> LadderVerdict:
    return judge([Rung("guess", wilson(80, N), 0, 0, 0.0)], [])


@given(st.lists(st.integers(0, N), min_size=2, max_size=4), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_none_beats_what_is_shipped_and_each_cheaper_one_is_beaten(counts, seed: int) -> None:
    found = ladder(dict(zip(COSTS, counts, strict=False)), seed=seed)
    assert found.ship.name == found.unbeaten[0]
    cheaper = [name for name in list(COSTS)[: len(counts)] if COSTS[name] < found.ship.cost[0]]
    assert not set(cheaper) & set(found.unbeaten)
    if found.above is not None:
        assert not found.above.told
        assert found.above.gain.low <= 0 < found.above.gain.value
    assert json.loads(json.dumps(found.to_json()))["sentences"] == list(found.sentences)


def test_at_equal_multiply_adds_fewer_parameters_are_cheaper() -> None:
    one = Rung("one", wilson(1, 2), 10, 5, 1.0)
    other = replace(one, name="other", parameters=9, seconds=9.0)
    right = {"one": [1, 0], "other": [0, 1]}
    assert judge([one, other], compare_all(right)).ship == other


def test_seconds_decide_nothing() -> None:
    one = Rung("one", wilson(1, 2), 10, 5, 9.0)
    other = replace(one, name="other", seconds=1.0)
    right = {"one": [1, 0], "other": [0, 1]}
    assert judge([one, other], compare_all(right)).ship == one


@pytest.mark.parametrize(
    ("names", "match"),
    [([], "expected rungs"), (["a", "a"], "each name once"), (["a", "b"], "'a' and 'b' were not")],
)
def test_bad_ladders_are_named(names: list[str], match: str) -> None:
    with pytest.raises(DataError, match=match):
        judge([Rung(name, wilson(1, 2), 0, 0, 0.0) for name in names], [])
