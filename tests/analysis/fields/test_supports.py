"""On random networks of the notation, windows are where the gradient is not zero."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hubel.models.notation import build
from tests.analysis.fields.supports import (
    field_or_none,
    hulls,
    read_hulls,
    supports_by_gradient,
    supports_of_linear,
)
from tests.models.notation.lines import networks, plain_networks

Network = tuple[str, tuple[int, ...]]


@settings(max_examples=150, deadline=None)
@given(network=plain_networks())
def test_every_window_is_the_support_of_its_gradient(network: Network) -> None:
    line, shape = network
    module = build(line, shape)
    supports, field = supports_of_linear(module, shape), field_or_none(module, shape)
    if field is None:
        assert not supports.any()
        return
    expected = hulls(supports, len(shape) - 1)
    for axis, truth in zip(read_hulls(field), expected, strict=True):
        np.testing.assert_array_equal(axis[:, 0], truth)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), data=st.data())
def test_nothing_outside_a_window_has_a_gradient(network: Network, data: st.DataObject) -> None:
    line, shape = network
    module = build(line, shape, num_classes=5)
    field = field_or_none(module, shape)
    assume(field is not None)
    module = module.double().eval()
    count = int(np.prod(field.shape))
    elements = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=8))
    x = torch.rand(1, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    truth = hulls(supports_by_gradient(module, x, elements), len(shape) - 1)
    for axis, inside in zip(read_hulls(field), truth, strict=True):
        low, high = axis.reshape(2, -1)[:, elements]
        assert (low <= inside[0]).all()
        assert (high >= inside[1]).all()


@settings(max_examples=60, deadline=None)
@given(network=plain_networks())
def test_inside_the_border_windows_lie_as_size_stride_and_start_say(network: Network) -> None:
    line, shape = network
    field = field_or_none(build(line, shape), shape)
    assume(field is not None and field.kind == "exact")
    for number, (axis, hull) in enumerate(zip(field.axes, read_hulls(field), strict=True)):
        along = np.moveaxis(hull[:, 0], 2 + number, 1).reshape(2, field.shape[2 + number], -1)
        first = axis.start + int(axis.stride) * np.arange(along.shape[1])
        inside = (first >= 0) & (first + axis.size <= axis.side)
        np.testing.assert_array_equal(along[0].min(axis=1)[inside], first[inside])
        np.testing.assert_array_equal(along[1].max(axis=1)[inside] + 1, first[inside] + axis.size)
