"""Laws of the start: keyed draws, the named rules' variances, starts that never learn."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.models.notation import INITS, build, check
from tests.models.notation.lines import networks

Shape = tuple[int, ...]


def values(line: str, shape: Shape, seed: int = 0, init: str = "kaiming") -> dict[str, Tensor]:
    return dict(build(line, shape, 5, init, seed).state_dict())


@settings(max_examples=40, deadline=None)
@given(network=networks(), seed=st.integers(-5, 2**63))
def test_a_seed_gives_the_same_bits(network: tuple[str, Shape], seed: int) -> None:
    first, again = values(*network, seed), values(*network, seed)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(bool(torch.isfinite(value).all()) for value in first.values())


@settings(max_examples=40, deadline=None)
@given(network=networks(), seed=st.integers(0, 99))
def test_a_word_more_at_the_end_changes_no_other_draw(
    network: tuple[str, Shape], seed: int
) -> None:
    line, shape = network
    tail = "fc(3)" if len(check(line, shape, 5).output.shape) == 1 else "gap fc(3)"
    before, after = values(line, shape, seed), values(f"{line} {tail}", shape, seed)
    assert before.keys() < after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_another_seed_and_another_place_give_other_draws() -> None:
    line, shape = "conv3(8) conv3(8) conv3(8)", (8, 16)
    one, other = values(line, shape, 1), values(line, shape, 2)
    weights = [*one.values(), *other.values()]
    weights = [weight for weight in weights if weight.ndim > 1]
    assert len({weight.numpy().tobytes() for weight in weights}) == 6


LAYERS = {  # line, input, fan_in, fan_out
    "conv": ("conv3x3(256)", (64, 8, 8), 64 * 9, 256 * 9),
    "strided": ("conv2x2/2(256)", (64, 8, 8), 64 * 4, 256),
    "grouped": ("conv3x3(256, groups=4)", (256, 8, 8), 64 * 9, 64 * 9),
    "depthwise": ("dwconv5x5", (512, 8, 8), 25, 25),
    "transposed": ("tconv2x2/2(256)", (128, 8, 8), 128, 256 * 4),
    "fc": ("gap fc(256)", (512, 8, 8), 512, 256),
    "patch": ("patch4(256)", (8, 8, 8), 128, 256),
}
VARIANCE = {
    "kaiming": lambda fan_in, fan_out: 2 / fan_in,
    "xavier": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
    "normal": lambda fan_in, fan_out: 0.02**2,
    "zeros": lambda fan_in, fan_out: 0,
    "torch": lambda fan_in, fan_out: 1 / (3 * fan_in),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("init", VARIANCE)
def test_weights_have_the_variance_of_their_rule(layer: str, init: str) -> None:
    line, shape, fan_in, fan_out = LAYERS[layer]
    drawn = values(line, shape, init=init)
    weight = next(value for value in drawn.values() if value.ndim > 1).double()
    bias = next(value for name, value in drawn.items() if name.endswith("bias"))
    # Of n draws, the variance estimated differs by sqrt(2 / n) of itself: five times that.
    expected = VARIANCE[init](fan_in, fan_out)
    assert float(weight.var()) == pytest.approx(expected, rel=5 * sqrt(2 / weight.numel()))
    assert abs(float(weight.mean())) <= 5 * sqrt(expected / weight.numel())
    assert bool(bias.any()) == (init == "torch")


@pytest.mark.parametrize("line", ["gap fc(32)", "gap fc(100)"])
def test_orthogonal_rows_or_columns_are_orthonormal(line: str) -> None:
    weight = values(line, (64, 4), init="orthogonal")["fc1.weight"]
    small = weight @ weight.T if weight.shape[0] < weight.shape[1] else weight.T @ weight
    torch.testing.assert_close(small, torch.eye(len(small)), atol=1e-5, rtol=0)


def test_kaiming_keeps_the_signal_through_relu_layers() -> None:
    module = build("tokens [fc(1024) relu]*5", (1024, 20))
    x = torch.randn(1, 1024, 20, generator=torch.Generator().manual_seed(0))
    # Each layer of width n multiplies the mean square by a factor of mean 1 and variance 5 / n
    # (Hanin and Rolnick 2018, arXiv 1803.01719): here the five stay within 5 * sqrt(25 / 1024).
    with torch.inference_mode():
        assert 0.45 < float(module(x).pow(2).mean() / x.pow(2).mean()) < 2.2


def test_a_words_own_start_wins() -> None:
    drawn = values("conv3(4, init=zeros) fc(4)".replace("fc", "gap fc"), (3, 8), init="torch")
    assert not drawn["conv1.weight"].any()
    assert drawn["fc1.bias"].any()


def test_tokens_and_positions_start_narrow_and_norms_as_identity() -> None:
    drawn = values("patch2(256) classtoken positions norm scale(0.25) prelu", (3, 32, 32))
    assert float(drawn["classtoken1.token"].std()) == pytest.approx(0.02, rel=0.25)
    assert float(drawn["positions1.values"].std()) == pytest.approx(0.02, rel=0.02)
    assert torch.equal(drawn["norm1.weight"], torch.ones(256))
    assert torch.equal(drawn["norm1.bias"], torch.zeros(256))
    assert torch.equal(drawn["scale1.factor"], torch.full((256,), 0.25))
    assert drawn["prelu1.weight"].item() == 0.25


@pytest.mark.parametrize("init", INITS)
def test_every_rule_fills_every_kind_of_layer(init: str) -> None:
    line = "conv3(8) dwconv3 tconv2/2(8) bn in se(2) blurpool2 patch2(8) attention(2) gap fc"
    drawn = values(line, (3, 32), init=init)
    assert all(bool(torch.isfinite(value).all()) for value in drawn.values())
    assert all(float(value.abs().max()) < 10 for value in drawn.values())


# Filters that start identical and stay so


def filters_after_training(line: str, init: str) -> Tensor:
    """The first layer's filters after some steps, one a row."""
    torch.manual_seed(0)
    module = build(line, (3, 8, 8), 4, init)
    x, targets = torch.randn(16, 3, 8, 8), torch.arange(16) % 4
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        F.cross_entropy(module(x), targets).backward()
        optimizer.step()
    first = next(m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear))
    return first.weight.detach().flatten(1)


STARTS = [  # line, start of the rest, whether the checker must warn
    ("conv3x3(6, init=zeros) relu gap fc", "kaiming", True),
    ("conv3x3(6, init=zeros) bn relu gap fc", "kaiming", True),
    ("conv3x3(6, init=zeros) bn maxpool2 relu6 conv3x3(4) relu gap fc", "kaiming", True),
    ("conv3x3(6) tanh gap fc", "zeros", True),
    ("conv3x3(6) sigmoid conv3x3(5) sigmoid gap fc", "zeros", True),
    ("flatten fc(6) sigmoid fc", "zeros", True),
    ("flatten fc(6, init=zeros) relu fc", "kaiming", True),
    ("patch4(6, init=zeros) relu gap fc", "kaiming", True),
    ("conv3x3(6, init=zeros) tanh gap fc", "kaiming", False),
    ("conv3x3(6, init=zeros) sigmoid conv3x3(4) relu gap fc", "kaiming", False),
    ("conv3x3(6, init=zeros) softplus relu gap fc", "kaiming", False),
    ("conv3x3(3) residual(conv3x3(6) relu conv3x3(3, init=zeros)) gap fc", "kaiming", False),
    ("flatten fc", "zeros", False),
    ("conv3x3(6) relu gap fc", "kaiming", False),
]


@pytest.mark.parametrize(("line", "init", "warned"), STARTS)
def test_the_warning_is_there_where_filters_stay_identical(
    line: str, init: str, warned: bool
) -> None:
    filters = filters_after_training(line, init)
    identical = torch.allclose(filters, filters[:1].expand_as(filters), atol=1e-6)
    messages = [advice.message for advice in check(line, (3, 8, 8), 4, init).warnings]
    assert identical == warned
    assert any("its filters stay identical" in message for message in messages) == warned


def test_the_warning_names_the_word_and_the_way_out() -> None:
    line = "conv3x3(8) relu fc(6, init=zeros) relu fc".replace("fc(6", "gap fc(6")
    (advice,) = check(line, (3, 8, 8)).warnings
    assert line[advice.span.start : advice.span.end] == "fc(6, init=zeros)"
    assert advice.message == (
        "fc starts at zero and relu passes no gradient at 0: its filters stay identical; "
        "draw them, such as init=kaiming"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "[conv4(8)]*2",
            "conv4 pads 1x1 before and 2x2 after: what it finds moves by half a pixel",
        ),
        ("[conv3x2(8)]", "conv3x2 pads 1x0 before and 1x1 after"),
        ("patch4(8) first", "first takes the first patch alone: there is no classtoken before"),
        ("patch4(8) attention(2, init=zeros)", "its two products hold each other there"),
    ],
)
def test_what_is_allowed_and_odd_is_said_once(line: str, message: str) -> None:
    advice = check(line, (3, 16, 16)).warnings
    assert [message in one.message for one in advice] == [True]


@pytest.mark.parametrize(
    "line", ["conv3(8)", "conv4(8, valid)", "conv4(8, pad=1)", "conv2/2(8, pad=0)"]
)
def test_windows_with_a_centre_or_no_border_are_not_warned_of(line: str) -> None:
    assert check(line, (3, 16, 16)).warnings == ()
