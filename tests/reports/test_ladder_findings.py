"""The ladder's sentences say what ladder.json says, and claim no more."""

from __future__ import annotations

from typing import Any

import pytest
from synthetic_ladder import RUNGS, climbed

from hubel.reports.facts import Estimate
from hubel.reports.findings import ladder as findings
from hubel.reports.ladder import Comparison, Ladder
from hubel.reports.measures import ACCURACY


def compare(value: float, low: float, high: float, verdict: str, a: str = "network") -> Comparison:
    b = "HOG" if a == "network" else "network"
    return Comparison(a, b, Estimate(value, low, high), 0.28, 506, verdict)


@pytest.mark.parametrize(
    ("comparison", "sentence"),
    [
        (compare(0.121, 0.098, 0.143, "a is better"), "Yes: 12.1 points over HOG (9.8 to 14.3)."),
        (
            compare(-0.03, -0.05, -0.01, "b is better"),
            "No: HOG is better by 3.0 points (1.0 to 5.0).",
        ),
        (
            compare(0.012, -0.01, 0.034, "these data can't tell"),
            "These data can't tell: it is 1.2 points above HOG, and the interval, −1.0 to 3.4, "
            "holds both (p = 0.28).",
        ),
        (
            compare(-0.012, -0.034, 0.01, "these data can't tell"),
            "These data can't tell: it is 1.2 points below HOG, and the interval, −3.4 to 1.0, "
            "holds both (p = 0.28).",
        ),
        (None, "There is nothing to compare it with: no simpler classifier was scored beside it."),
    ],
)
def test_worth(comparison: Comparison | None, sentence: str) -> None:
    assert findings.worth(comparison) == sentence


def test_a_pair_names_the_better_one_first_and_turning_twice_changes_nothing() -> None:
    behind = compare(-0.03, -0.05, -0.01, "b is better")
    assert findings.pair(behind) == (
        "HOG beats network by 3.0 points (1.0 to 5.0); p = 0.28, on the same 506 pictures."
    )
    assert behind.turned().turned() == behind


@pytest.mark.parametrize(("p", "words"), [(1e-9, "p < 0.001"), (0.28, "p = 0.28"), (None, "")])
def test_chance_is_never_rounded_to_nothing(p: float | None, words: str) -> None:
    assert findings.chance(p) == words


def test_a_corrected_pair_states_its_level_and_the_correction() -> None:
    found = Comparison(
        "hybrid", "mlp", Estimate(0.1, 0.04, 0.16), 0.002, 506, "a is better", True, 1 - 0.05 / 45
    )
    assert findings.pair(found) == (
        "hybrid beats mlp by 10.0 points (99.9% interval 4.0 to 16.0); p = 0.002 after Holm, "
        "on the same 506 pictures."
    )
    told = findings.tested(45, ACCURACY, corrected=True)
    assert "Holm-corrected for all 45 comparisons" in told
    assert "Holm" not in findings.tested(3, ACCURACY, corrected=False)


def test_where_the_level_is_not_95_the_doubt_states_it() -> None:
    found = Comparison(
        "network",
        "HOG",
        Estimate(0.01, -0.02, 0.04),
        0.5,
        506,
        "these data can't tell",
        True,
        0.983,
    )
    assert findings.worth(found) == (
        "These data can't tell: it is 1.0 points above HOG, and the 98.3% interval −2.0 to 4.0 "
        "holds both (p = 0.5 after Holm)."
    )


def rung(name: str, value: float, adds: int | None, *, parameters: int = 100) -> dict[str, Any]:
    return {
        "name": name,
        "accuracy": {"value": value, "low": value - 0.02, "high": value + 0.02},
        "parameters": parameters,
        "multiply_adds": adds,
        "seconds": 10 * value,
    }


def against(a: str, b: str, value: float, verdict: str) -> dict[str, Any]:
    difference = {"value": value, "low": value - 0.03, "high": value + 0.03}
    return {"a": a, "b": b, "difference": difference, "p_adjusted": 0.01, "verdict": verdict}


UNTOLD = "these data can't tell"


def three(**changes: Any) -> Ladder:
    """A ladder of pixels, features and convnet, of which features is shipped."""
    document = {
        "rungs": [
            rung("pixels", 0.5, 1_000),
            rung("features", 0.7, 50_000),
            rung("convnet", 0.71, 27_000_000, parameters=200_000),
        ],
        "comparisons": [
            against("pixels", "features", -0.2, "b is better"),
            against("pixels", "convnet", -0.21, "b is better"),
            against("features", "convnet", -0.01, UNTOLD),
        ],
        "chosen": "features",
        "verdict": {
            "ship": "features",
            "unbeaten": ["features", "convnet"],
            "below": {"cheaper": "pixels", "dearer": "features"},
            "above": {"cheaper": "features", "dearer": "convnet"},
        },
    }
    found = Ladder.read({**document, **changes})
    assert found is not None
    return found


def test_the_verdict_names_the_rung_its_price_and_what_the_next_one_buys() -> None:
    ladder = three()
    assert findings.ship(ladder) == (
        "Ship features, 70.0% right (68.0 to 72.0): on the validation pictures the cheapest rung "
        "that looks at them and is within one standard error of the best."
    )
    assert findings.steps(ladder) == [
        "The next, convnet, costs 200 k more parameters, 26.9 M more multiply-adds a picture and "
        "0.10 s more to fit. Whether it is better, these data can't tell: "
        "1.0 points (−2.0 to 4.0).",
        "Over pixels, the best of the cheaper ones, it gains 20.0 points (17.0 to 23.0) for "
        "no more parameters, 49.0 k more multiply-adds a picture and 2.0 s more to fit.",
    ]
    assert findings.answers(ladder) == (
        "The answers are those of features, chosen on validation among 3 rungs."
    )


def test_what_only_validation_shows_is_not_claimed_of_the_test_pictures() -> None:
    told = against("features", "convnet", -0.05, "b is better")
    before = [against("pixels", "features", -0.2, "b is better")]
    ladder = three(comparisons=[*before, told])
    assert ": on the validation pictures the cheapest" in findings.ship(ladder)
    first, *_ = findings.steps(ladder)
    assert first.endswith("0.10 s more to fit, and is better by 5.0 points (2.0 to 8.0).")
    assert not [text for text in findings.steps(ladder) if "On the test pictures" in text]


def test_a_rung_that_beats_the_chosen_one_without_being_the_next_is_named() -> None:
    written = [against("pixels", "features", 0.1, "a is better")]
    ladder = three(comparisons=written)
    assert findings.steps(ladder)[-1] == (
        "On the test pictures pixels beats it beyond doubt, by 10.0 points (7.0 to 13.0)."
    )


NEAR = "the cheapest rung that looks at them and is within one standard error of the best"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": None}, ", chosen on validation among 3 rungs."),
        ({}, f": on the validation pictures {NEAR}."),
        ({"rungs": [rung("features", 0.7, 9)]}, ": there is nothing to compare it with."),
    ],
)
def test_the_rule_is_stated_as_far_as_it_holds(changes: dict[str, Any], words: str) -> None:
    start = "Ship features, 70.0% right (68.0 to 72.0)"
    assert findings.ship(three(**changes)) == start + words


@pytest.mark.parametrize(
    ("unbeaten", "words"),
    [
        (["features"], ": every other rung is beaten beyond doubt."),
        (["features", "convnet"], ": the cheapest rung that no other beats beyond doubt."),
        (["pixels", "features", "convnet"], ", the cheapest: these data can't tell any two apart."),
    ],
)
def test_where_nothing_was_chosen_the_rule_is_of_doubt(unbeaten: list[str], words: str) -> None:
    ladder = three(chosen=None, verdict={"ship": "features", "unbeaten": unbeaten})
    assert findings.ship(ladder).endswith(words)


def test_a_verdict_that_is_not_the_choice_is_told_beside_it() -> None:
    ladder = three(chosen="convnet")
    assert findings.ship(ladder).startswith("Ship convnet, 71.0% right")
    assert findings.steps(ladder) == ["By the rule of cost and doubt it would be features."]


def test_of_a_network_that_was_asked_for_the_verdict_is_no_order() -> None:
    assert findings.ship(three(chosen=None)).startswith("The rung to ship would be features, 70.0%")
    assert findings.answers(three(chosen=None)) == ""


def test_a_price_that_is_not_known_is_left_out_of_the_sentence() -> None:
    unknown = three(rungs=[rung("features", 0.7, 1), rung("convnet", 0.71, None)])
    one, other = unknown.rungs
    assert findings.price(one, other) == "no more parameters and 0.10 s more to fit"
    assert findings.price(other, one) == "no more parameters and 0.10 s less to fit"


@pytest.mark.parametrize("seed", range(5))
def test_the_report_ships_what_the_evaluation_ships_and_agrees_with_its_sentences(
    seed: int,
) -> None:
    document = climbed(seed=seed, n=200)
    ladder = Ladder.read(document)
    assert ladder is not None
    said, written = findings.ship(ladder), document["verdict"]["sentences"][0]
    assert said.split(",")[0] == written.split(",")[0]
    assert said.endswith(written.split(" right")[1])


def test_a_comparison_reads_the_same_from_both_sides() -> None:
    ladder = Ladder.read(climbed())
    assert ladder is not None
    for one in ladder.comparisons:
        assert ladder.between(one.a, one.b) == one
        turned = ladder.between(one.b, one.a)
        assert turned is not None
        assert turned.turned() == one
        assert turned.better == one.better
    assert len(ladder.comparisons) == len(RUNGS) * (len(RUNGS) - 1) / 2


def test_no_difference_is_no_negative_difference() -> None:
    level = Comparison("a", "b", Estimate(0.0, -0.1, 0.1), 1.0, 50, UNTOLD)
    assert "difference is 0.0 points (−10.0 to 10.0)" in findings.pair(level.turned())


def test_other_metrics_are_no_points_of_accuracy() -> None:
    document = climbed()
    loss = {**document["comparisons"][0], "metric": "log loss"}
    ladder = Ladder.read({**document, "comparisons": [loss]})
    assert ladder is not None
    assert ladder.comparisons == ()
