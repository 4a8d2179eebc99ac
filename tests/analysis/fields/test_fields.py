"""Size, stride, start, kind and shares: against closed forms and by counting."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.analysis.fields import Field, receptive_fields
from hubel.analysis.recording.trace import Traceable, trace
from hubel.models.notation import build
from tests.analysis.fields.supports import field_of, field_or_none, read_hulls
from tests.models.notation.lines import plain_networks

Network = tuple[str, tuple[int, ...]]


def line_field(line: str, *shape: int) -> Field:
    return field_of(build(line, shape, num_classes=3), shape)


windows = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 2), st.booleans())


@settings(max_examples=40, deadline=None)
@given(layers=st.lists(windows, min_size=1, max_size=6), side=st.integers(40, 90))
def test_a_stack_follows_the_closed_form(
    layers: list[tuple[int, int, int, bool]], side: int
) -> None:
    """Araujo, Norris and Sim 2019, equations 2 and 4: https://doi.org/10.23915/distill.00021."""
    size, stride, start, stack = 1, 1, 0, []
    for kernel, step, dilation, is_pool in layers:
        padding = kernel // 2
        spread = 1 if is_pool else dilation
        border = padding * spread
        if is_pool:
            stack.append(nn.AvgPool1d(kernel, step, border))
        else:
            stack.append(nn.Conv1d(2, 2, kernel, step, border, spread))
        size += spread * (kernel - 1) * stride
        start -= border * stride
        stride *= step
    field = field_of(nn.Sequential(*stack), (2, side))
    assert (field.size, field.stride, field.start) == ((size,), (stride,), (start,))
    assert field.kind == "exact"
    assert field.centre == (start + (size - 1) / 2,)


MOSTLY_PADDING = (
    "conv1/2(1, pad=1) branches(conv1/2(2) | conv3/2(2, dilation=2) | maxpool3/2(pad=1))"
)
ONE_ROW = "maxpool2x1 branches(conv1(2) | conv3(2, dilation=2) | maxpool3/1(pad=1)) dwconv1(1)"


@settings(max_examples=40, deadline=None)
@given(network=plain_networks(2))
@example(network=(MOSTLY_PADDING, (2, 3, 3)))
@example(network=(ONE_ROW, (1, 3, 3)))
def test_size_stride_and_start_are_those_of_an_endless_input(network: Network) -> None:
    line, shape = network
    small = field_or_none(build(line, shape), shape)
    assume(small is not None)
    large = line_field(line, shape[0], 41, 37)
    numbers = [(field.size, field.stride, field.start, field.kind) for field in (small, large)]
    assert numbers[0] == numbers[1]


@settings(max_examples=40, deadline=None)
@given(network=plain_networks(2))
@example(network=(MOSTLY_PADDING, (2, 9, 12)))
@example(network=(ONE_ROW, (1, 3, 3)))
def test_seen_and_cut_are_what_counting_finds(network: Network) -> None:
    line, shape = network
    field = field_or_none(build(line, shape), shape)
    assume(field is not None)
    sides = field.shape[2:]
    beyond = []
    for axis, side in zip(field.axes, sides, strict=True):
        assert axis.stride is not None
        first = axis.start + np.arange(side) * int(axis.stride)
        beyond.append((first < 0) | (first + axis.size > axis.side))
    assert field.cut == pytest.approx((beyond[0][:, None] | beyond[1]).mean())
    centre = (sides[0] // 2, sides[1] // 2)
    middle = [field.window((0, channel, *centre)) for channel in range(field.shape[1])]
    ends = np.array([window for window in middle if window])
    hull = ends[..., 1].max(0) - ends[..., 0].min(0) + 1 if len(ends) else np.zeros(2)
    assert field.seen == pytest.approx(hull.prod() / np.prod(shape[1:]))


WHOLE = {
    "global pooling": "conv3x3(4) relu gap",
    "global maximum": "conv3x3(4) relu gmp",
    "a fully connected layer": "conv3x3(4) flatten fc(5)",
    "squeeze-excite": "conv3x3(4) se(2)",
    "attention": "patch2(4) positions residual(norm attention(2))",
    "the class token": "patch2(4) classtoken attention(2) first",
    "instance norm": "conv3x3(4) in",
    "group norm": "conv3x3(4) gn(2)",
    "a convolution after it": "conv3x3(4) se(2) conv3x3(2)",
}


@pytest.mark.parametrize("line", WHOLE.values(), ids=WHOLE)
def test_what_sees_the_whole_input_says_so(line: str) -> None:
    field = line_field(line, 3, 8, 6)
    assert field.to_json() == {
        "size": [8, 6], "stride": None, "start": 0, "kind": "whole", "seen": 1.0, "cut": None,
    }  # fmt: skip
    assert field.window((0,) * len(field.shape)) == ((0, 7), (0, 5))


LOCAL = {
    "batch norm": ("conv3x3/2(4) bn", 3, 2, -1),
    "layer norm of channels": ("conv3x3/2(4) norm dwconv7x7(pad=3)", 15, 2, -7),
    "tokens, a position each": ("patch2(4) norm fc(8) gelu", 2, 2, 0),
    "tokens back on their grid": ("patch2(4) norm grid conv3x3(4)", 6, 2, -2),
    "branches": ("branches(conv1x1(2) | conv5x5(2)) conv3x3(2)", 7, 1, -3),
    "the branches themselves": ("branches(conv1x1(2) | conv5x5(2))", 5, 1, -2),
    "residual": ("residual(conv3x3(3) relu conv3x3(3, dilation=2))", 7, 1, -3),
    "a map of one position": ("conv3x3/2(4) conv3x3/2(4) conv3x3/2(4) conv3x3(4)", 31, 8, -15),
}


@pytest.mark.parametrize(("line", "size", "stride", "start"), LOCAL.values(), ids=LOCAL)
def test_what_sees_a_part_says_which(line: str, size: int, stride: int, start: int) -> None:
    facts = line_field(line, 3, 8, 8).to_json()
    assert (facts["size"], facts["stride"], facts["start"]) == (size, stride, start)
    assert facts["kind"] == "exact"


def test_upsampling_has_a_stride_below_one() -> None:
    field = line_field("conv3x3/2(4) tconv2x2/2(4) tconv2x2/2(4)", 3, 8, 8)
    assert field.stride == (Fraction(1, 2),) * 2
    assert field.to_json()["stride"] == 0.5
    assert (field.kind, field.size) == ("exact", (3, 3))


def test_windows_of_two_sizes_are_bounded() -> None:
    field = line_field("tconv3x3/2(4, pad=1)", 3, 8, 8)
    assert (field.kind, field.size, field.note) == ("bound", (2, 2), "")
    assert field.window((0, 0, 0, 1)) == ((0, 0), (0, 1))


def test_axes_may_differ_in_kind() -> None:
    class Columns(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.avg_pool2d(x, (1, 3), 1, (0, 1)).mean(2)

    field = field_of(Columns(), (3, 8, 6))
    assert [axis.kind for axis in field.axes] == ["whole", "exact"]
    assert field.kind == "exact"
    assert field.to_json()["size"] == [8, 3]
    assert field.to_json()["stride"] == [None, 1]


def test_windows_of_different_strides_lie_at_no_stride() -> None:
    class Sum(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :, :4] + x[:, :, ::2]

    field = field_of(Sum(), (3, 8, 6))
    assert field.stride == (None, 1)
    assert (field.kind, field.size) == ("bound", (4, 1))


def test_positions_that_are_summed_in_steps_have_no_stride_any_more() -> None:
    class Halves(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            halves = x.flatten(2).unflatten(2, (2, -1)).sum(3).view(1, 3, 2, 1)
            return F.avg_pool2d(halves, 3, 1, 1)

    field = field_of(Halves(), (3, 7, 6))  # a half is three rows and a half
    assert field.axes[1].kind == "whole"
    assert (field.axes[1].size, field.axes[1].stride) == (6, None)


def test_pixels_that_a_stride_drops_are_not_seen_by_a_global_pooling() -> None:
    field = line_field("conv3x3/2(4, valid) gap", 3, 8, 8)
    assert (field.kind, field.size, field.seen) == ("exact", (7, 7), 49 / 64)


def test_the_share_of_cut_windows_is_counted_on_the_map() -> None:
    assert line_field("conv3x3(4)", 3, 8, 6).cut == pytest.approx(1 - 6 * 4 / 48)
    assert line_field("conv3x3(4, valid)", 3, 8, 6).cut == 0


def test_windows_are_cut_at_the_border() -> None:
    field = line_field("conv3x3(4) conv3x3(4)", 3, 8, 6)
    assert field.window((0, 0, 0, -1)) == ((0, 2), (3, 5))
    assert field.window((0, 3, 4, 2)) == ((2, 6), (0, 4))


def test_a_position_that_reads_only_padding_sees_nothing() -> None:
    field = line_field("conv1x1(4, pad=1)", 3, 4, 4)
    assert field.window((0, 0, 0, 2)) is None
    assert field.window((0, 0, 1, 2)) == ((0, 0), (1, 1))


def test_an_index_has_a_number_for_each_dim() -> None:
    with pytest.raises(IndexError, match="an index of 4 numbers, one a dim, not 2"):
        line_field("conv1x1(4)", 3, 4, 4).window((0, 0))


@pytest.mark.parametrize("at", [4, -5])
def test_an_index_lies_within_its_dim(at: int) -> None:
    with pytest.raises(IndexError, match=rf"index {at} along dim 2, whose size is 4"):
        line_field("conv1x1(4)", 3, 4, 4).window((0, 0, at, 0))


def test_what_is_erased_depends_on_nothing() -> None:
    class Erased(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            out = x * 2
            out.zero_()
            return out + 1

    assert field_or_none(Erased(), (3, 4, 4)) is None


def test_only_what_depends_on_the_input_has_a_field() -> None:
    graph, _ = trace(Traceable.of(build("patch2(4) classtoken", (3, 4, 4))), (1, 3, 4, 4))
    fields = receptive_fields(graph)
    made = {x.id for op in graph.operators for x in op.outputs if op.name != "expand"}
    assert set(fields) == made | {graph.inputs[0].id}
    assert len(fields) == len(made) + 1
    assert fields[graph.inputs[0].id].to_json() == {
        "size": 1, "stride": 1, "start": 0, "kind": "exact", "seen": 1 / 16, "cut": 0.0,
    }  # fmt: skip
    assert fields.get(next(iter(graph.parameters))) is None


def test_an_input_without_axes_has_no_fields() -> None:
    graph, _ = trace(Traceable.of(nn.Linear(4, 2)), (1, 4))
    assert dict(receptive_fields(graph)) == {}


def test_moments_of_a_batch_are_seen_by_all_while_training() -> None:
    module = nn.BatchNorm2d(3)
    graph, _ = trace(Traceable.of(module), (1, 3, 4, 4))
    assert receptive_fields(graph)[graph.outputs[0].id].size == (1, 1)
    module.track_running_stats, module.running_mean, module.running_var = False, None, None
    graph, _ = trace(Traceable.of(module), (1, 3, 4, 4))
    assert receptive_fields(graph)[graph.outputs[0].id].kind == "whole"


def test_what_is_too_much_to_tell_apart_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = line_field("conv3x3(4) tokens", 3, 8, 8)
    monkeypatch.setattr("hubel.analysis.fields.reach.LIMIT", 20)
    field = line_field("conv3x3(4) tokens", 3, 8, 8)
    assert "windows in one value" in field.note
    assert field.kind != "exact"
    for (low, high), truth in zip(read_hulls(field), read_hulls(exact), strict=True):
        assert (low <= truth[0]).all()
        assert (high >= truth[1]).all()


def test_a_large_memory_written_through_a_view_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shifted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            out = torch.zeros_like(x)
            out[:, :, 1:] = x[:, :, :-1]
            return out

    assert field_of(Shifted(), (3, 8, 6)).size == (1, 1)
    monkeypatch.setattr("hubel.analysis.fields.aliases.MOST", 20)
    field = field_of(Shifted(), (3, 8, 6))
    assert (field.kind, field.size) == ("bound", (7, 6))
    assert field.note == "memory written through a view"


def test_two_inputs_of_one_shape_count_as_one_picture() -> None:
    class Difference(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return F.avg_pool2d(x, 3, 1) - y[:, :, 1:-1, 1:-1]

    graph, _ = trace(Traceable.of(Difference()), (1, 3, 8, 8), (1, 3, 8, 8))
    assert receptive_fields(graph)[graph.outputs[0].id].size == (3, 3)


def test_summing_up_leaves_torch_alone() -> None:
    before = torch.random.get_rng_state()
    line_field("conv3x3(4) gap", 3, 8, 8)
    assert torch.equal(torch.random.get_rng_state(), before)
