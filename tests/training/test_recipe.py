"""A setting is what was typed, within its bounds, or an error that says what was expected."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.errors import FeatureError, RecipeError
from hubel.models.notation import NotationError
from hubel.training.recipe import Recipe, Setting, parse_setting, setting_names
from tests.training.choices import CHOICES, EACH, typed

SETTINGS = {setting.name: setting for setting in fields(Recipe)}
BOUNDED = [name for name, setting in SETTINGS.items() if setting.metadata["low"] is not None]
CAPPED = [name for name in BOUNDED if SETTINGS[name].metadata["high"] is not None]
WORDS = ("channels", "shape", "balance", "monitor", "optimizer", "device", "precision")


def shaped(name: str, number: float) -> Any:
    """A number in the form that a setting has."""
    kind = str(SETTINGS[name].type)
    whole = int(number) if "int" in kind and number == number // 1 else number
    if kind.startswith("Size"):
        return (whole, whole)
    return (whole,) if kind.startswith("tuple") else whole


def test_every_setting_has_choices() -> None:
    assert list(CHOICES) == list(SETTINGS)
    assert [name for name, _, _ in setting_names()] == list(SETTINGS)


@given(EACH)
def test_what_is_typed_is_what_is_set(chosen: tuple[str, Any]) -> None:
    name, value = chosen
    text = "x".join(map(str, value)) if name == "size" else typed(value)
    assert parse_setting(name, text) == value
    assert getattr(Recipe(**{name: value}), name) == value


@given(st.fixed_dictionaries({}, optional=CHOICES))
def test_a_recipe_comes_back_from_json(chosen: dict[str, Any]) -> None:
    recipe = Recipe(**chosen)
    document = {
        name: Setting(getattr(recipe, name), "user", "set by the user").to_json()
        for name in SETTINGS
    }
    assert Recipe.from_json(json.loads(json.dumps(document, allow_nan=False))) == recipe


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_says_what_it_is(name: str) -> None:
    assert len(SETTINGS[name].metadata["why"]) > 10


@pytest.mark.parametrize("name", BOUNDED)
def test_bounds_are_within_and_beyond_is_refused(name: str) -> None:
    low, high = SETTINGS[name].metadata["low"], SETTINGS[name].metadata["high"]
    assert getattr(Recipe(**{name: shaped(name, low)}), name) == shaped(name, low)
    with pytest.raises(RecipeError, match=rf"^{name}: expected (at least|from) {low:g}"):
        Recipe(**{name: shaped(name, low - 1)})
    if high is not None:
        assert getattr(Recipe(**{name: shaped(name, high)}), name) == shaped(name, high)


@pytest.mark.parametrize("name", CAPPED)
def test_above_the_highest_is_refused(name: str) -> None:
    low, high = SETTINGS[name].metadata["low"], SETTINGS[name].metadata["high"]
    with pytest.raises(RecipeError, match=rf"^{name}: expected from {low:g} to {high:g}, got "):
        Recipe(**{name: shaped(name, high + 1)})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", BOUNDED)
def test_what_is_no_finite_number_is_refused(name: str, number: float) -> None:
    with pytest.raises(RecipeError, match=rf"^{name}: expected .*, got "):
        Recipe(**{name: shaped(name, number)})


@pytest.mark.parametrize("value", [object(), "?", 0.5, True, None, (), ("a",), (1, 2, 3), {}])
@pytest.mark.parametrize("name", SETTINGS)
def test_a_value_of_another_kind_is_refused_or_kept(name: str, value: Any) -> None:
    try:
        recipe = Recipe(**{name: value})
    except (FeatureError, RecipeError) as error:
        language = {"model": NotationError, "features": FeatureError}.get(name, ())
        pointed_at = isinstance(error, language)
        assert pointed_at or str(error).startswith(f"{name}: expected ")  # noqa: PT017
    else:
        assert getattr(recipe, name) is value
        assert value is not None or SETTINGS[name].type.endswith("None")
        assert name == "model" or value not in ("?", ()) or SETTINGS[name].default is None


KINDS = [
    ("epochs", 2.5, "a whole number, got 2.5"),
    ("epochs", True, "a whole number, got True"),
    ("flip", 1, "on or off, got 1"),
    ("lr", "0.1", "a number, got '0.1'"),
    ("model", 3, "a word, got 3"),
    ("size", (), r"pixels such as 64, or 96x128 \(height x width\), or 32x64x64 of volumes, got"),
    ("widths", (8.0,), r"whole numbers such as 32,64,96, got \(8.0,\)"),
    ("widths", (), r"whole numbers such as 32,64,96, got \(\)"),
    ("resolutions", ((0.5,),), "until:share pairs such as 0.5:0.6,1:1, got "),
]


@pytest.mark.parametrize(("name", "value", "expected"), KINDS)
def test_the_error_says_what_kind_was_expected(name: str, value: Any, expected: str) -> None:
    with pytest.raises(RecipeError, match=rf"^{name}: expected {expected}"):
        Recipe(**{name: value})


TEXTS = [
    ("epochs", "two", "a whole number, got 'two'"),
    ("epochs", "2.5", "a whole number, got '2.5'"),
    ("lr", "fast", "a number, got 'fast'"),
    ("flip", "maybe", "on or off, got 'maybe'"),
    ("size", "1x2x3x4", "pixels such as 64, or 96x128"),
    ("size", "64x", "pixels such as 64, or 96x128"),
    ("widths", "8;8", "whole numbers such as 32,64,96, got '8;8'"),
    ("resolutions", "0.5", "until:share pairs such as 0.5:0.6,1:1, got '0.5'"),
]


@pytest.mark.parametrize(("name", "text", "expected"), TEXTS)
def test_text_that_is_no_such_value_is_refused(name: str, text: str, expected: str) -> None:
    with pytest.raises(RecipeError, match=rf"^{name}: expected {expected}"):
        parse_setting(name, text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("64", (64, 64)), ("96x128", (96, 128)), ("8X9", (8, 9)), ("4x8x9", (4, 8, 9))],
)
def test_a_size_is_a_side_or_one_number_an_axis(text: str, value: tuple[int, ...]) -> None:
    assert parse_setting("size", text) == value


@pytest.mark.parametrize("text", ["on", "true", "YES", "off", "False", "no"])
def test_on_and_off_have_three_words_each(text: str) -> None:
    assert parse_setting("flip", text) is (text.lower() in ("on", "true", "yes"))


@pytest.mark.parametrize(("name", "near"), [("learning", None), ("mixupp", "mixup"), ("momentun",
    "momentum"), ("batchsize", "batch_size")])  # fmt: skip
def test_an_unknown_name_is_refused_with_the_nearest(name: str, near: str | None) -> None:
    hint = rf" Did you mean '{near}'\?" if near else ""
    with pytest.raises(RecipeError, match=rf"no setting '{name}'\.{hint} There are: model, widths"):
        parse_setting(name, "1")


@pytest.mark.parametrize("name", WORDS)
def test_a_word_that_is_no_choice_is_refused_with_all_choices(name: str) -> None:
    with pytest.raises(RecipeError, match=rf"^{name}: expected one of .*, .*; got 'purple'\."):
        Recipe(**{name: "purple"})


@pytest.mark.parametrize(
    ("name", "value", "near"),
    [("optimizer", "adamm", "adam"), ("loss", "hingee", "hinge"),
     ("channels", "gray", "grey"), ("shape", "cropp", "crop"),
     ("precision", "float16", "bfloat16"), ("device", "cudo", "cuda")],
)  # fmt: skip
def test_a_word_that_is_nearly_a_choice_is_told_so(name: str, value: str, near: str) -> None:
    with pytest.raises(RecipeError, match=rf"got '{value}'\. Did you mean '{near}'\?"):
        Recipe(**{name: value})


@pytest.mark.parametrize(
    "pairs",
    [(), ((0.5, 0.5),), ((0.5, 0.5), (0.5, 1.0), (1.0, 1.0)), ((0.8, 0.5), (0.5, 1.0), (1.0, 1.0)),
     ((1.0, 0.0),), ((1.0, 1.5),), ((0.0, 0.5), (1.0, 1.0)), ((float("nan"), 0.5), (1.0, 1.0)),
     ((0.5, float("nan")), (1.0, 1.0))],
)  # fmt: skip
def test_resolutions_rise_to_the_end(pairs: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(
        RecipeError, match="resolutions: expected until:share pairs whose ends rise"
    ):
        Recipe(resolutions=pairs)
