"""Windows, against what PyTorch's gradients say was read."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.analysis.flow.windows import Axis, window
from hubel.analysis.recording.trace import Traceable, trace


def convolved(axis: Axis) -> tuple[Tensor, Tensor]:
    """Gradients of a convolution of ones: of its input, and of its weight."""
    x = torch.ones(1, 1, axis.size, requires_grad=True)
    weight = torch.ones(1, 1, axis.kernel, requires_grad=True)
    padded = F.pad(x, (axis.before, axis.after))
    F.conv1d(padded, weight, stride=axis.stride, dilation=axis.dilation).sum().backward()
    assert x.grad is not None
    assert weight.grad is not None
    return x.grad.flatten(), weight.grad.flatten()


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    kernel, stride, dilation = (draw(st.integers(1, most)) for most in (5, 5, 4))
    before, after, size = draw(st.integers(0, 6)), draw(st.integers(0, 6)), draw(st.integers(1, 24))
    windows = (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
    assume(windows > 0)
    return Axis(kernel, stride, dilation, before, after, size, windows)


@given(axis=axes())
def test_what_is_reached_is_what_has_a_gradient(axis: Axis) -> None:
    read, _ = convolved(axis)
    assert sorted(axis.reached) == read.nonzero().flatten().tolist()


@given(axis=axes())
def test_idle_taps_are_those_without_a_gradient(axis: Axis) -> None:
    _, taps = convolved(axis)
    assert axis.idle_taps == int((taps == 0).sum())


@given(axis=axes())
def test_every_position_is_reached_dropped_or_skipped(axis: Axis) -> None:
    assert len(axis.reached) + axis.dropped + axis.skipped == axis.size
    assert axis.dropped >= 0
    assert axis.skipped >= 0


@given(axis=axes())
def test_dropped_positions_are_the_last_ones(axis: Axis) -> None:
    end = range(axis.size - axis.dropped, axis.size)
    assert axis.reached.isdisjoint(end)


@pytest.mark.parametrize(
    ("module", "shape", "expected"),
    [
        (nn.Conv2d(2, 4, (3, 5), stride=(2, 1), padding=(1, 2)), (1, 2, 9, 9), ((3, 5), (2, 1))),
        (nn.Conv3d(2, 4, 3), (1, 2, 9, 9, 9), ((3, 3, 3), (1, 1, 1))),
        (nn.MaxPool2d(3, 2, 1), (1, 2, 9, 9), ((3, 3), (2, 2))),
        (nn.AvgPool2d(2), (1, 2, 9, 9), ((2, 2), (2, 2))),
        (nn.AvgPool3d(2, 1), (1, 2, 9, 9, 9), ((2, 2, 2), (1, 1, 1))),
    ],
    ids=repr,
)
def test_kernel_and_stride_are_the_modules(
    module: nn.Module, shape: tuple[int, ...], expected: Any
) -> None:
    graph, _ = trace(Traceable.of(module), shape)
    found = window(graph.operators[0])
    assert found is not None
    assert (found.kernel, found.stride) == expected
    assert found.sides == shape[2:]
    assert found.out_sides == module(torch.zeros(shape)).shape[2:]


@pytest.mark.parametrize("module", [nn.ReLU(), nn.ConvTranspose2d(2, 2, 2)], ids=repr)
def test_what_slides_no_window_has_none(module: nn.Module) -> None:
    graph, _ = trace(Traceable.of(module), (1, 2, 8, 8))
    assert window(graph.operators[0]) is None
