"""The checker's arithmetic against real modules: every word's shape, and every refusal."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.errors import RecipeError
from hubel.models.notation import Grid, NotationError, Tokens, Vector, build, check
from hubel.models.notation.makers import MAKERS
from hubel.models.notation.rules import RULES
from hubel.models.notation.words import WORDS
from tests.models.notation.lines import networks, plain_networks

Shape = tuple[int, ...]


def ran(module: nn.Module, shape: Shape) -> list[tuple[str, Shape]]:
    """Every submodule that ran, in order, and the shape of one sample that it gave."""
    seen: list[tuple[str, Shape]] = []

    def hook(path: str) -> Callable[[nn.Module, object, Tensor], None]:
        return lambda _module, _input, output: seen.append((path, tuple(output.shape[1:])))

    for path, part in module.named_modules():
        part.register_forward_hook(hook(path))
    with torch.inference_mode():
        module.eval()(torch.randn(2, *shape, generator=torch.Generator().manual_seed(1)))
    return seen


@settings(max_examples=150, deadline=None)
@given(network=networks() | plain_networks())
def test_every_step_has_the_shape_that_its_module_gives(network: tuple[str, Shape]) -> None:
    line, shape = network
    checked = check(line, shape, 5)
    paths = {step.path for step in checked.steps}
    measured = [(path, shape) for path, shape in ran(build(line, shape, 5), shape) if path in paths]
    assert [(step.path, step.output.shape) for step in checked.steps] == measured


WINDOWS = st.fixed_dictionaries(
    {
        "kernel": st.integers(1, 6),
        "stride": st.integers(1, 4),
        "padding": st.integers(0, 4),
        "dilation": st.integers(1, 3),
    }
)


def side_of(give: Callable[[], Tensor]) -> int | None:
    """The side that PyTorch gives, or None where it refuses."""
    try:
        return give().shape[-1]
    except RuntimeError:
        return None


def side_by_line(line: str, side: int) -> int | None:
    try:
        output = check(line, (1, side)).output
    except NotationError:
        return None
    assert isinstance(output, Grid)
    return output.sides[0]


@settings(max_examples=300, deadline=None)
@given(window=WINDOWS, side=st.integers(1, 12))
def test_a_convolution_fits_where_pytorch_says_so(window: dict[str, int], side: int) -> None:
    k, s, p, d = window["kernel"], window["stride"], window["padding"], window["dilation"]
    weight = torch.zeros(1, 1, k)
    real = side_of(lambda: F.conv1d(torch.zeros(1, 1, side), weight, None, s, p, d))
    assert side_by_line(f"conv{k}/{s}(1, pad={p}, dilation={d})", side) == real


@settings(max_examples=300, deadline=None)
@given(window=WINDOWS, side=st.integers(1, 12), ceil=st.booleans())
def test_a_max_pooling_fits_where_pytorch_says_so(
    window: dict[str, int], side: int, ceil: bool
) -> None:
    k, s, p, d = window["kernel"], window["stride"], window["padding"], window["dilation"]
    real = side_of(lambda: F.max_pool1d(torch.zeros(1, 1, side), k, s, p, d, ceil_mode=ceil))
    line = f"maxpool{k}/{s}(pad={p}, dilation={d}, ceil={'yes' if ceil else 'no'})"
    assert side_by_line(line, side) == real


@settings(max_examples=300, deadline=None)
@given(window=WINDOWS, side=st.integers(1, 12), ceil=st.booleans())
def test_a_mean_pooling_fits_where_pytorch_says_so(
    window: dict[str, int], side: int, ceil: bool
) -> None:
    k, s, p = window["kernel"], window["stride"], window["padding"]
    real = side_of(lambda: F.avg_pool1d(torch.zeros(1, 1, side), k, s, p, ceil_mode=ceil))
    line = f"avgpool{k}/{s}(pad={p}, ceil={'yes' if ceil else 'no'})"
    assert side_by_line(line, side) == real


@settings(max_examples=300, deadline=None)
@given(window=WINDOWS, side=st.integers(1, 12), outpad=st.integers(0, 3))
def test_a_transposed_convolution_fits_where_pytorch_says_so(
    window: dict[str, int], side: int, outpad: int
) -> None:
    k, s, p, d = window["kernel"], window["stride"], window["padding"], window["dilation"]
    weight = torch.zeros(1, 1, k)
    real = side_of(
        lambda: F.conv_transpose1d(torch.zeros(1, 1, side), weight, None, s, p, outpad, 1, d)
    )
    line = f"tconv{k}/{s}(1, pad={p}, outpad={outpad}, dilation={d})"
    assert side_by_line(line, side) == real


def test_every_word_has_a_rule_a_module_and_an_example() -> None:
    plain = {name for name, definition in WORDS.items() if not definition.bodies[1]}
    assert RULES.keys() == plain
    assert MAKERS.keys() == plain
    assert all(definition.example.startswith(name) for name, definition in WORDS.items())


@pytest.mark.parametrize(
    ("line", "shape", "output"),
    [
        ("flatten", (3, 4, 5), Vector(60)),
        ("gap", (3, 4, 5), Vector(3)),
        ("patch4(8)", (3, 9, 8), Tokens(4, 8)),
        ("patch4(8) classtoken", (3, 8, 8), Tokens(5, 8)),
        ("patch4x2(8) fc(5) grid", (3, 8, 8), Grid(5, (2, 4))),
        ("patch4(8) flatten", (3, 8, 8), Vector(32)),
        ("tokens fc", (3, 8), Tokens(8, 7)),
        ("branches(conv1(2) | conv3(3) | identity)", (4, 8), Grid(9, (8,))),
        ("tokens branches(fc(2) | identity) grid", (4, 3, 5), Grid(6, (3, 5))),
        ("gap branches(fc(2) | fc)", (4, 8), Vector(9)),
        ("tconv2x2/2(6)", (3, 4, 5), Grid(6, (8, 10))),
        ("conv3/2(4)", (1, 7, 8, 9), Grid(4, (4, 4, 5))),
        ("adaptiveavgpool7x7", (2, 13, 5), Grid(2, (7, 7))),
    ],
)
def test_states_follow_the_words(line: str, shape: Shape, output: object) -> None:
    assert check(line, shape, 7).output == output


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_one_line_serves_any_number_of_axes(axes: int) -> None:
    line = "conv3x3/2(8) bn relu maxpool2 residual(conv3x3(8) in) blurpool2 gap fc"
    shape = (3, *[16] * axes)
    assert build(line, shape, 4)(torch.randn(2, *shape)).shape == (2, 4)


@pytest.mark.parametrize("shape", [(), (3,), (3, 4, 5, 6, 7), (0, 4), (3, 0, 4)])
@pytest.mark.parametrize("of", [check, build])
def test_an_input_that_is_none_is_refused(of: Callable[..., object], shape: Shape) -> None:
    message = rf"input is \(channels, \*sides\) with 1 to 3 sides, .* got {re.escape(str(shape))}$"
    with pytest.raises(RecipeError, match=message):
        of("gap fc", shape)


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("kaimin", "there is no initialisation 'kaimin'; did you mean kaiming\\?"),
        ("foo", "there is no initialisation 'foo'; there are kaiming, xavier, "),
        ("", "there is no initialisation ''; there are kaiming, xavier, "),
    ],
)
@pytest.mark.parametrize("of", [check, build])
def test_an_initialisation_that_is_none_is_refused_with_the_nearest(
    of: Callable[..., object], init: str, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        of("gap fc", (3, 8, 8), 10, init)


def test_a_tree_made_in_python_is_checked_as_its_printed_line() -> None:
    from hubel.models.notation.tree import Argument, Network, Word

    tree = Network((Word("relu"), Word("conv", (9,), (), (Argument("channels", 4),))))
    assert check(tree, (3, 4)).steps[1].text == "conv9(4)"
    bad = Network((*tree.items, Word("maxpool", (9,))))
    with pytest.raises(NotationError, match=r"maxpool9 on 4: floor\(\(4 - 9\) / 9\) \+ 1 = 0"):
        check(bad, (3, 4))
