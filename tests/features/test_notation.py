"""Features as text and JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.errors import FeatureError
from hubel.features.colour.histogram import Histogram
from hubel.features.composed.joined import Joined
from hubel.features.composed.pyramid import Pyramid
from hubel.features.composed.scaling import Standard, Unit
from hubel.features.feature import Feature
from hubel.features.gradients.hog import CONVENTIONS, HOG
from hubel.features.gradients.norms import NORMS
from hubel.features.notation import FEATURES, from_json, parse
from hubel.features.texture.lbp import LBP
from hubel.features.texture.patterns import METHODS
from hubel.features.words.bag import Words

small = st.integers(2, 12)
leaves: st.SearchStrategy[Feature] = st.one_of(
    st.builds(
        HOG, small, st.integers(2, 4), st.integers(1, 2), small, st.booleans(),
        st.sampled_from(NORMS), st.booleans(), st.sampled_from(CONVENTIONS),
    ),
    st.builds(Histogram, st.sampled_from(["hsv", "lab"]), small | st.tuples(small, small, small),
              st.booleans()),
    st.builds(LBP, small, st.floats(0.5, 4), st.sampled_from(sorted(METHODS)), st.none() | small),
    st.builds(Words, small, st.just("patches"), small, small, st.sampled_from(["soft", "hard"])),
)  # fmt: skip
wrapped = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Pyramid, inner, small),
        st.builds(Standard, inner),
        st.builds(Unit, inner),
        st.builds(Unit, st.builds(Joined, st.tuples(inner, inner))),
    ),
    max_leaves=4,
)
features = wrapped | st.builds(Joined, st.lists(wrapped, min_size=2, max_size=3).map(tuple))


@given(features)
def test_a_feature_prints_to_text_that_names_it(feature: Feature) -> None:
    assert parse(str(feature)) == feature


@given(features)
def test_a_feature_comes_back_from_json(feature: Feature) -> None:
    assert from_json(json.loads(json.dumps(feature.to_json()))) == feature


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hogg", "there is no feature 'hogg'. Did you mean 'hog'.*There are: histogram, hog"),
        ("hog(cel=4)", "hog has no setting 'cel'. Did you mean 'cell'"),
        ("hog(cell=0)", "cell must be a whole number of at least 1, not 0"),
        ("hog(cell=4.5)", "cell must be a whole number of at least 1, not 4.5"),
        ("hog(norm=L3)", "norm = 'L3' is not known. There are: L1, L1-sqrt, L2, L2-Hys"),
        ("hog(convention=open-cv)", "Did you mean 'opencv'"),
        ("hog(signed=3)", "signed must be yes or no, not 3"),
        ("hog(stride=3)", "leaves cells between blocks of 2 out: take at most stride=2"),
        ("hog(orientations=1)", "orientations must be a whole number of at least 2"),
        ("hog(hog)", "hog has no setting 'of'"),
        ("hog(cell=4, cell=5)", "cell of hog is given twice"),
        ("hog(cell=4", r"a '\)' is missing"),
        ("hog hog", "'hog' was not expected after 'hog'"),
        ("histogram + ", "a name is missing after 'histogram [+]'"),
        ("", "a name is missing"),
        ("histogram(space=hvs)", "Did you mean 'hsv'"),
        ("histogram(bins=4x4)", "bins=4x4 are 2 numbers, and space=hsv takes one, or 3"),
        ("histogram(bins=0)", "bins must be a whole number of at least 1"),
        ("lbp(points=20)", "make 2.20 patterns: take at most 16"),
        ("lbp(radius=none)", "radius must be a number, not None"),
        ("lbp(radius=-1)", "radius must be a positive number"),
        ("lbp(method=uniforn)", "Did you mean 'uniform'"),
        ("pyramid", r"pyramid is made of a feature: write pyramid\(hog\)"),
        ("unit(of=hog)", "of must be a feature, not 'hog'"),
        ("pyramid(hog, levels=0)", "levels must be a whole number of at least 1"),
        ("words(of=hog, side=7)", "side=7 must be even"),
        ("words(of=hog, side=8, stride=3)", "stride has no effect on of=hog"),
        ("words(of=pixels)", "of = 'pixels' is not known"),
    ],
)
def test_text_that_names_nothing_is_told_so(text: str, message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "a feature is an object with a name"),
        ({"name": "joined", "parts": 3}, "joined features have a list of parts"),
        ({"name": "joined", "parts": [{"name": "hog"}]}, "two features or more are joined, not 1"),
        ({"name": "standard", "of": 3}, "of must be a feature, not 3"),
    ],
)
def test_json_of_no_feature_is_told_so(document: Any, message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        from_json(document)


@pytest.mark.parametrize("name", FEATURES)
def test_names_are_those_of_the_registry(name: str) -> None:
    assert FEATURES[name].name == name
