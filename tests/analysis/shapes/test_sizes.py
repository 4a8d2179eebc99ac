"""Sizes that a network takes, those that divide evenly, and the price of one more pixel."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.analysis.recording.trace import Traceable, trace
from hubel.analysis.shapes.dropping import drops
from hubel.analysis.shapes.formulas import shape_formulas
from hubel.analysis.shapes.probes import Axes, Probes
from hubel.analysis.shapes.sizes import Sizes, legal_sizes
from hubel.errors import DesignError


def zoo(name: str) -> nn.Module:
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        return torchvision.models.get_model(name)


def sizes_of(module: nn.Module, *sample: int) -> Sizes:
    return legal_sizes(Traceable.of(module), sample)


def takes(module: nn.Module, channels: int, side: int) -> bool:
    """By a real pass."""
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(1, channels, side, side))
    except RuntimeError:
        return False
    return True


layers = st.builds(
    lambda pool, k, s, p: nn.MaxPool2d(k, s, min(p, k // 2)) if pool else nn.Conv2d(2, 2, k, s, p),
    st.booleans(), st.integers(1, 7), st.integers(1, 3), st.integers(0, 2),
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(layers, min_size=1, max_size=4))
def test_the_smallest_input_is_taken_and_the_next_smaller_is_not(stack: list[nn.Module]) -> None:
    module = nn.Sequential(*stack)
    smallest = sizes_of(module, 2, 700, 700).smallest
    assert takes(module, 2, smallest[0])
    assert smallest[0] == 1 or not takes(module, 2, smallest[0] - 1)


@settings(max_examples=40)
@given(layer=layers, side=st.integers(60, 90))
def test_rows_that_are_dropped_have_no_influence_and_the_row_before_them_has(
    layer: nn.Module, side: int
) -> None:
    image = torch.randn(1, 2, side, side)
    graph, _ = trace(Traceable.of(layer), (1, 2, side, side))
    read = side - sum(drop.dropped for drop in drops(graph) if drop.axis == "rows")
    other = image.clone()
    other[:, :, read:] = 7.0
    with torch.no_grad():
        assert torch.equal(layer(other), layer(image))
        other[:, :, read - 1] = 1e6
        is_read = not torch.equal(layer(other), layer(image))
    assert is_read or layer.stride > layer.kernel_size  # it skips rows everywhere


@settings(max_examples=25)
@given(stack=st.lists(layers, min_size=1, max_size=3), count=st.integers(1, 200))
def test_multiples_of_what_is_lossless_or_even_are(stack: list[nn.Module], count: int) -> None:
    module = nn.Sequential(*stack)
    found = sizes_of(module, 2, 400, 400)
    for number, is_even in ((found.lossless, False), (found.even, True)):
        side = (number or 0) * count
        if side < found.smallest[0]:
            continue
        graph, _ = trace(Traceable.of(module), (1, 2, side, side))
        if is_even:
            inputs = [op.inputs[0].shape[2] for op in graph.operators]
            strides = [_rows(layer.stride) for layer in stack]
            assert not any(size % s for size, s in zip(inputs, strides, strict=True))
        else:
            assert drops(graph) == ()


def _rows(given: int | tuple[int, int]) -> int:
    return given if isinstance(given, int) else given[0]


@pytest.mark.parametrize("name", ["convnext_tiny", "alexnet"])
def test_multiples_that_lose_nothing_lose_nothing(name: str) -> None:
    module = zoo(name)
    lossless = sizes_of(module, 3, 224, 224).lossless
    assert lossless == 32
    for count in (3, 4, 9):
        side = count * lossless
        graph, _ = trace(Traceable.of(module), (1, 3, side, side))
        assert drops(graph) == ()


# What one more pixel a side costs: ResNet-18 2.049/1.814 G multiply-adds, ConvNeXt-T none, counted
# by torch.utils.flop_counter on the meta device.
@pytest.mark.parametrize(
    ("name", "percent", "smallest", "even"),
    [("resnet18", 13, 1, 32), ("convnext_tiny", 0, 32, 32), ("vgg11", 0, 32, 32)],
)
def test_one_more_pixel(name: str, percent: int, smallest: int, even: int) -> None:
    found = sizes_of(zoo(name), 3, 224, 224)
    assert found.larger is not None
    assert found.larger.sides == (225, 225)
    assert round(100 * found.larger.cost - 100) == percent
    assert (found.smallest, found.even, found.step) == ((smallest, smallest), even, 1)


def test_few_passes_are_needed() -> None:
    network = Traceable.of(zoo("resnet18"))
    probes = Probes(network, trace(network, (1, 3, 224, 224))[0])
    legal_sizes(network, (3, 224, 224), probes=probes)
    assert len(probes.tried) <= 8


def test_the_cost_is_counted_as_asked() -> None:
    network = Traceable.of(nn.Conv2d(1, 1, 1))
    found = legal_sizes(network, (1, 10, 10), multiply_adds=lambda g: g.inputs[0].shape[2] + 10)
    assert found.larger is not None
    assert found.larger.cost == 21 / 20


def test_a_thrown_pixel_is_named() -> None:
    found = sizes_of(zoo("convnext_tiny"), 3, 225, 224)
    assert [(drop.layer, drop.axis, drop.dropped, drop.arithmetic) for drop in found.drops] == [
        ("features.0.0", "rows", 1, "225 = 56 x 4 + 1")
    ]


def test_padding_that_is_not_used_is_no_loss() -> None:
    assert sizes_of(nn.Conv2d(3, 4, 3, 2, 1), 3, 32, 32).drops == ()


def test_padding_before_a_layer_is_no_part_of_its_input() -> None:
    module = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 4, 4, 4))
    found = sizes_of(module, 3, 32, 32)
    assert found.drops == ()
    assert found.even == 4


def test_a_stride_beyond_its_kernel_skips_and_drops_nothing() -> None:
    assert sizes_of(nn.Conv2d(3, 4, 1, 2), 3, 32, 32).drops == ()


class Only(nn.Module):
    """Takes what a rule allows."""

    def __init__(self, rule: Callable[[int, int], bool]) -> None:
        super().__init__()
        self.rule = rule
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        assert self.rule(*x.shape[2:]), "not this size"
        return F.relu(self.conv(x))


RULES: list[tuple[str, Callable[[int, int], bool], dict[str, object], str]] = [
    ("any", lambda h, w: True, {"step": 1, "smallest": (1, 1), "is_square": False},
     "It takes all sizes from 1x1 on."),
    ("from 10", lambda h, w: min(h, w) >= 10, {"step": 1, "smallest": (10, 10)},
     "It takes all sizes from 10x10 on."),
    ("one", lambda h, w: h == w == 64, {"step": None, "smallest": (64, 64), "larger": None},
     "It takes 64x64 and no other size."),
    ("squares", lambda h, w: h == w, {"step": 1, "is_square": True},
     "It takes all squares from 1x1 on."),
    ("by 16", lambda h, w: h % 16 == w % 16 == 0, {"step": 16, "smallest": (16, 16)},
     "It takes sizes with sides that are multiples of 16, from 16x16 on."),
    ("by 28", lambda h, w: (h - 64) % 28 == (w - 64) % 28 == 0, {"step": 28, "smallest": (8, 8)},
     "It takes sizes with sides 28 apart, from 8x8 on."),
    ("60 to 70", lambda h, w: 60 <= h <= 70 and 60 <= w <= 70,
     {"step": 1, "smallest": (60, 60), "largest": (70, 70), "is_square": False},
     "It takes sizes from 60x60 to 70x70."),
    ("rows alone", lambda h, w: w == 64 and h > 8,
     {"step": 1, "smallest": (9, 64), "sides": (64, 64), "fixed": {"W": 64}},
     "W is fixed at 64; otherwise it takes all sizes from 9x64 on."),
    ("columns alone by 16", lambda h, w: h == 64 and w % 16 == 0,
     {"step": 16, "smallest": (64, 16), "fixed": {"H": 64}},
     "H is fixed at 64; otherwise it takes sizes with sides that are multiples of 16, "
     "from 64x16 on."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "facts", "sentence"), [r[1:] for r in RULES], ids=[r[0] for r in RULES]
)
def test_what_is_taken_is_found_and_said(
    rule: Callable[[int, int], bool], facts: dict[str, object], sentence: str
) -> None:
    found = sizes_of(Only(rule), 3, 64, 64)
    assert {name: getattr(found, name) for name in facts} == facts
    assert found.sentences()[0] == sentence


SENTENCES = [
    ("resnet18", 224, ["It takes all sizes from 1x1 on.",
                       "Sides that are multiples of 32 are divided evenly by every stride.",
                       "No size loses rows to a stride.",
                       "One more pixel a side (225x225) costs 13% more."]),
    ("convnext_tiny", 226, [
        "It takes all sizes from 32x32 on.",
        "At 226x226, features.0.0 leaves 2 rows and 2 columns unread (226 = 56 x 4 + 2).",
        "Sides that are multiples of 32 are divided evenly; others may lose rows.",
        "One more pixel a side (227x227) costs nothing: the pixel is thrown away at features.0.0 "
        "(227 = 56 x 4 + 3)."]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "side", "sentences"), SENTENCES)
def test_the_facts_are_said_in_sentences(name: str, side: int, sentences: list[str]) -> None:
    assert list(sizes_of(zoo(name), 3, side, side).sentences()) == sentences


def test_other_axes_have_their_words() -> None:
    sound = sizes_of(nn.Conv1d(1, 2, 4, 4), 1, 33)
    assert "1 position unread" in " ".join(sound.sentences())
    volume = sizes_of(nn.MaxPool3d(2), 1, 9, 8, 11)
    assert [drop.axis for drop in volume.drops] == ["slices", "columns"]


def test_a_network_of_vectors_has_no_sides() -> None:
    found = sizes_of(nn.Linear(4, 2), 4)
    assert found.sides == found.smallest == found.sentences() == ()


def test_the_facts_are_json() -> None:
    found = sizes_of(nn.Conv2d(3, 4, 4, 4), 3, 33, 32).to_json()
    assert json.loads(json.dumps(found)) == found
    assert found["larger"]["sides"] == [34, 33]
    assert found["drops"][0]["layer"] == "convolution"


def test_an_input_that_is_not_taken_is_an_error_of_the_layer() -> None:
    with pytest.raises(DesignError, match="expected 3 channels, got 4"):
        sizes_of(nn.Conv2d(3, 4, 4), 4, 32, 32)


@pytest.mark.parametrize(
    ("shapes", "sizes"),
    [
        ([(2, 5)], {"N": 2}),
        ([(2, 5, 9)], {"N": 2, "L": 9}),
        ([(2, 5, 9, 8)], {"N": 2, "H": 9, "W": 8}),
        ([(2, 5, 4, 9, 8)], {"N": 2, "D": 4, "H": 9, "W": 8}),
    ],
)
def test_axes_have_the_names_of_the_field(
    shapes: list[tuple[int, ...]], sizes: dict[str, int]
) -> None:
    assert Axes.of(shapes).sizes == sizes


def test_a_second_input_shares_the_axes_of_the_first_or_stays_as_it_is() -> None:
    axes = Axes.of([(1, 3, 8, 8), (1, 1, 8, 8), (1, 10)])
    moved = axes.shapes([(1, 3, 8, 8), (1, 1, 8, 8), (1, 10)], {"N": 2, "H": 9, "W": 7})
    assert moved == [[2, 3, 9, 7], [2, 1, 9, 7], [2, 10]]


class Columns(nn.Module):
    """A linear layer over the columns of each row, as in a mixer of one axis."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


def test_an_axis_that_is_free_keeps_its_letter_where_another_is_fixed() -> None:
    network = Traceable.of(Columns())
    graph, _ = trace(network, (1, 3, 32, 32))
    formulas = shape_formulas(network, graph)
    assert formulas.text(graph.outputs[0]) == "N x 3 x H x 5"
    assert formulas.notes == ("W is fixed at 32: it is a number in the formulas",)
    assert Columns()(torch.zeros(1, 3, 40, 32)).shape == (1, 3, 40, 5)
    found = legal_sizes(network, (3, 32, 32))
    assert found.larger is not None
    assert found.larger.sides == (33, 32)
    assert found.larger.cost == 33 / 32


class Loop(nn.Module):
    """Steps along all positions, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(3, 8)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for part in x.flatten(2).unbind(2):
            state = self.cell(part, state)
        assert state is not None
        return state[0][:, :, None] + x.flatten(2).mean(1, keepdim=True)


def test_a_loop_over_positions_is_told_from_sizes_that_are_near() -> None:
    network = Traceable.of(Loop())
    graph, _ = trace(network, (1, 3, 4, 4))
    probes = Probes(network, graph)
    formulas = shape_formulas(network, graph, probes)
    ran = [len(p.graph.operators) for p in probes.tried.values() if p is not None]
    assert max(ran) <= len(graph.operators) + 1000
    assert formulas.text(graph.outputs[0]) == "N x 8 x H*W"
    assert formulas.evaluate(graph.outputs[0], N=2, H=9, W=11) == (2, 8, 99)
    assert any("a loop over positions" in note for note in formulas.notes)
    assert legal_sizes(network, (3, 4, 4), probes=probes).sentences()[0] == (
        "It takes all sizes from 1x1 on."
    )
