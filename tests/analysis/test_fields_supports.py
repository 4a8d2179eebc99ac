"""Fields are where the gradient is not zero: on random networks, every element of the output."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hubel.models.notation import build
from tests.analysis.supports import field_of, hulls, read_hulls, supports_of_linear
from tests.models.notation.lines import plain_networks


@settings(max_examples=150, deadline=None)
@given(network=plain_networks())
def test_windows_are_the_support_of_the_gradient(network: tuple[str, tuple[int, ...]]) -> None:
    line, shape = network
    module = build(line, shape)
    expected = hulls(supports_of_linear(module, shape), len(shape) - 1)
    for axis, truth in zip(read_hulls(field_of(module, shape)), expected, strict=True):
        np.testing.assert_array_equal(axis, truth)
