"""Shapes from formulas are the shapes of a forward pass at sizes that no formula was made from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.analysis.recording.graph import Graph
from hubel.analysis.recording.trace import Traceable, trace
from hubel.analysis.shapes.expressions import constant
from hubel.analysis.shapes.formulas import Formulas, shape_formulas
from hubel.analysis.shapes.probes import Probes
from tests.analysis.networks import Functional


class Applied(nn.Module):
    """A function of one tensor as a module."""

    def __init__(self, call: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.call = call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(x)


def formulas_of(module: nn.Module, *shape: int) -> tuple[Formulas, Graph]:
    network = Traceable.of(module)
    graph, _ = trace(network, shape)
    return shape_formulas(network, graph), graph


def text_of(module: nn.Module, *shape: int) -> str:
    formulas, graph = formulas_of(module, *shape)
    return formulas.text(graph.outputs[0])


def real_shape(module: nn.Module, *shape: int) -> tuple[int, ...]:
    with torch.no_grad():
        return tuple(module.eval().to("meta")(torch.empty(shape, device="meta")).shape)


def layers() -> st.SearchStrategy[nn.Module]:
    kernel, stride = st.integers(1, 5), st.integers(1, 4)
    padding = st.integers(0, 2)
    convolutions = st.builds(
        lambda k, s, p, d: nn.Conv2d(4, 4, k, s, p, d), kernel, stride, padding, st.integers(1, 3)
    )
    poolings = st.builds(
        lambda kind, k, s, ceil: kind(k, s, k // 2, ceil_mode=ceil),
        st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]), kernel, stride, st.booleans(),
    )  # fmt: skip
    transposed = st.builds(
        lambda k, s: nn.ConvTranspose2d(4, 4, k, s, output_padding=s - 1), kernel, stride
    )
    others = st.sampled_from([
        nn.Upsample(scale_factor=2), nn.ReLU(), nn.BatchNorm2d(4), nn.ZeroPad2d((1, 2, 0, 3)),
        nn.ReflectionPad2d(1),
    ])  # fmt: skip
    return st.one_of(convolutions, poolings, transposed, others)


@settings(max_examples=60)
@given(
    stack=st.lists(layers(), min_size=1, max_size=6),
    sizes=st.tuples(st.integers(1, 4), st.integers(20, 160), st.integers(20, 160)),
)
def test_a_random_stack_has_the_shapes_that_its_formulas_say(
    stack: list[nn.Module], sizes: tuple[int, int, int]
) -> None:
    module = nn.Sequential(*stack)
    batch, height, width = sizes
    try:
        wanted = real_shape(module, batch, 4, height, width)
        formulas, graph = formulas_of(module, 1, 4, 96, 80)
    except (RuntimeError, ValueError):
        assume(False)
    assert formulas.unknown == 0
    found = formulas.evaluate(graph.outputs[0], N=batch, H=height, W=width)
    assert found == wanted


def same_padding(x: Tensor) -> Tensor:
    """TensorFlow's: as much as makes ceil(size/stride) positions, by arithmetic in Python."""
    pads = [max((-(-side // 2) - 1) * 2 + 3 - side, 0) for side in x.shape[-2:]]
    rows, columns = pads
    padded = F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
    return F.max_pool2d(padded, 3, 2)


def windows(x: Tensor, side: int = 7) -> Tensor:
    """Windows of an input that is padded to a multiple of their side where it is none."""
    h, w = x.shape[2:]
    if h % side or w % side:
        x = F.pad(x, (0, -w % side, 0, -h % side))
    n, c, h, w = x.shape
    parts = x.view(n, c, h // side, side, w // side, side).permute(0, 2, 4, 3, 5, 1)
    return parts.reshape(-1, side * side, c)


def resized(x: Tensor) -> Tensor:
    sides = [-(-side // 2) * 2 for side in x.shape[-2:]]
    return F.interpolate(x, sides).flatten(2).transpose(1, 2)


CASES: list[tuple[str, nn.Module, tuple[int, ...], str]] = [
    ("stem", nn.Conv2d(3, 64, 7, 2, 3), (1, 3, 224, 224), "N x 64 x ceil(H/2) x ceil(W/2)"),
    ("valid", nn.Conv2d(3, 8, 5), (2, 3, 30, 40), "N x 8 x H - 4 x W - 4"),
    ("1-D", nn.Conv1d(2, 8, 4, 4), (1, 2, 99), "N x 8 x floor(L/4)"),
    ("3-D", nn.MaxPool3d(2), (1, 2, 8, 40, 30),
     "N x 2 x floor(D/2) x floor(H/2) x floor(W/2)"),
    ("vector", nn.Linear(5, 2), (1, 5), "N x 2"),
    ("ceil mode", nn.MaxPool2d(3, 2, ceil_mode=True), (1, 2, 32, 32),
     "N x 2 x floor(H/2) x floor(W/2)"),
    ("transposed", nn.ConvTranspose2d(2, 3, 2, 2), (1, 2, 32, 30), "N x 3 x 2*H x 2*W"),
    ("upsampled", nn.Upsample(scale_factor=3), (1, 2, 32, 30), "N x 2 x 3*H x 3*W"),
    ("pooled away", nn.AdaptiveAvgPool2d(1), (1, 2, 32, 30), "N x 2 x 1 x 1"),
    ("flattened", nn.Flatten(2), (1, 2, 32, 30), "N x 2 x H*W"),
    ("same padding", Applied(same_padding), (1, 2, 32, 30), "N x 2 x ceil(H/2) x ceil(W/2)"),
    ("windows", Applied(windows), (1, 2, 28, 28), "N*ceil(H/7)*ceil(W/7) x 49 x 2"),
    (
        "windows of patches",
        nn.Sequential(nn.Conv2d(3, 2, 16, 16), Applied(partial(windows, side=14))),
        (1, 3, 1024, 1024),
        "N*floor((H + 208)/224)*floor((W + 208)/224) x 196 x 2",
    ),
    ("resized", Applied(resized), (1, 2, 28, 28), "N x 4*ceil(H/2)*ceil(W/2) x 2"),
    ("class token", Applied(lambda x: torch.cat([x[:, :, :1], x], 2)), (1, 2, 40),
     "N x 2 x L + 1"),
    ("sliced", Applied(lambda x: x[:, :, 1::2]), (1, 2, 40), "N x 2 x floor(L/2)"),
    ("attention", nn.TransformerEncoderLayer(8, 2, batch_first=True), (3, 16, 8), "N x 16 x 8"),
    ("unfolded", nn.Unfold(3, stride=2), (1, 2, 32, 30),
     "N x 18 x (ceil(H/2) - 1)*(ceil(W/2) - 1)"),
    ("added", Functional((1, 4, 1, 1), lambda x, w: x + w), (1, 1, 9, 8), "N x 4 x H x W"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "shape", "text"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_formula_is_short(module: nn.Module, shape: tuple[int, ...], text: str) -> None:
    assert text_of(module, *shape) == text


def test_a_chain_of_strides_is_one_floor() -> None:
    stack = [nn.Conv2d(3, 3, 3, 2, 1) for _ in range(5)]
    assert text_of(nn.Sequential(*stack), 1, 3, 224, 224) == "N x 3 x ceil(H/32) x ceil(W/32)"


def test_known_rules_take_two_more_passes() -> None:
    formulas, _ = formulas_of(nn.Conv2d(3, 3, 3, 2, 1), 1, 3, 64, 64)
    assert len(formulas.probes) == 3


def test_sizes_from_python_take_at_most_five_more() -> None:
    formulas, _ = formulas_of(Applied(windows), 1, 2, 28, 28)
    assert 3 < len(formulas.probes) <= 6


def squares(x: Tensor) -> Tensor:
    tokens = x.flatten(2)
    side = int(tokens.shape[-1] ** 0.5)
    return tokens.view(*tokens.shape[:2], side, side)


def only(side: int) -> Callable[[Tensor], Tensor]:
    def refuse(x: Tensor) -> Tensor:
        assert x.shape[-2:] == (side, side), "wrong size"
        return x

    return refuse


def one(x: Tensor) -> Tensor:
    assert x.shape[0] == 1, "one at a time"
    return x


NOTED: list[tuple[str, nn.Module, str, str]] = [
    ("squares", Applied(squares), "N x 2 x H x H", "unequal sides are not taken: H = W"),
    ("one size", Applied(only(32)), "N x 2 x 32 x 32", "only 32 x 32 was found to be taken"),
    ("multiples", nn.PixelUnshuffle(4), "N x 32 x H/4 x W/4", "by multiples of 4"),
    ("one batch", Applied(one), "1 x 2 x H x W", "only batches of 1 are taken"),
]


@pytest.mark.parametrize(
    ("module", "text", "note"), [c[1:] for c in NOTED], ids=[c[0] for c in NOTED]
)
def test_what_a_formula_takes_for_granted_is_said(module: nn.Module, text: str, note: str) -> None:
    formulas, graph = formulas_of(module, 1, 2, 32, 32)
    assert formulas.text(graph.outputs[0]) == text
    assert note in " ".join(formulas.notes)


def test_positions_of_one_size_leave_room_for_what_the_patches_drop() -> None:
    """196 positions: 14 patches of 16 a side, and up to 15 rows beyond them that are dropped."""
    patches = nn.Sequential(nn.Conv2d(3, 4, 16, 16), nn.Flatten(2))
    positions = Functional((4, 196), lambda x, w: x + w)
    network = Traceable.of(nn.Sequential(patches, positions))
    graph, _ = trace(network, (1, 3, 224, 224))
    assert Probes(network, graph).granularity.reach == (0, 15)


def test_what_fits_nothing_is_unknown() -> None:
    strange = Applied(lambda x: x[:, :, : x.shape[2] ** 2 % 23 + 1])
    formulas, graph = formulas_of(strange, 1, 2, 40, 40)
    assert formulas.text(graph.outputs[0]) == "N x 2 x ? x W"
    assert formulas.evaluate(graph.outputs[0], N=1, H=9, W=8) == (1, 2, None, 8)
    assert formulas.unknown == 1
    assert formulas.product(graph.outputs[0]) is None


def widened(x: Tensor) -> Tensor:
    return F.avg_pool1d(x if x.shape[-1] > 7 else F.interpolate(x, 7), 7, 1)


def test_a_size_at_which_the_formula_gives_none_is_unknown() -> None:
    formulas, graph = formulas_of(Applied(widened), 1, 2, 40)
    assert formulas.text(graph.outputs[0]) == "N x 2 x L - 6"
    assert formulas.evaluate(graph.outputs[0], N=1, L=7) == (1, 2, 1)
    assert formulas.evaluate(graph.outputs[0], N=1, L=5) == (1, 2, None)


def conditional(x: Tensor) -> Tensor:
    if x.shape[-1] % 2:
        x = F.pad(x, (0, 1))
    return x[:, :, ::2]


def test_operators_that_run_at_some_sizes_only_do_not_mislead() -> None:
    assert text_of(Applied(conditional), 1, 2, 40) == "N x 2 x ceil(L/2)"


def test_multiply_adds_follow_from_the_formula() -> None:
    formulas, graph = formulas_of(nn.Conv2d(3, 64, 7, 2, 3), 1, 3, 224, 224)
    outputs = formulas.product(graph.outputs[0])
    assert outputs is not None
    assert str(outputs * constant(3 * 7 * 7)) == "9408*N*ceil(H/2)*ceil(W/2)"
    assert (outputs * 147).evaluate(N=1, H=224, W=224) == 118013952


def test_the_network_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    before = {name: x.clone() for name, x in module.state_dict().items()}
    formulas_of(module, 1, 3, 16, 16)
    assert module.training
    assert not module._forward_hooks
    assert all(torch.equal(x, before[name]) for name, x in module.state_dict().items())
