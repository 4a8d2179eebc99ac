"""The rules of signals and volumes: each with its reason, and nothing that has no effect."""

from __future__ import annotations

from typing import Any

import pytest

from hubel.data.preprocess import Preprocess
from hubel.errors import RecipeError
from hubel.models.kinds import line_for
from hubel.training.rules import Facts, resolve

SIGNAL = Preprocess(height=1, width=900, kind="signal", depth="float32", channels=2)
VOLUME = Preprocess(height=16, width=16, planes=8, kind="volume", depth="uint16", channels=1)
FIVE = Preprocess(height=64, width=64, channels=5)


def resolved(way: Preprocess, **chosen: Any) -> Any:
    return resolve({"epochs": 2} | chosen, Facts.of(300, way, "cpu"))


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (SIGNAL, {"flip": False, "shift": 2 / 32, "zoom": 0.0, "aspect": 0.0, "color": 0.1}),
        (VOLUME, {"flip": False, "shift": 2 / 32, "zoom": 0.2, "aspect": 0.0, "color": 0.0}),
        (FIVE, {"flip": True, "shift": 0.0, "zoom": 0.6, "aspect": 0.5, "color": 0.0}),
    ],
)
def test_changes_suit_the_kind_and_say_why(way: Preprocess, expected: dict[str, Any]) -> None:
    recipe, settings = resolved(way)
    assert {name: getattr(recipe, name) for name in expected} == expected
    if way.kind != "picture":
        assert recipe.model == line_for(way.size)
        assert recipe.resolutions == ((1.0, 1.0),)
        assert settings["model"].set_by == "rule"
        assert way.kind in settings["model"].why
    assert recipe.size == way.size
    assert recipe.channels == str(way.channels)


def test_what_the_user_sets_wins() -> None:
    recipe, settings = resolved(VOLUME, flip=True, zoom=0.0, model="flatten fc")
    assert (recipe.flip, recipe.zoom, recipe.model) == (True, 0.0, "flatten fc")
    assert settings["model"].set_by == "user"


@pytest.mark.parametrize(
    ("way", "chosen", "message"),
    [
        (SIGNAL, {"aspect": 0.1}, "aspect has no effect on signals; leave it out"),
        (VOLUME, {"aspect": 0.1}, "aspect has no effect on volumes; leave it out"),
        (VOLUME, {"resolutions": ((0.5, 0.5), (1.0, 1.0))}, "resolutions has no effect on volumes"),
        (SIGNAL, {"shape": "crop"}, "shape has no effect on signals, which have one side"),
        (SIGNAL, {"model": "convnet"}, "'convnet' is for pictures, and these are signals"),
        (VOLUME, {"widths": (8, 8)}, "widths has no effect with model"),
    ],
)
def test_what_has_no_effect_is_refused(
    way: Preprocess, chosen: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        resolved(way, **chosen)
