"""An expression that is found from values has these values; too few of them give none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hubel.analysis.shapes.expressions import Expression, ceil_div, symbol
from hubel.analysis.shapes.matching import Matcher

H, W, N = symbol("H"), symbol("W"), symbol("N")
POINTS = [
    {"N": 1, "H": 224, "W": 224}, {"N": 1, "H": 225, "W": 225}, {"N": 5, "H": 447, "W": 577},
    {"N": 3, "H": 554, "W": 715}, {"N": 7, "H": 1451, "W": 1613}, {"N": 11, "H": 150, "W": 168},
]  # fmt: skip
ELSEWHERE = [{"N": 3, "H": 224 + count, "W": 224 + count} for count in range(200)]
SHAPE = (N, Expression(()), H, W)


def column_of(expression: Expression) -> tuple[int, ...]:
    return tuple(expression.evaluate(point) for point in POINTS)


def matcher() -> Matcher:
    made = Matcher(POINTS, ELSEWHERE)
    for dim in (N, H, W):
        made.learn(dim)
    return made


@given(st.lists(st.one_of(st.none(), st.integers(0, 300)), min_size=6, max_size=6))
def test_what_is_found_agrees_with_every_value(sizes: list[int | None]) -> None:
    column = tuple(sizes)
    found = matcher().beside(column, [SHAPE], -1) or matcher().fitted(column, [SHAPE])
    assert found is None or all(
        size is None or size == value for size, value in zip(column, column_of(found), strict=True)
    )


def is_found_or_undecided(wanted: Expression) -> bool:
    made = matcher()
    found = made.fitted(column_of(wanted), [SHAPE])
    if found is None:
        return bool(made.undecided)
    return [found.evaluate(p) for p in ELSEWHERE] == [wanted.evaluate(p) for p in ELSEWHERE]


@given(st.integers(2, 16), st.sampled_from([H, W]), st.integers(0, 2))
def test_sides_on_a_grid_are_found_or_known_to_be_undecided(
    divisor: int, side: Expression, kind: int
) -> None:
    wanted = (ceil_div(side, divisor), side // divisor, divisor * ceil_div(side, divisor))[kind]
    assert is_found_or_undecided(wanted)


def test_another_probe_decides() -> None:
    """At all of the first six, multiples of 5 are multiples of 15."""
    wanted = 15 * ceil_div(H, 15)
    made = matcher()
    assert made.fitted(column_of(wanted), [SHAPE]) is None
    more = Matcher([*POINTS, made.undecided[0]], ELSEWHERE)
    assert more.fitted((*column_of(wanted), wanted.evaluate(made.undecided[0])), [SHAPE]) == wanted


@given(st.integers(2, 9), st.integers(2, 9))
def test_a_number_of_windows_is_found_or_known_to_be_undecided(rows: int, columns: int) -> None:
    wanted = N * ceil_div(H, rows) * ceil_div(W, columns)
    assert is_found_or_undecided(wanted)


def test_too_few_different_values_are_no_evidence() -> None:
    assert matcher().fitted((7, 7, 8, 8, 8, 7), [SHAPE]) is None


def test_what_was_seen_at_few_probes_is_no_evidence() -> None:
    assert matcher().fitted((224, None, None, None, None, None), [SHAPE]) is None


def test_the_simplest_of_equal_sizes_is_kept() -> None:
    made = Matcher([{"H": 64}, {"H": 128}])
    made.learn(ceil_div(H, 2) + ceil_div(H, 4) - H // 4)
    made.learn(H // 2)
    assert made.fitted((32, 64), []) == H // 2
