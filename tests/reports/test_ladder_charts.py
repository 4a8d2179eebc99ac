"""Accuracy against cost, and against training pictures: all is there, in its place, and legible."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page import Page
from synthetic_ladder import climbed

from hubel.reports.charts.cost import Priced, beside, cheapest_best, cost_chart
from hubel.reports.charts.growth import growth_chart
from hubel.reports.charts.labels import Box, place
from hubel.reports.facts import Estimate
from hubel.reports.ladder import Curve, Ladder

share = st.floats(0, 1)
costs = st.one_of(st.none(), st.just(0.0), st.floats(1, 1e12))


@st.composite
def priced(draw: st.DrawFn) -> list[Priced]:
    """Up to ten rungs, at any costs, many of them equal."""
    some = draw(st.lists(costs, min_size=1, max_size=4))
    names = draw(st.lists(st.text("abcmw-(", min_size=1, max_size=30), max_size=10, min_size=1))
    rungs: list[Priced] = []
    for k, name in enumerate(names):
        low, value, high = sorted(draw(st.tuples(share, share, share)))
        cost = draw(st.sampled_from(some))
        rungs.append(Priced(f"{name}{k}", Estimate(value, low, high), cost, k == 0))
    return rungs


def found(chart: str, name: str, look: str) -> list[dict[str, str]]:
    """Attributes of the elements of a name and a class, in order."""
    return [
        {key: value or "" for key, value in attributes.items()}
        for kind, attributes in Page.read(chart).elements
        if kind == name and look in (attributes.get("class") or "").split()
    ]


@settings(max_examples=60, deadline=None)
@given(priced())
def test_every_rung_is_in_the_picture_once_with_its_name_and_its_interval(
    rungs: list[Priced],
) -> None:
    chart = cost_chart(rungs)
    assert Page.read(chart).faults == []
    assert "nan" not in chart
    for look, name in (("dot", "circle"), ("whisker", "line"), ("name", "text")):
        assert len(found(chart, name, look)) == len(rungs)
    assert len(found(chart, "circle", "ring")) == 1


@settings(max_examples=60, deadline=None)
@given(priced())
def test_the_more_accurate_stands_higher_and_each_within_its_interval(
    rungs: list[Priced],
) -> None:
    chart = cost_chart(rungs)
    heights = [float(dot["cy"]) for dot in found(chart, "circle", "dot")]
    whiskers = found(chart, "line", "whisker")
    for one, other in combinations(range(len(rungs)), 2):
        gap = (rungs[one].accuracy.value or 0) - (rungs[other].accuracy.value or 0)
        drawn = heights[other] - heights[one]
        assert gap * drawn >= -1e-9 or abs(drawn) <= 0.02
    for height, whisker in zip(heights, whiskers, strict=True):
        assert float(whisker["y2"]) - 0.02 <= height <= float(whisker["y1"]) + 0.02


def test_the_picture_says_what_the_document_says() -> None:
    document = climbed()
    ladder = Ladder.read(document)
    assert ladder is not None
    chart = cost_chart(
        [Priced(r.name, r.accuracy, r.multiply_adds, ladder.main(r.name)) for r in ladder.rungs]
    )
    ticks = {
        float(text): float(line["y1"])
        for text, line in zip(
            [t for name, t in Page.read(chart).texts if name == "text" and t.isdigit()],
            found(chart, "line", "rule"),
            strict=True,
        )
    }
    (low, base), *_, (high, top) = sorted(ticks.items())
    for written, dot in zip(document["rungs"], found(chart, "circle", "dot"), strict=True):
        shown = low + (base - float(dot["cy"])) / (base - top) * (high - low)
        assert shown / 100 == pytest.approx(written["accuracy"]["value"], abs=2e-4)
    told = Page.read(chart).text()
    assert all(f"{rung['name']}: {100 * rung['accuracy']['value']:.1f}%" in told
               for rung in document["rungs"])  # fmt: skip
    dots = zip(document["rungs"], found(chart, "circle", "dot"), strict=True)
    known = sorted((rung["multiply_adds"], float(dot["cx"])) for rung, dot in dots)
    assert [x for _, x in known] == sorted(x for _, x in known)
    chosen = found(chart, "circle", "ring")[0]
    marked = [dot for dot in found(chart, "circle", "dot") if "c1" in dot["class"].split()]
    assert [(dot["cx"], dot["cy"]) for dot in marked] == [(chosen["cx"], chosen["cy"])]


names = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=22)
FRAME = Box(46, 20, 372, 292)
spot = st.tuples(names, st.floats(52, 366), st.floats(26, 286))


@settings(max_examples=150, deadline=None)
@given(st.lists(spot, min_size=1, max_size=10))
def test_no_name_covers_another_nor_leaves_the_picture(
    dots: list[tuple[str, float, float]],
) -> None:
    labels = place(dots, FRAME, [])
    assert [label.text for label in labels] == [name for name, _, _ in dots]
    for one, other in combinations(labels, 2):
        assert one.box.overlap(other.box) == 0
    for label in labels:
        assert FRAME.left <= label.box.left <= label.box.right <= FRAME.right
        assert FRAME.top <= label.box.top <= label.box.bottom <= FRAME.bottom


@pytest.mark.parametrize("same", [(200.0, 150.0), (366.0, 26.0), (52.0, 286.0)])
def test_ten_dots_on_one_spot_have_ten_legible_names(same: tuple[float, float]) -> None:
    labels = place([(f"a long name of {k}", *same) for k in range(10)], FRAME, [])
    assert all(one.box.overlap(other.box) == 0 for one, other in combinations(labels, 2))
    assert any(label.line for label in labels)


def test_a_name_alone_stands_right_beside_its_dot_and_needs_no_line() -> None:
    (label,) = place([("lenet", 200, 150)], FRAME, [])
    assert label.line is None
    assert 200 < label.box.left < 215
    assert label.box.top < 150 < label.box.bottom


spans = st.tuples(share, share, share).map(lambda ends: tuple(sorted(ends)))


@given(st.lists(st.tuples(st.floats(0, 300), spans), min_size=1, max_size=10))
def test_intervals_that_would_cover_each_other_stand_apart_and_others_stay(
    dots: list[tuple[float, Any]],
) -> None:
    at, ends = [x for x, _ in dots], [span for _, span in dots]
    placed = beside(at, ends)
    for one, other in combinations(range(len(at)), 2):
        meet = ends[one][0] <= ends[other][2] and ends[other][0] <= ends[one][2]
        assert not meet or abs(placed[one] - placed[other]) >= 14 - 1e-6
        if meet and at[one] != at[other]:
            assert (at[one] < at[other]) == (placed[one] < placed[other])
    if all(abs(a - b) >= 14 for a, b in combinations(at, 2)):
        assert placed == pytest.approx(at)


@given(priced())
def test_the_front_is_of_those_that_none_equals_for_as_little(rungs: list[Priced]) -> None:
    front = {rung.name for rung in cheapest_best(rungs)}
    for rung in rungs:
        if rung.multiply_adds is None:
            assert rung.name not in front
            continue
        better = [
            other.name
            for other in rungs
            if other.multiply_adds is not None
            and other.multiply_adds <= rung.multiply_adds
            and (other.accuracy.value or 0) >= (rung.accuracy.value or 0)
            and other.name != rung.name
        ]
        if rung.name in front:
            assert not [
                other
                for other in rungs
                if other.name in better and (other.accuracy.value or 0) > (rung.accuracy.value or 0)
            ]
        else:
            assert better


@pytest.mark.parametrize(
    ("cost", "words"), [(0.0, "none"), (None, "not known"), (5e6, "1 M")], ids=str
)
def test_a_cost_has_its_place_on_the_axis(cost: float | None, words: str) -> None:
    rungs = [Priced("a", Estimate(0.5, 0.4, 0.6), cost, main=False)]
    texts = [text for name, text in Page.read(cost_chart(rungs)).texts if name == "text"]
    assert words in texts
    assert ("none" in texts) == (cost == 0.0)
    assert ("not known" in texts) == (cost is None)


def curve(**changes: Any) -> Curve:
    found = Curve.read({**climbed()["learning_curve"], **changes})
    assert found is not None
    return found


def test_the_learning_curve_shows_its_points_the_law_and_what_was_not_measured() -> None:
    one = curve()
    chart = growth_chart(one)
    page = Page.read(chart)
    assert page.faults == []
    assert len(found(chart, "circle", "dot")) == len(one.points) == 5
    assert len(found(chart, "line", "whisker")) == 5
    for kind, look in (("polyline", "fitted"), ("polygon", "band"), ("circle", "open")):
        assert len(found(chart, kind, look)) == 1
    assert all(
        f"{point.n_train:,} training pictures: {100 * (point.accuracy.value or 0):.1f}%"
        in page.text()
        for point in one.points
    )
    assert one.law is not None
    twice = 100 * one.law.accuracy(2 * one.points[-1].n_train)
    assert f"3,018, not measured: {twice:.1f}%" in page.text()


def test_the_law_ends_in_the_open_dot_within_the_band() -> None:
    chart = growth_chart(curve())
    dot = found(chart, "circle", "open")[0]
    last = found(chart, "polyline", "fitted")[0]["points"].split()[-1].split(",")
    assert [float(dot["cx"]), float(dot["cy"])] == pytest.approx([float(x) for x in last], abs=0.1)
    corners = [point.split(",") for point in found(chart, "polygon", "band")[0]["points"].split()]
    ends = [float(y) for x, y in corners if float(x) == pytest.approx(float(dot["cx"]), abs=0.1)]
    assert min(ends) - 0.1 <= float(dot["cy"]) <= max(ends) + 0.1


def test_what_the_data_do_not_determine_is_not_drawn() -> None:
    chart = growth_chart(curve(determined=False))
    assert len(found(chart, "circle", "dot")) == 5
    drawn = [found(chart, "polyline", "fitted"), found(chart, "circle", "open")]
    assert drawn == [[], []]


@pytest.mark.parametrize("sizes", [1, 2, 12])
def test_any_number_of_sizes_is_drawn_and_no_number_below_the_axis_covers_another(
    sizes: int,
) -> None:
    points = [
        {"n_train": 100 + 7 * k, "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}}
        for k in range(sizes)
    ]
    chart = growth_chart(curve(points=points, determined=False, law=None))
    assert len(found(chart, "circle", "dot")) == sizes
    at = sorted(float(text["x"]) for text in found(chart, "text", "tick") if text["y"] == "310")
    assert at
    assert all(b - a >= 40 for a, b in pairwise(at))
