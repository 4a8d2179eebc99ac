"""The page of a search says what each figure is worth, and runs nothing that a name holds."""

from __future__ import annotations

from typing import Any

from hubel.reports.search import search_page


def facts(**changes: Any) -> dict[str, Any]:
    figure = {"value": 0.8, "low": 0.7, "high": 0.9, "n": 100}
    trial = {"number": 0, "ending": "complete", "value": 0.8, "seconds": 3.0, "why": None,
             "parameters": {"lr": 0.1, "model.1": 3}}  # fmt: skip
    refused = trial | {"number": 1, "ending": "impossible", "value": None, "seconds": None}
    found = {
        "name": "photos-1",
        "versions": {"hubel": "0.1.0"},
        "best": {"number": 0, "settings": {"lr": 0.1}, "accuracy": figure, "folds": [0.8]},
        "test": figure | {"value": 0.75},
        "importance": {"lr": 0.7, "model.1": 0.3},
        "labels": {"lr": "lr", "model.1": "model {3|5}"},
        "trials": [trial, refused],
        "counts": {"complete": 1, "impossible": 1},
        "ended": "1 trials were made",
        "seconds": 10.0,
        "plan": {"text": "3 epochs a training"},
        "asked": {"space": "lr=log(0.01,1)"},
    }
    return found | changes


def test_the_test_comes_first_and_the_figure_that_chose_is_called_too_high() -> None:
    page = search_page(facts())
    assert page.index("test, scored once") < page.index("out of fold, best trial")
    assert "too high: the best of many is chosen by this very figure" in page
    assert "75.0% of 100 test pictures that no trial has seen" in page
    assert page.count("<svg") == 2
    assert "model {3|5}: 3" in page


def test_a_gain_that_the_data_can_not_tell_is_called_so() -> None:
    nested = {"accuracy": facts()["test"], "gain": {"value": 0.03, "low": -0.01, "high": 0.07},
              "p_value": 0.1, "settings": [{}] * 3}  # fmt: skip
    page = search_page(facts(nested=nested))
    assert "buys +3.0 points (-1.0 to +7.0), over 3 outer folds; these data can't tell" in " ".join(
        page.split()
    ).replace("&#39;", "'")


def test_names_are_escaped_and_nothing_is_fetched() -> None:
    page = search_page(facts(name="<script>alert(1)</script>"))
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_without_importance_the_page_says_what_is_missing() -> None:
    page = search_page(facts(importance=None))
    assert "at least 8 are needed" in page
    assert page.count("<svg") == 1
