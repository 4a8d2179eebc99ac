"""The algebra of expressions is that of whole numbers, and what they print is what they are."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.analysis.shapes.expressions import Expression, ceil_div, constant, symbol
from hubel.analysis.shapes.printing import factors

H, W, N = symbol("H"), symbol("W"), symbol("N")
SIZES = st.fixed_dictionaries({name: st.integers(1, 2000) for name in "NHW"})
SMALL = st.integers(-9, 9)

Pair = tuple[Expression, Any]  # an expression, and the same on whole numbers


def extended(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    divisors = st.integers(1, 40)
    return st.one_of(
        st.tuples(inner, inner).map(
            lambda p: (p[0][0] + p[1][0], lambda s: p[0][1](s) + p[1][1](s))
        ),
        st.tuples(inner, inner).map(
            lambda p: (p[0][0] - p[1][0], lambda s: p[0][1](s) - p[1][1](s))
        ),
        st.tuples(inner, SMALL).map(lambda p: (p[0][0] * p[1], lambda s: p[0][1](s) * p[1])),
        st.tuples(inner, divisors).map(lambda p: (p[0][0] // p[1], lambda s: p[0][1](s) // p[1])),
        st.tuples(inner, divisors).map(
            lambda p: (ceil_div(p[0][0], p[1]), lambda s: -(-p[0][1](s) // p[1]))
        ),
        st.tuples(inner, inner).map(
            lambda p: (p[0][0] * p[1][0], lambda s: p[0][1](s) * p[1][1](s))
        ),
    )


LEAVES = st.one_of(
    st.sampled_from("NHW").map(lambda name: (symbol(name), lambda s: s[name])),
    SMALL.map(lambda number: (constant(number), lambda s: number)),
)
TREES = st.recursive(LEAVES, extended, max_leaves=6)


def read(text: str, sizes: dict[str, int]) -> Any:
    return eval(text, {"floor": math.floor, "ceil": math.ceil, **sizes})


@given(TREES, SIZES)
def test_arithmetic_is_that_of_whole_numbers(tree: Pair, sizes: dict[str, int]) -> None:
    expression, number = tree
    assert expression.evaluate(sizes) == number(sizes)


@given(TREES, SIZES)
def test_python_reads_what_is_printed(tree: Pair, sizes: dict[str, int]) -> None:
    expression, number = tree
    wanted = number(sizes)
    if abs(wanted) < 2**40:  # beyond, the quotients that Python reads are rounded
        assert read(str(expression), sizes) == pytest.approx(wanted, abs=1e-6)


@given(st.integers(-50, 50), st.integers(1, 50), st.integers(-50, 50), st.integers(1, 50))
def test_a_chain_of_floors_is_one_floor(a: int, s: int, b: int, t: int) -> None:
    """Concrete Mathematics, equation 3.11: floor((floor((H+a)/s)+b)/t) = floor((H+a+b*s)/(s*t))."""
    assert ((H + a) // s + b) // t == (H + a + b * s) // (s * t)


@given(TREES, TREES)
def test_sums_and_products_commute(first: Pair, second: Pair) -> None:
    assert first[0] + second[0] == second[0] + first[0]
    assert first[0] * second[0] == second[0] * first[0]


@given(TREES)
def test_an_expression_less_itself_is_nothing(tree: Pair) -> None:
    assert (tree[0] - tree[0]).value == 0


@given(TREES, st.sampled_from([H, 3 * H * W, H // 2 * 5, constant(7)]))
def test_a_product_divided_by_a_factor_is_the_other(tree: Pair, factor: Expression) -> None:
    assert (tree[0] * factor).divided(factor) == tree[0]


@given(
    st.integers(2, 64), st.integers(0, 63), st.integers(-40, 40), st.integers(1, 64),
    st.integers(0, 40),
)  # fmt: skip
def test_what_is_known_of_a_size_changes_no_value(
    step: int, offset: int, added: int, divisor: int, count: int
) -> None:
    known = symbol("H", step, offset)
    size = offset % step + step * count
    assert ((known + added) // divisor).evaluate(H=size) == (size + added) // divisor
    shown = str((known + added) // divisor)
    assert read(shown, {"H": size}) == (size + added) // divisor


@given(TREES, SIZES)
def test_factors_multiply_to_the_whole(tree: Pair, sizes: dict[str, int]) -> None:
    found = [factor.evaluate(sizes) for factor in factors(tree[0])]
    assert math.prod(found) == tree[0].evaluate(sizes)


@given(TREES, SIZES)
def test_the_residue_is_that_of_every_value(tree: Pair, sizes: dict[str, int]) -> None:
    step, offset = tree[0].residue
    value = tree[0].evaluate(sizes)
    assert value == offset if step == 0 else value % step == offset


E32 = symbol("H", 32)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ((H + 2 * 3 - 7) // 2 + 1, "ceil(H/2)"),
        ((H - 5) // 2 + 1, "ceil(H/2) - 2"),
        ((H - 4) // 2, "floor(H/2) - 2"),
        (ceil_div(H, 32), "ceil(H/32)"),
        ((H + 30) // 32, "floor((H + 30)/32)"),
        (H // 2 * 2, "2*floor(H/2)"),
        (E32 // 2, "H/2"),
        ((E32 + 1) // 2, "H/2"),
        (symbol("H", 4, 1) // 4, "(H - 1)/4"),
        (E32 // 256 * 8, "8*floor(H/256)"),
        (symbol("H", 256) // 256 * 8, "H/32"),
        (7 * ceil_div(E32 // 4, 7), "7*ceil(H/28)"),
        (N * (H // 4) * (W // 4), "N*floor(H/4)*floor(W/4)"),
        ((H // 2 - 2) * (W // 2 - 2), "(floor(H/2) - 2)*(floor(W/2) - 2)"),
        ((H // 2 - 2) * (W // 2 - 2) + 1, "(floor(H/2) - 2)*(floor(W/2) - 2) + 1"),
        (6 * (H + 1) * (W + 2), "6*(H + 1)*(W + 2)"),
        (3 - H // 2, "3 - floor(H/2)"),
        (-H, "-H"),
        (constant(0), "0"),
        (64 * N, "64*N"),
    ],
)
def test_the_shortest_form_is_printed(expression: Expression, shown: str) -> None:
    assert str(expression) == shown


def test_a_missing_size_is_named() -> None:
    with pytest.raises(KeyError, match="W"):
        (H * W).evaluate(H=3)


@pytest.mark.parametrize("divisor", [0, -2])
def test_only_positive_numbers_divide(divisor: int) -> None:
    with pytest.raises(ValueError, match=f"divides by at least 1, not by {divisor}"):
        _ = H // divisor
