"""A network that fails is told by its layer, its line, the sizes, and what would mend it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.analysis.recording.trace import Traceable, trace, trace_step
from hubel.errors import DesignError

Shape = tuple[int, ...]


def error_of(module: nn.Module, *shapes: Shape) -> str:
    with pytest.raises(DesignError) as caught:
        trace(Traceable.of(module), *shapes)
    return str(caught.value)


class Body(nn.Module):
    """Some layers under the path `body`."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class After(nn.Module):
    """A function of what a convolution gives: 4 channels, 2 rows and columns less."""

    def __init__(self, call: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.call = call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.conv(x))


def test_a_convolution_of_other_channels_is_named_with_both_ways_out() -> None:
    module = Body(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(33, 64, 3))
    said, place = error_of(module, (1, 3, 30, 30)).split("\n")
    assert said == (
        "body.2: Conv2d(33, 64, kernel_size=(3, 3), stride=(1, 1)): expected 33 channels, got 32 "
        "(its input is 1x32x28x28 from body.1); use Conv2d(32, 64, ...) here, or have body.1 "
        "give 33"
    )
    line = next(
        number
        for number, text in enumerate(Path(__file__).read_text().splitlines(), 1)
        if text.strip() == "return self.body(x)"
    )
    assert place == f"  at {__file__}:{line}: return self.body(x)"


S = nn.Sequential
LAYERS: list[tuple[str, nn.Module, Shape, str]] = [
    ("input channels", nn.Conv2d(3, 8, 3), (1, 1, 28, 28),
     "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1)): expected 3 channels, got 1 (its input is "
     "1x1x28x28 from the input); use Conv2d(1, 8, ...) here, or an input of 3 channels"),
    ("groups", nn.Conv2d(4, 8, 3, groups=2), (1, 3, 9, 9),
     "expected 4 channels, got 3 (its input is 1x3x9x9 from the input); use a number of groups "
     "that divides 3 here"),
    ("transposed", nn.ConvTranspose2d(4, 8, 3), (1, 3, 9, 9), "use ConvTranspose2d(3, 8, ...)"),
    ("axes", nn.Conv2d(3, 8, 3), (1, 3), "expected 4 axes (N x C x H x W), got 2: 1x3"),
    ("kernel", nn.Conv2d(3, 8, 7), (1, 3, 5, 5),
     "a kernel of 7x7 on 5x5: 5 - 7 + 1 = -1; pad by 1 or use a kernel of at most 5, or a larger "
     "input"),
    ("padded kernel", nn.Conv2d(3, 8, 9, padding=1), (1, 3, 5, 5),
     "5 + 2*1 - 9 + 1 = -1; pad by 2 or use a kernel of at most 7"),
    ("dilated kernel", nn.Conv1d(3, 8, 3, dilation=4), (1, 3, 5),
     "a kernel of 3 on 5: 5 - (4*(3 - 1) + 1) + 1 = -3; pad by 2 or use a kernel of at most 2"),
    ("linear", S(nn.Conv2d(3, 16, 3), nn.Flatten(), nn.Linear(400, 120)), (1, 3, 8, 8),
     "2: Linear(in_features=400, out_features=120, bias=True): expected 400 features, got 576 "
     "(16x6x6 flattened = 576); use Linear(576, 120), or an input of 7x7, which gives 400"),
    ("linear of no size", S(nn.Conv2d(3, 16, 3), nn.Flatten(), nn.Linear(401, 120)), (1, 3, 8, 8),
     "got 576 (16x6x6 flattened = 576); use Linear(576, 120)"),
    ("linear on axis 1", nn.Linear(16, 4), (1, 16, 8, 8),
     "expected 16 features, got 8 (1x16x8x8 from the input); move the axis of the channels to "
     "the end"),
    ("batch norm", S(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(17)), (1, 3, 8, 8),
     "1: BatchNorm2d(17): expected 17 channels, got 16 (its input is 1x16x6x6 from 0); use "
     "BatchNorm2d(16) here, or have 0 give 17"),
    ("batch norm of a vector", nn.BatchNorm2d(16), (1, 16), "expected 4 axes (N x C x H x W)"),
    ("instance norm", nn.InstanceNorm2d(16, affine=True), (1, 18, 8, 8), "use InstanceNorm2d(18)"),
    ("group norm", nn.GroupNorm(4, 16), (1, 18, 8, 8),
     "expected 16 channels, got 18 (its input is 1x18x8x8 from the input); use GroupNorm(2, 18)"),
    ("layer norm", nn.LayerNorm(16), (1, 16, 8, 8),
     "expected 16 at the end, got 8 (its input is 1x16x8x8 from the input); it normalises the "
     "last axis and the channels are on axis 1: permute before and after, or use "
     "GroupNorm(1, 16)"),
    ("layer norm of another width", nn.LayerNorm(16), (1, 7, 9), "use LayerNorm(9)"),
    ("max pooling", nn.MaxPool2d(2), (1, 3, 1, 1),
     "a kernel of 2x2 on 1x1: 1 - 2 + 1 = 0; pad by 1 or use a kernel of at most 1, or a larger "
     "input"),
    ("average pooling", nn.AvgPool2d(3), (1, 3, 2, 2), "a kernel of 3x3 on 2x2: 2 - 3 + 1 = 0"),
    ("padding of a pooling", nn.MaxPool2d(2, padding=2), (1, 3, 8, 8),
     "padding 2 is more than half of its kernel 2: windows would lie in padding alone; use at "
     "most 1"),
    ("reflection", nn.ReflectionPad2d(4), (1, 3, 3, 3),
     "a reflection of 4 needs more than 4 positions, and 1x3x3x3 from the input has 3; pad by at "
     "most 2"),
    ("words of its own", nn.PixelShuffle(2), (1, 3, 9, 9),
     "pixel_shuffle failed with RuntimeError: Invalid input shape for pixel_shuffle"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "shape", "said"), [c[1:] for c in LAYERS], ids=[c[0] for c in LAYERS]
)
def test_a_layer_says_what_it_expected_and_got(module: nn.Module, shape: Shape, said: str) -> None:
    assert said in error_of(module, shape)


OPERATORS: list[tuple[str, Callable[[Tensor], Tensor], str]] = [
    ("add", lambda x: x + x[:, :, 1:],
     "After: add of unequal shapes: 1x4x8x8 from conv, and 1x4x7x8 from slice of conv; on axis 2 "
     "the sizes are 8 and 7"),
    ("in place", lambda x: x.mul_(x[:, 1:3]), "mul of unequal shapes: 1x4x8x8 from conv"),
    ("cat", lambda x: torch.cat([x, x[..., 1:]], 1),
     "cat of unequal shapes: 1x4x8x8 from conv, and 1x4x8x7 from slice of conv; on axis 3 the "
     "sizes are 8 and 7"),
    ("cat of vectors", lambda x: torch.cat([x, x[0]]), "one has 4 axes and the other 3"),
    ("stack", lambda x: torch.stack([x, x[:, 1:]]), "on axis 1 the sizes are 4 and 3"),
    ("view", lambda x: x.view(1, -1, 5),
     "a view of 1x4x8x8 from conv as 1x?x5: 256 elements are no multiple of 5 (256 = 51*5 + 1)"),
    ("windows", lambda x: x.view(1, 4, 2, 3, 2, 3),
     "256 elements can't be 144: 2*3 = 6 is not 8; the side there has to be a multiple of 3"),
    ("moved axes", lambda x: x.permute(0, 2, 3, 1).view(1, -1), "use reshape"),
    ("product", lambda x: x @ x.new_zeros(5, 5),
     "the last axis of the first is 8 and the axis of the second that it meets is 5"),
    ("batches", lambda x: torch.bmm(x[0], x[0, 1:]), "the batches are 4 and 3"),
    ("functional", lambda x: F.conv2d(x, x.new_zeros(3, 5, 3, 3)),
     "a convolution with a weight of 3x5x3x3 from new_zeros expected 5 channels, got 4 (its "
     "input is 1x4x8x8 from conv)"),
    ("functional kernel", lambda x: F.conv2d(x, x.new_zeros(3, 4, 9, 9)), "8 - 9 + 1 = 0"),
    ("functional norm", lambda x: F.layer_norm(x, (9,)), "Given normalized_shape=[9]"),
    ("other", lambda x: x.nothing, "AttributeError: 'Tensor' object has no attribute 'nothing'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "said"), [c[1:] for c in OPERATORS], ids=[c[0] for c in OPERATORS]
)
def test_an_operator_names_both_of_what_it_got(call: Callable[[Tensor], Tensor], said: str) -> None:
    error = error_of(After(call), (1, 3, 10, 10))
    assert said in error
    assert re.search(rf"\n  at {re.escape(__file__)}:\d+: ", error)


BY_VALUES: list[tuple[str, Callable[[Tensor], Tensor], str]] = [
    ("condition", lambda x: x if x.sum() > 0 else -x, "(item)"),
    ("item", lambda x: x * x.max().item(), "(item)"),
    ("mask", lambda x: x[x > 0], "(a mask as an index)"),
    ("nonzero", lambda x: x.nonzero(), "(nonzero)"),
    ("list", lambda x: x * x.argmax().tolist(), "(a conversion to Python)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "asked"), [c[1:] for c in BY_VALUES], ids=[c[0] for c in BY_VALUES]
)
def test_a_network_that_decides_by_values_is_told_where(
    call: Callable[[Tensor], Tensor], asked: str
) -> None:
    error = error_of(After(call), (1, 3, 10, 10))
    assert f"the network decides by the values in a tensor {asked}" in error
    assert f"at {__file__}:" in error


class Two(nn.Module):
    def forward(self, picture: Tensor, mask: Tensor, scale: float = 1.0) -> Tensor:
        return picture * mask * scale


@pytest.mark.parametrize("shapes", [[(1, 3)], [(1, 3)] * 4])
def test_a_wrong_number_of_inputs_names_those_that_are_taken(shapes: list[Shape]) -> None:
    with pytest.raises(DesignError, match=r"takes 2 inputs \(picture, mask\), and got"):
        trace(Traceable.of(Two()), *shapes)


class Refusing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] == 32, "made for 32 pixels"
        return x


def test_a_network_that_refuses_is_given_its_own_words() -> None:
    error = error_of(S(nn.ReLU(), Refusing()), (1, 3, 9, 9))
    assert "1: Refusing: it failed with AssertionError: made for 32 pixels" in error
    assert "assert x.shape[-1] == 32" in error


class Biased(nn.Module):
    """Attention with a bias that was made for a number of positions, as a table of offsets is."""

    def __init__(self, positions: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(2, positions, positions))

    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(x, x, x, self.bias)


@pytest.mark.parametrize("positions", [9, 1])
def test_a_bias_that_fits_the_scores_is_taken(positions: int) -> None:
    graph, _ = trace(Traceable.of(Biased(positions)), (1, 2, 9, 4))
    assert graph.outputs[0].shape == (1, 2, 9, 4)


def test_a_bias_of_attention_for_another_number_of_positions_is_refused() -> None:
    """The meta device takes it and no other does."""
    said = "a mask or bias of [2, 16, 16] does not fit scores of [1, 2, 9, 9]"
    assert said in error_of(Biased(16), (1, 2, 9, 4))


def test_one_value_for_each_channel_cannot_be_normalised_in_training() -> None:
    module = S(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3))
    with pytest.raises(DesignError, match=r"more than 1 value for each channel.*batch of 2"):
        trace_step(Traceable.of(module), (1, 3, 8, 8))


class Branches(nn.Module):
    """Down by 2 and up again, joined with what was before: a U."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 3, 3, 2, 1)
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.up(self.down(x))], 1)


def test_an_input_at_which_branches_meet_is_proposed() -> None:
    error = error_of(Branches(), (1, 3, 33, 33))
    assert "cat of unequal shapes: 1x3x33x33 from the input, and 1x3x34x34 from up" in error
    assert "an input of 32x32 makes them equal" in error


@settings(max_examples=40)
@given(
    kernel=st.integers(1, 9), stride=st.integers(1, 3), side=st.integers(24, 60),
    wanted=st.integers(8, 24),
)  # fmt: skip
def test_the_input_that_is_proposed_for_a_linear_layer_works(
    kernel: int, stride: int, side: int, wanted: int
) -> None:
    conv = nn.Conv2d(1, 2, kernel, stride, kernel // 2)
    module = S(conv, nn.MaxPool2d(2, ceil_mode=True), nn.Flatten(), nn.Linear(2 * wanted**2, 3))
    try:
        trace(Traceable.of(module), (1, 1, side, side))
    except DesignError as error:
        found = re.search(r"an input of (\d+)x\1, which gives", str(error))
        assert found is not None
        proposed = int(found[1])
        assert module(torch.zeros(1, 1, proposed, proposed)).shape == (1, 3)


KINDS = [
    nn.Conv1d(2, 4, 3), nn.Conv2d(2, 4, 3, 2), nn.Conv3d(2, 2, 2), nn.ConvTranspose2d(2, 3, 2, 2),
    nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.Linear(3, 2), nn.Bilinear(2, 3, 4),
    nn.BatchNorm1d(2), nn.BatchNorm2d(3), nn.InstanceNorm2d(2, affine=True), nn.GroupNorm(2, 4),
    nn.LayerNorm(3), nn.LayerNorm((2, 3)), nn.MaxPool1d(2), nn.MaxPool2d(2), nn.AvgPool2d(3),
    nn.AvgPool3d(2), nn.AdaptiveAvgPool2d(1), nn.ReflectionPad2d(2), nn.ReplicationPad2d(1),
    nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(2), nn.Unfold(2), nn.Flatten(),
    nn.Upsample(scale_factor=2), nn.PReLU(2), nn.GLU(), nn.LSTM(3, 4),
    nn.TransformerEncoderLayer(4, 2, 8),
]  # fmt: skip


@settings(max_examples=400)
@given(module=st.sampled_from(KINDS), shape=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_what_a_real_pass_refuses_is_refused_in_words_and_nothing_else(
    module: nn.Module, shape: list[int]
) -> None:
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(shape))
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError):
        assert error_of(module, tuple(shape))
    else:
        trace(Traceable.of(module), tuple(shape))


def test_the_network_is_left_as_it_was_after_a_failure() -> None:
    module = Body(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(5)).train()
    error_of(module, (1, 3, 9, 9))
    assert module.training
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
