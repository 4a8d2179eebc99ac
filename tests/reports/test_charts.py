"""Charts: scales with round ticks, and SVG that any series survives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page import Page

from hubel.reports.charts.cost import Priced, cost_chart
from hubel.reports.charts.curves import Series, line_chart
from hubel.reports.charts.marks import Scale, element, fitted
from hubel.reports.charts.reliability import Bin, reliability_diagram
from hubel.reports.charts.tracks import bar, dots
from hubel.reports.facts import Estimate

finite = st.floats(-1e12, 1e12, allow_subnormal=False)


@given(st.lists(finite, min_size=1, max_size=20), st.booleans())
def test_a_fitted_scale_holds_its_values_and_has_few_ticks(
    values: list[float], decades: bool
) -> None:
    scale = fitted(values, 0, 100, decades=decades)
    slack = 1e-6 * max(1.0, *map(abs, values))
    assert scale.low - slack <= min(values)
    assert max(values) <= scale.high + slack
    assert all(0 <= scale(value) <= 100 for value in values)
    assert len(scale.ticks()) <= 7


def test_ticks_are_round() -> None:
    assert Scale(1, 3, 0, 100, whole=True).ticks() == [1, 2, 3]
    assert Scale(0, 1, 0, 100).ticks() == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert Scale(1, 1000, 0, 100, logarithmic=True).ticks() == [1, 10, 100, 1000]


@pytest.mark.parametrize(
    "values",
    [[1.0], [1.0, 1.0], [0.0, 0.0], [1.0, None, 2.0], [None, 1.0], [1e-3, 1e8], [0.5] * 300],
    ids=["one", "equal", "zeros", "broken", "late", "decades", "300"],
)  # fmt: skip
def test_any_series_is_drawn(values: list[float | None]) -> None:
    epochs = [float(k + 1) for k in range(len(values))]
    chart = line_chart("loss", epochs, [Series("train", values, "c1")], str)
    assert chart is not None
    page = Page.read(chart)
    assert page.faults == []
    assert "nan" not in chart.lower().replace("name", "")
    assert any(name in ("polyline", "circle") for name, _ in page.elements)
    assert "epoch 1: train" in page.text()


def test_a_series_without_a_value_is_not_drawn() -> None:
    assert line_chart("loss", [1.0, 2.0], [Series("train", [None, None], "c1")], str) is None


def test_text_and_attributes_are_escaped() -> None:
    drawn = element("text", "</text><script>", class_='"><b')
    assert drawn == '<text class="&#34;&gt;&lt;b">&lt;/text&gt;&lt;script&gt;</text>'


def test_every_bin_with_pictures_is_told() -> None:
    empty = Bin(0.0, 0.5, 0, 0.25, Estimate(None))
    full = Bin(0.5, 1.0, 40, 0.8, Estimate(0.75, 0.6, 0.86))
    text = Page.read(reliability_diagram([empty, full])).text()
    assert text.count("confidence 50 to 100%: 40 pictures, it says 80.0%, right 75.0%") == 2
    assert "confidence 0 to 50%" not in text


def test_a_classifier_that_costs_nothing_has_its_place() -> None:
    rungs = [
        Priced("largest class", Estimate(0.2, 0.1, 0.3), 0, False),
        Priced("network", Estimate(0.9, 0.8, 0.95), 45_900_000, True),
    ]
    text = Page.read(cost_chart(rungs)).text()
    assert "network: 90.0% (80.0 to 95.0), 45.9 M multiply-adds" in text
    assert "none" in text


def test_tracks_survive_undefined_values() -> None:
    assert "fill" not in bar(Estimate(None))
    assert "point" not in dots([("recall", Estimate(None), "c1")])
    assert "left:50.00%" in dots([("recall", Estimate(0.5), "c1")])
