"""Laws of progress, and of what follows from it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.training.plan import Plan, learning_rate, resolution

PROGRESS = st.floats(0, 1)


@st.composite
def cut_plans(draw: st.DrawFn) -> tuple[Plan, list[tuple[int, int, Plan]]]:
    """A plan after any cuts, and for each cut its step, its end, and the plan before it."""
    plan = Plan.of(draw(st.integers(1, 5_000)))
    cuts: list[tuple[int, int, Plan]] = []
    step = 0
    for _ in range(draw(st.integers(0, 6))):
        if step >= plan.steps:
            break
        step = draw(st.integers(step, plan.steps - 1))
        steps = draw(st.integers(step + 1, step + 5_000))
        cuts.append((step, steps, plan))
        plan = plan.cut(step, steps)
    return plan, cuts


@given(cut_plans())
def test_progress_rises_from_0_to_1_after_any_cuts(found: tuple[Plan, Any]) -> None:
    plan, _ = found
    progress = [plan.progress(step) for step in range(plan.steps + 1)]
    assert progress[0] == 0
    assert progress[-1] == 1
    assert all(low < high for low, high in pairwise(progress))
    assert plan.progress(plan.steps + 7) == 1


@given(cut_plans())
def test_a_cut_changes_nothing_before_it_and_ends_where_it_says(found: tuple[Plan, Any]) -> None:
    last, cuts = found
    plans = [*(before for _, _, before in cuts), last]
    for (step, steps, before), after in zip(cuts, plans[1:], strict=True):
        assert after.steps == steps
        for past in range(0, step + 1, max(1, step // 50)):
            assert after.progress(past) == pytest.approx(before.progress(past), abs=1e-12)


@given(cut_plans())
def test_a_plan_comes_back_from_json_bit_for_bit(found: tuple[Plan, Any]) -> None:
    plan, _ = found
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@given(st.integers(1, 1_000_000), st.data())
def test_without_cuts_progress_is_the_share_of_the_steps(steps: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(0, steps))
    assert Plan.of(steps).progress(step) == step / steps


@given(cut_plans(), st.floats(0, 0.9), st.floats(0, 1))
def test_the_rate_ends_at_its_final_value_after_any_cuts(
    found: tuple[Plan, Any], warmup: float, final: float
) -> None:
    plan, _ = found
    assert learning_rate(plan.progress(plan.steps), warmup, final) == pytest.approx(final, abs=1e-9)


@given(PROGRESS, st.floats(0, 0.9), st.floats(0, 1))
def test_the_rate_stays_between_its_ends_and_its_peak(
    progress: float, warmup: float, final: float
) -> None:
    rate = learning_rate(progress, warmup, final)
    low = min(final, 0.2) if progress < warmup else final
    assert low - 1e-9 <= rate <= 1 + 1e-9


@given(PROGRESS, PROGRESS, st.floats(0, 0.9), st.floats(0, 1))
def test_the_rate_rises_while_warming_up_and_falls_afterwards(
    one: float, other: float, warmup: float, final: float
) -> None:
    first, second = sorted((one, other))
    rates = [learning_rate(progress, warmup, final) for progress in (first, second)]
    if second < warmup:
        assert rates[0] <= rates[1] + 1e-12
    if first >= warmup:
        assert rates[0] >= rates[1] - 1e-12


@given(st.floats(0.01, 0.9), st.floats(0, 1))
def test_the_rate_has_its_peak_where_warming_up_ends(warmup: float, final: float) -> None:
    assert learning_rate(warmup, warmup, final) == pytest.approx(1)
    assert learning_rate(warmup * (1 - 1e-9), warmup, final) == pytest.approx(1)
    assert learning_rate(0.0, warmup, final) == pytest.approx(0.2)


PAIRS = st.lists(st.integers(1, 99), max_size=4, unique=True).flatmap(
    lambda ends: st.tuples(
        *(st.tuples(st.just(end / 100), st.floats(0.05, 1)) for end in sorted(ends)),
        st.tuples(st.just(1.0), st.just(1.0)),
    )
)
SIZES = st.tuples(st.integers(4, 300), st.integers(4, 300))


@given(PROGRESS, PAIRS, SIZES)
def test_a_resolution_is_the_share_to_the_nearest_4_pixels(
    progress: float, pairs: tuple[tuple[float, float], ...], size: tuple[int, int]
) -> None:
    found = resolution(progress, pairs, size)
    share = next((s for until, s in pairs if progress < until), 1.0)
    for side, full in zip(found, size, strict=True):
        assert side == full or (share < 1 and side % 4 == 0 and 4 <= side < full)
        assert abs(side - share * full) <= 2 or side == 4


@given(PAIRS, SIZES)
def test_the_last_steps_are_at_full_size(
    pairs: tuple[tuple[float, float], ...], size: tuple[int, int]
) -> None:
    assert resolution(1.0, pairs, size) == size
    assert resolution(0.9999, pairs, size) == size


@pytest.mark.parametrize(
    ("progress", "expected"),
    [(0.0, (16, 24)), (0.3999, (16, 24)), (0.4, (24, 36)), (0.7, (32, 48)), (1.0, (32, 48))],
)
def test_a_pair_holds_up_to_its_end(progress: float, expected: tuple[int, int]) -> None:
    pairs = ((0.4, 0.5), (0.7, 0.75), (1.0, 1.0))
    assert resolution(progress, pairs, (32, 48)) == expected
