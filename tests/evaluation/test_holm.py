from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.evaluation.holm import holm

families = st.lists(st.floats(0, 1), max_size=12)


@given(families)
def test_a_p_value_is_below_its_level_exactly_where_it_stands_corrected(family) -> None:
    for p, found in zip(family, holm(family), strict=True):
        # One rounding step apart the two may differ: m p against alpha, p against alpha / m.
        if p != pytest.approx(found.level, rel=1e-12):
            assert (found.p_adjusted < 0.05) == (p < found.level)


@given(families)
def test_correction_keeps_the_order_and_only_ever_raises(family) -> None:
    found = [entry.p_adjusted for entry in holm(family)]
    assert all(p <= q <= 1 for p, q in zip(family, found, strict=True))
    order = np.argsort(family, kind="stable")
    assert (np.diff(np.array(found)[order]) >= 0).all()


@given(families, st.randoms(use_true_random=False))
def test_order_of_the_family_does_not_matter(family, shuffler) -> None:
    places = list(range(len(family)))
    shuffler.shuffle(places)
    mixed = holm([family[place] for place in places])
    straight = holm(family)
    assert [m.p_adjusted for m in mixed] == [straight[place].p_adjusted for place in places]


def test_five_p_values_by_hand() -> None:
    """By hand, 5 x 0.01, 4 x 0.02, 3 x 0.03, then never less: what R's p.adjust does."""
    found = [entry.p_adjusted for entry in holm([0.01, 0.02, 0.03, 0.04, 0.05])]
    assert found == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])


def test_one_alone_is_not_corrected() -> None:
    assert holm([0.03])[0].p_adjusted == 0.03
    assert holm([0.03])[0].level == 0.05
