"""Settings as people write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hubel
from hubel.errors import FeatureError, RecipeError
from hubel.job.settings import clean, parse_duration

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
PARTS = st.lists(
    st.tuples(
        st.floats(0, 1000).map(lambda number: round(number, 3)), st.sampled_from(list(UNITS))
    ),
    min_size=1,
    max_size=4,
)


@given(PARTS, st.sampled_from([str.lower, str.upper, "  {}\n".format]))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[float, str]], change: Any) -> None:
    expected = sum(number * UNITS[unit] for number, unit in parts)
    text = change("".join(f"{number}{unit}" for number, unit in parts))
    if expected == 0:
        with pytest.raises(RecipeError, match="expected a duration"):
            parse_duration(text)
    else:
        assert parse_duration(text) == pytest.approx(expected)


@given(st.integers(1, 10**6))
def test_a_bare_number_is_seconds(seconds: int) -> None:
    assert parse_duration(str(seconds)) == parse_duration(f"{seconds}s") == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("1h30m", 5400), ("1d", 86_400),
     ("1h30", 3630)],
)  # fmt: skip
def test_durations_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "m", "soon", "10x", "-5m", "0", "0s", "1e400", "inf", "nan", "1..5m", "5mm",
             "1 h h", "10m!"],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text: str) -> None:
    message = r"^budget: expected a duration such as 90s, 10m or 1h30m, got "
    with pytest.raises(RecipeError, match=message):
        parse_duration(text)


@given(st.text(max_size=12))
def test_any_text_is_a_positive_duration_or_refused(text: str) -> None:
    try:
        assert 0 < parse_duration(text) < float("inf")
    except RecipeError as error:
        assert repr(text) in str(error)  # noqa: PT017 (either way is a law)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({"budget": "10m"}, {"budget": 600.0}),
        ({"budget": 90}, {"budget": 90}),
        ({"size": 64}, {"size": (64, 64)}),
        ({"size": "96x128"}, {"size": (96, 128)}),
        ({"size": [96, 128]}, {"size": (96, 128)}),
        ({"widths": [8, 16]}, {"widths": (8, 16)}),
        ({"widths": "8,16"}, {"widths": (8, 16)}),
        ({"resolutions": [[0.5, 0.5], [1, 1]]}, {"resolutions": ((0.5, 0.5), (1, 1))}),
        ({"flip": "off", "lr": "0.1"}, {"flip": False, "lr": 0.1}),
        ({"lr": None, "seed": 0}, {"seed": 0}),
        ({"device": "auto"}, {"device": "auto"}),
    ],
)
def test_values_are_taken_in_the_forms_that_people_use(
    given_: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert clean(given_) == expected


@pytest.mark.parametrize("value", [1, "1", 0.5, None, True])
def test_an_unknown_name_is_refused_whatever_its_value(value: Any) -> None:
    with pytest.raises(RecipeError, match=r"no setting 'epoch'\. Did you mean 'epochs'\?"):
        clean({"epoch": value})


def test_features_are_weighed_by_the_linear_model_alone(two_classes: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"features": "histogram + hog(cell=4)", "epochs": 2}
    with pytest.raises(RecipeError, match="features has no effect with model 'convnet'"):
        hubel.train(two_classes, out=tmp_path / "no", **settings)
    run = hubel.train(two_classes, out=tmp_path / "run", model="linear", **settings)
    options = run.classifier.architecture.options
    assert options == {"features": "standard(histogram + hog(cell=4))"}
    assert run.classifier.preprocess.mean == (0.0, 0.0, 0.0)
    picture = next(two_classes.rglob("*.png"))
    assert hubel.load(run.folder).predict(picture).error is None


def test_features_that_there_are_not_are_refused(two_classes: Path, tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"no feature 'hogg'\. Did you mean 'hog'\?"):
        hubel.train(two_classes, out=tmp_path / "run", model="linear", features="hogg")
    with pytest.raises(FeatureError, match="needs pictures of at least 32 x 32 pixels"):
        hubel.train(two_classes, out=tmp_path / "run", model="linear", features="hog(cell=16)")
    assert not (tmp_path / "run").exists()
